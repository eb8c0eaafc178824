"""One session that follows the stream, for a watch or for questions alone."""

from __future__ import annotations

import math
from dataclasses import dataclass

from roma_ros.assistant.status import SessionStatus
from roma_ros.events import Alert, Event, Narration, SpeakProbability
from roma_ros.thinker import (
    EVENT_HAS_ENDED,
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
class Reply:
    """What a watch is saying, and the unit that made it speak."""

    watch: Watch
    step: UnitStep
    p_speak: float
    text: str = ""
    tokens: int = 0


class WatchSession:
    """A watch, its trigger, its session, and what it is saying.

    Args:
        watch: what to watch for; `None` follows the stream for questions alone.

    Attributes:
        session: `None` until it is opened, and after it was closed.
        step: the last unit that the session has heard; `None` before its first.
    """

    def __init__(self, watch: Watch | None) -> None:
        self.watch = watch
        self.session: StreamSession | None = None
        self.step: UnitStep | None = None
        self._trigger = watch.trigger() if watch else None
        self._reply: Reply | None = None
        self._has_spoken = False  # since the last unit

    @property
    def id(self) -> str:
        return self.watch.id if self.watch else ""

    @property
    def wants_to_speak(self) -> bool:
        """A reply goes on, and this unit's budget is not spent."""
        return self._reply is not None and not self._has_spoken

    def open(self, thinker: RomaThinker, context_seconds: float | None) -> None:
        watch = self.watch
        if watch is None:
            self.session = thinker.open_session(None, context_seconds=context_seconds)
            return
        ended = EVENT_HAS_ENDED.format(instruction=watch.instruction)
        self.session = thinker.open_session(
            watch.instruction,
            context_seconds=context_seconds,
            spoken=watch.recording.samples if watch.recording else None,
            yes_no_question=ended if watch.kind is WatchKind.NARRATION else None,
        )

    def close(self) -> list[Event]:
        """Forget the stream; returns what was being said."""
        events = self._cut_reply()
        session, self.session, self.step = self.session, None, None
        if session is not None:
            session.close()
        return events

    def restart(self) -> list[Event]:
        """Forget the stream and what triggered in it; returns what was being said."""
        self._trigger = self.watch.trigger() if self.watch else None
        return self.close()

    def adjust(self, watch: Watch) -> None:
        """Go on with another threshold, window and cooldown."""
        self.watch = watch
        if self._trigger is not None:
            self._trigger.threshold = watch.threshold
        if isinstance(self._trigger, AlertTrigger):
            self._trigger.window, self._trigger.cooldown = watch.window, watch.cooldown

    def hear(self, unit: EncodedUnit) -> list[Event]:
        """Step the session; returns p(speak), and an alert if one is due at once.

        Raises:
            JudgementError: p(speak) is not finite.
        """
        session = self._opened()
        self.step = step = session.step(unit)
        self._has_spoken = False
        if step.p_speak is None:
            return []
        if not math.isfinite(step.p_speak):
            raise JudgementError(
                f"p(speak) is {step.p_speak}, no number: the model's arithmetic has overflowed, or "
                "its weights are damaged; try another dtype"
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
        return [probability, *self._speak_up(Reply(self.watch, step, step.p_speak))]

    def speak(self, max_new_tokens: int, longest: int) -> list[Event]:
        """Go on with the reply; returns it once it is finished, or has `longest` tokens."""
        session, reply = self._opened(), self._reply
        if reply is None:
            return []
        self._has_spoken = True
        utterance = session.speak(min(max_new_tokens, longest - reply.tokens))
        reply.text = utterance.reply
        reply.tokens += utterance.tokens
        if utterance.finished:
            self._reply = None
            return [_spoken(reply, finished=True)]
        return self._cut_reply() if reply.tokens >= longest else []

    def status(self) -> SessionStatus | None:
        """How the session is doing; `None` while it is not open."""
        if (session := self.session) is None:
            return None
        return SessionStatus(
            watch=self.watch,
            p_speak=self.step.p_speak if self.step else None,
            speaking=self._reply is not None,
            kv_length=session.kv_length,
            kv_capacity=session.kv_capacity,
            memory_bytes=session.memory_bytes,
            units_kept=session.units_kept,
            evicted=session.evicted,
        )

    def _speak_up(self, reply: Reply) -> list[Event]:
        """Begin a reply in place of an older one, or say at once that it happened."""
        if not reply.watch.speaks:
            return [_spoken(reply, finished=True)]
        events = self._cut_reply()
        self._reply = reply
        return events

    def _cut_reply(self) -> list[Event]:
        """Give up the rest of a reply. An alert is told even if it has no words yet."""
        reply, self._reply = self._reply, None
        if self.session is not None:
            self.session.stop_speaking()
        if reply is None or not (reply.text or reply.watch.kind is WatchKind.ALERT):
            return []
        return [_spoken(reply, finished=False)]

    def _opened(self) -> StreamSession:
        if self.session is None:
            raise RuntimeError(f"watch_session {self.id!r} has no session: open it first")
        return self.session


def _spoken(reply: Reply, *, finished: bool) -> Event:
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
