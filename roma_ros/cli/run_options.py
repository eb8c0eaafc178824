"""Options and help of `roma run`."""

from __future__ import annotations

from pathlib import Path

from roma_ros.cli.arguments import (
    Options,
    add_context_policy_option,
    add_device_option,
    add_model_option,
    add_quantization_option,
    add_trigger_options,
    timed_question,
)
from roma_ros.cli.parser import CommandParser, Commands, add_command
from roma_ros.watch import DEFAULT_COOLDOWN

__all__ = ["add_run_command"]

NARRATE = "Describe what happens, as it happens."
DETAILS = """\
Cuts the stream into units of one second and gives each to the model. Prints
p(speak), alerts, narration and answers: as a live view on a terminal, as
plain lines elsewhere. On a terminal you can also type a question and press
Enter.
"""
EPILOG = """\
SOURCE is one of:
  PATH          video or audio file, or a folder of them, played by name as
                one stream
  PATTERN       quoted file pattern: "clips/*.mp4", "recordings/**/*.wav"
  BAG           ROS 2 bag: its folder, or an .mcap or .db3 file; see --topics
  ADDRESS       network stream or file: rtsp://HOST/PATH, http://HOST/PATH
  0, 1, ...     camera by its number; also /dev/video2
  mic, mic:DEV  default microphone, or one by its number or part of its name

  Several files play one after another, each as a stream of its own; a camera
  and a microphone play together: `roma run 0 mic`.

models:
  roma_tiny, the default, knows a small world: coloured shapes, beeps, tones,
  knocks, noise bursts and spoken words. Words that a checkpoint was not
  trained on get a warning, or with --strict an error.

events file:
  One JSON object per line (docs/events.md). "seconds" and "stamp_ns" are the
  END of the unit that an event belongs to, from the source's beginning and on
  the sensor clock; of several files, "source" and "source_seconds" say which
  and when. `roma events` reads it, `roma replay` tries other thresholds on
  it.

alerts:
  --on-alert runs a program without a shell, with the alert in its environment
  (ROMA_WATCH, ROMA_TEXT, ROMA_P_SPEAK, ROMA_SECONDS, ...) and as JSON on its
  standard input; --webhook and --mqtt send that JSON (docs/events.md). In a
  file of --config each watch can have settings and hooks of its own
  (docs/watches.md).

examples:
  roma run clip.mp4 --watch "alert me when you hear two beeps"
  roma run clip.mp4 --narrate --ask "how many shapes are there now?"@12
  roma run 0 mic --config watches.yaml --webhook https://example.org/alerts
  roma run "clips/*.mp4" --fast --narrate --events events.jsonl --quiet

exit codes:
  0    the source has ended, or Ctrl-C was pressed after the start
  1    the source failed, a question got no answer, or an alert was not
       delivered to a program, a webhook or MQTT
  2    it could not start: a wrong argument, a missing file, a model that
       cannot be loaded or never takes frames of this size
  3    units were not processed: the model failed on them, or a source gave no
       unit (too short, or damaged); no alert then means nothing
  130  Ctrl-C was pressed before the start
"""


def add_run_command(commands: Commands) -> CommandParser:
    """Add the command and its options; returns its parser."""
    parser = add_command(
        commands,
        "run",
        usage="[OPTIONS] SOURCE [SOURCE ...]",
        summary="process a file, camera, microphone or network stream",
        details=DETAILS,
        epilog=EPILOG,
    )
    arguments = parser.add_argument_group("arguments")
    arguments.add_argument("source", metavar="SOURCE", nargs="+", help="what to play; see below")
    _add_tasks_options(parser.add_argument_group("watches and questions"))
    _add_triggers_options(parser.add_argument_group("triggers"))
    _add_model_options(parser.add_argument_group("model"))
    _add_source_options(parser.add_argument_group("source"))
    _add_hooks_options(parser.add_argument_group("on an alert"))
    _add_output_options(parser.add_argument_group("output"))
    return parser


def _add_tasks_options(options: Options) -> None:
    options.add_argument(
        "--watch",
        metavar="TEXT",
        action="append",
        default=[],
        help="raise an alert by this instruction; repeatable",
    )
    options.add_argument(
        "--narrate",
        metavar="TEXT",
        nargs="?",
        const=NARRATE,
        help=f"narrate by this instruction (without TEXT: {NARRATE!r}); put it after SOURCE",
    )
    options.add_argument(
        "--ask",
        metavar="TEXT@SECONDS",
        type=timed_question,
        action="append",
        default=[],
        help="ask a question at this time of the stream, s; repeatable",
    )
    options.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="YAML file of more watches, with settings of their own",
    )
    options.add_argument(
        "--strict",
        action="store_true",
        help="refuse an instruction or question that the model cannot know, see or hear "
        "(default: warn)",
    )


def _add_triggers_options(options: Options) -> None:
    add_trigger_options(options)
    options.add_argument(
        "--cooldown",
        type=float,
        default=DEFAULT_COOLDOWN,
        metavar="SECONDS",
        help="time after an alert in which its watch raises no other, s (default: %(default)g)",
    )
    options.add_argument(
        "--reply",
        action="store_true",
        help="generate a text for each alert; for checkpoints trained to do so (alert_replies in "
        "roma_config.json), which roma_tiny is not",
    )


def _add_model_options(options: Options) -> None:
    add_model_option(options)
    add_device_option(options)
    add_quantization_option(options)
    options.add_argument(
        "--speak-source",
        choices=("auto", "head", "state_token", "yes_no"),
        default="auto",
        help="what computes p(speak); yes_no asks the model after every unit, for a checkpoint "
        "without a speak head (default: auto, as the checkpoint says)",
    )
    options.add_argument(
        "--context-seconds",
        type=float,
        metavar="SECONDS",
        help="length of the context window, s (default: what the checkpoint was trained for, "
        "else 60)",
    )
    add_context_policy_option(options)
    options.add_argument(
        "--memory",
        type=float,
        default=0,
        metavar="MB",
        help="megabytes for units that left the context window, at which questions about the past "
        "look back; experimental (default: %(default)s, none)",
    )


def _add_source_options(options: Options) -> None:
    options.add_argument(
        "--fast",
        action="store_true",
        help="process files as fast as possible (default: at their own pace)",
    )
    options.add_argument(
        "--topics",
        metavar="TOPIC,...",
        default="",
        help="image topic, audio topic, or both, of a ROS 2 bag (default: those it has)",
    )
    options.add_argument(
        "--reconnect",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="how long to try to open a lost device or stream again, s; 0: not at all "
        "(default: %(default)g)",
    )


def _add_hooks_options(options: Options) -> None:
    for option, metavar, text in (
        ("--on-alert", "CMD", "run a program"),
        ("--webhook", "URL", "post the alert to an http or https address"),
        ("--mqtt", "URL", "publish the alert to mqtt://HOST/TOPIC"),
    ):
        options.add_argument(
            option, metavar=metavar, action="append", default=[], help=f"{text}; repeatable"
        )


def _add_output_options(options: Options) -> None:
    options.add_argument(
        "--events",
        type=Path,
        metavar="FILE",
        help="write all events as JSON lines; -: to standard output, and everything else to "
        "standard error",
    )
    options.add_argument(
        "--plot", type=Path, metavar="FILE", help="plot a timeline: .png, .svg or .pdf"
    )
    options.add_argument(
        "--quiet", action="store_true", help="print alerts, narrations and answers only"
    )
