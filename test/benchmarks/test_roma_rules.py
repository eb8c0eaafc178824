"""ROMA's rules on random series of p(speak), against a second writing of them in plain loops."""

from __future__ import annotations

import json
import random
from itertools import pairwise
from pathlib import Path

import pytest

from roma_ros.benchmarks.registry import score
from roma_ros.benchmarks.score import ScoreSettings, ScoringProtocol

SERIES = 200
ROMA = ScoringProtocol.ROMA


def random_series(seed: int) -> list[list[float]]:
    """Series of 15 to 60 seconds: noise, runs, ties, constants."""
    dice = random.Random(seed)
    found = []
    for number in range(SERIES):
        length = dice.randint(15, 60)
        kind = number % 4
        if kind == 0:
            series = [dice.random() for _ in range(length)]
        elif kind == 1:
            series = [round(dice.random(), 1) for _ in range(length)]
        elif kind == 2:
            series, high = [], False
            while len(series) < length:
                series += [dice.uniform(0.75, 1) if high else dice.uniform(0, 0.4)] * dice.randint(
                    1, 7
                )
                high = not high
            series = series[:length]
        else:
            series = [dice.choice([0.0, 0.5, 1.0])] * length
        found.append(series)
    return found


def random_window(dice: random.Random, length: int, *, whole: bool = False) -> list[float]:
    start = dice.randint(0, length - 4)
    end = dice.randint(start + 1, length - 1)
    return [start, end] if whole else [start + dice.choice([0, 0.5]), end + dice.choice([0, 0.3])]


def files(folder: Path, annotations: str, series: dict[str, list[float]]) -> tuple[Path, Path]:
    (folder / "annotations").write_text(annotations)
    rows = [json.dumps({"id": name, "p": p}) + "\n" for name, p in series.items()]
    (folder / "predictions").write_text("".join(rows))
    return folder / "annotations", folder / "predictions"


def smooth(p: list[float], w: int) -> list[float]:
    out = []
    for i in range(len(p)):
        near = [p[j] for j in range(i - w, i + w + 1) if 0 <= j < len(p)]
        out.append(sum(near) / len(near))
    return out


def first_triggers(p: list[float], threshold: float, window: int) -> list[int]:
    """The last second of the first `window` seconds of every run at or above the threshold."""
    found = []
    for i in range(window - 1, len(p)):
        if all(x >= threshold for x in p[i - window + 1 : i + 1]) and (
            i == window - 1 or p[i - window] < threshold
        ):
            found.append(i)
    return found


def ranked_precision(labels: list[bool], scores: list[float]) -> float:
    """Each positive's precision: positives by elements among those scored at least as high."""
    total = 0.0
    for label, value in zip(labels, scores, strict=True):
        if label:
            above = [k for k, other in enumerate(scores) if other >= value]
            total += sum(labels[k] for k in above) / len(above)
    return total / sum(labels)


def test_qvhighlights(tmp_path: Path) -> None:
    dice = random.Random(1)
    rows, precisions, hits = [], [], []
    series = {str(number): p for number, p in enumerate(random_series(1))}
    for name, p in series.items():
        windows = [random_window(dice, len(p), whole=True) for _ in range(dice.randint(1, 3))]
        rows.append(
            {
                "qid": int(name),
                "query": "q",
                "duration": len(p),
                "vid": "a_0.0_60.0",
                "relevant_clip_ids": [],
                "saliency_scores": [],
                "relevant_windows": windows,
            }
        )
        labels = [any(s <= i <= e for s, e in windows) for i in range(len(p))]
        low, high = min(p), max(p)
        scaled = [(x - low) / (high - low) if high > low else 0.0 for x in p]
        # Sums in another order differ in the last digits, which would break ties.
        scores = [round(x, 9) for x in smooth(scaled, 5)]
        precisions.append(ranked_precision(labels, scores))
        hits.append(labels[scores.index(max(scores))])
    annotations = "".join(json.dumps(row) + "\n" for row in rows)
    result = score("qvhighlights", ROMA, *files(tmp_path, annotations, series))
    assert result.figure("mAP").value == pytest.approx(100 * sum(precisions) / SERIES)
    assert result.figure("HIT@1").value == pytest.approx(100 * sum(hits) / SERIES)
    assert 20 < sum(hits) < SERIES


def test_charades_sta(tmp_path: Path) -> None:
    dice = random.Random(2)
    lines, shares = [], []
    series = {str(number): p for number, p in enumerate(random_series(2), start=1)}
    for p in series.values():
        start, end = random_window(dice, len(p))
        lines.append(f"VIDEO {start} {end}##someone sits down.\n")
        found = {i for i, x in enumerate(smooth(p, 3)) if round(x, 9) >= 0.45}
        wanted = {i for i in range(len(p)) if start <= i <= end}
        shares.append(len(found & wanted) / len(found | wanted) if found | wanted else 0.0)
    result = score("charades_sta", ROMA, *files(tmp_path, "".join(lines), series))
    for least in (0.3, 0.5, 0.7):
        expected = 100 * sum(share >= least for share in shares) / SERIES
        assert result.figure(f"R@1, IoU {least}").value == pytest.approx(expected)
    assert result.figure("mIoU").value == pytest.approx(100 * sum(shares) / SERIES)
    assert 0.1 < sum(shares) / SERIES < 0.9


def test_omnimmi_pa(tmp_path: Path) -> None:
    dice = random.Random(3)
    rows, right = [], 0
    series = {str(number): p for number, p in enumerate(random_series(3))}
    for name, p in series.items():
        start, end = random_window(dice, len(p))
        rows.append({"id": name, "answer": {"segment": [start, end]}})
        times = first_triggers(p, 0.5, 5)
        right += bool(times) and start <= times[0] <= end
    annotations = "".join(json.dumps(row) + "\n" for row in rows)
    result = score("omnimmi_pa", ROMA, *files(tmp_path, annotations, series))
    assert result.figure("accuracy").value == pytest.approx(100 * right / SERIES)
    assert 5 < right < SERIES


def test_streamingbench_po(tmp_path: Path) -> None:
    dice = random.Random(4)
    rows, right = [], 0
    series = {f"v{number}#0": p for number, p in enumerate(random_series(4))}
    for name, p in series.items():
        asked = dice.randint(0, 9)
        due = asked + dice.randint(2, 8)
        question = {
            "task_type": "Proactive Output",
            "question": "q",
            "time_stamp": f"00:00:{asked:02}",
            "ground_truth_time_stamp": f"00:00:{due:02}",
            "ground_truth_output": "x",
        }
        rows.append({"video_path": name.partition("#")[0], "questions": [question]})
        times = [asked + i for i in first_triggers(p[asked:], 0.2, 4)]
        right += bool(times) and -2 <= times[0] - due <= 2
    result = score("streamingbench", ROMA, *files(tmp_path, json.dumps(rows), series))
    assert result.figure("PO").value == pytest.approx(100 * right / SERIES)
    assert 5 < right < SERIES


def test_ovo_bench_rec_and_crr(tmp_path: Path) -> None:
    dice = random.Random(5)
    rows, hits, right, asked = [], [], 0, 0
    series = {str(number): p for number, p in enumerate(random_series(5))}
    for number, p in enumerate(series.values()):
        if number % 2:
            windows = sorted(random_window(dice, len(p)) for _ in range(3))
            times = first_triggers(p, 0.7, 2)
            hits += [any(s <= t <= e for t in times) for s, e in windows]
            rows.append(
                {
                    "id": number,
                    "task": "REC",
                    "video": "v",
                    "activity": "a",
                    "start_times": [s for s, _ in windows],
                    "end_times": [e for _, e in windows],
                    "test_info": [],
                }
            )
        else:
            ask = dice.randint(0, 6)
            clue = ask + dice.randint(1, 6)
            times = [ask + t for t in first_triggers(p[ask:], 0.7, 2)]
            right += bool(times) and times[0] > clue
            asked += 1
            rows.append(
                {
                    "id": number,
                    "task": "CRR",
                    "video": "v",
                    "question": "q",
                    "answer": "a",
                    "ask_time": ask,
                    "clue_time": clue,
                    "test_info": [],
                }
            )
    result = score("ovo_bench", ROMA, *files(tmp_path, json.dumps(rows), series))
    assert result.figure("REC").value == pytest.approx(100 * sum(hits) / len(hits))
    assert result.figure("CRR").value == pytest.approx(100 * right / asked)
    assert 5 < right < asked
    assert 5 < sum(hits) < len(hits)


def test_narration(tmp_path: Path) -> None:
    dice = random.Random(6)
    videos, hits, published, wanted = {}, 0, 0, 0
    series = {str(number): p for number, p in enumerate(random_series(6))}
    for name, p in series.items():
        cuts = sorted(dice.sample(range(len(p)), 5))
        segments = list(pairwise(cuts))
        videos[name] = {
            "duration": len(p),
            "timestamps": segments,
            "sentences": ["s"] * len(segments),
        }
        times = [i for i, x in enumerate(p) if x >= 0.8]
        published += len(times)
        wanted += len(segments)
        hits += sum(any(t in range(s, e) for t in times) for s, e in segments)
    result = score(
        "activitynet",
        ROMA,
        *files(tmp_path, json.dumps(videos), series),
        ScoreSettings(threshold=0.8),
    )
    precision, recall = hits / published, hits / wanted
    assert result.figure("precision").value == pytest.approx(100 * precision)
    assert result.figure("recall").value == pytest.approx(100 * recall)
    f1 = 2 * precision * recall / (precision + recall)
    assert result.figure("F1").value == pytest.approx(100 * f1)
    assert 0.1 < recall < 0.9
