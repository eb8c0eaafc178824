"""`roma world`: streams that are made up, with their ground truth."""

from __future__ import annotations

import argparse
from pathlib import Path

from roma_ros.cli.arguments import frame_size
from roma_ros.cli.errors import CommandError, UsageError

__all__ = ["add_to"]

HELP = "make up streams with exact ground truth"
PLOTS = ("sequence", "crowd")
ANNOTATIONS = """\
OUT.json, beside the video, says what there is, and what may be asked about it: figures, touches,
sounds, the segments of a narration, alerts with the seconds of their events, questions with their
answers. The same seed gives the same stream.

examples:
  roma world render --seed 7 --seconds 60 out.mp4
  roma world render --seed 7 --plot crowd --size 640x480 crowd.mp4
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("world", help=HELP, description=f"{HELP.capitalize()}.")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    render = actions.add_parser(
        "render",
        help="write a stream as a video file with a JSON file of annotations",
        description="Write a made-up stream as MP4 (H.264 and AAC) and its ground truth as JSON.",
        epilog=ANNOTATIONS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    render.add_argument("out", metavar="OUT.mp4", type=Path, help="the video file to write")
    render.add_argument(
        "--seed",
        type=int,
        default=0,
        help="decides everything; from 3,000,000,000 on, streams that nothing is trained on "
        "(default: %(default)s)",
    )
    render.add_argument(
        "--seconds", type=int, default=60, help="length of the stream (default: %(default)s)"
    )
    render.add_argument(
        "--plot",
        choices=PLOTS,
        default=PLOTS[0],
        help="one thing after another, or many at a time (default: %(default)s)",
    )
    render.add_argument(
        "--size",
        type=frame_size,
        default=(224, 224),
        metavar="WxH",
        help="of the pictures, even numbers from 56 on (default: 224x224)",
    )
    render.add_argument(
        "--fps", type=int, default=25, help="pictures a second, 2 to 120 (default: %(default)s)"
    )
    render.set_defaults(command=_render)


def _render(arguments: argparse.Namespace) -> int:
    from roma_ros.world import (  # it loads OpenCV and FFmpeg, and `roma --help` needs neither
        Plot,
        SceneError,
        SpeechError,
        WorldError,
        make_scene,
        write_annotations,
        write_film,
    )

    out: Path = arguments.out
    annotations = out.with_suffix(".json")
    if out.suffix.lower() != ".mp4":
        raise UsageError(f"{out} is not named .mp4, which is what is written")
    if not out.absolute().parent.is_dir():
        raise UsageError(f"{out.absolute().parent} is not a folder; make it first")
    width, height = arguments.size
    try:
        scene = make_scene(arguments.seed, arguments.seconds, Plot(arguments.plot))
        write_film(out, scene, height=height, width=width, fps=arguments.fps)
        write_annotations(annotations, scene)
    except SceneError as error:
        raise UsageError(str(error)) from error
    except (WorldError, SpeechError, OSError) as error:
        raise CommandError(str(error)) from error
    print(f"{out}: {scene.seconds} s, {width}x{height} at {arguments.fps} fps, seed {scene.seed}")
    print(f"{annotations}: what is seen and heard in it, second by second")
    return 0
