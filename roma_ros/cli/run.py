"""`roma run`: process a file, a camera, a microphone or a network stream."""

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

from roma_ros.cli.arguments import open_sources
from roma_ros.cli.errors import CommandError, UnprocessedError, UsageError
from roma_ros.cli.event_file import STDOUT, EventFile
from roma_ros.cli.hook_sink import HookSink, make_hooks
from roma_ros.cli.live_view import LiveView
from roma_ros.cli.parser import Commands
from roma_ros.cli.plain_output import PlainOutput
from roma_ros.cli.run_options import add_run_command
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
from roma_ros.watch import Watch, WatchError, WatchKind, quoted
from roma_ros.watch_file import WatchFileError, WatchSpec, read_watch_file

if TYPE_CHECKING:  # torch takes seconds to import, and `roma run --help` needs none of it
    from roma_ros.cli.playback import Playback, Progress

__all__ = ["add_to", "run"]

MAX_BACKLOG = 10  # units of a recording that may wait for a slow first step; devices do not wait
TITLE_NAMES = 3  # sources that the title names
TYPED_QUESTIONS = 8  # that may wait


class Sink(Protocol):
    """Receiver of the events of a run."""

    def take(self, event: Event, seconds: float, source: SourceTime | None = None) -> None:
        """Receive an event.

        Args:
            event: the event.
            seconds: its time from the run's beginning, s.
            source: its source and the time in it; `None` if the run has only one source.
        """


View: TypeAlias = LiveView | PlainOutput


def add_to(commands: Commands) -> None:
    """Add the command."""
    add_run_command(commands).set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Process a source to its end; returns the exit code.

    Raises:
        UsageError: it cannot start.
        CommandError: the source failed during the run.
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
        _warn_without_output(arguments, watches)
        view = _view(arguments, title, watches)
        sinks += [view, timeline := Timeline(f"{title} · {arguments.model}", watches)]
        failure = _play(playback, view, sinks)
        progress = playback.progress()
    if arguments.plot is not None:
        _draw(timeline, arguments.plot)
    if not arguments.quiet:
        out = _out(arguments)  # in a pipe, nothing but events
        print(summary.text(progress), file=out if out.isatty() else sys.stderr, flush=True)
    processed = _check_processed(
        progress, ended=failure is None and not (playback.stopped or playback.empty_sources)
    )
    if failure is not None:
        raise CommandError(one_line(str(failure))) from failure
    undelivered = CommandError.exit_code if hooks.lost else 0
    return max(processed, _check_sources(playback), _check_answers(playback), undelivered)


def _warn_without_output(arguments: argparse.Namespace, watches: Sequence[Watch]) -> None:
    """Warn of a quiet run that has nothing to print."""
    output = arguments.events or arguments.plot
    if arguments.quiet and not (watches or arguments.ask or output):
        print(
            "roma: warning: nothing to print: --quiet without --watch, --narrate or --ask",
            file=sys.stderr,
        )


def _title(source: Source) -> str:
    """Return the names of the sources, shortened."""
    names = [part.name for part in source.parts]
    shown = [name if is_address(name) else Path(name).name for name in names[:TITLE_NAMES]]
    more = len(names) - len(shown)
    return " + ".join(shown) + (f" and {more} more" if more else "")


def _play(playback: Playback, view: View, sinks: Sequence[Sink]) -> SourceError | None:
    """Pass all events to the sinks until the end; returns why it ended early, if it did."""
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


def _check_processed(progress: Progress, *, ended: bool) -> int:
    """Report that units were not processed, or that there were none; returns the exit code.

    Args:
        progress: the run at its end.
        ended: whether the source has ended, rather than been stopped.
    """
    if progress.failed:
        which = "no unit was processed" if not progress.units else "not every unit was processed"
        problem = f"{which}: {progress.failed} failed; {progress.last_fault}"
    elif not progress.units and ended:
        problem = "no unit was processed: the source is shorter than one unit (1 s), or damaged"
    else:
        return 0
    print(f"roma: error: {one_line(problem)}", file=sys.stderr)
    return UnprocessedError.exit_code


def _check_sources(playback: Playback) -> int:
    """Report the sources that gave no unit; returns the exit code."""
    for problem in playback.empty_sources:
        print(f"roma: error: {one_line(problem)}", file=sys.stderr)
    return UnprocessedError.exit_code if playback.empty_sources else 0


def _check_answers(playback: Playback) -> int:
    """Report the questions that were not answered, and why; returns the exit code."""
    if playback.stopped:
        return 0
    problems = [
        f"question {quoted(question.text)} was not asked: the source ended before "
        f"{clock(question.seconds)}"
        for question in playback.unasked
    ]
    for question, answer in playback.answers:
        if (error := answer.exception(timeout=0)) is not None:
            problems.append(f"question {quoted(question.text)} was not answered: {error}")
    for problem in problems:
        print(f"roma: {one_line(problem)}", file=sys.stderr)
    return CommandError.exit_code if problems else 0


# --- what the arguments describe; a wrong argument raises UsageError ---


def _specs(path: Path | None) -> tuple[WatchSpec, ...]:
    """Read the watches of the --config file."""
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
        raise UsageError("--fast is only for files; leave it out for a camera or a microphone")
    return source


def _playback(arguments: argparse.Namespace, source: Source, watches: Sequence[Watch]) -> Playback:
    """Load the model and open the sessions.

    It imports torch, which takes seconds and which `roma run --help` must not need.
    """
    with Console(stderr=True).status(f"loading {arguments.model} ..."):
        from transformers.utils import logging as transformers_logging

        from roma_ros.assistant import AssistantConfig
        from roma_ros.assistant.question_queue import PendingQuestion, QuestionError
        from roma_ros.cli.playback import Playback
        from roma_ros.thinker import ContextPolicy, RomaThinker, ThinkerError, set_torch_threads

        transformers_logging.disable_progress_bar()  # it would stay in the terminal
        try:
            for question in arguments.ask:
                PendingQuestion(text=question.text, watch=None, keep=False)  # checks it
            config = AssistantConfig(
                context_seconds=arguments.context_seconds,
                context_policy=ContextPolicy.of(arguments.context_policy),
                memory_megabytes=arguments.memory,
                max_questions=max(TYPED_QUESTIONS, len(arguments.ask)),
                strict=arguments.strict,
            )
            if not source.live:
                config = replace(config, max_backlog=MAX_BACKLOG)
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
    """Return the stream for everything but the events."""
    return sys.stderr if arguments.events == STDOUT else sys.stdout


def _event_file(
    arguments: argparse.Namespace, source: Source, watches: Sequence[Watch]
) -> EventFile:
    path, sources = arguments.events, arguments.source
    if path.exists() and any(Path(s).exists() and path.samefile(s) for s in sources):
        raise UsageError(f"--events {path} is the source itself; give another file")
    try:
        return EventFile(path, _header(arguments, source, watches))
    except OSError as error:
        raise UsageError(f"--events {path} cannot be written: {error.strerror}") from error


def _header(arguments: argparse.Namespace, source: Source, watches: Sequence[Watch]) -> Header:
    model = ("context_seconds", "context_policy", "device", "quantization", "speak_source")
    return Header(
        source=tuple(part.name for part in source.parts),  # without passwords
        model=arguments.model,
        watches=tuple(watches),
        settings={name: getattr(arguments, name) for name in (*model, "fast")},
    )


def _check_plot(path: Path | None) -> None:
    """Check, before the run, that the plot can be written after it."""
    if path is None:
        return
    if path.suffix.lower() not in FORMATS:
        raise UsageError(f"--plot is {path}; expected a name that ends in {', '.join(FORMATS)}")
    if not path.parent.is_dir():
        raise UsageError(f"--plot {path}: {path.parent} is not a folder; create it first")
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise UsageError(f"--plot {path} cannot be written")


def _draw(timeline: Timeline, path: Path) -> None:
    try:
        timeline.draw(path)
    except OSError as error:
        raise CommandError(f"--plot {path} cannot be written: {error.strerror}") from error
