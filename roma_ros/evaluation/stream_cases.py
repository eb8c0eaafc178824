"""Runs of one continuous stream: alerts with questions beside them, or a narration."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from roma_ros.evaluation.stream_load import LoadRecorder
from roma_ros.evaluation.stream_outcomes import StreamAlert, StreamNarration, StreamOutcomes
from roma_ros.evaluation.stream_protocol import EvalSection, StreamProtocol
from roma_ros.evaluation.stream_questions import Beside, BranchQuestions, KeptQuestions
from roma_ros.evaluation.stream_sessions import FreshSessions, WholeSession
from roma_ros.evaluation.stream_watches import (
    LEAD,
    AlertCase,
    alert_watch,
    narration_watch,
    spoken_cases,
    typed_case,
)
from roma_ros.thinker import EncodedUnit, RomaThinker
from roma_ros.units import MultimodalUnit
from roma_ros.world import ContinuousStream, Plot, TimedText

__all__ = ["run_alerts", "run_crowd", "run_narration"]

SPOKEN_CANDIDATES = 4  # alerts drawn for each that is to be spoken, as some take too long


def run_crowd(
    thinker: RomaThinker,
    protocol: StreamProtocol,
    section: EvalSection,
    stream: ContinuousStream,
    *,
    fresh: bool,
) -> StreamOutcomes:
    """Run alerts and typed questions on one stream.

    Args:
        thinker: the weights.
        protocol: number of alerts, context window and thresholds.
        section: section of the outcomes.
        stream: stream of crowded scenes with a lead of `LEAD` units.
        fresh: whether fresh sessions are run for each scene.
    """
    alerts = stream.alerts(protocol.alerts + SPOKEN_CANDIDATES * protocol.spoken_alerts)
    cases = [typed_case(alert, "typed", fresh=fresh) for alert in alerts[: protocol.alerts]]
    kept = KeptQuestions(thinker, protocol, stream, section, replace(cases[0], group="kept"))
    spoken = alerts[protocol.alerts :]
    cases += spoken_cases(spoken, protocol.spoken_alerts, stream.seed, fresh=fresh)
    outcomes = run_alerts(
        thinker,
        protocol,
        section,
        str(stream.seed),
        stream.units(),
        cases,
        starts=[part.start for part in stream.parts],
        beside=[BranchQuestions(thinker, protocol, stream, section, fresh=fresh), kept],
    )
    same = outcomes.alerts[0].fresh  # the kept questions' alert has the first one's instruction
    outcomes.alerts[-1] = replace(outcomes.alerts[-1], fresh=same)
    return outcomes


def run_narration(
    thinker: RomaThinker,
    protocol: StreamProtocol,
    section: EvalSection,
    stream: ContinuousStream,
    *,
    fresh: bool,
) -> StreamOutcomes:
    """Run a narration on one stream of scenes with one thing after another."""
    watch = narration_watch(protocol)
    whole = WholeSession(thinker, watch, protocol.context)
    again = FreshSessions(thinker, watch, protocol.context) if fresh else None
    starts = {part.start for part in stream.parts}
    load = LoadRecorder(section, f"{stream.seed} narration")
    for unit in stream.units():
        encoded = thinker.encode(unit)
        whole.process(encoded)
        load.add(encoded, [whole])
        if again is not None:
            again.process(encoded, begins=unit.index in starts)
    narration = StreamNarration(
        section=section,
        stream=str(stream.seed),
        group=Plot.SEQUENCE.value,
        due=tuple(TimedText(segment.end, segment.text) for segment in stream.segments),
        cuts=stream.cuts,
        session=whole.close(),
        fresh=() if again is None else again.close(),
    )
    return StreamOutcomes(narrations=[narration], loads=[load.outcome()])


def run_alerts(
    thinker: RomaThinker,
    protocol: StreamProtocol,
    section: EvalSection,
    name: str,
    units: Iterable[MultimodalUnit],
    cases: Sequence[AlertCase],
    *,
    starts: Iterable[int] = (0,),
    beside: Sequence[Beside] = (),
    narrate: str = "",
) -> StreamOutcomes:
    """Run alerts on one stream; each unit is encoded once for all sessions.

    Args:
        thinker: the weights.
        protocol: context window and thresholds.
        section: section of the outcomes.
        name: name of the stream.
        units: units of the stream, with indices from 0 on.
        cases: the alerts. Fresh sessions of a spoken one get the first `LEAD` units first.
        starts: first unit of each scene, 0 included, for fresh sessions.
        beside: questions on the same stream.
        narrate: group of a narration on the same stream that has nothing to report; empty for
            none.
    """
    begins = set(starts)
    lead: list[EncodedUnit] = []
    tracks = [_Track(thinker, protocol, case, lead) for case in cases]
    narration = None
    if narrate:
        narration = WholeSession(thinker, narration_watch(protocol), protocol.context)
    load = LoadRecorder(section, name)
    for unit in units:
        encoded = thinker.encode(unit)
        if unit.index < LEAD:
            lead.append(encoded)
        followed = [track.whole for track in tracks]
        followed += [session for questions in beside for session in questions.sessions()]
        for track in tracks:
            track.process(encoded, begins=unit.index in begins)
        for questions in beside:
            questions.process(encoded)
        if narration is not None:
            narration.process(encoded)
            followed.append(narration)
        load.add(encoded, followed)
    outcomes = StreamOutcomes(
        alerts=[track.close(section, name) for track in tracks], loads=[load.outcome()]
    )
    for questions in beside:
        outcomes.add(questions.close())
    if narration is not None:
        told = narration.close()
        outcomes.narrations.append(
            StreamNarration(
                section=section, stream=name, group=narrate, due=(), cuts=(), session=told
            )
        )
    return outcomes


class _Track:
    """Sessions of one alert: one on the whole stream, and fresh ones if wanted."""

    def __init__(
        self,
        thinker: RomaThinker,
        protocol: StreamProtocol,
        case: AlertCase,
        lead: Sequence[EncodedUnit],
    ) -> None:
        self.case = case
        watch = alert_watch(case, protocol)
        self.whole = WholeSession(thinker, watch, protocol.context)
        self.fresh = None
        if case.fresh:
            before = () if case.spoken is None else lead
            self.fresh = FreshSessions(thinker, watch, protocol.context, before)

    def process(self, unit: EncodedUnit, *, begins: bool) -> None:
        self.whole.process(unit)
        in_lead = self.case.spoken is not None and unit.index < LEAD
        if self.fresh is not None and not in_lead:
            self.fresh.process(unit, begins=begins)

    def close(self, section: EvalSection, name: str) -> StreamAlert:
        return StreamAlert(
            section=section,
            stream=name,
            group=self.case.group,
            kind=self.case.kind,
            instruction=self.case.instruction,
            labels=self.case.labels,
            unclear=self.case.unclear,
            session=self.whole.close(),
            fresh=() if self.fresh is None else self.fresh.close(),
        )
