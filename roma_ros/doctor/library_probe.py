"""`python -m roma_ros.doctor.library_probe MODULE...`: import each, and try sound and speech."""

from __future__ import annotations

import importlib
import sys
from functools import partial

from roma_ros.doctor.probe import attempt

__all__ = ["MICROPHONES", "SPEECH", "main"]

MICROPHONES = "microphones"
SPEECH = "speech"


def main() -> None:
    """Try all, whatever fails."""
    for name in sys.argv[1:]:
        attempt(name, partial(_import, name))
    attempt(MICROPHONES, _microphones)
    attempt(SPEECH, _speech)


def _import(name: str) -> str:
    """The version that the module names, if it does."""
    return str(getattr(importlib.import_module(name), "__version__", ""))


def _microphones() -> str:
    """Their names, one a line."""
    import sounddevice

    devices = sounddevice.query_devices()
    return "\n".join(device["name"] for device in devices if device["max_input_channels"] > 0)


def _speech() -> str:
    from roma_ros.speech import Voice, say

    return f"{len(say('hello', Voice('en-us'))) / 16_000:.1f} s of speech"


if __name__ == "__main__":
    main()
