"""Building of samples from annotated rows: videos found and cut, wording, negatives, speech."""

from __future__ import annotations

import hashlib
import logging
import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from roma_ros.data.cutting import Stretch, cut_video, join_segments
from roma_ros.data.errors import DataError
from roma_ros.data.labels import alert_sample, narration_sample, question_sample
from roma_ros.data.report import BuildReport
from roma_ros.data.rows import (
    AlertRow,
    CaptionSegment,
    NarrationRow,
    QuestionRow,
    Row,
    VideoPart,
    texts_of,
)
from roma_ros.data.samples import Sample, write_samples
from roma_ros.data.skip_log import SkipLog
from roma_ros.data.speaking import speak_sample
from roma_ros.data.video_folder import VideoFolder
from roma_ros.data.videos import probe_video
from roma_ros.data.wording import alert_instruction, content_words, narration_instruction
from roma_ros.sources import MediaError
from roma_ros.world.splits import Split

__all__ = ["BuildOptions", "build_samples"]

LOG = logging.getLogger(__name__)
TRIES = 20  # events that are tried for a negative
REST = 0.1  # seconds at the end of a stream that make no unit
DIFFERENT = 2.0  # seconds by which a video's length may differ from the annotated one


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOptions:
    """Options of a build.

    Attributes:
        seed: seed of wording, negatives, voices and the contact sheet.
        negatives: alerts for events that do not happen in the video, as a share of those that do.
        spoken: whether instructions and questions are spoken.
        split: voices to draw from.
        letters: whether multiple-choice questions come with their options.
        keep_gaps: whether narrated videos keep their stretches without a label.
        allow_silent: whether videos without sound are used.

    Raises:
        ValueError: `negatives` is out of range.
    """

    seed: int = 0
    negatives: float = 0.25
    spoken: bool = False
    split: Split = Split.TRAIN
    letters: bool = False
    keep_gaps: bool = False
    allow_silent: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.negatives <= 10:
            raise ValueError(f"negatives is {self.negatives}; expected a share from 0 to 10")


@dataclass(frozen=True, slots=True)
class _Video:
    path: Path
    seconds: float | None


def build_samples(
    rows: Sequence[Row],
    videos: VideoFolder,
    out: Path,
    options: BuildOptions,
    log: SkipLog,
    on_row: Callable[[int], None] = lambda _: None,
) -> BuildReport:
    """Write the samples of annotated rows; return the report.

    Cut videos are written to the folder `NAME_videos` beside the file NAME, spoken queries to
    `NAME_speech`. A cut video that is there already is not cut again.

    Args:
        rows: the annotations.
        videos: the videos that they name.
        out: file of samples to write, `.json` or `.jsonl`.
        options: the options.
        log: count of the rows that are kept, skipped and changed.
        on_row: called with the number of each row that is done.

    Raises:
        DataError: a row cannot be used and the log is strict.
        OSError: the file cannot be written.
    """
    report = BuildReport(seed=options.seed, folder=out.parent)
    builder = _Builder(rows, videos, out, options, log)

    def samples() -> Iterator[Sample]:
        for number, row in enumerate(rows, start=1):
            for sample, seconds in builder.samples_of(row):
                log.kept += 1
                report.add(sample, seconds)
                yield sample
            on_row(number)

    write_samples(out, samples())
    return report


class _Builder:
    def __init__(
        self,
        rows: Sequence[Row],
        videos: VideoFolder,
        out: Path,
        options: BuildOptions,
        log: SkipLog,
    ) -> None:
        self._videos = videos
        self._folder = out.parent
        self._cuts = out.parent / f"{out.stem}_videos"
        self._speech = out.parent / f"{out.stem}_speech"
        self._options = options
        self._log = log
        self._ids: set[str] = set()
        self._alerts = [row for row in rows if isinstance(row, AlertRow)]
        self._words = {
            video: content_words(" ".join(texts)) for video, texts in texts_of(rows).items()
        }

    def samples_of(self, row: Row) -> Iterator[tuple[Sample, float | None]]:
        """Yield the samples of a row, each with the length of its video in seconds."""
        try:
            video = self._video(row)
            made = list(self._samples(row, video))
        except _SkipError as skip:
            self._log.skip(skip.reason, DataError(f"{row.place}: {skip}"))
            return
        for sample, of in made:
            try:
                yield self._finished(sample), of.seconds
            except DataError as error:
                self._log.skip("not spoken", error)

    def _samples(self, row: Row, video: _Video) -> Iterator[tuple[Sample, _Video]]:
        random = Random(f"{self._options.seed} {row.id}")
        if isinstance(row, AlertRow):
            yield self._alert(row, video, random), video
            if row.windows and random.random() < self._options.negatives % 1:
                yield from self._negatives(row, video, random, 1)
            yield from self._negatives(row, video, random, int(self._options.negatives))
        elif isinstance(row, NarrationRow):
            yield self._narration(row, video, random)
        else:
            yield self._questions(row, video), video

    def _alert(self, row: AlertRow, video: _Video, random: Random) -> Sample:
        end = math.inf if video.seconds is None else video.seconds
        windows = [(start, min(stop, end)) for start, stop in row.windows if start < end]
        if row.windows and not windows:
            raise _SkipError("event after the end", f"the event comes after {end:.1f} s, the end")
        if any(stop > end for _, stop in row.windows):
            self._log.change("window cut at the end of the video")
        instruction = alert_instruction(row.text, random)
        return alert_sample(replace(row, windows=tuple(windows)), self._name(video), instruction)

    def _negatives(
        self, row: AlertRow, video: _Video, random: Random, count: int
    ) -> Iterator[tuple[Sample, _Video]]:
        """Yield alerts for events of other videos that have no word in common with this one's."""
        here = self._words[row.video]
        for number in range(count):
            for _ in range(TRIES):
                other = random.choice(self._alerts)
                if other.video == row.video or content_words(other.text) & here:
                    continue
                instruction = alert_instruction(other.text, random)
                absent = replace(row, id=f"{row.id}-not-{number}", text=other.text, windows=())
                yield alert_sample(absent, self._name(video), instruction), video
                break
            else:
                self._log.change("no negative found")

    def _narration(self, row: NarrationRow, video: _Video, random: Random) -> tuple[Sample, _Video]:
        end = video.seconds or row.duration or math.inf
        keep = self._options.keep_gaps or row.whole
        if keep:
            segments = tuple(
                CaptionSegment(s.start, min(s.end, end), s.text)
                for s in row.segments
                if s.start < end
            )
            if cut := sum(segment.end > end for segment in row.segments):
                self._log.changed["segment cut at the end of the video"] += cut
            row = replace(row, segments=segments)
        else:
            stretches, row, changes = join_segments(row, end)
            self._log.changed.update(changes)
        if not row.segments:
            raise _SkipError("no segment", "no segment of it lies in the video")
        if not keep:
            video = self._cut(video.path, stretches)
        instruction = row.instruction or narration_instruction(random)
        return narration_sample(row, self._name(video), instruction), video

    def _questions(self, row: QuestionRow, video: _Video) -> Sample:
        end = math.inf if video.seconds is None else video.seconds
        turns = tuple(turn for turn in row.turns if turn.time is None or turn.time <= end + 1)
        if len(turns) < len(row.turns):
            self._log.changed["question after the end of the video"] += len(row.turns) - len(turns)
        if not turns:
            raise _SkipError(
                "question after the end", f"its questions come after {end:.1f} s, the end"
            )
        try:
            return question_sample(
                replace(row, turns=turns),
                self._name(video),
                video.seconds,
                letters=self._options.letters,
            )
        except ValueError as error:
            raise _SkipError("length not known", str(error)) from error

    def _video(self, row: Row) -> _Video:
        """Return the video of a row, cut out of a longer one if only that is there."""
        path = self._videos.find(row.video)
        if path is None and row.part is not None:
            path = self._part(row.part)
        if path is None:
            raise _SkipError("no video", f"{row.video} is not in {self._videos.folder}")
        try:
            info = probe_video(path)
        except MediaError as error:
            raise _SkipError("damaged video", str(error)) from error
        if not info.video:
            raise _SkipError("damaged video", f"{path} has no picture that can be decoded")
        if not info.audio and not self._options.allow_silent:
            raise _SkipError(
                "no sound", f"{path} has no sound; use --allow-silent to take it without"
            )
        seconds = None if info.is_guess else info.duration
        if seconds is not None and 1 <= seconds < math.floor(seconds) + REST:
            seconds = float(math.floor(seconds))  # as the units of the stream do
        annotated = row.duration
        if seconds and annotated and abs(seconds - annotated) > DIFFERENT:
            self._log.change("length of the video is not the annotated one")
        return _Video(path, seconds)

    def _part(self, part: VideoPart) -> Path | None:
        whole = self._videos.find(part.video)
        if whole is None:
            return None
        length = max(math.floor(part.end - part.start), 1)
        return self._cut(whole, [Stretch(part.start, length)]).path

    def _cut(self, source: Path, stretches: Sequence[Stretch]) -> _Video:
        """Return the stretches of a video as a new one."""
        seconds = float(sum(stretch.seconds for stretch in stretches))
        size = source.stat().st_size
        drawn = hashlib.sha256(f"{source.resolve()} {size} {stretches}".encode()).hexdigest()[:16]
        out = self._cuts / f"{source.stem[:60]}-{drawn}.mp4"
        if not out.exists():
            self._cuts.mkdir(parents=True, exist_ok=True)
            try:
                cut_video(source, stretches, out)
            except DataError as error:
                raise _SkipError("not cut", str(error)) from error
        return _Video(out, seconds)

    def _finished(self, sample: Sample) -> Sample:
        """Return the sample with an id of its own, spoken if that is wanted."""
        name, number = sample.id, 1
        while name in self._ids:
            number += 1
            name = f"{sample.id}-{number}"
        self._ids.add(name)
        sample = replace(sample, id=name)
        if not self._options.spoken:
            return sample
        options = self._options
        return speak_sample(sample, self._folder, self._speech, options.seed, split=options.split)

    def _name(self, video: _Video) -> str:
        return os.path.relpath(video.path, self._folder)


class _SkipError(Exception):
    """Raised for a row that cannot be used.

    Attributes:
        reason: a few words, the same for all rows with this fault.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
