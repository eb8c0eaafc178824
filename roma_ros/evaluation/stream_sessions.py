"""Sessions on a continuous stream: one that follows it all, and a fresh one for each scene.

All sessions are stepped with the same encoded units, as the assistant does.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from roma_ros.assistant.config import AssistantConfig
from roma_ros.assistant.watch_session import WatchSession
from roma_ros.evaluation.stream_outcomes import Session
from roma_ros.evaluation.stream_protocol import Context
from roma_ros.events import Event, Narration, SpeakProbability
from roma_ros.thinker import ContextPolicy, EncodedUnit, RomaThinker, StreamSession
from roma_ros.watch import Watch, WatchKind
from roma_ros.world import TimedText

__all__ = ["FreshSessions", "WholeSession"]

BOUNDS = AssistantConfig()


class WholeSession:
    """Session from one unit of a stream on, with the p(speak) and texts that it records.

    A narration is decoded after each unit in slices, as the assistant does, and its sentences stay
    in the session.

    Args:
        thinker: the weights.
        watch: watch of the session; `None` for the system prompt alone.
        context: context window.
        start: first unit of the stream that is recorded.
    """

    def __init__(
        self, thinker: RomaThinker, watch: Watch | None, context: Context, start: int = 0
    ) -> None:
        self.start = start
        self.watch_session = WatchSession(watch)
        policy = None if context.policy is None else ContextPolicy.of(context.policy)
        self.watch_session.open(thinker, context.seconds, context_policy=policy)
        self.step_seconds = 0.0
        self._p_speak: list[float] = []
        self._published: dict[int, str] = {}

    @property
    def session(self) -> StreamSession:
        """The thinker's session."""
        assert self.watch_session.session is not None
        return self.watch_session.session

    def prepare(self, unit: EncodedUnit) -> None:
        """Process a unit before `start`, without recording anything."""
        self.watch_session.step(unit)

    def process(self, unit: EncodedUnit) -> None:
        """Process a unit, record p(speak), and decode what is due of a narration."""
        events = self.watch_session.step(unit)
        step = self.watch_session.last_step
        assert step is not None
        assert step.p_speak is not None
        self._p_speak.append(step.p_speak)
        self.step_seconds = step.timings.backbone + step.timings.head
        if self.watch_session.can_speak:
            events += self.watch_session.speak(BOUNDS.max_tokens_per_unit, BOUNDS.reply_tokens)
        self._keep(events)

    def answer(self, question: str, *, keep: bool = False) -> str:
        """Answer a question on a branch, which is discarded or kept."""
        with self.session.branch() as branch:
            got = branch.answer(question, BOUNDS.answer_tokens)
            if keep:
                branch.keep()
        return got.strip()

    def answer_spoken(self) -> str:
        """Answer in the stream what was asked in it; the answer stays in the session."""
        return self.session.speak(BOUNDS.max_tokens_per_unit).reply.strip()

    def close(self) -> Session:
        """Close the session and return what it recorded."""
        self._keep(self.watch_session.close())
        return Session(
            start=self.start,
            p_speak=np.array(self._p_speak),
            published=tuple(TimedText(*item) for item in sorted(self._published.items())),
        )

    def _keep(self, events: Sequence[Event]) -> None:
        watch = self.watch_session.watch
        if watch is None or watch.kind is not WatchKind.NARRATION:
            return
        for event in events:
            if isinstance(event, SpeakProbability) and event.triggered:
                self._published.setdefault(event.unit, "")
            elif isinstance(event, Narration):
                self._published[event.unit] = event.text


class FreshSessions:
    """A session for each scene of a stream, opened when the scene begins.

    A narration's session gets the first unit of the next scene too: there the sentence on what the
    cut ended is due.

    Args:
        thinker: the weights.
        watch: watch of each session; `None` for the system prompt alone.
        context: context window of each.
        lead: units that precede each scene, for a spoken instruction; they are not recorded.
    """

    def __init__(
        self,
        thinker: RomaThinker,
        watch: Watch | None,
        context: Context,
        lead: Sequence[EncodedUnit] = (),
    ) -> None:
        self._thinker, self._watch, self._context = thinker, watch, context
        self.lead = lead
        self._done: list[Session] = []
        self.now: WholeSession | None = None

    def process(self, unit: EncodedUnit, *, begins: bool) -> None:
        """Process a unit; `begins`: it is the first of a scene."""
        if begins:
            self._end(unit)
            self.now = WholeSession(self._thinker, self._watch, self._context, unit.index)
            for before in self.lead:
                self.now.prepare(before)
        assert self.now is not None
        self.now.process(unit)

    def close(self) -> tuple[Session, ...]:
        """Close the last session and return what all recorded."""
        self._end(None)
        return tuple(self._done)

    def _end(self, next_unit: EncodedUnit | None) -> None:
        if self.now is None:
            return
        narrates = self._watch is not None and self._watch.kind is WatchKind.NARRATION
        if narrates and next_unit is not None:
            self.now.process(next_unit)
        self._done.append(self.now.close())
        self.now = None
