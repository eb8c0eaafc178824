"""One watch on the stream: unit -> step of its session -> trigger -> events.

The worker steps each `WatchSession` with every encoded unit. An alert is decided in `step`:
p(speak) goes through the watch's trigger (`roma_ros.triggers`). Its words, if the watch has any,
are decoded in `speak`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from roma_ros.assistant.status import SessionStatus
from roma_ros.events import Alert, Event, Narration, SpeakProbability
from roma_ros.thinker import (
    EVENT_HAS_ENDED,
    ContextPolicy,
    EncodedUnit,
    JudgementError,
    RomaThinker,
    StreamSession,
    UnitStep,
)
from roma_ros.triggers import AlertTrigger
from roma_ros.watch import Watch, WatchKind

__all__ = ["WatchSession"]


@dataclass(slots=True)
class PendingReply:
    """Reply that is being decoded, and the unit that triggered it."""

    watch: Watch
    step: UnitStep
    p_speak: float
    text: str = ""
    tokens: int = 0


class WatchSession:
    """A watch with its trigger, its session, and the reply that is being decoded.

    Args:
        watch: the watch; `None` for a session that only answers questions.

    Attributes:
        session: the thinker's session; `None` until it is opened, and after it was closed.
        last_step: the session's last step; `None` before its first.
    """

    def __init__(self, watch: Watch | None) -> None:
        self.watch = watch
        self.session: StreamSession | None = None
        self.last_step: UnitStep | None = None
        self._trigger = watch.trigger() if watch else None
        self._reply: PendingReply | None = None
        self._budget_is_spent = False  # since the last unit

    @property
    def id(self) -> str:
        """Id of the watch; empty without one."""
        return self.watch.id if self.watch else ""

    @property
    def can_speak(self) -> bool:
        """Whether a reply is unfinished, and the budget of this unit is not spent."""
        return self._reply is not None and not self._budget_is_spent

    def open(
        self,
        thinker: RomaThinker,
        context_seconds: float | None,
        *,
        context_policy: ContextPolicy | None = None,
        handover_overlap: float | None = None,
        memory_megabytes: float = 0,
    ) -> None:
        """Open the session.

        Args:
            thinker: the model.
            context_seconds: units in the context window; `None`: as the checkpoint was trained.
            context_policy: what to do when it is full; `None`: as the checkpoint was trained.
            handover_overlap: seconds in sight right after a handover; `None`: half of the window.
            memory_megabytes: most megabytes for units that left the window; 0 for none.
        """
        watch = self.watch
        instruction = spoken = question = None
        if watch is not None:
            instruction = watch.instruction
            spoken = watch.recording.samples if watch.recording else None
            if watch.kind is WatchKind.NARRATION:
                question = EVENT_HAS_ENDED.format(instruction=instruction)
        self.session = thinker.open_session(
            instruction,
            context_seconds=context_seconds,
            context_policy=context_policy,
            handover_overlap=handover_overlap,
            memory_megabytes=memory_megabytes,
            spoken=spoken,
            yes_no_question=question,
        )

    def close(self) -> list[Event]:
        """Close the session; return the unfinished reply as an event, if there is one."""
        events = self._cut_reply()
        session, self.session, self.last_step = self.session, None, None
        if session is not None:
            session.close()
        return events

    def restart(self) -> list[Event]:
        """Close the session and reset the trigger; return the unfinished reply as `close` does."""
        self._trigger = self.watch.trigger() if self.watch else None
        return self.close()

    def adjust(self, watch: Watch) -> None:
        """Set threshold, window and cooldown; the session continues."""
        self.watch = watch
        if self._trigger is not None:
            self._trigger.threshold = watch.threshold
        if isinstance(self._trigger, AlertTrigger):
            self._trigger.window, self._trigger.cooldown = watch.window, watch.cooldown

    def step(self, unit: EncodedUnit) -> list[Event]:
        """Step the session with a unit, and decide whether the watch triggers.

        Returns:
            p(speak) of the unit, and an alert if one without words is raised; nothing without a
            speak head.

        Raises:
            JudgementError: p(speak) is not finite.
        """
        session = self._open_session()
        self.last_step = step = session.step(unit)
        self._budget_is_spent = False
        if step.p_speak is None:
            return []
        if not math.isfinite(step.p_speak):
            raise JudgementError(
                f"p(speak) is {step.p_speak}; expected a number from 0 to 1: the model's "
                "arithmetic has overflowed, or its weights are damaged; try another dtype"
            )
        triggered = self._trigger is not None and self._trigger.update(step.p_speak, step.stamp)
        probability = SpeakProbability(
            stream=step.stream,
            stamp=step.stamp,
            unit=step.index,
            watch=self.id,
            p_speak=step.p_speak,
            threshold=self.watch.threshold if self.watch else 1.0,
            triggered=triggered,
        )
        if self.watch is None or not triggered:
            return [probability]
        return [probability, *self._start_reply(PendingReply(self.watch, step, step.p_speak))]

    def speak(self, max_new_tokens: int, max_reply_tokens: int) -> list[Event]:
        """Decode some tokens of the reply; return its event once it is finished or cut.

        Args:
            max_new_tokens: tokens to decode now, at most.
            max_reply_tokens: tokens after which the reply is cut.
        """
        session, reply = self._open_session(), self._reply
        if reply is None:
            return []
        self._budget_is_spent = True
        utterance = session.speak(min(max_new_tokens, max_reply_tokens - reply.tokens))
        reply.text = utterance.reply
        reply.tokens += utterance.tokens
        if utterance.finished:
            self._reply = None
            return [_event_of(reply, finished=True)]
        return self._cut_reply() if reply.tokens >= max_reply_tokens else []

    def status(self) -> SessionStatus | None:
        """Return the session's status; `None` while it is not open."""
        if (session := self.session) is None:
            return None
        return SessionStatus(
            watch=self.watch,
            p_speak=self.last_step.p_speak if self.last_step else None,
            speaking=self._reply is not None,
            kv_length=session.kv_length,
            kv_capacity=session.kv_capacity,
            memory_bytes=session.memory_bytes,
            units_kept=session.units_kept,
            evicted=session.evicted,
        )

    def _start_reply(self, reply: PendingReply) -> list[Event]:
        """Start a reply in place of an unfinished one; an alert without words is raised at once."""
        if not reply.watch.speaks:
            return [_event_of(reply, finished=True)]
        events = self._cut_reply()
        self._reply = reply
        return events

    def _cut_reply(self) -> list[Event]:
        """Drop the rest of the reply. An alert is raised even if it has no words yet."""
        reply, self._reply = self._reply, None
        if self.session is not None:
            self.session.stop_speaking()
        if reply is None or not (reply.text or reply.watch.kind is WatchKind.ALERT):
            return []
        return [_event_of(reply, finished=False)]

    def _open_session(self) -> StreamSession:
        if self.session is None:
            raise RuntimeError(f"the session of watch {self.id!r} is not open; open() it first")
        return self.session


def _event_of(reply: PendingReply, *, finished: bool) -> Event:
    kind = Alert if reply.watch.kind is WatchKind.ALERT else Narration
    return kind(
        stream=reply.step.stream,
        stamp=reply.step.stamp,
        unit=reply.step.index,
        watch=reply.watch.id,
        instruction=reply.watch.instruction,
        text=reply.text.strip(),
        p_speak=reply.p_speak,
        finished=finished,
    )
