"""Follow a video or audio file without ROS, and print when an instruction's event happens.

python follow_a_file.py film.mp4 "alert me when a purple square appears" "is there a star?"
"""

from __future__ import annotations

import argparse

from roma_ros.sources import open_media, units_of
from roma_ros.thinker import RomaThinker
from roma_ros.triggers import AlertTrigger


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", help="video or audio file, folder, address or ROS 2 bag")
    parser.add_argument("instruction", help="what to watch for, in words")
    parser.add_argument("question", help="what to ask at the end of the file")
    parser.add_argument("--model", default="roma_tiny", help="folder of a Qwen2.5-Omni checkpoint")
    parser.add_argument("--threshold", type=float, default=0.5, help="p(speak) that triggers")
    arguments = parser.parse_args()

    thinker = RomaThinker.from_pretrained(arguments.model)
    trigger = AlertTrigger(arguments.threshold, window=1, cooldown=0.0)
    with (
        open_media(arguments.path) as source,
        thinker.open_session(arguments.instruction) as session,
    ):
        for unit in units_of(source):
            step = session.step(unit)
            if step.p_speak is not None and trigger.update(step.p_speak, step.stamp):
                print(f"{step.stamp / 1e9:5.1f} s  alert, p(speak) {step.p_speak:.2f}")
        with session.branch() as branch:  # the session's cache stays as it is
            print(branch.answer(arguments.question))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
