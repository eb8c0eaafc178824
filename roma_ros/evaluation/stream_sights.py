"""Streams with alerts on sights over real footage."""

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
    FootageError,
    Split,
    WorldAlert,
    WorldEvent,
    make_sight_scene,
    read_footage,
)
from roma_ros.world.sights import SIGHTS
from roma_ros.world.splits import Purpose, generator

__all__ = ["run_sights"]


def run_sights(
    thinker: RomaThinker, protocol: StreamProtocol, seed: int, seconds: int, number: int
) -> StreamOutcomes:
    """Run an alert for each sight on one stream over a clip of the test split.

    Args:
        thinker: the weights.
        protocol: folder of footage, context window and thresholds.
        seed: seed of what happens to the pictures.
        seconds: length of the stream in seconds.
        number: number of the stream, which chooses the clip.
    """
    assert protocol.footage is not None
    try:
        clips = read_footage(protocol.footage, Split.TEST)
    except FootageError as error:
        return StreamOutcomes(left_out=[f"sights: {error}"])
    clip = clips[number % len(clips)]
    stream = ContinuousStream(seed, [make_sight_scene(seed, seconds, [clip], on_footage=1.0)])
    name = f"{clip.name}, stream {number}"
    cases = list(_cases(stream))
    return run_alerts(thinker, protocol, EvalSection.SIGHTS, name, stream.units(), cases)


def _cases(stream: ContinuousStream) -> Iterator[AlertCase]:
    """Yield an alert for each sight, in any of its wordings."""
    random = generator(stream.seed, Purpose.ALERTS)
    for sight in SIGHTS:
        event = WorldEvent(sight=sight, sight_wording=int(random.integers(len(sight.wordings))))
        alert = WorldAlert(event, True, stream.labels(event), unclear=stream.unclear(event))
        colour = "" if sight.colour is None else f" {sight.colour.value}"
        case = typed_case(alert, "sights", fresh=False)
        yield replace(case, kind=f"{sight.kind.value}{colour}", unclear=alert.unclear)
