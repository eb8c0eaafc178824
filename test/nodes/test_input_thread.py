import threading
import time
from typing import ClassVar

import numpy as np

from roma_ros.nodes.input_errors import InputErrors
from roma_ros.nodes.input_thread import InputThread, ReceivedMessage
from roma_ros.units import AssemblerConfig, AudioChunk, ImageError, RgbFrame, UnitAssembler

from .conftest import SECOND, until


class Picture(RgbFrame):
    """A frame that remembers which threads decoded it."""

    decoders: ClassVar[list[str]] = []

    def decode(self) -> np.ndarray:
        self.decoders.append(threading.current_thread().name)
        return super().decode()


def test_only_frames_that_units_keep_are_decoded_and_not_by_the_caller():
    Picture.decoders.clear()
    units = []
    assembler = UnitAssembler(AssemblerConfig(audio=False))
    input_thread = InputThread(assembler, units.append, InputErrors(lambda line: None))
    pixels = np.zeros((8, 8, 3), np.uint8)
    for number in range(90):  # 3 s at 30 Hz
        picture = Picture(SECOND + number * SECOND // 30, pixels)
        input_thread.put(ReceivedMessage("/image", lambda picture=picture: picture))
    until(lambda: len(units) >= 2, "units")
    input_thread.close()
    assert set(Picture.decoders) == {"input"}
    assert len(Picture.decoders) <= 2 * (len(units) + 1)


def test_what_goes_wrong_in_reading_is_counted_and_the_next_message_is_read():
    units = []
    errors = InputErrors(lambda line: None)
    assembler = UnitAssembler(AssemblerConfig(audio=False))
    input_thread = InputThread(assembler, units.append, errors)

    def fail():
        raise ImageError("no picture")

    def crash():
        raise ZeroDivisionError("a bug of a driver")

    input_thread.put(ReceivedMessage("/image", fail))
    input_thread.put(ReceivedMessage("/image", crash))
    pixels = np.zeros((8, 8, 3), np.uint8)
    for number in range(6):
        frame = RgbFrame(SECOND + number * SECOND // 2, pixels)
        input_thread.put(ReceivedMessage("/image", lambda frame=frame: frame))
    until(lambda: len(units) >= 2, "units")
    input_thread.close()
    assert errors.counts == {"/image: ImageError": 1, "/image: ZeroDivisionError": 1}


def test_arrival_and_the_nodes_clock_reach_the_assembler_and_its_notices_the_log():
    units, notices = [], []
    assembler = UnitAssembler(AssemblerConfig(lateness="auto"))
    input_thread = InputThread(
        assembler, units.append, InputErrors(lambda line: None), notices.append
    )
    pixels = np.zeros((8, 8, 3), np.uint8)
    for number in range(60):  # 6 s; the camera's stamps are of the future
        come = SECOND * 100 + number * SECOND // 10
        frame = RgbFrame(come + 3 * SECOND, pixels)
        chunk = AudioChunk(come - SECOND // 10, 16000, np.zeros(1600, np.float32))
        input_thread.put(
            ReceivedMessage("/image", lambda frame=frame: frame, number * SECOND // 10, come)
        )
        input_thread.put(
            ReceivedMessage("/audio", lambda chunk=chunk: chunk, number * SECOND // 10, come)
        )
    until(lambda: len(units) >= 4, "units")
    input_thread.set_lateness(0.3)
    input_thread.close()
    assert assembler.config.lateness == 0.3
    assert any("3.000 s ahead of the microphone's" in notice for notice in notices)
    assert not any(unit.audio_filled for unit in units[1:])


def test_reset_begins_a_new_stream():
    units = []
    assembler = UnitAssembler(AssemblerConfig(audio=False))
    input_thread = InputThread(assembler, units.append, InputErrors(lambda line: None))
    pixels = np.zeros((8, 8, 3), np.uint8)

    def see(first, count):
        for number in range(first, first + count):
            frame = RgbFrame(SECOND + number * SECOND // 2, pixels)
            input_thread.put(ReceivedMessage("/image", lambda frame=frame: frame))

    see(0, 5)
    until(lambda: len(units) == 2, "units")
    input_thread.reset()
    see(5, 5)
    until(lambda: len(units) == 4, "units")
    input_thread.close()
    assert [(unit.stream, unit.index) for unit in units] == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_no_unit_of_the_old_stream_is_passed_on_after_reset_has_returned():
    passed_on, events = threading.Event(), []
    assembler = UnitAssembler(AssemblerConfig(audio=False))

    def on_unit(unit):
        passed_on.set()
        time.sleep(0.05)  # the other thread calls `reset` meanwhile
        events.append((unit.stream, unit.index))

    input_thread = InputThread(assembler, on_unit, InputErrors(lambda line: None))
    pixels = np.zeros((8, 8, 3), np.uint8)
    frames = [RgbFrame(SECOND + number * SECOND // 2, pixels) for number in range(7)]
    input_thread.put(ReceivedMessage("/image", lambda: frames))  # three units by one message
    assert passed_on.wait(10)
    input_thread.reset()
    events.append("reset")
    input_thread.close()
    assert events == [(0, 0), (0, 1), (0, 2), "reset"]
