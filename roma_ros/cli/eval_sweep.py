"""`roma eval sweep`: thresholds and windows tried on kept p(speak), without a model."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roma_ros.cli.errors import UsageError
from roma_ros.cli.eval_score import TABLE_WIDTH, add_file_options
from roma_ros.cli.parser import Commands, add_command
from roma_ros.cli.results import check_folder_of, table_console, write_json

if TYPE_CHECKING:
    from rich.table import Table

    from roma_ros.benchmarks.score import Score
    from roma_ros.benchmarks.sweep import ScoreSweep, SweptScore

__all__ = ["add_to"]

DETAILS = """\
Scores a file of p(speak) at every threshold and window on a validation part
of the videos, chooses the best, and scores the rest once with it. Needs no
model and no video.
"""
EPILOG = """\
how it chooses:
  By --figure, whose highest value is the best; by default the first figure
  that `roma eval score` prints. Which videos are in the validation part
  depends on their names alone.

examples:
  roma eval sweep qvhighlights --annotations val.jsonl --predictions p.jsonl
  roma eval sweep omnimmi_pa --annotations pa.json --predictions p.jsonl \\
      --protocol roma --thresholds 0.3 0.5 0.7 --windows 1 3 5

exit codes:
  0    swept
  1    the result cannot be written
  2    a wrong argument, or a file that cannot be scored
  130  interrupted by Ctrl-C
"""
THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(1, 20))
WINDOWS = (1, 2, 3, 4, 5)


def add_to(benchmarks: Commands) -> None:
    """Add the command to the benchmarks of `roma eval`."""
    from roma_ros.benchmarks.registry import BENCHMARKS
    from roma_ros.benchmarks.score import ScoringProtocol

    parser = add_command(
        benchmarks,
        "sweep",
        usage="[OPTIONS] NAME",
        summary="choose threshold and window on a part of kept p(speak)",
        details=DETAILS,
        epilog=EPILOG,
    )
    names = sorted(name for name, benchmark in BENCHMARKS.items() if benchmark.streams)
    parser.add_argument("name", metavar="NAME", choices=names, help="benchmark")
    add_file_options(parser, "p(speak) of its streams")
    rules = parser.add_argument_group("rules")
    rules.add_argument(
        "--protocol",
        choices=[ScoringProtocol.ROMA.value, ScoringProtocol.ONLINE.value],
        default=ScoringProtocol.ONLINE.value,
        help="rules to score by (default: %(default)s)",
    )
    rules.add_argument(
        "--thresholds",
        type=float,
        nargs="+",
        default=THRESHOLDS,
        metavar="P",
        help="thresholds to try (default: 0.05 to 0.95 by 0.05)",
    )
    rules.add_argument(
        "--windows",
        type=int,
        nargs="+",
        default=WINDOWS,
        metavar="N",
        help="windows to try, units (default: 1 to 5)",
    )
    rules.add_argument("--figure", metavar="NAME", help="figure to choose by (default: the first)")
    rules.add_argument(
        "--share",
        type=float,
        default=0.2,
        help="share of the videos in the validation part (default: %(default)s)",
    )
    parser.set_defaults(command=_sweep)


def _sweep(arguments: argparse.Namespace) -> int:
    from roma_ros.benchmarks.errors import BenchmarkError
    from roma_ros.benchmarks.registry import BENCHMARKS
    from roma_ros.benchmarks.score import ScoringProtocol
    from roma_ros.benchmarks.sweep import sweep_scores

    out: Path | None = arguments.json
    check_folder_of(out)
    try:
        result = sweep_scores(
            arguments.name,
            ScoringProtocol(arguments.protocol),
            arguments.annotations,
            arguments.predictions,
            thresholds=arguments.thresholds,
            windows=arguments.windows,
            share=arguments.share,
            figure=arguments.figure,
        )
    except BenchmarkError as error:
        raise UsageError(str(error)) from error
    console = table_console(TABLE_WIDTH)
    title = f"{BENCHMARKS[arguments.name].title}, protocol {arguments.protocol}: {result.figure}"
    console.print(_table(result, title))
    best = result.best
    print(
        f"chosen: {_setting(best)}; on the validation part {_value(best.score, result.figure)} "
        f"({best.score.rows:,} rows), on the rest {_value(result.rest, result.figure)} "
        f"({result.rest.rows:,} rows)"
    )
    if out is not None:
        write_json(out, _json(arguments, result))
        print(f"results: {out}")
    return 0


def _table(result: ScoreSweep, title: str) -> Table:
    """Return a table of the figure: a row for each threshold, a column for each window."""
    from rich.table import Table
    from rich.text import Text

    windows = list(dict.fromkeys(point.window for point in result.points))
    table = Table(title=title, min_width=len(title))
    table.add_column("threshold", justify="right")
    for window in windows:
        table.add_column("value" if window is None else f"window {window}", justify="right")
    for threshold in dict.fromkeys(point.threshold for point in result.points):
        cells = [
            Text(
                _value(point.score, result.figure) + (" *" if point is result.best else ""),
                "bold green" if point is result.best else "",
            )
            for point in result.points
            if point.threshold == threshold
        ]
        table.add_row("" if threshold is None else f"{threshold:g}", *cells)
    return table


def _setting(point: SweptScore) -> str:
    parts = {"threshold": point.threshold, "window": point.window}
    return ", ".join(f"{name} {value:g}" for name, value in parts.items() if value is not None)


def _value(score: Score, figure: str) -> str:
    value = score.figure(figure).value
    return "none" if value is None else f"{value:.2f}"


def _json(arguments: argparse.Namespace, result: ScoreSweep) -> dict[str, Any]:
    def point(swept: SweptScore) -> dict[str, Any]:
        setting = {"threshold": swept.threshold, "window": swept.window}
        return {**setting, **swept.score.to_json()}

    return {
        "benchmark": arguments.name,
        "protocol": arguments.protocol,
        "figure": result.figure,
        "share": arguments.share,
        "best": point(result.best),
        "rest": result.rest.to_json(),
        "points": [point(swept) for swept in result.points],
    }
