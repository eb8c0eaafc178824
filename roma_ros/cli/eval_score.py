"""`roma eval score`: the score of a predictions file on a public benchmark, without a model."""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roma_ros.cli.errors import UsageError
from roma_ros.cli.parser import Commands, add_command
from roma_ros.cli.results import check_folder_of, table_console, write_json

if TYPE_CHECKING:
    from rich.table import Table

    from roma_ros.benchmarks.score import Score, ScoreFigure

__all__ = ["TABLE_WIDTH", "add_file_options", "add_to"]

TABLE_WIDTH = 120  # characters, in a file or pipe
SHOWN = 3  # identifiers in a message

DETAILS = """\
Scores a predictions file against a benchmark's own annotation file. It needs
no model and no video. NAME is one of qvhighlights, charades_sta, didemo,
omnimmi_pa, streamingbench, ovo_bench, youcook2, activitynet, video_mme and
egoschema. docs/public_benchmarks.md has the formats of the files.
"""
EPILOG = """\
protocols:
  official   the rules of the benchmark's own scorer, on its prediction format
  roma       the rules of the ROMA paper, on JSON Lines of {"id", "p": [...]}
             with p(speak) of every second; some of them look ahead
  online     no look-ahead, one threshold for the whole set: latency, early,
             late, missed and repeated alerts, false alarms per minute

examples:
  roma eval score qvhighlights --annotations val.jsonl --predictions mine.jsonl
  roma eval score ovo_bench --annotations ovo_bench.json \\
      --predictions series.jsonl --protocol online --threshold 0.6 --window 3

exit codes:
  0    scored
  1    the result cannot be written
  2    a wrong argument, or a file that cannot be scored
  130  interrupted by Ctrl-C
"""


def add_to(benchmarks: Commands) -> None:
    """Add the command to the benchmarks of `roma eval`."""
    from roma_ros.benchmarks.registry import BENCHMARKS
    from roma_ros.benchmarks.score import ScoringProtocol

    parser = add_command(
        benchmarks,
        "score",
        usage="[OPTIONS] NAME",
        summary="score a predictions file on a public benchmark, without a model",
        details=DETAILS,
        epilog=EPILOG,
    )
    parser.add_argument("name", metavar="NAME", choices=sorted(BENCHMARKS), help="benchmark")
    add_file_options(parser, "file to score")
    rules = parser.add_argument_group("rules")
    rules.add_argument(
        "--protocol",
        choices=[protocol.value for protocol in ScoringProtocol],
        default=ScoringProtocol.OFFICIAL.value,
        help="rules to score by (default: %(default)s)",
    )
    rules.add_argument(
        "--threshold", type=float, help="p(speak) of an alert, in (0, 1] (default: the paper's)"
    )
    rules.add_argument("--window", type=int, help="units, 1 to 60 (default: the paper's)")
    rules.add_argument(
        "--tolerance",
        type=float,
        default=1.0,
        metavar="S",
        help="online narration: largest distance of a sentence from its segment's end "
        "(default: %(default)s)",
    )
    rules.add_argument(
        "--subset",
        default="validation",
        help="part of a file with subsets that is scored (default: %(default)s)",
    )
    rules.add_argument(
        "--bertscore",
        type=Path,
        metavar="FOLDER",
        help="narration: score the sentences by BERTScore with this transformers encoder; needs "
        "the library bert_score",
    )
    parser.set_defaults(command=_score)


def add_file_options(parser: argparse.ArgumentParser, predictions: str) -> None:
    """Add the options for annotations, predictions and the result.

    Args:
        parser: parser of the command.
        predictions: help on the predictions file.
    """
    files = parser.add_argument_group("files")
    files.add_argument(
        "--annotations", type=Path, required=True, metavar="FILE", help="the benchmark's own file"
    )
    files.add_argument("--predictions", type=Path, required=True, metavar="FILE", help=predictions)
    files.add_argument("--json", type=Path, metavar="OUT", help="JSON file to write")


def _score(arguments: argparse.Namespace) -> int:
    from roma_ros.benchmarks.errors import BenchmarkError
    from roma_ros.benchmarks.registry import BENCHMARKS, score
    from roma_ros.benchmarks.score import ScoreSettings, ScoringProtocol

    out: Path | None = arguments.json
    check_folder_of(out)
    try:
        result = score(
            arguments.name,
            ScoringProtocol(arguments.protocol),
            arguments.annotations,
            arguments.predictions,
            ScoreSettings(
                threshold=arguments.threshold,
                window=arguments.window,
                tolerance=arguments.tolerance,
                subset=arguments.subset,
                bertscore=arguments.bertscore,
            ),
        )
    except BenchmarkError as error:
        raise UsageError(str(error)) from error
    console = table_console(TABLE_WIDTH)
    title = BENCHMARKS[arguments.name].title
    console.print(_table(result, f"{title}, protocol {arguments.protocol}"))
    print(_rows(result))
    for note in [*_missing(result), *result.notes]:
        print(f"note: {note}")
    if out is not None:
        write_json(out, _json(arguments, result))
        print(f"results: {out}")
    return 0


def _table(result: Score, title: str) -> Table:
    from rich.table import Table

    table = Table(title=title, min_width=len(title))
    table.add_column("figure")
    table.add_column("value", justify="right")
    table.add_column("unit")
    table.add_column("of", justify="right")
    for figure in result.figures:
        table.add_row(figure.name, _number(figure), figure.unit, f"{figure.count:,}")
    return table


def _rows(result: Score) -> str:
    settings = "".join(f", {name} {value:g}" for name, value in result.settings.items())
    return f"{result.rows:,} annotation rows{settings}"


def _number(figure: ScoreFigure) -> str:
    if figure.value is None:
        return "none"
    return f"{figure.value:.2f}" if figure.unit else f"{figure.value:g}"


def _missing(result: Score) -> list[str]:
    if not result.missing:
        return []
    shown = ", ".join(result.missing[:SHOWN])
    others = ", ..." if len(result.missing) > SHOWN else ""
    return [
        f"{len(result.missing):,} of {result.rows:,} rows have no prediction and count as wrong: "
        f"{shown}{others}"
    ]


def _json(arguments: argparse.Namespace, result: Score) -> dict[str, Any]:
    return {
        "benchmark": arguments.name,
        "protocol": arguments.protocol,
        "annotations": _file(arguments.annotations),
        "predictions": _file(arguments.predictions),
        **result.to_json(),
    }


def _file(path: Path) -> dict[str, str]:
    return {"name": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
