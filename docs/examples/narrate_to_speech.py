"""Speak each narration of a running roma node.

python narrate_to_speech.py "describe what happens" --seconds 60
"""

from __future__ import annotations

import argparse
import time
import wave
from pathlib import Path

import numpy as np

from roma_ros.nodes.client import RomaClient
from roma_ros.speech import SpeechError, Voice, say
from roma_ros.units import UNIT_RATE
from roma_ros.watch import WatchKind


def speak(text: str, wav: Path | None) -> None:
    """Play a text, or write it to a WAV file. Replace this function to use another TTS."""
    sound = say(text, Voice("en-us"))  # espeak-ng: float32 (n,) at 16 kHz
    if wav is not None:
        with wave.open(str(wav), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(UNIT_RATE)
            file.writeframes((sound * 32767).astype("<i2").tobytes())
        return
    import sounddevice  # needs PortAudio

    sounddevice.play(np.array(sound), UNIT_RATE, blocking=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("instruction", help="what to narrate, in words")
    parser.add_argument("--node", default="/roma", help="full name of the roma node")
    parser.add_argument("--threshold", type=float, help="p(speak) from which on it narrates")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to run [s]")
    parser.add_argument("--wav", type=Path, metavar="FOLDER", help="write WAV files, play nothing")
    arguments = parser.parse_args()

    with RomaClient(arguments.node) as roma:
        if not (ready := roma.wait_until_active()):
            print(ready.message)
            return 1
        watch = roma.watch(
            arguments.instruction, kind=WatchKind.NARRATION, threshold=arguments.threshold
        )
        if not watch:
            print(watch.message)
            return 1
        deadline = time.monotonic() + arguments.seconds
        try:
            while (left := deadline - time.monotonic()) > 0:
                narration = roma.wait_for_narration(timeout=left)
                if narration is None:
                    break
                print(narration.text, flush=True)
                wav = arguments.wav and arguments.wav / f"unit_{narration.unit}.wav"
                roma.enable_audio(False)  # the node must not process the robot's own voice
                try:
                    speak(narration.text, wav)
                except SpeechError as error:
                    print(f"not spoken: {error}")
                finally:
                    roma.enable_audio(True)
        finally:
            roma.unwatch(watch.id)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
