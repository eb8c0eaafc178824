"""`roma run`: follow a file, a camera or a microphone in the terminal."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TextIO, TypeAlias

from rich.console import Console

from roma_ros.cli.arguments import (
    add_device_option,
    add_model_option,
    add_quantization_option,
    add_trigger_options,
    open_sources,
    timed_question,
)
from roma_ros.cli.errors import CommandError, UnjudgedError, UsageError
from roma_ros.cli.event_file import STDOUT, EventFile
from roma_ros.cli.hook_sink import HookSink, make_hooks
from roma_ros.cli.live_view import LiveView
from roma_ros.cli.plain_output import PlainOutput
from roma_ros.cli.signals import stopping_on_signals
from roma_ros.cli.source_time import SourceTime
from roma_ros.cli.source_warnings import warnings_on_stderr
from roma_ros.cli.summary import Summary
from roma_ros.cli.text import clock, one_line
from roma_ros.cli.timeline import FORMATS, Timeline
from roma_ros.cli.typed_questions import TypedQuestions
from roma_ros.events import Event
from roma_ros.hooks import parse_hooks
from roma_ros.journal import Header
from roma_ros.recording import RecordingError
from roma_ros.sources import Reconnect, Source, SourceError, is_address
from roma_ros.watch import (
    DEFAULT_COOLDOWN,
    Watch,
    WatchError,
    WatchKind,
)
from roma_ros.watch_file import WatchFileError, WatchSpec, read_watch_file

if TYPE_CHECKING:  # torch takes seconds to import, and `roma run --help` needs none of it
    from roma_ros.cli.playback import Playback, Progress

__all__ = ["add_to", "run"]

PATIENCE = 10  # units of a recording that may wait for a slow first step; devices do not wait
TITLE_NAMES = 3  # sources that the title names
TYPED_QUESTIONS = 8  # that may wait
NARRATE = "Describe what happens, as it happens."

HELP = "follow a file, a camera or a microphone: p(speak), alerts, narration, answers"
EXAMPLES = """\
examples:
  roma run clip.mp4 --watch "alert me when you hear two beeps"
  roma run clip.mp4 --narrate --ask "how many shapes are there now?"@12 --plot timeline.png
  roma run 0 mic --watch "alert me when you hear a knock" --watch "alert me when a star appears"
  roma run film.mp4 --watch "alert me when you hear a beep" --on-alert notify-send
  roma run 0 mic --config watches.yaml --webhook https://example.org/alerts
  roma run recordings/ --fast --events events.jsonl --quiet
  roma run film.mp4 --fast --narrate --events - | jq .text
  roma run clips/*.mp4 "more/**/*.wav" --fast --watch "alert me when you hear two beeps"
  roma run kitchen.mp4 --model /models/ROMA --watch "alert me when the pot boils over"

WHAT A MODEL KNOWS
  roma_tiny, the default, knows a small world: coloured shapes, beeps, tones, knocks, bursts and
  spoken words. Words that a checkpoint was not trained on get a warning, or with --strict an error.

SOURCE
  PATH          a video or audio file, or a folder of them, played by name as one stream
  PATTERN       files by a pattern in quotes: "clips/*.mp4", "recordings/**/*.wav"
  BAG           a ROS 2 bag: its folder, or an .mcap or .db3 file; --topics chooses
  ADDRESS       a stream or a file of a network, rtsp://HOST/PATH or http://HOST/PATH
  0, 1, ...     a camera by its number; also /dev/video2
  mic, mic:DEV  the default microphone, or one by its number or a part of its name
  Files are played one after another, each a stream of its own, and every event names its file and
  the second in it. A camera and a microphone are followed together: `roma run 0 mic`. A camera, a
  microphone or a live stream that is lost is opened again, for as long as --reconnect says.

EVENTS FILE
  One JSON object a line, after a header with source, model, watches, versions and the wall clock:
  "event" is stream_started, speak_probability, alert, narration, answer, lag, fault or
  warning; "seconds" and "stamp_ns" tell the END of the unit it belongs to, from the
  source's beginning and on the sensor clock; "sequence", "stream", and the fields of that event.
  Of several files, "source" and "source_seconds" tell which one, and the second in it.
  `roma events` reads it. With `-` they go to the standard output, and everything else to the
  standard error.

QUESTIONS
  In a terminal, type a question and press Enter while the run goes on.

ON AN ALERT
  --on-alert runs a program, without a shell; the alert is in its environment (ROMA_WATCH,
  ROMA_INSTRUCTION, ROMA_TEXT, ROMA_P_SPEAK, ROMA_SECONDS, ...) and as JSON on its standard input.
  --webhook posts it as JSON, --mqtt publishes it as JSON. docs/events.md tells more, and how a
  file of watches (--config, docs/watches.md) gives each watch settings and hooks of its own.

exit codes
  0    the source has ended, or Ctrl-C was pressed once the run had begun
  1    the source failed on the way, a question got no answer, or an alert was not delivered to a
       program, a webhook or MQTT
  2    it could not start: a wrong argument, a missing file, a model that does not load, frames of
       a size that the model can never take
  3    units were not judged: the model failed on them, a watch could not be opened, or a source
       gave not one unit (it is too short, or damaged); no alert means nothing then
  130  Ctrl-C was pressed before the run had begun
"""


class Sink(Protocol):
    """Whoever is told of events."""

    def take(self, event: Event, seconds: float, source: SourceTime | None = None) -> None: ...


View: TypeAlias = LiveView | PlainOutput


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "run",
        help=HELP,
        description="Follow a stream: " + HELP.partition(": ")[2] + ".",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", metavar="SOURCE", nargs="+", help="what to follow; see below")

    what = parser.add_argument_group("what to do")
    what.add_argument(
        "--watch", metavar="TEXT", action="append", default=[], help="alert on this; repeatable"
    )
    what.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="YAML file of watches with settings of their own, besides --watch and --narrate",
    )
    what.add_argument(
        "--narrate",
        metavar="TEXT",
        nargs="?",
        const=NARRATE,
        help=f"narrate, by this instruction (default: {NARRATE!r}); put it after SOURCE",
    )
    what.add_argument(
        "--ask",
        metavar="TEXT@SECONDS",
        type=timed_question,
        action="append",
        default=[],
        help="ask when so much of the stream has been heard; repeatable",
    )

    when = parser.add_argument_group("when to speak")
    add_trigger_options(when)
    when.add_argument(
        "--cooldown",
        type=float,
        default=DEFAULT_COOLDOWN,
        metavar="SECONDS",
        help="silence after an alert (default: %(default)s)",
    )
    when.add_argument(
        "--reply",
        action="store_true",
        help="alerts also say what happened, in words; for checkpoints that were trained to "
        "(alert_replies in roma_config.json), which roma_tiny was not",
    )
    what.add_argument(
        "--strict",
        action="store_true",
        help="refuse an instruction or question that the model cannot know, see or hear, in place "
        "of a warning",
    )

    model = parser.add_argument_group("model")
    add_model_option(model)
    add_device_option(model)
    add_quantization_option(model)
    model.add_argument(
        "--speak-source",
        choices=("auto", "head", "state_token", "yes_no"),
        default="auto",
        help="what decides when to speak; yes_no asks the model after every unit, and serves a "
        "checkpoint without a speak head (default: as the checkpoint says)",
    )
    model.add_argument(
        "--context-seconds",
        type=float,
        metavar="SECONDS",
        help="how much of the stream stays in sight (default: what the checkpoint was trained for, "
        "or 60 where it does not say)",
    )

    parser.add_argument(
        "--topics",
        metavar="TOPIC,...",
        default="",
        help="of a ROS 2 bag: the image topic, the audio topic, or both (default: those it has)",
    )
    parser.add_argument(
        "--reconnect",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="how long a lost device or stream is opened again and again (default: %(default)g; "
        "0: not at all)",
    )

    alerted = parser.add_argument_group("on an alert")
    for option, metavar, text in (
        ("--on-alert", "CMD", "run a program"),
        ("--webhook", "URL", "post the alert to an http or https address"),
        ("--mqtt", "URL", "publish the alert on mqtt://HOST/TOPIC"),
    ):
        alerted.add_argument(
            option, metavar=metavar, action="append", default=[], help=f"{text}; repeatable"
        )

    output = parser.add_argument_group("pace and output")
    output.add_argument(
        "--fast", action="store_true", help="as fast as the model can, not at the file's pace"
    )
    output.add_argument(
        "--events", type=Path, metavar="FILE", help="write events as JSON lines; -: to stdout"
    )
    output.add_argument(
        "--plot", type=Path, metavar="FILE", help="draw a timeline: .png, .svg or .pdf"
    )
    output.add_argument(
        "--quiet", action="store_true", help="print alerts, narrations and answers only"
    )
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Follow the source to its end; returns the exit code.

    Raises:
        UsageError: it cannot start.
        CommandError: the source failed on the way.
    """
    specs = _specs(arguments.config)
    watches = _watches(arguments, specs)
    _check_plot(arguments.plot)
    with ExitStack() as stack:
        stack.enter_context(warnings_on_stderr())
        source = stack.enter_context(_source(arguments))
        sinks: list[Sink] = [summary := Summary()]
        if arguments.events is not None:
            sinks.append(stack.enter_context(_event_file(arguments, source, watches)))
        given = make_hooks(arguments.on_alert, arguments.webhook, arguments.mqtt)
        sinks.append(hooks := stack.enter_context(HookSink(given, specs)))
        playback = stack.enter_context(_playback(arguments, source, watches))
        title = _title(source)
        for warning in playback.warnings:
            print(f"roma: warning: {one_line(warning)}", file=sys.stderr)
        _warn_of_nothing(arguments, watches)
        view = _view(arguments, title, watches)
        sinks += [view, timeline := Timeline(f"{title} · {arguments.model}", watches)]
        failure = _follow(playback, view, sinks)
        progress = playback.progress()
    if arguments.plot is not None:
        _draw(timeline, arguments.plot)
    if not arguments.quiet:
        out = _out(arguments)  # in a pipe, nothing but events
        print(summary.text(progress), file=out if out.isatty() else sys.stderr, flush=True)
    judged = _check_judged(
        progress, ended=failure is None and not (playback.stopped or playback.unheard)
    )
    if failure is not None:
        raise CommandError(one_line(str(failure))) from failure
    undelivered = CommandError.exit_code if hooks.lost else 0
    return max(judged, _check_heard(playback), _check_answers(playback), undelivered)


def _warn_of_nothing(arguments: argparse.Namespace, watches: Sequence[Watch]) -> None:
    """Say that a quiet run has nothing that it could tell."""
    output = arguments.events or arguments.plot
    if arguments.quiet and not (watches or arguments.ask or output):
        print("roma: warning: nothing is watched for, narrated or asked", file=sys.stderr)


def _title(source: Source) -> str:
    """What is followed, in short."""
    names = [part.name for part in source.parts]
    shown = [name if is_address(name) else Path(name).name for name in names[:TITLE_NAMES]]
    more = len(names) - len(shown)
    return " + ".join(shown) + (f" and {more} more" if more else "")


def _follow(playback: Playback, view: View, sinks: Sequence[Sink]) -> SourceError | None:
    """Tell the sinks of all that happens until the end; returns why it ended early, if it did."""
    with view, stopping_on_signals(playback.stop), TypedQuestions(playback.ask):
        try:
            for events in playback:
                for event in events:
                    for sink in sinks:
                        sink.take(event, playback.seconds(event), playback.source_time(event))
                view.refresh(playback.progress())
        except SourceError as error:
            return error
    return None


def _check_judged(progress: Progress, *, ended: bool) -> int:
    """Say that units were not judged, or that there were none; returns the exit code.

    Args:
        ended: the source has come to its end by itself.
    """
    if progress.unjudged:
        which = "not one unit was judged" if not progress.units else "not every unit was judged"
        complaint = f"{which}: {progress.unjudged} failed; {progress.last_fault}"
    elif not progress.units and ended:
        complaint = "nothing was judged: the source has not given one whole unit (1 s)"
    else:
        return 0
    print(f"roma: error: {one_line(complaint)}", file=sys.stderr)
    return UnjudgedError.exit_code


def _check_heard(playback: Playback) -> int:
    """Say which sources made no unit; returns the exit code."""
    for complaint in playback.unheard:
        print(f"roma: error: {one_line(complaint)}", file=sys.stderr)
    return UnjudgedError.exit_code if playback.unheard else 0


def _check_answers(playback: Playback) -> int:
    """Say which questions were not answered, and why; returns the exit code."""
    if playback.stopped:
        return 0
    complaints = [
        f"{question.text!r} was not asked: the source ended before {clock(question.seconds)}"
        for question in playback.unasked
    ]
    for question, answer in playback.answers:
        if (error := answer.exception(timeout=0)) is not None:
            complaints.append(f"{question.text!r} was not answered: {error}")
    for complaint in complaints:
        print(f"roma: {one_line(complaint)}", file=sys.stderr)
    return CommandError.exit_code if complaints else 0


# --- from arguments to what they name; what is wrong with them is a UsageError ---


def _specs(path: Path | None) -> tuple[WatchSpec, ...]:
    """The watches of a file."""
    try:
        return () if path is None else read_watch_file(path, on_alert=parse_hooks)
    except WatchFileError as error:
        raise UsageError(one_line(str(error))) from error


def _watches(arguments: argparse.Namespace, specs: Sequence[WatchSpec]) -> list[Watch]:
    try:
        watches = [_watch_of(spec, arguments) for spec in specs]
        watches += [
            Watch(
                id=f"watch-{number}",
                kind=WatchKind.ALERT,
                instruction=instruction,
                threshold=arguments.threshold,
                window=arguments.window,
                cooldown=arguments.cooldown,
                reply=arguments.reply,
            )
            for number, instruction in enumerate(arguments.watch, start=1)
        ]
        if arguments.narrate is not None:
            narration = Watch(
                id="narration",
                kind=WatchKind.NARRATION,
                instruction=arguments.narrate,
                threshold=arguments.narrate_threshold,
            )
            watches.append(narration)
    except (WatchError, RecordingError) as error:
        raise UsageError(str(error)) from error
    return watches


def _watch_of(spec: WatchSpec, arguments: argparse.Namespace) -> Watch:
    if spec.kind is WatchKind.NARRATION:
        return spec.watch(threshold=arguments.narrate_threshold, window=1, cooldown=0.0)
    return spec.watch(
        threshold=arguments.threshold, window=arguments.window, cooldown=arguments.cooldown
    )


def _source(arguments: argparse.Namespace) -> Source:
    try:
        reconnect = Reconnect(give_up_after=arguments.reconnect) if arguments.reconnect else None
        topics = [topic for topic in arguments.topics.split(",") if topic]
        source = open_sources(arguments.source, reconnect=reconnect, topics=topics)
    except SourceError as error:
        raise UsageError(str(error)) from error
    if source.live and arguments.fast:
        source.close()
        raise UsageError("--fast is for files; a camera or a microphone has its own pace")
    return source


def _playback(arguments: argparse.Namespace, source: Source, watches: Sequence[Watch]) -> Playback:
    """Load the model and open the sessions. Imports torch, which takes seconds."""
    with Console(stderr=True).status(f"loading {arguments.model} ..."):
        from transformers.utils import logging as transformers_logging

        from roma_ros.assistant import AssistantConfig
        from roma_ros.assistant.question_queue import PendingQuestion, QuestionError
        from roma_ros.cli.playback import Playback
        from roma_ros.thinker import RomaThinker, ThinkerError, set_torch_threads

        transformers_logging.disable_progress_bar()  # it would stay in the terminal
        try:
            for question in arguments.ask:
                PendingQuestion(text=question.text, watch=None, keep=False)  # raises if it is wrong
            config = AssistantConfig(
                context_seconds=arguments.context_seconds,
                max_questions=max(TYPED_QUESTIONS, len(arguments.ask)),
                strict=arguments.strict,
            )
            if not source.live:
                config = replace(config, max_backlog=PATIENCE)
            thinker = RomaThinker.from_pretrained(
                arguments.model,
                device=arguments.device,
                quantization=arguments.quantization,
                speak_source=arguments.speak_source,
            )
            set_torch_threads(thinker)
            if warning := thinker.context_warning(arguments.context_seconds):
                print(f"roma: warning: {warning}", file=sys.stderr)
            return Playback(
                source,
                thinker,
                watches=watches,
                questions=arguments.ask,
                config=config,
                fast=arguments.fast,
            )
        except (ThinkerError, QuestionError, ValueError, ImportError, RuntimeError) as error:
            raise UsageError(one_line(str(error))) from error


def _view(arguments: argparse.Namespace, title: str, watches: Sequence[Watch]) -> View:
    out = _out(arguments)
    console = Console(file=out)
    if out.isatty() and not console.is_dumb_terminal and not arguments.quiet:
        return LiveView(console, title=title, watches=watches)
    return PlainOutput(out, quiet=arguments.quiet)


def _out(arguments: argparse.Namespace) -> TextIO:
    """Where all but the events goes."""
    return sys.stderr if arguments.events == STDOUT else sys.stdout


def _event_file(
    arguments: argparse.Namespace, source: Source, watches: Sequence[Watch]
) -> EventFile:
    path, sources = arguments.events, arguments.source
    if path.exists() and any(Path(s).exists() and path.samefile(s) for s in sources):
        raise UsageError(f"--events {path} is the source itself; name another file")
    try:
        return EventFile(path, _header(arguments, source, watches))
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error


def _header(arguments: argparse.Namespace, source: Source, watches: Sequence[Watch]) -> Header:
    explaining = ("context_seconds", "device", "fast", "quantization", "speak_source")
    return Header(
        source=tuple(part.name for part in source.parts),  # without passwords
        model=arguments.model,
        watches=tuple(watches),
        settings={name: getattr(arguments, name) for name in explaining},
    )


def _check_plot(path: Path | None) -> None:
    """Before the run rather than after it."""
    if path is None:
        return
    if path.suffix.lower() not in FORMATS:
        raise UsageError(f"--plot {path}: expected a name that ends in {', '.join(FORMATS)}")
    if not path.parent.is_dir():
        raise UsageError(f"--plot {path}: there is no folder {path.parent}")
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise UsageError(f"--plot {path} cannot be written")


def _draw(timeline: Timeline, path: Path) -> None:
    try:
        timeline.draw(path)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}") from error
