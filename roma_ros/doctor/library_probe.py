"""Process that imports libraries, and tries microphones and speech synthesis.

`python -m roma_ros.doctor.library_probe MODULE...`
"""

from __future__ import annotations

import importlib
import sys
from functools import partial

from roma_ros.doctor.probe import attempt

__all__ = ["MICROPHONES", "SPEECH", "main"]

MICROPHONES = "microphones"
SPEECH = "speech"


def main() -> None:
    """Run all attempts, even if some fail."""
    for name in sys.argv[1:]:
        attempt(name, partial(_import, name))
    attempt(MICROPHONES, _microphones)
    attempt(SPEECH, _speech)


def _import(name: str) -> str:
    """Import a module, and return its `__version__` if it has one."""
    return str(getattr(importlib.import_module(name), "__version__", ""))


def _microphones() -> str:
    """Return the names of the microphones, one a line."""
    import sounddevice

    devices = sounddevice.query_devices()
    return "\n".join(device["name"] for device in devices if device["max_input_channels"] > 0)


def _speech() -> str:
    from roma_ros.speech import Voice, say

    return f"{len(say('hello', Voice('en-us'))) / 16_000:.1f} s of speech"


if __name__ == "__main__":
    main()
