"""Static INT8 quantization of ONNX encoders, with activation ranges from calibration units."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnxruntime import quantization
from onnxruntime.quantization.shape_inference import quant_pre_process

from roma_ros.quantize.calibration import Feed
from roma_ros.quantize.errors import QuantizeError
from roma_ros.quantize.onnx_file import save_onnx
from roma_ros.thinker.onnx_parts import check_onnx, open_onnx

__all__ = ["MIN_COSINE", "Int8Error", "Int8Report", "cosines", "quantize_static"]

LOG = logging.getLogger(__name__)
MIN_COSINE = 0.995
"""Of the features of the quantized encoder with those of its source, mean over tokens."""
KINDS = ("Conv", "Gemm", "MatMul")
"""Operators that are quantized, if they have weights. Products of two activations, in attention,
are a small part of the work; in INT8 they made roma_tiny's encoders less accurate, no faster."""
SHARES_LEFT_OUT = (0.0, 0.05, 0.1, 0.2, 0.4)
"""Shares of the layers, the hardest first, that stay in float32 until the result is accurate."""
MAX_FEEDS = 128
"""More do not help; of long clips this many are drawn at random."""
HELD_BACK = 4
"""Every fourth feed is for measuring, not for calibration."""
PROBE_FEEDS = 4
"""Feeds that layers are ranked on: enough to see outliers, which keep to the same channels."""


class Int8Error(QuantizeError):
    """Raised when an encoder cannot be calibrated, or is not accurate enough in INT8."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Int8Report:
    """Accuracy of a quantized encoder.

    Attributes:
        cosine: cosine of its features with the source's, mean over the tokens of the feeds that
            were held back.
        min_cosine: cosine of the worst of these tokens.
        layers: number of layers with weights.
        left_out: names of the layers that stayed in float32.
    """

    cosine: float
    min_cosine: float
    layers: int
    left_out: tuple[str, ...]


def quantize_static(
    model_path: Path, out_path: Path, calibration: Iterable[Feed], *, cosine: float = MIN_COSINE
) -> Int8Report:
    """Write an encoder with INT8 weights (7 bits, per channel), UINT8 activations (per tensor).

    Layers that are hard to quantize, because a few channels are far larger than the others, stay
    in float32: first none, then more and more, until the features are accurate enough.

    Args:
        model_path: encoder in float32, as `onnx_export` writes it; it is not changed.
        out_path: .onnx file to write.
        calibration: encoder inputs of 8 units or more; see `calibration.py`. Every fourth is held
            back to measure the result.
        cosine: required cosine of the features with the source's, mean over tokens.

    Returns:
        The accuracy, and the layers that stayed in float32.

    Raises:
        Int8Error: too few feeds, or not accurate enough with 40 % of the layers in float32.
        CheckpointError: `model_path` is no usable ONNX file.
    """
    feeds = _drawn(calibration)
    if len(feeds) < 2 * HELD_BACK:
        raise Int8Error(
            f"there are {len(feeds)} units to calibrate with; expected at least {2 * HELD_BACK}, "
            "better about 50; give a longer clip"
        )
    check_onnx(model_path)
    held_back = feeds[::HELD_BACK]
    calibrated = [feed for index, feed in enumerate(feeds) if index % HELD_BACK]
    wanted = run_all(model_path, held_back)
    with TemporaryDirectory(dir=out_path.parent) as scratch:
        plain, draft = Path(scratch) / "plain.onnx", Path(scratch) / out_path.name
        _simplify(model_path, plain)
        ranking = _hardest_first(plain, calibrated[:PROBE_FEEDS])
        for share in SHARES_LEFT_OUT:
            left_out = tuple(ranking[: round(share * len(ranking))])
            _quantize(plain, draft, calibrated, left_out)
            found = cosines(run_all(draft, held_back), wanted)
            report = Int8Report(
                cosine=float(found.mean()),
                min_cosine=float(found.min()),
                layers=len(ranking),
                left_out=left_out,
            )
            if report.cosine >= cosine:
                _publish(draft, out_path, like=model_path)
                return report
            LOG.info("%s: cosine %.4f with %s left out", out_path.name, report.cosine, left_out)
    raise Int8Error(
        f"the features of {model_path.name} in INT8 have a cosine of {report.cosine:.4f} with "
        f"those in float32, with {len(left_out)} of {len(ranking)} layers left in float32; "
        f"expected at least {cosine}. Calibrate with clips from the robot's surroundings, or keep "
        "the encoder in float32"
    )


def cosines(
    features: npt.NDArray[np.float32], others: npt.NDArray[np.float32]
) -> npt.NDArray[np.float64]:
    """Return the cosine of each token's vectors: (..., H) twice -> (...); 0 for a zero vector."""
    one, other = features.astype(np.float64), others.astype(np.float64)
    norms = np.linalg.norm(one, axis=-1) * np.linalg.norm(other, axis=-1)
    found: npt.NDArray[np.float64] = (one * other).sum(-1) / np.where(norms > 0, norms, np.inf)
    return found


def run_all(path: Path, feeds: Sequence[Feed]) -> npt.NDArray[np.float32]:
    """Return the features of every feed, by onnxruntime on the CPU: (feeds, tokens, H)."""
    session = open_onnx(path, ["CPUExecutionProvider"])
    return np.stack([np.asarray(session.run(None, feed)[0]) for feed in feeds])


def _drawn(calibration: Iterable[Feed]) -> list[Feed]:
    """Return all feeds, or a uniform sample of `MAX_FEEDS` (reservoir sampling)."""
    random = Random(0)
    drawn: list[Feed] = []
    for index, feed in enumerate(calibration):
        if index < MAX_FEEDS:
            drawn.append(feed)
        elif (place := random.randint(0, index)) < MAX_FEEDS:
            drawn[place] = feed
    return drawn


class _Reader(quantization.CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, feeds: Iterable[Feed]) -> None:
        self._feeds: Iterator[Feed] = iter(feeds)

    def get_next(self) -> Feed | None:
        return next(self._feeds, None)


def _simplify(path: Path, out: Path) -> None:
    """Fold constants and infer shapes, as onnxruntime's quantizer expects."""
    large = _is_large(path)
    quant_pre_process(
        path,
        out,
        skip_symbolic_shape=True,  # there are none: all shapes are fixed
        save_as_external_data=large,
        all_tensors_to_one_file=large,
        external_data_location=f"{out.name}.data" if large else None,
    )


def _quantize(path: Path, out: Path, feeds: Sequence[Feed], left_out: Sequence[str]) -> None:
    quantization.quantize_static(
        path,
        out,
        _Reader(feeds),
        quant_format=quantization.QuantFormat.QDQ,
        op_types_to_quantize=list(KINDS),
        nodes_to_exclude=list(left_out),
        per_channel=True,
        # Unsigned activations and signed weights are what VNNI and AMX multiply.
        activation_type=quantization.QuantType.QUInt8,
        weight_type=quantization.QuantType.QInt8,
        # 7 bits per weight: without VNNI, sums of two 8-bit products saturate at 16 bits, and a
        # bundle must give the same result on every CPU.
        reduce_range=True,
        calibrate_method=quantization.CalibrationMethod.MinMax,
        use_external_data_format=_is_large(path),
        # Outputs of layers are added or normalized in float32: rounding them only adds noise.
        extra_options={
            "MatMulConstBOnly": True,
            "OpTypesToExcludeOutputQuantization": ["Gemm", "MatMul"],
        },
    )


def _is_large(path: Path) -> bool:
    return path.with_name(f"{path.name}.data").exists()


def _hardest_first(path: Path, feeds: Sequence[Feed]) -> list[str]:
    """Return the layers, those first whose input loses most when rounded to 256 steps."""
    model = onnx.load(path, load_external_data=False)
    weights = {tensor.name for tensor in model.graph.initializer}
    layers = {
        node.name: node.input[0]
        for node in model.graph.node
        if node.op_type in KINDS and node.input[1] in weights
    }
    given = {value.name for value in (*model.graph.input, *model.graph.output)}
    taken = sorted(set(layers.values()))
    model.graph.output.extend(
        onnx.helper.make_empty_tensor_value_info(name) for name in taken if name not in given
    )
    probe = path.with_name("probe.onnx")
    probe.write_bytes(model.SerializeToString())
    session = onnxruntime.InferenceSession(probe, providers=["CPUExecutionProvider"])
    seen = [name for name in taken if name not in feeds[0]]
    noise = dict.fromkeys(taken, 0.0)
    for feed in feeds:
        values = dict(zip(seen, session.run(seen, feed), strict=True))
        for name, value in {**values, **feed}.items():
            strength = float(np.sqrt(np.mean(np.square(value))))
            if name in noise and strength > 0:
                noise[name] = max(noise[name], float(np.ptp(value)) / strength)
    return sorted(layers, key=lambda layer: -noise[layers[layer]])


def _publish(draft: Path, out: Path, *, like: Path) -> None:
    """Write the finished model to its place, with the metadata of its source."""
    model = onnx.load(draft)
    source = onnx.load(like, load_external_data=False)
    labels = {entry.key: entry.value for entry in source.metadata_props}
    save_onnx(model, out, {**labels, "roma_ros.weights": "int8"})
