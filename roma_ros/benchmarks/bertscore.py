"""BERTScore of sentences (Zhang et al. 2020), by the library `bert_score`, which is optional."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from roma_ros.benchmarks.errors import BenchmarkError

__all__ = ["bert_scores"]

PICKLED = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.ckpt")


def bert_scores(pairs: Sequence[tuple[str, str]], folder: Path) -> list[float]:
    """Return BERTScore's F1 of each pair; 0 where a sentence is empty.

    The layer is the library's own for a folder with the name of a model that it knows, such as
    `roberta-large`, else the last one. Scores are not rescaled.

    Args:
        pairs: (published sentence, wanted sentence).
        folder: of a transformers encoder with its tokenizer, in safetensors.

    Raises:
        BenchmarkError: the library is missing, or the folder does not fit.
    """
    layers = _check_folder(folder)
    try:
        from bert_score import BERTScorer
        from bert_score.utils import model2layers
    except ImportError as error:
        raise BenchmarkError(
            f"BERTScore needs the Python library bert_score ({error}): `pip install bert-score`, "
            "or leave out --bertscore"
        ) from error
    scored = [index for index, pair in enumerate(pairs) if all(text.strip() for text in pair)]
    scores = [0.0] * len(pairs)
    if not scored:
        return scores
    try:
        scorer = BERTScorer(
            model_type=str(folder),
            num_layers=model2layers.get(folder.resolve().name, layers),
            device="cpu",
        )
        given, wanted = zip(*(pairs[index] for index in scored), strict=True)
        *_, values = scorer.score(list(given), list(wanted))
    except (OSError, ValueError, KeyError, AssertionError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BenchmarkError(f"{folder} cannot be used for BERTScore: {reason}") from error
    for index, value in zip(scored, values.tolist(), strict=True):
        scores[index] = value
    return scores


def _check_folder(folder: Path) -> int:
    """Return the number of layers of a model folder."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        layers = config["num_hidden_layers"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BenchmarkError(
            f"{folder} has no config.json with num_hidden_layers; expected the folder of a "
            "transformers encoder"
        ) from error
    if not isinstance(layers, int) or not 1 <= layers <= 1000:
        raise BenchmarkError(f"{folder}: num_hidden_layers is {layers!r:.40}; expected 1 to 1000")
    if pickled := sorted(path.name for pattern in PICKLED for path in folder.glob(pattern)):
        raise BenchmarkError(
            f"{folder} holds {pickled[0]}, which may be a pickle; expected weights in safetensors "
            "alone"
        )
    if not any(folder.glob("*.safetensors")):
        raise BenchmarkError(f"{folder} has no *.safetensors; expected weights")
    return layers
