"""Sections of a model card as Markdown."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from roma_ros.evaluation.stream_protocol import HEADLINE, EvalSection
from roma_ros.models.card_facts import CardFacts
from roma_ros.models.card_figures import (
    AGES,
    CONTINUOUS,
    SECTIONS,
    Evaluation,
    FigureByAge,
    MeasuredFigure,
)
from roma_ros.models.recording_credits import ESC_10_AUTHORS
from roma_ros.thinker import DEFAULT_CONTEXT_SECONDS, ContextPolicy
from roma_ros.world import split_of_clip
from roma_ros.world.sights import Sight
from roma_ros.world.splits import Split

__all__ = [
    "TITLES",
    "WIDTH",
    "description",
    "figures",
    "knowledge",
    "licences",
    "limits",
    "training",
    "usage",
]

WIDTH = 110  # characters of a line of text
HELD_OUT_FOLD = 4  # that recorded sounds are measured on
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
    EvalSection.RECORDINGS.value: "Nothing but recordings of fold 4 with short pauses, one watch "
    "for each sound.",
    EvalSection.SIGHTS.value: "Clips that were not trained on, one watch for each sight.",
}


def description(facts: CardFacts) -> Iterator[str]:
    yield _filled(
        f"Qwen2.5-Omni's thinker architecture with {facts.parameters / 1e6:.1f} M parameters "
        f"({facts.weight_bytes / 1e6:.1f} MB) and a speak head, for the ROS 2 package and "
        "Python library roma_ros. It follows one stream of camera and microphone in units of one "
        "second. After each it returns p(speak), the probability that now is the time to speak "
        "under its instruction: to raise an alert, or to narrate what has happened. Questions are "
        "answered at any time. The method is that of ROMA (arXiv 2601.10323)."
    )


def knowledge(facts: CardFacts) -> Iterator[str]:
    vocabulary = facts.config.vocabulary
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
            if facts.recorded_sounds
            else ""
        )
        + "; they are typed, or spoken in the stream."
    )
    if sounds := facts.recorded_sounds:
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
    if sights := facts.sights:
        yield _filled(
            "**Sights** that need no names of things, on any camera. The last wording of each was "
            "not trained on:"
        )
        yield _table(
            ("sight", "alert me when ..."),
            [(_sight_name(sight), "; ".join(sight.wordings)) for sight in sights],
        )
    else:
        yield _filled(
            "**Sights** of real cameras (motion, light, lamps, a covered camera). None: it was not "
            "trained on them."
        )


def usage(facts: CardFacts) -> Iterator[str]:
    model = "" if facts.name == "roma_tiny" else f" --model {facts.name}"
    yield (
        "```python\n"
        "from roma_ros.sources import open_media, units_of\n"
        "from roma_ros.thinker import RomaThinker\n\n"
        f'thinker = RomaThinker.from_pretrained("{facts.name}")\n'
        "with (\n"
        '    open_media("film.mp4") as film,\n'
        f'    thinker.open_session("{facts.instruction}") as session,\n'
        "):\n"
        "    print([session.step(unit).p_speak for unit in units_of(film)])\n"
        "```"
    )
    yield f'```\nroma run 0 mic{model} --watch "{facts.instruction}"\n```'
    yield _context(facts)


def _context(facts: CardFacts) -> str:
    config = facts.config
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


def training(facts: CardFacts) -> Iterator[str]:
    parts = [
        "- **Synthetic streams**, rendered from seeds with exact labels: coloured shapes that "
        "appear, move, touch and leave; beeps, tones, bursts, knocks and words spoken by "
        "espeak-ng. Seeds and voices of the test split are not trained on."
    ]
    if facts.recorded_sounds:
        folds = _listed([str(fold) for fold in facts.folds])
        parts.append(
            f"- **Recorded sounds**: the folds {folds} of ESC-10, played at random level, speed, "
            "colour and room among the synthetic sounds. Fold 5 was never read."
        )
    if facts.sights:
        trained = [name for name in CLIPS if split_of_clip(name) is Split.TRAIN]
        parts.append(
            "- **Footage** as backdrops of sights, beside rendered rooms: "
            f"{', '.join(trained)} of intel-iot-devkit/sample-videos."
        )
    yield "\n".join(_filled(part, "  ") for part in parts)
    yield "Stages, settings and times: `docs/training.md` of roma_ros."


def figures(facts: CardFacts, measured: Evaluation, file: str, *, same: bool) -> Iterator[str]:
    machine = measured.machine
    yield _filled(
        f"From `{file}`, written by `roma eval world` on {str(machine.get('when', ''))[:10]} "
        f"(commit {machine.get('commit', '?')}, {machine.get('cpu', '?')}, "
        f"{machine.get('cores', '?')} cores), with 95% intervals, on streams of the test split. "
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
        if section == EvalSection.RECORDINGS.value and HELD_OUT_FOLD in facts.folds:
            yield _filled(
                f"**The fold {HELD_OUT_FOLD}, on which `roma eval world` measures, was trained "
                "on**: these figures are better than those of recordings that are new."
            )
        if section == CONTINUOUS:
            yield _ages_table(measured.continuous)
            continue
        yield _table(
            ("figure", "measured", "95% interval", "of", "bar"),
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
                        facts.names.get(kind, kind),
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


def limits(facts: CardFacts, measured: Evaluation, *, same: bool) -> Iterator[str]:
    config = facts.config
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
        facts.names.get(kind, kind)
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


def licences(facts: CardFacts) -> Iterator[str]:
    parts = [
        "Weights and code: Apache-2.0. Nothing of the data below is part of them.",
        "Synthetic streams: made by roma_ros. The voices are espeak-ng's (GPL-3.0-or-later), which "
        "is called and not contained.",
    ]
    if facts.recorded_sounds:
        parts.append(
            "ESC-10 by Karol J. Piczak (ESC: Dataset for Environmental Sound Classification, ACM "
            "Multimedia 2015), CC BY 3.0 as a set, https://github.com/karolpiczak/ESC-10. Its "
            "recordings are from freesound.org, under CC0, CC BY or (two) CC Sampling+; "
            "`LICENSES.tsv` beside them has the title of each. Authors: "
            + " ".join(f"{licence}: {names}." for licence, names in ESC_10_AUTHORS.items())
        )
    if facts.sights:
        parts.append(
            "Footage: clips of https://github.com/intel-iot-devkit/sample-videos, CC BY 4.0, cut, "
            "mirrored and recoloured."
        )
    if len(parts) == 2:
        parts.append("No recordings and no footage were trained on.")
    yield "\n".join(_filled(f"- {part}", "  ") for part in parts)


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
