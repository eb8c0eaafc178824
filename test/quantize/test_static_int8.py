"""INT8 encoders: as good as they say, on units that they were not calibrated with."""

from __future__ import annotations

from copy import copy, deepcopy
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from roma_ros.quantize import onnx_file, static_int8
from roma_ros.quantize.calibration import Feed, audio_feeds, vision_feeds, world_units
from roma_ros.quantize.onnx_export import export_audio, export_vision
from roma_ros.quantize.static_int8 import MIN_COSINE, Int8Error, cosines, quantize_static
from roma_ros.thinker import CheckpointError, RomaThinker
from roma_ros.thinker.onnx_parts import OnnxAudio, OnnxVision
from roma_ros.thinker.qwen_omni import audio_tower
from roma_ros.units import MultimodalUnit
from roma_ros.world import Split


@pytest.fixture(scope="module")
def shown() -> list[MultimodalUnit]:
    return list(world_units(16))


@pytest.fixture(scope="module")
def unseen() -> list[MultimodalUnit]:
    return list(world_units(8, split=Split.TEST))


@pytest.fixture(scope="module")
def audio(tiny: RomaThinker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "audio.onnx"
    export_audio(tiny, path)
    return path


@pytest.mark.slow
@torch.inference_mode()
def test_int8_audio_is_close_to_torch_and_small(
    tiny: RomaThinker,
    audio: Path,
    tmp_path: Path,
    shown: list[MultimodalUnit],
    unseen: list[MultimodalUnit],
) -> None:
    source = audio.read_bytes()
    out = tmp_path / "audio.onnx"
    report = quantize_static(audio, out, audio_feeds(tiny, shown))
    assert audio.read_bytes() == source
    assert out.stat().st_size < 0.45 * len(source)
    mels = [torch.from_numpy(feed["mel"]) for feed in audio_feeds(tiny, unseen)]
    heard = torch.stack([OnnxAudio(out)(mel) for mel in mels])
    wanted = torch.stack([tiny.encode_audio(mel) for mel in mels])
    assert cosines(heard.numpy(), wanted.numpy()).mean() >= MIN_COSINE
    assert MIN_COSINE <= report.cosine < 1
    assert report.min_cosine <= report.cosine
    assert (report.layers, report.left_out) == (21, ())  # 2 convolutions, 6 a layer, 1 at the end
    assert sorted(path.name for path in tmp_path.iterdir()) == ["audio.onnx"]
    model = onnx.load(out)
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    (scaled,) = (
        node
        for node in model.graph.node
        if node.op_type == "DequantizeLinear" and "tower.proj.weight" in node.input[0]
    )
    assert weights[scaled.input[0]].data_type == onnx.TensorProto.INT8
    assert list(weights[scaled.input[1]].dims) == [192]  # a scale for each feature


@pytest.mark.slow
@torch.inference_mode()
def test_int8_vision_is_close_to_torch_and_knows_its_grid(
    tiny: RomaThinker, tmp_path: Path, shown: list[MultimodalUnit], unseen: list[MultimodalUnit]
) -> None:
    grid = {"rows": 6, "columns": 10}
    source, out = tmp_path / "source.onnx", tmp_path / "vision.onnx"
    export_vision(tiny, source, **grid)
    report = quantize_static(source, out, vision_feeds(tiny, shown, **grid))
    vision = OnnxVision(out)
    assert (vision.rows, vision.columns) == (6, 10)
    times = torch.tensor([[1, 6, 10]] * len(unseen))
    feeds = vision_feeds(tiny, unseen, **grid)
    pixels = torch.cat([torch.from_numpy(feed["pixels"]) for feed in feeds])
    seen = cosines(vision(pixels, times).numpy(), tiny.encode_video(pixels, times).numpy())
    assert seen.mean() >= MIN_COSINE
    assert report.left_out == ()


@pytest.mark.slow
def test_what_int8_would_ruin_stays_in_float(
    tiny: RomaThinker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    shown: list[MultimodalUnit],
) -> None:
    # One channel a thousand times as large as the others, as in large vision encoders: what the
    # tower computes is the same, but its last layer's 256 steps all go to that channel.
    thinker = copy(tiny)
    thinker.backbone = deepcopy(tiny.backbone)
    tower = audio_tower(thinker.backbone)
    for values in (tower.ln_post.weight.data, tower.ln_post.bias.data):
        values[0] *= 1000
    tower.proj.weight.data[:, 0] /= 1000
    source, out = tmp_path / "source.onnx", tmp_path / "audio.onnx"
    export_audio(thinker, source)
    feeds = list(audio_feeds(tiny, shown))
    report = quantize_static(source, out, feeds)
    assert report.left_out == ("/tower/proj/Gemm",)
    assert report.cosine >= MIN_COSINE
    monkeypatch.setattr(static_int8, "SHARES_LEFT_OUT", (0.0,))
    with pytest.raises(Int8Error, match=r"0 of 21 layers left in float32; expected at"):
        quantize_static(source, tmp_path / "worse.onnx", feeds)
    assert not (tmp_path / "worse.onnx").exists()


@pytest.mark.slow
def test_weights_beside_the_file_are_taken_along(
    tiny: RomaThinker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    shown: list[MultimodalUnit],
) -> None:
    monkeypatch.setattr(onnx_file, "SINGLE_FILE_BYTES", 1_000_000)  # fp32 is larger, INT8 is not
    source, out = tmp_path / "source.onnx", tmp_path / "audio.onnx"
    export_audio(tiny, source)
    report = quantize_static(source, out, audio_feeds(tiny, shown))
    assert report.cosine >= MIN_COSINE
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["audio.onnx", "source.onnx", "source.onnx.data"]
    assert OnnxAudio(out)(torch.zeros(128, 100)).shape == (25, 192)


def test_of_very_many_units_some_are_drawn_from_all_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(static_int8, "MAX_FEEDS", 20)
    feeds: list[Feed] = [{"mel": np.full(1, index, np.float32)} for index in range(200)]
    drawn = sorted(float(feed["mel"][0]) for feed in static_int8._drawn(feeds))
    assert len(set(drawn)) == 20
    assert drawn[0] < 50
    assert drawn[-1] >= 150
    assert static_int8._drawn(feeds[:20]) == feeds[:20]


def test_too_few_units_are_refused(tiny: RomaThinker, audio: Path, tmp_path: Path) -> None:
    feeds: list[Feed] = [{"mel": np.zeros((128, 100), np.float32)}] * 7
    with pytest.raises(Int8Error, match="there are 7 units to calibrate with; expected at least 8"):
        quantize_static(audio, tmp_path / "audio.onnx", feeds)


def test_a_missing_source_is_refused(tmp_path: Path) -> None:
    feeds: list[Feed] = [{"mel": np.zeros((128, 100), np.float32)}] * 8
    with pytest.raises(CheckpointError, match=r"no \.onnx file"):
        quantize_static(tmp_path / "none.onnx", tmp_path / "audio.onnx", feeds)


def test_cosines_are_of_each_token() -> None:
    one = np.array([[[1, 0], [3, 4]], [[0, 2], [1, 1]], [[1, 2], [0, 0]]], np.float32)
    other = np.array([[[2, 0], [4, -3]], [[0, -1], [1, 0]], [[0, 0], [0, 0]]], np.float32)
    np.testing.assert_allclose(cosines(one, other), [[1, 0], [-1, 0.5**0.5], [0, 0]], atol=1e-12)
