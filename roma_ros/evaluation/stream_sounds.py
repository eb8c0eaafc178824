"""Streams with alerts on recorded sounds, and alerts of unknown words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from roma_ros.evaluation.stream_cases import run_alerts
from roma_ros.evaluation.stream_outcomes import StreamOutcomes
from roma_ros.evaluation.stream_protocol import EvalSection, StreamProtocol
from roma_ros.evaluation.stream_watches import AlertCase, typed_case
from roma_ros.thinker import RomaThinker
from roma_ros.world import (
    ContinuousStream,
    Plot,
    RecordingLibrary,
    Scene,
    Split,
    WorldAlert,
    WorldEvent,
    make_continuous,
    make_scene,
    unknown_alerts,
)
from roma_ros.world.alert import draw_wording
from roma_ros.world.splits import Purpose, generator

__all__ = ["run_recordings", "run_unknown_words"]

UNKNOWN_ALERTS = 6  # on a stream
UNKNOWN = "unknown"  # kind of their cases


def run_recordings(
    thinker: RomaThinker, protocol: StreamProtocol, seed: int, seconds: int
) -> StreamOutcomes:
    """Run an alert for each kind of sound on recordings with short pauses between them.

    Alerts of unknown words run on the same stream if that section is wanted.

    Raises:
        RecordingsError: the folder has no recording of the test split that can be used.
    """
    assert protocol.recordings is not None
    library = RecordingLibrary.open(protocol.recordings)
    scene = make_scene(seed, seconds, Plot.RECORDINGS, library)
    scene = replace(scene, figures=(), touches=())
    stream = ContinuousStream(seed, [scene])
    random = generator(seed, Purpose.ALERTS)
    cases = []
    for kind in library.kinds_of(Split.TEST):
        event = WorldEvent(sound=kind)
        wording = draw_wording(seed, random)
        alert = WorldAlert(event, True, stream.labels(event), wording=wording)
        case = typed_case(alert, "recordings", fresh=False)
        cases.append(replace(case, kind=kind.value))
    if protocol.runs(EvalSection.UNKNOWN):
        cases += _unknown_cases(scene, "recordings")
    section = EvalSection.RECORDINGS
    outcomes = run_alerts(thinker, protocol, section, "recordings", stream.units(), cases)
    outcomes.alerts = [
        replace(alert, section=EvalSection.UNKNOWN) if alert.kind == UNKNOWN else alert
        for alert in outcomes.alerts
    ]
    return outcomes


def run_unknown_words(
    thinker: RomaThinker, protocol: StreamProtocol, seed: int, seconds: int
) -> StreamOutcomes:
    """Run alerts of unknown words on a stream of the world."""
    stream = make_continuous(seed, seconds)
    cases = list(_unknown_cases(stream.scene, "world"))
    return run_alerts(thinker, protocol, EvalSection.UNKNOWN, "world", stream.units(), cases)


def _unknown_cases(scene: Scene, group: str) -> Iterator[AlertCase]:
    for alert in unknown_alerts(scene, UNKNOWN_ALERTS):
        yield replace(typed_case(alert, group, fresh=False), kind=UNKNOWN)
