"""What readers and scorers of these benchmarks get wrong most easily; one test for each trap."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roma_ros.benchmarks.errors import BenchmarkError
from roma_ros.benchmarks.qvhighlights import read_moments
from roma_ros.benchmarks.ranking import mean_precision_of_steps, overlap, step_average_precision
from roma_ros.benchmarks.registry import score
from roma_ros.benchmarks.score import Score, ScoreSettings, ScoringProtocol
from roma_ros.benchmarks.streamingbench import read_stream_questions
from roma_ros.benchmarks.streams import alarm_runs, normalised, smoothed
from roma_ros.benchmarks.text import option_texts, plain_text, read_letter

from .small import (
    ANNOTATIONS,
    DIDEMO,
    OFFICIAL,
    OVO_ANSWERS,
    OVO_BENCH,
    QVHIGHLIGHTS,
    QVHIGHLIGHTS_ANSWERS,
    STREAMINGBENCH,
    YOUCOOK2,
    lines,
    write,
)

Official, Roma, Online = ScoringProtocol  # in the order of the class


def scored(
    folder: Path,
    name: str,
    predictions: str,
    protocol: ScoringProtocol = Official,
    annotations: str | None = None,
    **settings: Any,
) -> Score:
    return score(
        name,
        protocol,
        write(folder, "annotations", annotations or ANNOTATIONS[name]),
        write(folder, "predictions", predictions),
        ScoreSettings(**settings),
    )


def value(result: Score, name: str) -> float | None:
    return result.figure(name).value


# Closed or half-open intervals


@pytest.mark.parametrize(("second", "right"), [(4, 0), (5, 100), (8, 100), (9, 0)])
def test_an_interval_of_omnimmi_is_closed(tmp_path: Path, second: int, right: float) -> None:
    p = [0.0] * second + [1.0] + [0.0] * 5
    row = [{"id": "a", "answer": {"segment": [5, 8]}}]
    result = scored(
        tmp_path, "omnimmi_pa", lines([{"id": "a", "p": p}]), Roma, lines(row), window=1
    )
    assert value(result, "accuracy") == right


def test_a_segment_of_a_narration_is_half_open(tmp_path: Path) -> None:
    said = lines([{"id": "v1", "generated_outputs": [{"time": 10, "text": "x"}]}])
    assert value(scored(tmp_path, "youcook2", said, Roma), "recall") == 50
    row = {"duration": 30, "timestamps": [[5, 10]], "sentences": ["s"]}
    alone = json.dumps({"v1": row})
    assert value(scored(tmp_path, "activitynet", said, Roma, alone), "recall") == 0


def test_the_last_segment_of_a_span_of_didemo_is_in_it(tmp_path: Path) -> None:
    spans = {**DIDEMO[0], "times": [[1, 2]] * 4}
    text = json.dumps([spans])
    assert value(scored(tmp_path, "didemo", "[[[2, 2]]]", annotations=text), "mIoU") == 50
    alert = lines([{"id": 49152, "alerts": [14.5]}])
    assert value(scored(tmp_path, "didemo", alert, Online, text), "event recall") == 100
    alert = lines([{"id": 49152, "alerts": [16.5]}])
    assert value(scored(tmp_path, "didemo", alert, Online, text), "event recall") == 0


# 1-s or 2-s clips


def test_saliency_is_of_two_seconds_and_p_of_one(tmp_path: Path) -> None:
    row = {**QVHIGHLIGHTS[0], "relevant_clip_ids": [7], "saliency_scores": [[4, 4, 4]]}
    row["relevant_windows"] = [[14, 16]]
    saliency = [0.0] * 7 + [1.0, 0.0, 0.0]
    given = {**QVHIGHLIGHTS_ANSWERS[0], "pred_saliency_scores": saliency}
    result = scored(tmp_path, "qvhighlights", lines([given]), annotations=lines([row]))
    assert value(result, "HL-min-VeryGood-Hit1") == 100
    p = [0.0] * 15 + [1.0] + [0.0] * 4
    result = scored(
        tmp_path, "qvhighlights", lines([{"id": 1, "p": p}]), Online, lines([row]), threshold=0.9
    )
    assert value(result, "event recall") == 100
    p = [0.0] * 7 + [1.0] + [0.0] * 12
    result = scored(tmp_path, "qvhighlights", lines([{"id": 1, "p": p}]), Online, lines([row]))
    assert value(result, "event recall") == 0


# A video's own start inside the YouTube one


def test_windows_are_in_seconds_of_the_clip_whatever_its_own_start(tmp_path: Path) -> None:
    moments = read_moments(write(tmp_path, "a", ANNOTATIONS["qvhighlights"]))
    moment = moments["1"]
    assert list(moment.span) == ["abc_DEF", 60, 80]
    assert list(moment.windows) == [(2, 6), (14, 16)]
    bad = {**QVHIGHLIGHTS[0], "vid": "abc_60"}
    with pytest.raises(BenchmarkError, match="row 1: vid is 'abc_60'; expected YOUTUBEID_START"):
        read_moments(write(tmp_path, "b", lines([bad])))


# Min-max over the whole video looks ahead


def test_min_max_looks_ahead_and_the_online_alarm_does_not() -> None:
    p = np.array([0.1, 0.4, 0.2])
    later = np.append(p, 1.0)
    assert normalised(p)[1] == 1
    assert normalised(later)[1] < 0.5
    assert smoothed(later, 1)[2] > smoothed(p, 1)[2]
    assert alarm_runs(p, 0.3, 1)[0][0] == alarm_runs(later, 0.3, 1)[0][0] == 1
    assert normalised(np.full(3, 0.7)).tolist() == [0, 0, 0]


def test_online_precision_needs_one_scale_for_all_videos(tmp_path: Path) -> None:
    rows = [{**QVHIGHLIGHTS[0], "qid": qid, "relevant_windows": [[2, 6]]} for qid in (1, 2)]
    event = [0.0] * 2 + [1.0] * 5 + [0.0] * 13
    faint = [0.1 * p for p in event]
    loud = [0.5 + 0.5 * p for p in event]
    series = lines([{"id": 1, "p": faint}, {"id": 2, "p": loud}])
    result = scored(tmp_path, "qvhighlights", series, Online, lines(rows))
    assert value(result, "AP of all seconds") < 80  # type: ignore[operator]
    result = scored(tmp_path, "qvhighlights", series, Roma, lines(rows), window=1)
    assert value(result, "HIT@1") == 100


# Questions at the same second


def test_questions_at_the_same_second_are_two(tmp_path: Path) -> None:
    questions = read_stream_questions(write(tmp_path, "a", ANNOTATIONS["streamingbench"]))
    assert list(questions) == [
        "./videos/sample_1_real.mp4#0",
        "./videos/sample_1_real.mp4#1",
        "./videos/sample_2_proactive.mp4#0",
    ]
    assert [row.time for row in questions.values()] == [6, 6, 10]


def test_two_rows_of_one_video_number_its_questions_on(tmp_path: Path) -> None:
    text = json.dumps([STREAMINGBENCH[1], STREAMINGBENCH[1]])
    questions = read_stream_questions(write(tmp_path, "a", text))
    assert [name.partition("#")[2] for name in questions] == ["0", "1"]


# A letter in a word


@pytest.mark.parametrize(
    ("response", "official", "online"),
    [
        ("B", 100, 100),
        ("B. a man", 100, 100),
        ("A B", 100, 0),  # names several letters
        ("Bob waits", 100, 0),
        ("the man", 0, 0),
        ("b", 0, 100),  # case matters officially
        ("The answer is B.", 100, 100),
    ],
)
def test_a_letter_in_a_word(tmp_path: Path, response: str, official: float, online: float) -> None:
    row = {**OVO_ANSWERS["backward"][0], "response": response}
    text = json.dumps({"backward": [row], "realtime": [], "forward": []})
    assert value(scored(tmp_path, "ovo_bench", text), "EPM") == official
    assert value(scored(tmp_path, "ovo_bench", text, Online), "EPM") == online


@pytest.mark.parametrize(
    ("response", "letter"),
    [
        ("A dog runs", None),
        ("A", "A"),
        ("(C)", "C"),
        ("d:", "D"),
        ("I think C, not because of B", None),
        ("Option D is right", None),
        ("It is (D)", "D"),
        ("E", None),
        ("", None),
        (None, None),
    ],
)
def test_a_letter_counts_if_it_stands_alone(response: str | None, letter: str | None) -> None:
    assert read_letter(response, 4) == letter


# Options with and without letters


@pytest.mark.parametrize(
    ("options", "texts"),
    [
        (["A. A cup.", "B.A map."], ("A cup.", "A map.")),
        (["Cup", "A map"], ("Cup", "A map")),
        (
            ["A.Lebrun.", "Fan Z.D.", "Xu xin.", "Ma Lin."],
            ("A.Lebrun.", "Fan Z.D.", "Xu xin.", "Ma Lin."),
        ),
        (["A black hat", "A red hat"], ("A black hat", "A red hat")),
        (["A. 107.", "B. 93.", "B. 91.", "D. 99."], ("107.", "93.", "91.", "99.")),
        (["A. Wade", "B. Tyler", "D. Carter", "C. Jensen"], ("Wade", "Tyler", "Carter", "Jensen")),
        (["A. one", "", "B. two", "C. three"], ("one", "two", "three")),
        (["A. he says", "and goes", "B. two", "C. three"], ("he says, and goes", "two", "three")),
    ],
)
def test_options_with_and_without_letters(options: list[str], texts: tuple[str, ...]) -> None:
    assert option_texts(options) == texts


# HTML and double spaces


def test_html_and_double_spaces(tmp_path: Path) -> None:
    assert plain_text("a  <b>big</b>&nbsp;dog<br>&amp; 3 < 4\n") == "a big dog & 3 < 4"
    moments = read_moments(write(tmp_path, "a", ANNOTATIONS["qvhighlights"]))
    assert moments["1"].query == "A dog runs & barks."
    questions = read_stream_questions(write(tmp_path, "b", ANNOTATIONS["streamingbench"]))
    assert next(iter(questions.values())).question == "What is on the table now?"


# Answers with None


def test_no_answer_is_wrong(tmp_path: Path) -> None:
    result = scored(tmp_path, "ovo_bench", OFFICIAL["ovo_bench"])
    assert value(result, "OCR") == 0
    assert value(result, "CRR") == 50
    for nothing in (None, "None"):
        row = {**OVO_ANSWERS["realtime"][0], "response": nothing}
        text = json.dumps({"backward": [], "realtime": [row], "forward": []})
        assert value(scored(tmp_path, "ovo_bench", text), "OCR") == 0
    missing = {key: v for key, v in OVO_ANSWERS["realtime"][0].items() if key != "response"}
    text = json.dumps({"backward": [], "realtime": [missing], "forward": []})
    with pytest.raises(BenchmarkError, match="realtime, row 1: response is missing"):
        scored(tmp_path, "ovo_bench", text)


def test_what_of_video_mme_gives_no_letter_counts_online_alone(tmp_path: Path) -> None:
    official = scored(tmp_path, "video_mme", OFFICIAL["video_mme"])
    assert (value(official, "overall"), official.figure("overall").count) == (100, 1)
    assert official.notes == ["1 responses give no letter; not counted"]
    online = scored(tmp_path, "video_mme", OFFICIAL["video_mme"], Online)
    assert (value(online, "overall"), online.figure("overall").count) == (50, 2)


# VFR and start offsets


def test_a_stream_may_start_inside_its_video(tmp_path: Path) -> None:
    row = lines([{"id": "a", "answer": {"segment": [105, 108]}}])
    p = [0.0] * 6 + [1.0] + [0.0] * 5
    early = lines([{"id": "a", "p": p}])
    assert value(scored(tmp_path, "omnimmi_pa", early, Roma, row, window=1), "accuracy") == 0
    offset = lines([{"id": "a", "start": 100, "p": p}])
    assert value(scored(tmp_path, "omnimmi_pa", offset, Roma, row, window=1), "accuracy") == 100
    online = scored(tmp_path, "omnimmi_pa", offset, Online, row, window=1)
    assert value(online, "latency, median") == 2  # the unit that ends at 107 s


# Segments that end after the video


def test_a_segment_that_ends_after_the_video_is_cut_and_reported(tmp_path: Path) -> None:
    said = lines([{"id": "v1", "generated_outputs": [{"time": 31, "text": "x"}]}])
    result = scored(tmp_path, "youcook2", said, Online)
    assert result.notes == ["1 segments end after their video"]
    assert value(result, "delay, mean") == 0.5  # to 30.5 s, not to 40 s


# Several windows


def test_the_best_of_several_windows_counts(tmp_path: Path) -> None:
    window = [[14, 16, 0.9]]
    given = {**QVHIGHLIGHTS_ANSWERS[0], "pred_relevant_windows": window}
    one = lines([QVHIGHLIGHTS[0]])
    result = scored(tmp_path, "qvhighlights", lines([given]), annotations=one)
    assert value(result, "MR-full-R1@0.95") == 100
    assert value(result, "MR-full-mAP@0.95") == 50
    both = {**given, "pred_relevant_windows": [*window, [2, 6, 0.1]]}
    result = scored(tmp_path, "qvhighlights", lines([both]), annotations=one)
    assert value(result, "MR-full-mAP@0.95") == 100


# A prediction file with ids missing, twice, or as numbers


def test_a_row_without_a_prediction_is_wrong_and_reported(tmp_path: Path) -> None:
    result = scored(tmp_path, "qvhighlights", lines(QVHIGHLIGHTS_ANSWERS[:1]))
    assert result.missing == ["2"]
    assert value(result, "MR-full-R1@0.5") == 50
    assert value(result, "HL-min-Good-Hit1") == 50


def test_an_id_that_stands_twice_or_nowhere_is_refused(tmp_path: Path) -> None:
    twice = lines([QVHIGHLIGHTS_ANSWERS[0], {**QVHIGHLIGHTS_ANSWERS[0], "qid": "1"}])
    with pytest.raises(BenchmarkError, match="row 2: id '1' stands twice"):
        scored(tmp_path, "qvhighlights", twice)
    unknown = lines([{**QVHIGHLIGHTS_ANSWERS[0], "qid": 9}])
    with pytest.raises(BenchmarkError, match="id '9' is in no annotation row"):
        scored(tmp_path, "qvhighlights", unknown)
    annotated = lines([QVHIGHLIGHTS[0], QVHIGHLIGHTS[0]])
    with pytest.raises(BenchmarkError, match="annotations, row 2: id '1' stands twice"):
        scored(tmp_path, "qvhighlights", twice, annotations=annotated)


def test_an_id_may_be_a_number_or_its_text(tmp_path: Path) -> None:
    for identifier in (1, "1", 1.0):
        given = lines([{**QVHIGHLIGHTS_ANSWERS[0], "qid": identifier}])
        assert scored(tmp_path, "qvhighlights", given).missing == ["2"]
    choices = json.dumps({"q1": "3", "q2": 0})
    assert value(scored(tmp_path, "egoschema", choices), "accuracy") == 100


def test_rankings_of_didemo_are_as_many_as_rows(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="has 1 rows; expected 2, one for each"):
        scored(tmp_path, "didemo", "[[[0, 0]]]")


# Averages of tasks or of items


def test_averages_of_tasks_and_of_items(tmp_path: Path) -> None:
    more = {**OVO_BENCH[1], "id": 9, "task": "ACR"}
    third = {**OVO_BENCH[1], "id": 10, "task": "ACR"}
    rows = json.dumps([*OVO_BENCH[:2], more, third])
    right = {**OVO_ANSWERS["realtime"][0], "response": "A"}
    answers = {
        "backward": [{**OVO_ANSWERS["backward"][0], "response": "A"}],
        "realtime": [
            right,
            {**right, "id": 9, "task": "ACR"},
            {**right, "id": 10, "task": "ACR", "response": "C"},
        ],
        "forward": [],
    }
    result = scored(tmp_path, "ovo_bench", json.dumps(answers), annotations=rows)
    assert value(result, "realtime (mean of tasks)") == 75
    assert value(result, "all (mean of tasks)") == 50
    assert value(result, "all (mean of groups)") == 37.5
    streams = scored(tmp_path, "streamingbench", OFFICIAL["streamingbench"])
    assert (value(streams, "all questions"), value(streams, "mean of tasks")) == (50, 50)
    assert (value(streams, "PO, time"), value(streams, "PO, time and text")) == (100, 100)


# Ties in ranking


def test_ties_do_not_depend_on_their_order() -> None:
    scores = np.array([0.5, 0.5, 0.5, 0.1])
    for labels in ([1, 0, 0, 0], [0, 0, 1, 0]):
        found = np.array(labels, bool)
        assert step_average_precision(found, scores) == pytest.approx(1 / 3)
        assert mean_precision_of_steps(found, scores) == pytest.approx(1 / 3)


def test_every_distinct_score_is_one_step_in_qvhighlights() -> None:
    labels = np.array([1, 1, 0, 1], bool)
    scores = np.array([0.9, 0.9, 0.5, 0.1])
    assert mean_precision_of_steps(labels, scores) == pytest.approx((1 + 3 / 4) / 2)
    assert step_average_precision(labels, scores) == pytest.approx((2 * 1 + 3 / 4) / 3)
    assert mean_precision_of_steps(np.zeros(4, bool), scores) == 0
    assert mean_precision_of_steps(np.ones(4, bool), scores) == 1


def test_the_first_of_windows_with_equal_scores_stays_first(tmp_path: Path) -> None:
    one = lines([{**QVHIGHLIGHTS[0], "relevant_windows": [[2, 6]]}])
    windows = [[2, 6, 0.5], [10, 20, 0.5]]
    for order, average in ((windows, 100), (windows[::-1], 50)):
        given = {**QVHIGHLIGHTS_ANSWERS[0], "pred_relevant_windows": order}
        result = scored(tmp_path, "qvhighlights", lines([given]), annotations=one)
        assert value(result, "MR-full-mAP@0.5") == average


# An empty list of windows


def test_an_empty_list_of_windows(tmp_path: Path) -> None:
    result = scored(tmp_path, "qvhighlights", OFFICIAL["qvhighlights"])
    assert result.missing == []
    assert value(result, "MR-long-mAP") == 0
    assert value(scored(tmp_path, "charades_sta", OFFICIAL["charades_sta"]), "R@1, IoU 0.7") == (
        pytest.approx(100 / 3)
    )
    with pytest.raises(BenchmarkError, match=r"relevant_windows is .*the test split has none"):
        scored(
            tmp_path,
            "qvhighlights",
            OFFICIAL["qvhighlights"],
            annotations=lines([{**QVHIGHLIGHTS[0], "relevant_windows": []}]),
        )
    assert value(scored(tmp_path, "didemo", "[[], [[4, 4]]]"), "mIoU") == 50


def test_overlap_of_windows_without_length() -> None:
    assert overlap((3, 3), (3, 3)) == 0
    assert overlap((0, 2), (2, 4)) == 0
    assert overlap((0, 4), (2, 6)) == pytest.approx(1 / 3)


# Not in the list, and met on the way


def test_a_subset_that_the_file_has_not(tmp_path: Path) -> None:
    text = OFFICIAL["youcook2"]
    with pytest.raises(BenchmarkError, match="no video of subset 'test'; it has testing, train"):
        scored(tmp_path, "youcook2", text, subset="test")
    with pytest.raises(BenchmarkError, match="video 'v3': annotations is missing"):
        scored(tmp_path, "youcook2", text, subset="testing")
    assert len(YOUCOOK2["database"]) == 3


@pytest.mark.parametrize("stamp", ["00:61:00", "12", "00:00:99", "-1:00:00", ""])
def test_a_time_stamp_that_is_none(tmp_path: Path, stamp: str) -> None:
    text = ANNOTATIONS["streamingbench"].replace("0:00:06", stamp, 1)
    with pytest.raises(BenchmarkError, match=r"row 1: questions\[0\].time_stamp is '.*'; expected"):
        read_stream_questions(write(tmp_path, "a", text))


def test_didemo_counts_the_three_annotators_that_agree_best(tmp_path: Path) -> None:
    text = json.dumps([DIDEMO[0]])
    result = scored(tmp_path, "didemo", "[[[0, 0], [0, 1], [1, 1]]]", annotations=text)
    # Ranks 1, 1 and 2; overlaps 1, 1 and 1/2.
    assert (value(result, "Rank@1"), value(result, "Rank@5")) == (0, 100)
    assert value(result, "mIoU") == pytest.approx(100 * 2.5 / 3)


def test_a_count_is_the_digits_of_the_response_put_together(tmp_path: Path) -> None:
    result = scored(tmp_path, "ovo_bench", OFFICIAL["ovo_bench"])
    assert value(result, "REC") == 50
    row = json.loads(json.dumps(OVO_ANSWERS["forward"][0]))
    row["test_info"][0]["response"] = "1 of 2"
    text = json.dumps({"backward": [], "realtime": [], "forward": [row]})
    assert value(scored(tmp_path, "ovo_bench", text), "REC") == 0


def test_a_protocol_that_a_benchmark_has_not(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="didemo has no protocol roma; expected official or"):
        scored(tmp_path, "didemo", OFFICIAL["didemo"], Roma)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"threshold": 1.5}, r"threshold is 1.5; expected a number in \(0, 1\]"),
        ({"threshold": float("nan")}, "threshold is nan"),
        ({"window": 0}, "window is 0; expected 1 to 60 units"),
        ({"tolerance": -1.0}, "tolerance is -1; expected seconds from 0 on"),
    ],
)
def test_settings_out_of_range(settings: dict, message: str) -> None:
    with pytest.raises(BenchmarkError, match=message):
        ScoreSettings(**settings)


def test_streams_are_of_one_kind_and_p_is_a_probability(tmp_path: Path) -> None:
    both = lines([{"id": "a", "p": [0.5], "alerts": [1]}])
    with pytest.raises(BenchmarkError, match=r"row 1: of p, raw_probs, .* p and alerts stands the"):
        scored(tmp_path, "omnimmi_pa", both, Roma)
    large = lines([{"id": "a", "p": [0.5, 1.5]}])
    with pytest.raises(BenchmarkError, match=r"row 1: p\[1\] is 1.5; expected a number from 0 "):
        scored(tmp_path, "omnimmi_pa", large, Roma)
