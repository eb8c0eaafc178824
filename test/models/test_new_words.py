"""New words for the tokenizer of a trained checkpoint."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from roma_ros.models.new_words import add_words, spelled_words
from roma_ros.thinker import CheckpointError, RomaThinker

KNOWN = ["alert me when a red circle appears", "a star touches a cross while two beeps sound."]
NEW = ["a helicopter flies", "rain falls", "alert me every time a baby cries"]


def test_words_get_tokens_of_their_own_and_known_words_keep_theirs(tmp_path: Path) -> None:
    thinker = RomaThinker.from_pretrained("roma_tiny", device="cpu")
    known = [thinker.dialogue.text(text) for text in KNOWN]
    rows = thinker.backbone.get_input_embeddings().weight[:512].clone()
    words = spelled_words(thinker.tokenizer, KNOWN + NEW)
    assert words == [" baby", " cries", " falls", " flies", " helicopter", "rain"]
    count = add_words(thinker, words)
    assert len(thinker.tokenizer) == 512 + count
    thinker.save_pretrained(tmp_path)
    again = RomaThinker.from_pretrained(tmp_path, device="cpu")
    assert [again.dialogue.text(text) for text in KNOWN] == known
    assert not spelled_words(again.tokenizer, NEW)
    for text in NEW:
        assert again.dialogue.decode(again.dialogue.text(text)) == text
    torch.testing.assert_close(again.backbone.get_input_embeddings().weight[:512], rows)


def test_more_words_than_unused_rows_are_refused() -> None:
    thinker = RomaThinker.from_pretrained("roma_tiny", device="cpu")
    with pytest.raises(CheckpointError, match="embedding rows are unused"):
        add_words(thinker, [f" {a}{b}zq" for a in "abcdefghijklmnopqrst" for b in "zyxwvutsrqponm"])
    assert len(thinker.tokenizer) == 512
