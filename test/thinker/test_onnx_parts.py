"""ONNX parts in the place of torch's; wrong grids, bad files, and the order of providers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from roma_ros.quantize.onnx_export import export_audio, export_speak_head, export_vision
from roma_ros.thinker import CheckpointError, RomaThinker, UnitShapeError, onnx_parts
from roma_ros.thinker.onnx_parts import OnnxAudio, OnnxSpeakHead, OnnxVision, choose_providers

PARITY = {"rtol": 0, "atol": 1e-4}
TENSORRT, CUDA, CPU = onnx_parts.PROVIDERS


@pytest.fixture(scope="module")
def folder(tiny: RomaThinker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All three parts of roma_tiny, at 8 x 10 patches."""
    made = tmp_path_factory.mktemp("parts")
    export_vision(tiny, made / "vision.onnx", rows=8, columns=10)
    export_audio(tiny, made / "audio.onnx")
    export_speak_head(tiny, made / "head.onnx")
    return made


def with_weights(path: Path, *, location: str | None = None, domain: str = "") -> Path:
    """A file that adds weights to what it is given; where they are kept is up to the test."""
    weights = numpy_helper.from_array(np.ones(4, np.float32), "weights")
    if location is not None:
        weights.ClearField("raw_data")
        weights.data_location = TensorProto.EXTERNAL
        weights.external_data.add(key="location", value=location)
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [4]) for name in "xy"]
    node = helper.make_node("Add", ["x", "weights"], ["y"], domain=domain)
    graph = helper.make_graph([node], "graph", value[:1], value[1:], [weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize("units", [1, 3])
def test_vision_stands_in_for_encode_video(tiny: RomaThinker, folder: Path, units: int) -> None:
    vision = OnnxVision(folder / "vision.onnx")
    pixels, grid = torch.randn(80 * units, 1176), torch.tensor([[1, 8, 10]] * units)
    wanted = tiny.encode_video(pixels, grid)
    torch.testing.assert_close(vision(pixels, grid), wanted, **PARITY)
    assert (vision.rows, vision.columns) == (8, 10)


@pytest.mark.parametrize("seconds", [1, 3])
def test_audio_stands_in_for_encode_audio(tiny: RomaThinker, folder: Path, seconds: int) -> None:
    mel = torch.randn(128, 100 * seconds)
    heard = OnnxAudio(folder / "audio.onnx")(mel)
    torch.testing.assert_close(heard, tiny.encode_audio(mel), **PARITY)


@pytest.mark.parametrize("shape", [(4, 192), (4, 1, 192), (4, 2, 3, 192)])
def test_the_head_stands_in_for_speak_head(
    tiny: RomaThinker, folder: Path, shape: tuple[int, ...]
) -> None:
    states = torch.randn(shape)
    assert tiny.speak_head is not None
    logits = OnnxSpeakHead(folder / "head.onnx")(states)
    torch.testing.assert_close(logits, tiny.speak_head(states), **PARITY)


def test_bfloat16_is_taken(tiny: RomaThinker, folder: Path) -> None:
    mel = torch.randn(128, 100).to(torch.bfloat16)
    heard = OnnxAudio(folder / "audio.onnx")(mel)
    torch.testing.assert_close(heard, tiny.encode_audio(mel.float()), **PARITY)


@pytest.mark.parametrize("grid", [[1, 10, 8], [1, 8, 8], [2, 8, 10]])
def test_another_grid_is_refused(folder: Path, grid: list[int]) -> None:
    vision = OnnxVision(folder / "vision.onnx")
    pixels = torch.zeros(int(np.prod(grid)), 1176)
    with pytest.raises(UnitShapeError, match=r"expected 8 x 10 at 1"):
        vision(pixels, torch.tensor([grid]))


@pytest.mark.parametrize("shape", [(80, 100), (128, 99), (128, 0), (128, 150)])
def test_no_whole_seconds_are_refused(folder: Path, shape: tuple[int, int]) -> None:
    with pytest.raises(UnitShapeError, match="100 frames of 128 bins"):
        OnnxAudio(folder / "audio.onnx")(torch.zeros(shape))


@pytest.mark.parametrize("shape", [(3, 192), (4, 191)])
def test_other_states_are_refused(folder: Path, shape: tuple[int, int]) -> None:
    with pytest.raises(UnitShapeError, match=r"\(4, \.\.\., 192\)"):
        OnnxSpeakHead(folder / "head.onnx")(torch.zeros(shape))


def test_a_part_in_anothers_place_is_refused(folder: Path) -> None:
    with pytest.raises(CheckpointError, match="is audio; expected vision"):
        OnnxVision(folder / "audio.onnx")


def test_a_file_of_somebody_elses_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="is no part of a bundle; expected audio"):
        OnnxAudio(with_weights(tmp_path / "theirs.onnx"))


def test_what_is_no_onnx_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"is no \.onnx file"):
        OnnxAudio(tmp_path / "missing.onnx")
    for name, content in (
        ("pickle.pt", b"\x80\x04"),
        ("text.onnx", b"not a model at all"),
        ("cut.onnx", (folder / "audio.onnx").read_bytes()[:-1000]),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(CheckpointError, match=rf"{name} is (no|damaged)"):
            OnnxAudio(tmp_path / name)


def test_a_large_file_is_refused_unread(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_parts, "MAX_ONNX_BYTES", 1_000_000)
    with pytest.raises(CheckpointError, match="expected at most 1,000,000"):
        OnnxVision(folder / "vision.onnx")
    (tmp_path / "weights").write_bytes(bytes(1_000_000))  # small only without them
    with pytest.raises(CheckpointError, match="and its weights have 1,000,"):
        onnx_parts.check_onnx(with_weights(tmp_path / "small.onnx", location="weights"))


@pytest.mark.parametrize("location", ["../secret", "/etc/hostname", "inner/secret", "link"])
def test_weights_come_from_the_folder_alone(tmp_path: Path, location: str) -> None:
    bundle = tmp_path / "bundle"
    (bundle / "inner").mkdir(parents=True)
    for place in (tmp_path / "secret", bundle / "inner" / "secret"):
        place.write_bytes(bytes(16))
    (bundle / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(CheckpointError, match="expected them in it or beside it"):
        onnx_parts.check_onnx(with_weights(bundle / "part.onnx", location=location))


def test_weights_beside_the_file_are_used(tmp_path: Path) -> None:
    path = with_weights(tmp_path / "part.onnx", location="weights")
    with pytest.raises(CheckpointError, match="lacks its weights, weights"):
        onnx_parts.open_onnx(path)
    (tmp_path / "weights").write_bytes(np.arange(4, dtype=np.float32).tobytes())
    (sums,) = onnx_parts.open_onnx(path).run(None, {"x": np.ones(4, np.float32)})
    assert sums.tolist() == [1, 2, 3, 4]


def test_operators_of_others_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"operators of 'evil'"):
        onnx_parts.open_onnx(with_weights(tmp_path / "part.onnx", domain="evil"))


@pytest.mark.parametrize(
    ("available", "wanted", "chosen"),
    [
        ([CPU], None, [CPU]),
        ([CPU, CUDA], None, [CUDA, CPU]),
        ([CPU, CUDA, TENSORRT], None, [TENSORRT, CUDA, CPU]),
        ([CPU, "AzureExecutionProvider"], None, [CPU]),
        ([CPU, CUDA, TENSORRT], [CPU], [CPU]),
        ([CPU, CUDA], [TENSORRT, CUDA], [CUDA]),
    ],
)
def test_providers_are_tried_in_order(
    monkeypatch: pytest.MonkeyPatch,
    available: list[str],
    wanted: list[str] | None,
    chosen: list[str],
) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: available)
    assert choose_providers(wanted) == chosen


def test_a_provider_that_is_not_there_is_refused() -> None:
    with pytest.raises(CheckpointError, match="install onnxruntime-gpu"):
        choose_providers(["NoSuchExecutionProvider"])


def test_parts_say_what_they_run_on(folder: Path) -> None:
    assert OnnxSpeakHead(folder / "head.onnx", [CPU]).providers == [CPU]


def test_sessions_take_torchs_threads_and_let_them_sleep(folder: Path) -> None:
    options = onnx_parts.open_onnx(folder / "head.onnx").get_session_options()
    assert options.intra_op_num_threads == torch.get_num_threads()
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"


def test_a_damaged_graph_is_a_checkpoint_error(folder: Path, tmp_path: Path) -> None:
    model = onnx.load(folder / "head.onnx")
    model.graph.node[0].input[0] = "nowhere"
    onnx.save(model, tmp_path / "head.onnx")
    with pytest.raises(CheckpointError, match="onnxruntime cannot run"):
        OnnxSpeakHead(tmp_path / "head.onnx")
