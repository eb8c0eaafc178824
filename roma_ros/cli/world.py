"""`roma world`: synthetic streams with their ground truth."""

from __future__ import annotations

import argparse
from pathlib import Path

from roma_ros.cli.arguments import frame_size
from roma_ros.cli.errors import CommandError, UsageError
from roma_ros.cli.parser import Commands, add_command, add_commands
from roma_ros.cli.results import check_folder_of

__all__ = ["add_to"]

SIGHTS = "sights"
PLOTS = ("sequence", "crowd", "recordings", SIGHTS)
EPILOG = """\
examples:
  roma world render --seed 7 --seconds 60 out.mp4
  roma world render --seed 7 --plot crowd --size 640x480 crowd.mp4

`roma world ACTION --help` describes an action.
"""
DETAILS = """\
OUT.json, beside the video, has what the stream shows and plays, second by
second (figures, collisions, sounds, segments of a narration), alerts with the
seconds of their events, and questions with their answers. A seed always gives
the same stream.
"""
RENDER_EPILOG = """\
examples:
  roma world render --seed 7 --seconds 60 out.mp4
  roma world render --seed 7 --plot crowd --size 640x480 crowd.mp4
  roma world render --seed 7 --recordings ESC-10 dogs_and_rain.mp4
  roma world render --seed 7 --plot sights --footage clips sights.mp4

recordings:
  DIR holds ESC-10's folders, ESC-50's audio and meta/esc50.csv, or one folder
  for each kind of sound, named after it. Seeds below 2,000,000,000 play the
  folds 1 to 3, the others fold 4.

exit codes:
  0  both files are written
  1  a file cannot be written, or espeak-ng is missing and the stream has speech
  2  a wrong argument, or a folder of recordings that cannot be used
"""


def add_to(commands: Commands) -> None:
    """Add the command and its actions."""
    parser = add_command(
        commands,
        "world",
        usage="ACTION ...",
        summary="render synthetic streams with exact ground truth",
        epilog=EPILOG,
    )
    actions = add_commands(parser, title="actions", metavar="ACTION")
    render = add_command(
        actions,
        "render",
        usage="[OPTIONS] OUT.mp4",
        summary="render a synthetic stream as MP4, with its ground truth as JSON",
        details=DETAILS,
        epilog=RENDER_EPILOG,
    )
    arguments = render.add_argument_group("arguments")
    arguments.add_argument(
        "out", metavar="OUT.mp4", type=Path, help="video file to write (H.264 and AAC)"
    )
    content = render.add_argument_group("content")
    content.add_argument(
        "--seed",
        type=int,
        default=0,
        help="seed of everything random; from 3,000,000,000 on, streams that no checkpoint is "
        "trained on (default: %(default)s)",
    )
    content.add_argument("--seconds", type=int, default=60, help="length, s (default: %(default)s)")
    content.add_argument(
        "--plot",
        choices=PLOTS,
        default=PLOTS[0],
        help="sequence: one thing after another; crowd: many at a time; recordings: nothing but "
        "recorded sounds; sights: motion, lights, a covered camera (default: %(default)s)",
    )
    content.add_argument(
        "--recordings",
        type=Path,
        metavar="DIR",
        help="folder of recorded sounds to play among the others; see below",
    )
    content.add_argument(
        "--footage",
        type=Path,
        metavar="DIR",
        help="folder of video files as backdrops; with --plot sights",
    )
    video = render.add_argument_group("video")
    video.add_argument(
        "--size",
        type=frame_size,
        default=(224, 224),
        metavar="WxH",
        help="frame size, px; even numbers from 56 (default: 224x224)",
    )
    video.add_argument(
        "--fps", type=int, default=25, help="frames per second, 2 to 120 (default: %(default)s)"
    )
    render.set_defaults(command=_render)


def _render(arguments: argparse.Namespace) -> int:
    from roma_ros.world import (  # it loads OpenCV and FFmpeg, and `roma --help` needs neither
        FootageError,
        Plot,
        RecordingLibrary,
        RecordingsError,
        SceneError,
        SpeechError,
        Split,
        WorldError,
        make_scene,
        make_sight_scene,
        read_footage,
        write_annotations,
        write_film,
    )

    out: Path = arguments.out
    annotations = out.with_suffix(".json")
    if out.suffix.lower() != ".mp4":
        raise UsageError(f"OUT.mp4 is {out}; expected a name that ends in .mp4")
    check_folder_of(out)
    width, height = arguments.size
    folder: Path | None = arguments.footage
    if folder is not None and arguments.plot != SIGHTS:
        raise UsageError(f"--footage is for --plot {SIGHTS}; the plot is {arguments.plot}")
    try:
        recordings: Path | None = arguments.recordings
        library = None if recordings is None else RecordingLibrary.open(recordings)
        if arguments.plot == SIGHTS:
            clips = () if folder is None else read_footage(folder, Split.of(arguments.seed))
            scene = make_sight_scene(arguments.seed, arguments.seconds, clips)
        else:
            scene = make_scene(arguments.seed, arguments.seconds, Plot(arguments.plot), library)
        write_film(out, scene, height=height, width=width, fps=arguments.fps)
        write_annotations(annotations, scene)
    except (SceneError, FootageError, RecordingsError) as error:
        raise UsageError(str(error)) from error
    except (WorldError, SpeechError, OSError) as error:
        raise CommandError(str(error)) from error
    print(f"{out}: {scene.seconds} s, {width}x{height} at {arguments.fps} fps, seed {scene.seed}")
    print(f"{annotations}: ground truth")
    return 0
