"""A small model computes in one thread, a large one in all of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from copy import deepcopy

import pytest
import torch

from roma_ros.thinker import RomaThinker, set_torch_threads
from roma_ros.thinker.threads import SINGLE_THREAD_WIDTH


@pytest.fixture(autouse=True)
def _threads_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("roma_ros.thinker.threads._DEFAULT_THREADS", 2)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_a_small_model_computes_in_one_thread_a_large_one_in_all(tiny: RomaThinker) -> None:
    assert set_torch_threads(tiny) == 1
    assert set_torch_threads(_as_wide_as(tiny, SINGLE_THREAD_WIDTH + 1)) == 2


def test_one_thread_holds_for_a_worker_that_starts_later(tiny: RomaThinker) -> None:
    set_torch_threads(tiny)
    seen: list[int] = []
    worker = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
    worker.start()
    worker.join()
    assert seen == [1]


def test_the_environment_has_the_last_word(
    tiny: RomaThinker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert set_torch_threads(tiny) == 2


def _as_wide_as(tiny: RomaThinker, width: int) -> RomaThinker:
    """It says so: that is all that counts here."""
    backbone = deepcopy(tiny.backbone)
    backbone.config.get_text_config().hidden_size = width
    return RomaThinker(
        backbone=backbone,
        tokenizer=tiny.tokenizer,
        features=tiny.features,
        config=tiny.config,
        speak_head=tiny.speak_head,
    )
