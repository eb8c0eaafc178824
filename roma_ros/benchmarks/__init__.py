"""Scores of predictions on public benchmarks, without a model. Free of torch and ROS.

`roma eval score` runs it. One module per benchmark has its annotations as dataclasses, readers and
writers of the official prediction format, and the scorers of three protocols:

- `official`: the rules of the benchmark's own scorer.
- `roma`: the rules of the ROMA paper, on p(speak) of every second.
- `online`: no look-ahead, one threshold for the whole set, and a cost for every false alarm.

The shared modules:

- `registry`: the benchmarks by name; `score` is the entry point.
- `score`: `ScoringProtocol`, `ScoreSettings`, `Score` and `ScoreFigure`.
- `files`: JSON and JSON Lines, with errors that name file, row and field.
- `streams`: predictions of a stream: p(speak), alerts or narrations; triggers and smoothing.
- `alerts`, `narrations`: online scores of alerts; scores of the times of narrations.
- `ranking`: overlap of intervals, average precision.
- `text`: letters, options and plain text.
"""
