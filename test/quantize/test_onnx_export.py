"""Exported encoders and head against torch's, and what cannot be exported."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from roma_ros.models.make_roma_tiny import make_roma_tiny
from roma_ros.quantize import onnx_file
from roma_ros.quantize.onnx_export import export_audio, export_speak_head, export_vision
from roma_ros.thinker import CheckpointError, RomaThinker, UnitShapeError
from roma_ros.thinker.qwen_omni import audio_tower

PARITY = {"rtol": 0, "atol": 1e-4}


def run(path: Path, **taken: torch.Tensor) -> torch.Tensor:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    feed = {name: value.numpy() for name, value in taken.items()}
    return torch.from_numpy(session.run(None, feed)[0])


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        (8, 8),  # one window
        (10, 18),  # whole windows and cut ones
    ],
)
def test_vision_equals_torch(tiny: RomaThinker, tmp_path: Path, rows: int, columns: int) -> None:
    export_vision(tiny, tmp_path / "vision.onnx", rows=rows, columns=columns)
    pixels = torch.randn(rows * columns, 1176)
    wanted = tiny.encode_video(pixels, torch.tensor([[1, rows, columns]]))
    torch.testing.assert_close(run(tmp_path / "vision.onnx", pixels=pixels), wanted, **PARITY)
    assert wanted.shape == (rows * columns // 4, 192)
    assert wanted.abs().max() > 0.1, "features that are all nothing would equal anything"


def test_audio_equals_torch(tiny: RomaThinker, tmp_path: Path) -> None:
    export_audio(tiny, tmp_path / "audio.onnx")
    mel = torch.randn(128, 100)
    wanted = tiny.encode_audio(mel)
    torch.testing.assert_close(run(tmp_path / "audio.onnx", mel=mel), wanted, **PARITY)
    assert wanted.shape == (25, 192)
    assert wanted.abs().max() > 0.1


@pytest.mark.parametrize("count", [1, 5])
def test_speak_head_equals_torch(tiny: RomaThinker, tmp_path: Path, count: int) -> None:
    export_speak_head(tiny, tmp_path / "head.onnx")
    states = torch.randn(4, count, 192)
    assert tiny.speak_head is not None
    wanted = tiny.speak_head(states)
    torch.testing.assert_close(run(tmp_path / "head.onnx", states=states), wanted, **PARITY)


@pytest.mark.slow
def test_other_dtypes_are_exported_in_float32_and_stay_as_they_are(
    tmp_path: Path,
) -> None:
    halved = make_roma_tiny(0)
    tower = audio_tower(halved.backbone).to(torch.bfloat16)
    export_audio(halved, tmp_path / "audio.onnx")
    assert {parameter.dtype for parameter in tower.parameters()} == {torch.bfloat16}
    model = onnx.load(tmp_path / "audio.onnx")
    kinds = {weights.data_type for weights in model.graph.initializer if len(weights.dims) > 1}
    assert kinds == {onnx.TensorProto.FLOAT}


@pytest.mark.parametrize(("rows", "columns"), [(7, 8), (8, 9), (0, 8), (-2, 8)])
def test_a_grid_that_cannot_be_is_refused(
    tiny: RomaThinker, tmp_path: Path, rows: int, columns: int
) -> None:
    with pytest.raises(UnitShapeError, match=f"{rows} x {columns} patches; expected multiples"):
        export_vision(tiny, tmp_path / "vision.onnx", rows=rows, columns=columns)
    assert not list(tmp_path.iterdir())


def test_without_a_speak_head_there_is_none_to_export(
    tiny: RomaThinker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiny, "speak_head", None)
    with pytest.raises(CheckpointError, match="no speak head"):
        export_speak_head(tiny, tmp_path / "head.onnx")


def test_large_weights_go_beside_the_file_once(
    tiny: RomaThinker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_file, "SINGLE_FILE_BYTES", 10_000)
    head = tmp_path / "head.onnx"
    export_speak_head(tiny, head)
    size = (tmp_path / "head.onnx.data").stat().st_size
    assert head.stat().st_size < 10_000 < size
    export_speak_head(tiny, head)  # over what is there
    assert (tmp_path / "head.onnx.data").stat().st_size == size
    states = torch.randn(4, 2, 192)
    assert tiny.speak_head is not None
    torch.testing.assert_close(run(head, states=states), tiny.speak_head(states), **PARITY)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["head.onnx", "head.onnx.data"]


def test_files_say_what_they_are(tiny: RomaThinker, tmp_path: Path) -> None:
    export_vision(tiny, tmp_path / "vision.onnx", rows=4, columns=6)
    model = onnx.load(tmp_path / "vision.onnx")
    labels = {entry.key: entry.value for entry in model.metadata_props}
    assert labels == {
        "roma_ros.part": "vision",
        "roma_ros.rows": "4",
        "roma_ros.columns": "6",
    }
    onnx.checker.check_model(model, full_check=True)
    shapes = [
        [dimension.dim_value for dimension in value.type.tensor_type.shape.dim]
        for value in (model.graph.input[0], model.graph.output[0])
    ]
    assert shapes == [[24, 1176], [6, 192]]
    assert np.prod(shapes[0])
