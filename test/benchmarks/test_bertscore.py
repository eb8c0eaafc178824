"""BERTScore of narrations: with its library where it is installed, and the message without it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from roma_ros.benchmarks.bertscore import bert_scores
from roma_ros.benchmarks.errors import BenchmarkError
from roma_ros.benchmarks.registry import score
from roma_ros.benchmarks.score import ScoreSettings, ScoringProtocol

from .small import ANNOTATIONS, STREAMS, write

WORDS = [
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    *("the", "onion", "is", "cut", "fry", "it", "water", "boils"),
]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT with random weights."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizer

    folder = tmp_path_factory.mktemp("tiny_bert")
    torch.manual_seed(0)
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
    )
    BertModel(config).save_pretrained(folder)
    BertTokenizer(str(folder / "vocab.txt"), model_max_length=32).save_pretrained(folder)
    return folder


@pytest.mark.slow
def test_the_same_sentence_scores_one_and_an_empty_one_nothing(encoder: Path) -> None:
    pytest.importorskip("bert_score", reason="the optional library bert_score is not installed")
    same, other, empty = bert_scores(
        [("the onion is cut", "the onion is cut"), ("fry it", "water boils"), ("", "fry it")],
        encoder,
    )
    assert same == pytest.approx(1, abs=1e-4)
    assert other < 0.95
    assert empty == 0


@pytest.mark.slow
def test_pairs_of_a_narration_are_scored(encoder: Path, tmp_path: Path) -> None:
    pytest.importorskip("bert_score", reason="the optional library bert_score is not installed")
    result = score(
        "youcook2",
        ScoringProtocol.ROMA,
        write(tmp_path, "a", ANNOTATIONS["youcook2"]),
        write(tmp_path, "p", STREAMS["youcook2"]),
        ScoreSettings(bertscore=encoder),
    )
    figure = result.figure("BERTScore F1")
    assert figure.count == 1
    assert figure.value is not None
    assert 0 < figure.value < 1


def model_folder(folder: Path, config: object = None, *files: str) -> Path:
    if config is not None:
        (folder / "config.json").write_text(json.dumps(config))
    for name in files:
        (folder / name).write_bytes(b"")
    return folder


def test_a_library_that_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "bert_score", None)
    folder = model_folder(tmp_path, {"num_hidden_layers": 2}, "model.safetensors")
    with pytest.raises(BenchmarkError, match=r"library bert_score .*`pip install bert-score`, or"):
        bert_scores([("a", "b")], folder)


@pytest.mark.parametrize(
    ("config", "files", "message"),
    [
        (None, (), "has no config.json with num_hidden_layers"),
        ([], (), "has no config.json with num_hidden_layers"),
        ({"num_hidden_layers": "2"}, (), "num_hidden_layers is '2'; expected 1 to 1000"),
        ({"num_hidden_layers": 2}, (), r"has no \*.safetensors; expected weights"),
        (
            {"num_hidden_layers": 2},
            ("model.safetensors", "pytorch_model.bin"),
            "holds pytorch_model.bin, which may be a pickle",
        ),
    ],
)
def test_a_folder_that_does_not_fit(
    tmp_path: Path, config: object, files: tuple[str, ...], message: str
) -> None:
    with pytest.raises(BenchmarkError, match=message):
        bert_scores([("a", "b")], model_folder(tmp_path, config, *files))
