"""Model card of a checkpoint: `README.md` in its folder, in the form of Hugging Face's model cards.

    python -m roma_ros.models.model_card FOLDER --evaluation bench/eval.json [--stages FILE...]

What the checkpoint knows and what limits it are read from `roma_config.json`, the figures from the
JSON file of `roma eval world`, and the data that it was trained on from the settings of its stages.
"""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from safetensors import safe_open

from roma_ros.evaluation.provenance import checkpoint_hashes
from roma_ros.evaluation.stream_protocol import HEADLINE, EvalSection
from roma_ros.models.card_figures import (
    AGES,
    CONTINUOUS,
    SECTIONS,
    Evaluation,
    FigureByAge,
    MeasuredFigure,
    ModelCardError,
)
from roma_ros.models.recording_credits import ESC_10_AUTHORS
from roma_ros.thinker import DEFAULT_CONTEXT_SECONDS, CheckpointError, ContextPolicy, RomaConfig
from roma_ros.training.settings import SettingsError, TrainSettings
from roma_ros.world import ESC_10, SIGHTS, RecordedSound, split_of_clip
from roma_ros.world.sights import Sight
from roma_ros.world.splits import Split

__all__ = ["CARD_NAME", "main", "model_card", "recipe_stages"]

CARD_NAME = "README.md"
WIDTH = 110
RECIPE_STAGE = re.compile(r"stage\d.*\.yaml")
EXAMPLES = ("a baby cries", "a red circle appears", "something happens")
RECORDED = frozenset(kind.condition for kind in ESC_10)
WEAK = 0.8  # recall below which a sound or sight is named among the limits
CLIPS = (
    "bolt-multi-size-detection.gif",
    "bottle-detection.mp4",
    "classroom.gif",
    "face-demographics-walking.gif",
    "fruit-and-vegetable-detection.gif",
    "head-pose-face-detection-female.gif",
    "people-detection.gif",
    "store-aisle-detection.gif",
)
"""Clips of intel-iot-devkit/sample-videos that `make train-tiny` is given."""
GENERATED = "<!-- Written by `python -m roma_ros.models.model_card`; do not edit. -->"
TITLES = {
    CONTINUOUS: "Continuous streams",
    EvalSection.LONG.value: "Streams of an hour",
    EvalSection.QUIET.value: "Quiet streams",
    EvalSection.RECORDINGS.value: "Recorded sounds",
    EvalSection.SIGHTS.value: "Sights on real footage",
    EvalSection.UNKNOWN.value: "Instructions with unknown words",
    EvalSection.TWENTY_SECONDS.value: "Streams of 20 s from a cold start",
}
INTRODUCTIONS = {
    CONTINUOUS: "Sessions that run for at least ten minutes, scene after scene with cuts and quiet "
    "stretches, by the stream's age; *fresh* are sessions that open with each of the same scenes.",
    EvalSection.RECORDINGS.value: "Nothing but recordings that were not trained on, with short "
    "pauses, one watch for each sound.",
    EvalSection.SIGHTS.value: "Clips that were not trained on, one watch for each sight.",
}
METRIC_TYPES = {
    "event recall": "recall",
    "recall": "recall",
    "unit F1": "f1",
    "F1 of its times": "f1",
    "accuracy": "accuracy",
    "exact text of matched": "exact_match",
}
"""Metric types of Hugging Face by the end of a figure's name; others are named by it."""


@dataclass(frozen=True, slots=True)
class _Checkpoint:
    """What the card reads from a model folder and from the settings of its stages."""

    name: str
    config: RomaConfig
    parameters: int
    weight_bytes: int
    hashes: dict[str, str]
    folds: tuple[int, ...]
    with_sights: bool

    def has(self, *texts: str) -> bool:
        """Return whether every word of some texts is in the vocabulary, if there is one."""
        vocabulary = self.config.vocabulary
        return vocabulary is None or not vocabulary.unknown(" ".join(texts))

    @property
    def recorded_sounds(self) -> tuple[RecordedSound, ...]:
        """Recorded sounds that a stage trained on and the vocabulary has."""
        return tuple(kind for kind in ESC_10 if self.folds and self.has(kind.condition))

    @property
    def sights(self) -> tuple[Sight, ...]:
        """Sights that a stage trained on and the vocabulary has."""
        return tuple(sight for sight in SIGHTS if self.with_sights and self.has(*sight.wordings))

    @property
    def names(self) -> dict[str, str]:
        """Events of sounds and sights by the name that the evaluation gives them."""
        named = {kind.value: kind.condition for kind in self.recorded_sounds}
        for sight in self.sights:
            colour = "" if sight.colour is None else f" {sight.colour.value}"
            named[f"{sight.kind.value}{colour}"] = sight.wordings[0]
        return named

    @property
    def instruction(self) -> str:
        """Instruction of the examples."""
        heard = tuple(kind.condition for kind in self.recorded_sounds)
        known = (text for text in EXAMPLES if text in heard or text not in RECORDED)
        return f"alert me when {next(text for text in known if self.has(text))}"


def recipe_stages() -> tuple[Path, ...]:
    """Return the settings files of the stages that `roma_tiny` is trained with."""
    folder = Path(str(files("roma_ros.training") / "stages"))
    return tuple(path for path in sorted(folder.iterdir()) if RECIPE_STAGE.fullmatch(path.name))


def model_card(folder: Path, evaluation: Path, stages: Sequence[Path] | None = None) -> str:
    """Return the text of a checkpoint's model card.

    Args:
        folder: model folder.
        evaluation: JSON file of `roma eval world`.
        stages: settings files that the checkpoint was trained with; `None`: those of `roma_tiny`.

    Raises:
        ModelCardError: the evaluation cannot be read, or it is not known what the checkpoint was
            trained on.
        CheckpointError: the folder is no checkpoint.
        SettingsError: a settings file is invalid.
    """
    measured = Evaluation.read(evaluation)
    checkpoint = _read(folder, stages)
    same = measured.hashes == checkpoint.hashes
    parts = [
        _front_matter(checkpoint, measured, same=same),
        GENERATED,
        f"# {checkpoint.name}",
        *_description(checkpoint),
        "## What it knows",
        *_knowledge(checkpoint),
        "## How to use it",
        *_usage(checkpoint),
        "## What it was trained on",
        *_training(checkpoint),
        "## Figures",
        *_figures(checkpoint, measured, evaluation.name, same=same),
        "## Limits",
        *_limits(checkpoint, measured, same=same),
        "## Data and licences",
        *_licences(checkpoint),
    ]
    return "\n\n".join(parts) + "\n"


def _read(folder: Path, stages: Sequence[Path] | None) -> _Checkpoint:
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise CheckpointError(f"{folder} has no *.safetensors; expected a model folder")
    config = RomaConfig.from_folder(folder)
    if stages is None and config.vocabulary is None:
        raise ModelCardError(
            f"{folder} names no vocabulary, so it is not known what it was trained on; expected "
            "the settings files of its stages: give --stages FILE..."
        )
    settings = [TrainSettings.read(path) for path in stages or recipe_stages()]
    folds = {
        fold
        for stage in settings
        if any(lesson.mix.needs_recordings for lesson in stage.lessons)
        for fold in stage.recording_folds
    }
    mixes = [lesson.mix for stage in settings for lesson in stage.lessons]
    return _Checkpoint(
        name=folder.resolve().name,
        config=config,
        parameters=sum(_count(path) for path in weights),
        weight_bytes=sum(path.stat().st_size for path in weights),
        hashes=checkpoint_hashes(folder),
        folds=tuple(sorted(folds)),
        with_sights=any(mix.sights > 0 or mix.sight_glimpses > 0 for mix in mixes),
    )


def _count(path: Path) -> int:
    """Return the number of parameters in a safetensors file, without reading them."""
    total = 0
    with safe_open(path, framework="numpy") as file:
        for name in file.keys():  # noqa: SIM118 (it is no mapping)
            count = 1
            for size in file.get_slice(name).get_shape():
                count *= size
            total += count
    return total


# --- front matter ---


def _front_matter(checkpoint: _Checkpoint, measured: Evaluation, *, same: bool) -> str:
    values: dict[str, Any] = {
        "license": "apache-2.0",
        "language": ["en"],
        "library_name": "roma_ros",
        "pipeline_tag": "video-text-to-text",
        "tags": [
            "robotics",
            "ros2",
            "streaming",
            "video",
            "audio",
            "proactive-assistant",
            "qwen2_5_omni",
        ],
    }
    if checkpoint.recorded_sounds:
        values["datasets"] = ["ESC-10"]
    results = list(_results(measured)) if same else []
    if results:
        values["model-index"] = [{"name": checkpoint.name, "results": results}]
    text = yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=WIDTH)
    return f"---\n{text}---"


def _results(measured: Evaluation) -> Iterator[dict[str, Any]]:
    rows: dict[str, list[MeasuredFigure]] = {
        CONTINUOUS: [row.headline for row in measured.continuous if row.headline is not None]
    }
    rows |= {name: list(measured.overall(name)) for name in SECTIONS if name != CONTINUOUS}
    for section, figures in rows.items():
        metrics = [
            {"type": _metric_type(row.name), "name": row.name, "value": row.value}
            for row in figures
            if row.value is not None
        ]
        if metrics:
            age = f", {HEADLINE.value}" if section == CONTINUOUS else ""
            yield {
                "task": {"type": "video-text-to-text", "name": f"{TITLES[section]}{age}"},
                "dataset": {"type": section, "name": f"roma eval world, {section}, test split"},
                "metrics": metrics,
            }


def _metric_type(name: str) -> str:
    what = name.rpartition(": ")[2]
    return METRIC_TYPES.get(what) or re.sub(r"\W+", "_", what.lower()).strip("_")


# --- text ---


def _description(checkpoint: _Checkpoint) -> Iterator[str]:
    yield _filled(
        f"Qwen2.5-Omni's thinker architecture with {checkpoint.parameters / 1e6:.1f} M parameters "
        f"({checkpoint.weight_bytes / 1e6:.1f} MB) and a speak head, for the ROS 2 package and "
        "Python library roma_ros. It follows one stream of camera and microphone in units of one "
        "second. After each it returns p(speak), the probability that now is the time to speak "
        "under its instruction: to raise an alert, or to narrate what has happened. Questions are "
        "answered at any time. The method is that of ROMA (arXiv 2601.10323)."
    )


def _knowledge(checkpoint: _Checkpoint) -> Iterator[str]:
    vocabulary = checkpoint.config.vocabulary
    if vocabulary is None:
        yield "`roma_config.json` names no vocabulary: instructions may have any words."
        return
    words = (("sounds", vocabulary.sounds), ("sights", vocabulary.sights))
    rows = [(kind, ", ".join(names)) for kind, names in words if names]
    rows.append(("other words", ", ".join(vocabulary.others)))
    yield _table(("", "words of instructions, questions and answers"), rows)
    yield _filled(
        "An instruction with other words gets a warning, and is refused with `strict`. "
        "Instructions begin *alert me when ...* or *alert me every time ...*"
        + (
            ", on recorded sounds also *tell me when ...* or *let me know when ...*"
            if checkpoint.recorded_sounds
            else ""
        )
        + "; they are typed, or spoken in the stream."
    )
    if sounds := checkpoint.recorded_sounds:
        yield "**Recorded sounds.** Each with an alert, a narration and a question:"
        yield _table(
            ("sound", "alert me when ...", "narration", "question"),
            [
                (
                    kind.value,
                    f"{kind.condition}; you hear {kind.hearing}",
                    f"{kind.past}.",
                    f"{kind.question}?",
                )
                for kind in sounds
            ],
        )
    else:
        yield "**Recorded sounds.** None: it was not trained on recordings."
    if sights := checkpoint.sights:
        yield "**Sights** that need no names of things, on any camera:"
        yield _table(
            ("sight", "alert me when ..."),
            [(_sight_name(sight), "; ".join(sight.wordings)) for sight in sights],
        )
    else:
        yield _filled(
            "**Sights** of real cameras (motion, light, lamps, a covered camera). None: it was not "
            "trained on them."
        )


def _usage(checkpoint: _Checkpoint) -> Iterator[str]:
    model = "" if checkpoint.name == "roma_tiny" else f" --model {checkpoint.name}"
    yield (
        "```python\n"
        "from roma_ros.sources import open_media, units_of\n"
        "from roma_ros.thinker import RomaThinker\n\n"
        f'thinker = RomaThinker.from_pretrained("{checkpoint.name}")\n'
        "with (\n"
        '    open_media("film.mp4") as film,\n'
        f'    thinker.open_session("{checkpoint.instruction}") as session,\n'
        "):\n"
        "    print([session.step(unit).p_speak for unit in units_of(film)])\n"
        "```"
    )
    yield f'```\nroma run 0 mic{model} --watch "{checkpoint.instruction}"\n```'
    yield _context(checkpoint)


def _context(checkpoint: _Checkpoint) -> str:
    config = checkpoint.config
    policy = ContextPolicy(config.trained_context_policy)
    means = {
        ContextPolicy.EVICT: "the oldest unit is evicted for each new one",
        ContextPolicy.HANDOVER: "a second context, which was opened later and has evicted nothing, "
        "replaces the first",
    }
    window = config.trained_context_seconds
    trained = (
        f"It was trained for a context window of {window:g} s"
        if window is not None
        else f"The context window that it was trained for is not known, and "
        f"{DEFAULT_CONTEXT_SECONDS:g} s are used"
    )
    return _filled(
        f"{trained}. When that is full, {means[policy]} (`context_policy`: `{policy.value}`). Both "
        "are the defaults of the node, of `roma run` and of `open_session`; a longer window gets a "
        "warning."
    )


def _training(checkpoint: _Checkpoint) -> Iterator[str]:
    parts = [
        "- **Synthetic streams**, rendered from seeds with exact labels: coloured shapes that "
        "appear, move, touch and leave; beeps, tones, bursts, knocks and words spoken by "
        "espeak-ng. Seeds and voices of the test split are not trained on."
    ]
    if checkpoint.recorded_sounds:
        folds = _listed([str(fold) for fold in checkpoint.folds])
        parts.append(
            f"- **Recorded sounds**: the folds {folds} of ESC-10, played at random level, speed, "
            "colour and room among the synthetic sounds. Fold 5 was never read."
        )
    if checkpoint.sights:
        trained = [name for name in CLIPS if split_of_clip(name) is Split.TRAIN]
        parts.append(
            "- **Footage** as backdrops of sights, beside rendered rooms: "
            f"{', '.join(trained)} of intel-iot-devkit/sample-videos."
        )
    yield "\n".join(_filled(part, "  ") for part in parts)
    yield "Stages, settings and times: `docs/training.md` of roma_ros."


def _figures(
    checkpoint: _Checkpoint, measured: Evaluation, file: str, *, same: bool
) -> Iterator[str]:
    machine = measured.machine
    yield _filled(
        f"From `{file}`, written by `roma eval world` on {str(machine.get('when', ''))[:10]} "
        f"(commit {machine.get('commit', '?')}, {machine.get('cpu', '?')}, "
        f"{machine.get('cores', '?')} cores), with 95 % intervals, on streams of the test split. "
        "*Bar* is what the project requires."
    )
    if not same:
        yield _filled(
            f"**These figures are of other weights than those in this folder**: the hashes in "
            f"`{file}` differ. Measure again with `make eval`."
        )
    for section in SECTIONS:
        yield f"### {TITLES[section]}"
        if section in measured.missing:
            yield _missing(section, measured)
            continue
        if section in INTRODUCTIONS:
            yield _filled(INTRODUCTIONS[section])
        if section == CONTINUOUS:
            yield _ages_table(measured.continuous)
            continue
        yield _table(
            ("figure", "measured", "95 % interval", "of", "bar"),
            [
                (row.name, _shown(row.value), _interval(row), _counts(row), _bar(row.bar, row.met))
                for row in measured.overall(section)
            ],
        )
        if kinds := measured.by_kind(section):
            yield _table(
                (section[:-1], "event recall", "of", "false alarms per minute"),
                [
                    (
                        checkpoint.names.get(kind, kind),
                        _with_interval(recall),
                        _counts(recall),
                        _with_interval(alarms),
                    )
                    for kind, (recall, alarms) in kinds.items()
                ],
            )


def _missing(section: str, measured: Evaluation) -> str:
    reasons = [reason for reason in measured.left_out if reason.startswith(section)]
    why = f" ({'; '.join(reasons)})" if reasons else ""
    return f"Not measured{why}. `roma eval world --only {section}` measures it."


def _ages_table(figures: Iterable[FigureByAge]) -> str:
    rows = []
    for row in figures:
        fresh = row.fresh.get(HEADLINE.value)
        cells = [_with_interval(row.ages.get(age)) for age in AGES]
        rows.append((row.name, *cells, _shown(fresh), _bar(row.bar, row.met)))
    return _table(("figure", *AGES, f"fresh, {HEADLINE.value}", "bar"), rows)


def _limits(checkpoint: _Checkpoint, measured: Evaluation, *, same: bool) -> Iterator[str]:
    config = checkpoint.config
    parts = [
        "It knows the words above, in English, and nothing else. That it knows *red* and *star* "
        "does not make it right about them.",
        f"Frames are reduced to at most {config.max_pixels:,} pixels, and audio to 16 kHz mono: "
        "what is small in the picture is not seen.",
    ]
    if not config.alert_replies:
        parts.append("It does not put alerts in words (`reply` is refused). Ask a question then.")
    if same and measured.below_bar:
        parts.append(f"Below the bar: {'; '.join(measured.below_bar)}.")
    weak = [
        checkpoint.names.get(kind, kind)
        for section in (EvalSection.RECORDINGS.value, EvalSection.SIGHTS.value)
        for kind, (recall, _) in measured.by_kind(section).items()
        if recall is not None and recall.value is not None and recall.value < WEAK
    ]
    if same and weak:
        parts.append(f"It misses more than a fifth of: {', '.join(weak)}.")
    if measured.missing:
        missing = [TITLES[section].lower() for section in measured.missing]
        parts.append(f"Not measured: {', '.join(missing)}.")
    parts += [
        "Figures are of the test streams named above. On a robot's own camera, microphone and "
        "rooms they are to be measured again.",
        "It is no safety device: an event that it misses raises no alarm.",
    ]
    yield "\n".join(_filled(f"- {part}", "  ") for part in parts)


def _licences(checkpoint: _Checkpoint) -> Iterator[str]:
    parts = [
        "Weights and code: Apache-2.0. Nothing of the data below is part of them.",
        "Synthetic streams: made by roma_ros. The voices are espeak-ng's (GPL-3.0-or-later), which "
        "is called and not contained.",
    ]
    if checkpoint.recorded_sounds:
        parts.append(
            "ESC-10 by Karol J. Piczak (ESC: Dataset for Environmental Sound Classification, ACM "
            "Multimedia 2015), CC BY 3.0 as a set, https://github.com/karolpiczak/ESC-10. Its "
            "recordings are from freesound.org, under CC0, CC BY or (two) CC Sampling+; "
            "`LICENSES.tsv` beside them has the title of each. Authors: "
            + " ".join(f"{licence}: {names}." for licence, names in ESC_10_AUTHORS.items())
        )
    if checkpoint.sights:
        parts.append(
            "Footage: clips of https://github.com/intel-iot-devkit/sample-videos, CC BY 4.0, cut, "
            "mirrored and recoloured."
        )
    if len(parts) == 2:
        parts.append("No recordings and no footage were trained on.")
    yield "\n".join(_filled(f"- {part}", "  ") for part in parts)


# --- cells ---


def _sight_name(sight: Sight) -> str:
    name = sight.kind.value.replace("_", " ")
    return name if sight.colour is None else f"{name}, {sight.colour.value}"


def _shown(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if 0 < abs(value) < 0.1 else f"{value:.2f}"


def _interval(row: MeasuredFigure) -> str:
    if row.interval is None:
        return ""
    low, high = row.interval
    return f"{_shown(low)} to {_shown(high)}"


def _with_interval(row: MeasuredFigure | None) -> str:
    if row is None or row.value is None:
        return "-"
    return f"{_shown(row.value)} ({_interval(row)})" if row.interval else _shown(row.value)


def _counts(row: MeasuredFigure | None) -> str:
    if row is None:
        return ""
    return ", ".join(f"{count:,.0f} {what}" for what, count in row.counts.items())


def _bar(bar: str, met: bool | None) -> str:
    return bar if met is None else f"{bar}, {'met' if met else '**not met**'}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell or ' ' for cell in line)} |" for line in lines)


def _listed(things: Sequence[str]) -> str:
    *others, last = things
    return f"{', '.join(others)} and {last}" if others else last


def _filled(text: str, indent: str = "") -> str:
    return textwrap.fill(
        text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the card of a model folder; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m roma_ros.models.model_card", description=__doc__.split("\n", 1)[0]
    )
    parser.add_argument("folder", type=Path, help="model folder, whose README.md is written")
    parser.add_argument(
        "--evaluation", type=Path, required=True, help="JSON file of `roma eval world --out`"
    )
    parser.add_argument(
        "--stages",
        type=Path,
        nargs="+",
        help="settings files that it was trained with (default: those of roma_tiny)",
    )
    options = parser.parse_args(arguments)
    try:
        text = model_card(options.folder, options.evaluation, options.stages)
        card = options.folder / CARD_NAME
        card.write_text(text, encoding="utf-8")
    except (ModelCardError, CheckpointError, SettingsError, OSError) as error:
        parser.error(str(error))
    print(f"wrote {card}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
