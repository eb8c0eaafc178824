"""Compare speed and output of the encoders in torch and in ONNX, float32 and INT8.

    python bench/onnx_encoders.py                       both models, a few minutes
    python bench/onnx_encoders.py --only roma_tiny      one of them
    python bench/onnx_encoders.py --layers 32           all layers of the 3B's encoders: 15 GB

The 3B's encoders have their true shapes and random weights: valid for speed, not for the error of
INT8, which `roma quantize` measures on real weights. The implementations alternate on every unit,
so that all have the same load of the machine; `cpu_ms` is CPU time of all threads, which hardly
depends on the load. Writes bench/onnx_encoders.json.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch
from rich.console import Console
from rich.table import Table
from transformers import Qwen2_5OmniThinkerForConditionalGeneration

from roma_ros.machine import cores, load, processor
from roma_ros.planning import read_model_config
from roma_ros.quantize.calibration import audio_feeds, vision_feeds, world_units
from roma_ros.quantize.onnx_export import export_audio, export_vision
from roma_ros.quantize.static_int8 import cosines, quantize_static
from roma_ros.speed import Spread
from roma_ros.thinker import RomaConfig, RomaThinker
from roma_ros.thinker.features import FeatureExtractor
from roma_ros.thinker.onnx_parts import OnnxAudio, OnnxVision
from roma_ros.thinker.qwen_omni import vision_tower
from roma_ros.units import MultimodalUnit
from roma_ros.world import Split

RESULTS = Path(__file__).with_suffix(".json")
CAMERA = (720, 1280)
WARM_UP = 5
Encode = Callable[[torch.Tensor], torch.Tensor]
Units = list[MultimodalUnit]


def tiny(_: int) -> RomaThinker:
    return RomaThinker.from_pretrained("roma_tiny")


def omni_3b(layers: int) -> RomaThinker:
    """Make encoders of Qwen2.5-Omni-3B with random weights, and a backbone of one small layer."""
    words = RomaThinker.from_pretrained("roma_tiny")
    config = read_model_config("3b")
    config["text_config"].update(num_hidden_layers=1, vocab_size=1024, intermediate_size=512)
    depth = min(layers, config["vision_config"]["depth"])
    every = config["vision_config"]["fullatt_block_indexes"]
    config["vision_config"].update(
        depth=depth, fullatt_block_indexes=[index for index in every if index < depth]
    )
    config["audio_config"].update(encoder_layers=min(layers, 32))
    torch.manual_seed(0)
    backbone_type = Qwen2_5OmniThinkerForConditionalGeneration
    settings = RomaConfig()
    return RomaThinker(
        backbone=backbone_type(backbone_type.config_class.from_dict(config)).eval(),
        tokenizer=words.tokenizer,
        features=FeatureExtractor(
            words.features._images,
            words.features._audio,
            min_pixels=settings.min_pixels,
            max_pixels=settings.max_pixels,
        ),
        config=settings,
        speak_head=None,
        name="qwen2.5-omni-3b",
    )


MODELS: dict[str, Callable[[int], RomaThinker]] = {"roma_tiny": tiny, "qwen2.5-omni-3b": omni_3b}


def measure(thinker: RomaThinker, units: int, folder: Path) -> dict[str, Any]:
    """Measure both encoders of a model on worlds that were not used for calibration."""
    calibration, test = list(world_units(24)), list(world_units(units, split=Split.TEST))
    vision = measure_vision(thinker, calibration, test, folder)
    return {"vision": vision, "audio": measure_audio(thinker, calibration, test, folder)}


def measure_vision(
    thinker: RomaThinker, calibration: Units, test: Units, folder: Path
) -> dict[str, Any]:
    patches = thinker.features.video(np.zeros((2, *CAMERA, 3), np.uint8))
    grid = {"rows": patches.rows, "columns": patches.columns}
    times = torch.tensor([[1, patches.rows, patches.columns]])
    plain, small = folder / "vision.onnx", folder / "vision_int8.onnx"
    export_vision(thinker, plain, **grid)
    report = quantize_static(plain, small, vision_feeds(thinker, calibration, **grid))
    in_float, in_int8 = OnnxVision(plain), OnnxVision(small)
    figures = compare(
        [torch.from_numpy(feed["pixels"]) for feed in vision_feeds(thinker, test, **grid)],
        torch_fp32=lambda pixels: thinker.encode_video(pixels, times),
        onnx_fp32=lambda pixels: in_float(pixels, times),
        onnx_int8=lambda pixels: in_int8(pixels, times),
    )
    return {**figures, "patches": grid, **sizes(plain, small), "left_out": len(report.left_out)}


def measure_audio(
    thinker: RomaThinker, calibration: Units, test: Units, folder: Path
) -> dict[str, Any]:
    plain, small = folder / "audio.onnx", folder / "audio_int8.onnx"
    export_audio(thinker, plain)
    report = quantize_static(plain, small, audio_feeds(thinker, calibration))
    figures = compare(
        [torch.from_numpy(feed["mel"]) for feed in audio_feeds(thinker, test)],
        torch_fp32=thinker.encode_audio,
        onnx_fp32=OnnxAudio(plain),
        onnx_int8=OnnxAudio(small),
    )
    return {**figures, **sizes(plain, small), "left_out": len(report.left_out)}


@torch.inference_mode()
def compare(units: list[torch.Tensor], **ways: Encode) -> dict[str, Any]:
    """Run all implementations on every unit; return times and errors against the first one."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    busy: dict[str, list[float]] = {name: [] for name in ways}
    features: dict[str, list[npt.NDArray[np.float32]]] = {name: [] for name in ways}
    for number, unit in enumerate([*units[:1] * WARM_UP, *units]):
        for name, encode in ways.items():
            start, start_busy = perf_counter(), process_time()
            encoded = encode(unit)
            taken, taken_busy = perf_counter() - start, process_time() - start_busy
            if number >= WARM_UP:
                seconds[name].append(taken)
                busy[name].append(taken_busy)
                features[name].append(encoded.numpy())
    first, *others = ways
    wanted = np.stack(features[first])
    spreads = {name: Spread.of(taken) for name, taken in seconds.items()}
    efforts = {name: Spread.of(taken) for name, taken in busy.items()}
    result: dict[str, Any] = {"ms": {name: asdict(spread) for name, spread in spreads.items()}}
    result["cpu_ms"] = {name: asdict(effort) for name, effort in efforts.items()}
    for name in others:
        found = np.stack(features[name])
        cosine = cosines(found, wanted)
        result[name] = {
            "times_faster_p50": round(spreads[first].p50 / spreads[name].p50, 2),
            "times_faster_p99": round(spreads[first].p99 / spreads[name].p99, 2),
            "less_cpu_p50": round(efforts[first].p50 / efforts[name].p50, 2),
            "max_abs": float(np.abs(found - wanted).max()),
            "cosine_mean": round(float(cosine.mean()), 5),
            "cosine_p1": round(float(np.percentile(cosine, 1)), 5),
            "cosine_min": round(float(cosine.min()), 5),
        }
    return result


def machine() -> dict[str, Any]:
    return {
        "when": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "cpu": processor(),
        "cores": cores(),
        "load_1_minute": round(load(), 1),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "onnxruntime": onnxruntime.__version__,
    }


def sizes(plain: Path, small: Path) -> dict[str, float]:
    """Return MB on disk, weights beside the files included."""

    def megabytes(path: Path) -> float:
        files = [path, path.with_name(f"{path.name}.data")]
        return round(sum(file.stat().st_size for file in files if file.exists()) / 1e6, 1)

    return {"mb_fp32": megabytes(plain), "mb_int8": megabytes(small)}


def table(results: dict[str, Any]) -> Table:
    made = Table("encoder", "way", "ms p50 / p99", "times faster", "cosine mean / p1", "max abs")
    for model, measured in results.items():
        for part in ("vision", "audio"):
            figures = measured[part]
            for way, ms in figures["ms"].items():
                row = figures.get(way)
                cells = ["", "", ""]
                if row is not None:
                    cells = [f"{row['times_faster_p50']:.2f}"]
                    cells.append(f"{row['cosine_mean']:.4f} / {row['cosine_p1']:.4f}")
                    cells.append(f"{row['max_abs']:.1e}")
                made.add_row(f"{model} {part}", way, f"{ms['p50']:.1f} / {ms['p99']:.1f}", *cells)
    return made


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=MODELS, action="append", help="repeatable")
    parser.add_argument(
        "--layers",
        type=int,
        default=8,
        help="layers of each 3B encoder, at most 32 (default: %(default)s)",
    )
    parser.add_argument(
        "--units", type=int, default=100, help="units to measure on (default: %(default)s)"
    )
    parser.add_argument(
        "--threads",
        type=int,
        default=torch.get_num_threads(),
        help="threads of torch (default: %(default)s)",
    )
    arguments = parser.parse_args()
    logging.getLogger().setLevel(logging.ERROR)  # onnxruntime's calibration logs a lot
    torch.set_num_threads(arguments.threads)
    console = Console()
    results = json.loads(RESULTS.read_text()) if arguments.only and RESULTS.exists() else {}
    for name in arguments.only or MODELS:
        with console.status(f"measuring {name} ..."), TemporaryDirectory() as folder:
            thinker = MODELS[name](arguments.layers)
            results[name] = measure(thinker, arguments.units, Path(folder))
            results[name]["layers"] = len(vision_tower(thinker.backbone).blocks)
        results[name]["machine"] = machine()
        RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    console.print(table(results))


if __name__ == "__main__":
    main()
