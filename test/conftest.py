"""What all tests share: isolation from other ROS graphs and model hubs, real clips and models."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:  # imported where they are used: most tests need no torch
    from roma_ros.thinker import RomaThinker
    from roma_ros.units import MultimodalUnit

# Before anything imports rclpy or transformers, which read these once. A domain of this process's
# own (101 is the highest that is safe with Linux's ephemeral ports) keeps a robot on the same
# network, and another test run on the same machine, out of the tests.
os.environ["ROS_DOMAIN_ID"] = str(1 + os.getpid() % 101)
os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
os.environ["HF_HUB_OFFLINE"] = "1"

# Journals and stored watches of the nodes under test: neither the user's, nor an earlier run's.
_ROS_HOME = tempfile.TemporaryDirectory(prefix="roma_test_")
os.environ["ROS_HOME"] = _ROS_HOME.name

REPOSITORY = Path(__file__).resolve().parent.parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow what is long, and all tests of nodes, which keep the pace of real sensors."""
    for item in items:
        if item.get_closest_marker("long") or REPOSITORY / "test" / "nodes" in item.path.parents:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the source checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def media() -> Path:
    """The folder with the real clips, which lies beside the repository and is not part of it."""
    folder = REPOSITORY.parent / "shared" / "media"
    if not folder.is_dir():
        pytest.skip("the real clips are not in the repository, and ../shared/media is not here")
    return folder


@pytest.fixture(scope="session")
def tiny() -> RomaThinker:
    """The embedded checkpoint before it was trained, shared by all tests: leave it as it is.

    What it says has no meaning and hardly ever an end, so that there is always more to decode.
    """
    from roma_ros.models.make_roma_tiny import make_roma_tiny

    return make_roma_tiny(0)


@pytest.fixture(scope="session")
def make_unit() -> Callable[..., MultimodalUnit]:
    """Makes units of noise, the same for the same index."""
    from roma_ros.units import MultimodalUnit

    def make(
        index: int,
        *,
        stream: int = 0,
        video: bool = True,
        audio: bool = True,
        height: int = 96,
        width: int = 128,
    ) -> MultimodalUnit:
        noise = np.random.default_rng(index)
        frames = noise.integers(0, 256, (2, height, width, 3), dtype=np.uint8)
        samples = (0.1 * noise.standard_normal(16_000)).astype(np.float32)
        return MultimodalUnit(
            stream=stream,
            index=index,
            start=index * 1_000_000_000,
            frames=frames if video else None,
            audio=samples if audio else None,
        )

    return make


class Puppet:
    """A real thinker whose two heads have weights that a test sets: what it wants, what it says.

    Encoders, backbone and cache are roma_tiny's own.
    """

    def __init__(self, tiny: RomaThinker) -> None:
        from torch import nn

        from roma_ros.thinker import RomaThinker, SpeakHead

        backbone = deepcopy(tiny.backbone)
        width, words = backbone.lm_head.in_features, backbone.lm_head.out_features
        backbone.lm_head = nn.Linear(width, words)  # it has a bias, the checkpoint's has none
        backbone.lm_head.weight.data.zero_()
        self.speak_head = SpeakHead(width)
        self.speak_head.fc2.weight.data.zero_()
        self.thinker = RomaThinker(
            backbone=backbone,
            tokenizer=tiny.tokenizer,
            features=tiny.features,
            config=tiny.config,
            speak_head=self.speak_head,
            name="puppet",
        )
        self.wants(0.0)
        self.says("a")

    def wants(self, p_speak: float) -> None:
        """p(speak) of the units from now on."""
        bounded = min(max(p_speak, 1e-6), 1 - 1e-6)
        self.speak_head.fc2.bias.data.fill_(math.log(bounded / (1 - bounded)))

    def says(self, letter: str) -> None:
        """What it says from now on, without end."""
        (token,) = self.thinker.dialogue.text(letter)
        self._say(token)

    def falls_silent(self) -> None:
        """It ends each reply and answer at its next word."""
        self._say(self.thinker.dialogue.end)

    def pauses(self) -> None:
        """It waits for what comes next, instead of its next word."""
        self._say(self.thinker.dialogue.pause)

    def _say(self, token: int) -> None:
        bias = self.thinker.backbone.lm_head.bias.data
        bias.zero_()
        bias[token] = 1.0


@pytest.fixture
def puppet(tiny: RomaThinker) -> Puppet:
    return Puppet(tiny)
