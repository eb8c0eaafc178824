"""Invented annotation and prediction files, in the shape of the real ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeAlias

__all__ = ["ANNOTATIONS", "OFFICIAL", "OVO_ANSWERS", "STREAMS", "lines", "write"]

Rows: TypeAlias = list[dict[str, Any]]

QVHIGHLIGHTS: Rows = [
    {
        "qid": 1,
        "query": "A dog  runs &amp; barks.",
        "duration": 20,
        "vid": "abc_DEF_60.0_80.0",
        "relevant_clip_ids": [1, 2, 7],
        "saliency_scores": [[2, 1, 3], [4, 4, 4], [0, 3, 1]],
        "relevant_windows": [[2, 6], [14, 16]],
    },
    {
        "qid": 2,
        "query": "Someone cooks.",
        "duration": 60,
        "vid": "xyz_0.0_60.0",
        "relevant_clip_ids": [10, 11],
        "saliency_scores": [[3, 3, 3], [2, 2, 1]],
        "relevant_windows": [[10, 50]],
    },
]
QVHIGHLIGHTS_ANSWERS: Rows = [
    {
        "qid": 1,
        "query": "A dog runs.",
        "vid": "abc_DEF_60.0_80.0",
        "pred_relevant_windows": [[2, 6, 0.9], [14.0, 17.0, 0.5]],
        "pred_saliency_scores": [0.1, 0.5, 0.9, 0.1, 0, 0, 0, 0.7, 0, -0.5],
    },
    {
        "qid": 2,
        "query": "Someone cooks.",
        "vid": "xyz_0.0_60.0",
        "pred_relevant_windows": [],
        "pred_saliency_scores": [0.0] * 30,
    },
]
CHARADES_STA = """\
AO8RW 0.0 6.9##a person is putting a book on a shelf.
AO8RW 4.0 9.0##the person  sits down.
Y6R7T 20.8 30.0##person begins to play on a phone.
"""
CHARADES_STA_ANSWERS = [
    {"id": 1, "windows": [[0.0, 7.0], [2, 3]]},
    {"id": 2, "windows": [[0, 2]]},
    {"id": 3, "windows": []},
]
DIDEMO: Rows = [
    {
        "num_segments": 6,
        "description": "the baby is first shown.",
        "dl_link": "https://example.org/1",
        "times": [[0, 0], [0, 0], [0, 1], [4, 5]],
        "video": "1.mov",
        "annotation_id": 49152,
    },
    {
        "num_segments": 5,
        "description": "a bird flies by",
        "dl_link": "https://example.org/2",
        "times": [[4, 4], [2, 2], [4, 4], [4, 4]],
        "video": "2.mov",
        "annotation_id": 7,
    },
]
DIDEMO_ANSWERS = [[[0, 0], [0, 1], [1, 1]], [[2, 2], [4, 4], [0, 5]]]
OMNIMMI_PA: Rows = [
    {"id": "a", "answer": {"segment": [5, 8]}},
    {"id": "b", "answer": {"segment": [2.5, 4]}},
]
OMNIMMI_PA_ANSWERS = [
    {"id": "a", "answer": [5, 8], "pred": [6, 20]},
    {"id": "b", "answer": [2.5, 4], "pred": 1},
]
STREAMINGBENCH: Rows = [
    {
        "questions": [
            {
                "task_type": "Object Recognition",
                "question": "What is on the table<br>now?",
                "time_stamp": "0:00:06",
                "answer": "B",
                "options": ["A. A cup.", "B. A map.", "C. A pen.", "D. A hat."],
                "required_ability": "working memory",
                "audio_path": "./audio/1.wav",
                "time": "[0:00:00 - 0:00:20]",
            },
            {
                "task_type": "Counting",
                "question": "How many people are there?",
                "time_stamp": "00:00:06",
                "answer": "A",
                "options": ["A", "Two.", "Three.", "Four."],
                "required_ability": "working memory",
                "audio_path": "./audio/2.wav",
                "time": "[0:00:00 - 0:00:20]",
            },
        ],
        "video_path": "./videos/sample_1_real.mp4",
    },
    {
        "time": "[0:00:10 - 0:00:40]",
        "questions": [
            {
                "task_type": "Proactive Output",
                "question": 'When the score is 40, output "40".',
                "time_stamp": "00:00:10",
                "ground_truth_time_stamp": "00:00:20",
                "ground_truth_output": "40",
                "required_ability": "working memory",
            }
        ],
        "video_categories": "tennis",
        "video_path": "./videos/sample_2_proactive.mp4",
    },
]
POLLED = [
    {"role": "user", "content": "Is it time?", "time": 21, "cost": 0.1},
    {"role": "assistant", "content": "It is 40 now", "time": 21, "cost": 0.1},
]
STREAMINGBENCH_ANSWERS: Rows = [
    {
        **STREAMINGBENCH[0],
        "questions": [
            {**STREAMINGBENCH[0]["questions"][0], "Mine": "B"},
            {**STREAMINGBENCH[0]["questions"][1], "Mine": "D. Four."},
        ],
    },
    {
        **STREAMINGBENCH[1],
        "questions": [
            {
                **STREAMINGBENCH[1]["questions"][0],
                "Mine": {"answered": 21, "dialog_history": POLLED},
            }
        ],
    },
]
OVO_BENCH: Rows = [
    {
        "id": 0,
        "task": "EPM",
        "video": "a.mp4",
        "realtime": 215,
        "question": "Who  did I talk to?",
        "answer": "a man",
        "options": ["a dog", "a man", "a cat", "a bird"],
        "gt": 1,
    },
    {
        "id": 1,
        "task": "OCR",
        "video": "a.mp4",
        "realtime": 9.5,
        "question": "What is written there?",
        "answer": "Wade",
        "options": ["A. Wade", "B. Tyler", "D. Carter", "C. Jensen"],
        "gt": 0,
    },
    {
        "id": 2,
        "task": "REC",
        "video": "b.mp4",
        "activity": "jumping",
        "start_times": [6, 12],
        "end_times": [8, 12],
        "test_info": [{"realtime": 8, "count": 1}, {"realtime": 12.0, "count": 2}],
    },
    {
        "id": 3,
        "task": "SSR",
        "video": "c.mp4",
        "tutorial": "Tea",
        "all_steps": ["boil water", "pour it"],
        "start_time": [2, 6],
        "end_time": [6, 9],
        "test_info": [
            {"realtime": 4, "step": "boil water", "type": 1},
            {"realtime": 5, "step": "pour it", "type": 0},
        ],
    },
    {
        "id": 4,
        "task": "CRR",
        "video": "d.mp4",
        "question": "What does she take?",
        "answer": "A book.",
        "ask_time": 5,
        "clue_time": 10,
        "test_info": [{"realtime": 5, "type": 0}, {"realtime": 12, "type": 1}],
    },
]


def _probed(row: dict[str, Any], *responses: str | None) -> dict[str, Any]:
    pairs = zip(row["test_info"], responses, strict=True)
    return {
        "id": row["id"],
        "task": row["task"],
        **{key: value for key, value in row.items() if key not in {"id", "task", "test_info"}},
        "test_info": [{**probe, "response": response} for probe, response in pairs],
    }


OVO_ANSWERS: dict[str, Any] = {
    "backward": [
        {
            "id": 0,
            "video": "data/a.mp4",
            "task": "EPM",
            "question": "Who  did I talk to?",
            "response": "B",
            "ground_truth": "B",
        }
    ],
    "realtime": [
        {
            "id": 1,
            "video": "data/a.mp4",
            "task": "OCR",
            "question": "What is written there?",
            "response": None,
            "ground_truth": "A",
        }
    ],
    "forward": [
        _probed(OVO_BENCH[2], "I count 1.", "3"),
        _probed(OVO_BENCH[3], "Yes", "Yes"),
        _probed(OVO_BENCH[4], "N", None),
    ],
}
YOUCOOK2: dict[str, Any] = {
    "database": {
        "v1": {
            "duration": 30.5,
            "subset": "validation",
            "recipe_type": "101",
            "video_url": "https://example.org/v1",
            "annotations": [
                {"id": 0, "segment": [5, 10], "sentence": "cut the  onion"},
                {"id": 1, "segment": [10, 40], "sentence": "fry it"},
            ],
        },
        "v2": {
            "duration": 20,
            "subset": "training",
            "recipe_type": "102",
            "video_url": "https://example.org/v2",
            "annotations": [{"id": 0, "segment": [1, 2], "sentence": "boil water"}],
        },
        "v3": {"duration": 20, "subset": "testing", "recipe_type": "102", "video_url": ""},
    }
}
CAPTIONS = {
    "version": "VERSION 1.0",
    "results": {
        "v1": [
            {"sentence": "onion is cut", "timestamp": [5.0, 9]},
            {"sentence": "", "timestamp": [20, 21]},
        ]
    },
    "external_data": {"used": False, "details": ""},
}
ACTIVITYNET = {
    "v1": {
        "duration": 30,
        "timestamps": [[0, 12], [4, 9.5]],
        "sentences": ["A man stands. ", "He jumps."],
    }
}
VIDEO_MME: Rows = [
    {
        "video_id": "001",
        "duration_category": "short",
        "video_category": "Knowledge",
        "video_subcategory": "Law",
        "questions": [
            {
                "question_id": "001-1",
                "task_type": "Counting Problem",
                "question": "How many?",
                "choices": ["A. One.", "B. Two.", "C. Three.", "D. Four."],
                "answer": "C",
            },
            {
                "question_id": "001-2",
                "task_type": "OCR Problems",
                "question": "What is written?",
                "choices": ["A. Yes.", "B. No.", "C. Go.", "D. Stop."],
                "answer": "D",
            },
        ],
    }
]
VIDEO_MME_ANSWERS: Rows = [
    {
        **VIDEO_MME[0],
        "questions": [
            {**VIDEO_MME[0]["questions"][0], "response": "C. Three."},
            {**VIDEO_MME[0]["questions"][1], "response": "no idea"},
        ],
    }
]
EGOSCHEMA = {"q1": 3, "q2": 0}
EGOSCHEMA_ANSWERS = {"q1": 3, "q2": 4, "q9": 1}


def lines(rows: list[Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


ANNOTATIONS: dict[str, str] = {
    "qvhighlights": lines(QVHIGHLIGHTS),
    "charades_sta": CHARADES_STA,
    "didemo": json.dumps(DIDEMO, indent=1),
    "omnimmi_pa": lines(OMNIMMI_PA),
    "streamingbench": json.dumps(STREAMINGBENCH, indent=2),
    "ovo_bench": json.dumps(OVO_BENCH, indent=4),
    "youcook2": json.dumps(YOUCOOK2),
    "activitynet": json.dumps(ACTIVITYNET),
    "video_mme": json.dumps(VIDEO_MME, indent=4),
    "egoschema": json.dumps(EGOSCHEMA),
}
"""Text of an annotation file, by benchmark."""

OFFICIAL: dict[str, str] = {
    "qvhighlights": lines(QVHIGHLIGHTS_ANSWERS),
    "charades_sta": lines(CHARADES_STA_ANSWERS),
    "didemo": json.dumps(DIDEMO_ANSWERS) + "\n",
    "omnimmi_pa": lines(OMNIMMI_PA_ANSWERS),
    "streamingbench": json.dumps(STREAMINGBENCH_ANSWERS, indent=4) + "\n",
    "ovo_bench": json.dumps(OVO_ANSWERS, indent=4) + "\n",
    "youcook2": json.dumps(CAPTIONS, indent=4) + "\n",
    "activitynet": json.dumps(CAPTIONS, indent=4) + "\n",
    "video_mme": json.dumps(VIDEO_MME_ANSWERS, indent=4) + "\n",
    "egoschema": json.dumps(EGOSCHEMA_ANSWERS, indent=4) + "\n",
}
"""Text of a file in the official prediction format, as the writers write it."""

SERIES = [0.1] * 5 + [0.9] * 4 + [0.1] * 11
STREAMS: dict[str, str] = {
    "qvhighlights": lines([{"id": 1, "p": SERIES}, {"id": "2", "raw_probs": SERIES * 3}]),
    "charades_sta": lines([{"id": 1, "p": SERIES}, {"id": 2, "p": SERIES}]),
    "didemo": lines([{"id": 49152, "p": SERIES}, {"id": 7, "alerts": [21.5, 24]}]),
    "omnimmi_pa": lines([{"id": "a", "p": SERIES}, {"id": "b", "alerts": [3], "seconds": 30}]),
    "streamingbench": lines([{"id": "./videos/sample_2_proactive.mp4#0", "p": SERIES * 2}]),
    "ovo_bench": lines(
        [
            {"id": 2, "p": SERIES},
            {"id": 3, "generated_outputs": [{"time": 5, "text": "water boils"}]},
            {"id": 4, "p": SERIES},
        ]
    ),
    "youcook2": lines([{"id": "v1", "generated_outputs": [{"time": 9, "text": "onion is cut"}]}]),
    "activitynet": lines([{"id": "v1", "p": [0.1] * 8 + [0.99] + [0.1] * 20}]),
}
"""Text of a file of streams, by benchmark; those that are missing have no protocol for them."""


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path
