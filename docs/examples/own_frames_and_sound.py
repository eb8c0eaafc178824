"""Bring your own frames and sound: NumPy arrays in, events out, without ROS and without files.

python own_frames_and_sound.py
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from roma_ros.assistant import Assistant, AssistantConfig
from roma_ros.events import Alert, Answer, Event
from roma_ros.thinker import RomaThinker
from roma_ros.units import AudioChunk, MultimodalUnit, RgbFrame, UnitAssembler
from roma_ros.watch import Watch, WatchKind

NS = 1_000_000_000
SECONDS = 8
APPEARS = 4.0  # s: a purple circle
FRAME_RATE = 10  # Hz
SAMPLE_RATE = 48_000  # Hz; any rate from 8 to 192 kHz, any number of channels up to 8


def picture(seconds: float) -> np.ndarray:
    """Return the camera's image: uint8 (240, 320, 3) RGB."""
    rgb = np.full((240, 320, 3), (70, 70, 70), np.uint8)
    if seconds >= APPEARS:
        rows, columns = np.ogrid[:240, :320]
        rgb[(rows - 120) ** 2 + (columns - 160) ** 2 < 30**2] = (180, 50, 200)
    return rgb


def items() -> Iterator[RgbFrame | AudioChunk]:
    """Yield frames and audio chunks of 0.1 s in the order of their stamps (ns)."""
    noise = np.random.default_rng(0)
    for number in range(SECONDS * FRAME_RATE):
        stamp = number * NS // FRAME_RATE
        samples = 0.01 * noise.standard_normal(SAMPLE_RATE // FRAME_RATE)
        yield RgbFrame(stamp, picture(stamp / NS))
        yield AudioChunk(stamp, SAMPLE_RATE, samples.astype(np.float32))


def units() -> Iterator[MultimodalUnit]:
    """Cut the stream into units of one second."""
    assembler = UnitAssembler()
    for item in items():
        assembler.add(item)
        yield from assembler.units()
    yield from assembler.flush()  # the last second: nothing more will come


def print_event(event: Event) -> None:
    """Print an event; the assistant's worker calls this with each, in order."""
    if isinstance(event, Alert):
        print(
            f"{event.stamp / NS:5.1f} s  alert: {event.instruction}, p(speak) {event.p_speak:.2f}"
        )
    elif isinstance(event, Answer):
        print(f"{event.stamp / NS:5.1f} s  answer: {event.text}")


def main() -> int:
    thinker = RomaThinker.from_pretrained("roma_tiny")
    # A live stream: start() the worker thread once, and submit() from any thread. Here all units
    # are there at once, so that they are processed in this thread and none is dropped.
    with Assistant(thinker, AssistantConfig(), on_event=print_event) as assistant:
        assistant.watch(
            Watch(
                id="circle",
                kind=WatchKind.ALERT,
                instruction="alert me when a purple circle appears",
                threshold=0.5,
            )
        )
        for unit in units():
            assistant.submit(unit)
            while assistant.run_pending():
                pass
        answer = assistant.ask("is there a purple circle?")
        while not answer.done():
            assistant.run_pending()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
