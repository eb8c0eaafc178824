"""Model folders that one environment writes and another reads: `make test-newest`, `test-lowest`.

    python test/exchange.py write FOLDER    # checkpoints, bundles, adapters, and what they decide
    python test/exchange.py read FOLDER     # in another environment: the same decisions?

Run from the repository, by two Pythons with different versions of transformers.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import transformers
from transformers.utils import logging

from roma_ros.quantize.bundle_writer import BundleSettings, write_bundle
from roma_ros.quantize.recipe import Recipe
from roma_ros.thinker import RomaThinker
from roma_ros.thinker.qwen_omni import text_model
from roma_ros.training.lora import Adapters, merge_adapters
from roma_ros.training.settings import LoraSettings
from roma_ros.units import MultimodalUnit

TOLERANCE = 1e-4  # of p(speak): kernels of torch and onnxruntime differ by rounding
TOLERANCE_QUANTISED = 0.02  # bitsandbytes and onnxruntime round as their version's kernels do


def p_speaks(thinker: RomaThinker) -> list[float]:
    """p(speak) of six units of noise.

    Their frames are larger than the model takes: pillow 13 enlarges one side and shrinks the other
    in another order than pillow 12 did, and rounds otherwise.
    """
    with thinker.open_session("alert me when you hear a beep") as session:
        found = [session.step(_unit(index)).p_speak for index in range(6)]
    return [p for p in found if p is not None]


def _unit(index: int) -> MultimodalUnit:
    noise = np.random.default_rng(index)
    return MultimodalUnit(
        stream=0,
        index=index,
        start=index * 1_000_000_000,
        frames=noise.integers(0, 256, (2, 240, 320, 3), dtype=np.uint8),
        audio=(0.1 * noise.standard_normal(16_000)).astype(np.float32),
    )


def write_whole(folder: Path) -> RomaThinker:
    thinker = RomaThinker.from_pretrained("roma_tiny", device="cpu")
    thinker.save_pretrained(folder)
    return thinker


def write_sharded(folder: Path) -> RomaThinker:
    thinker = write_whole(folder)
    (folder / "model.safetensors").unlink()
    thinker.backbone.save_pretrained(folder, max_shard_size="3MB")
    assert len(list(folder.glob("model-*.safetensors"))) > 3
    return thinker


def writes_bundle(recipe: str) -> Callable[[Path], RomaThinker]:
    def write(folder: Path) -> RomaThinker:
        frame_size = (320, 240)
        order = BundleSettings(model="roma_tiny", recipe=Recipe.find(recipe), frame_size=frame_size)
        write_bundle(order, folder)
        return RomaThinker.from_pretrained(folder, device="cpu", dtype="float32")

    return write


def write_adapters(folder: Path) -> RomaThinker:
    """Adapters that were not trained, but change what it decides."""
    thinker = RomaThinker.from_pretrained("roma_tiny", device="cpu")
    torch.manual_seed(0)
    adapters = Adapters.on(thinker.backbone, LoraSettings(rank=4, alpha=8))
    for name, value in text_model(thinker.backbone).named_parameters():
        if ".lora_B" in name:
            torch.nn.init.normal_(value, std=0.05)
    adapters.save(folder)
    thinker.backbone.eval()  # no dropout
    return thinker


def read_model(folder: Path) -> RomaThinker:
    return RomaThinker.from_pretrained(folder, device="cpu", dtype="float32")


def read_adapters(folder: Path) -> RomaThinker:
    thinker = RomaThinker.from_pretrained("roma_tiny", device="cpu")
    thinker.backbone = merge_adapters(thinker.backbone, folder)
    return thinker


WRITERS: dict[str, Callable[[Path], RomaThinker]] = {
    "whole": write_whole,
    "sharded": write_sharded,
    "nf4": writes_bundle("nf4"),
    "int8": writes_bundle("int8"),
    "onnx": writes_bundle("onnx-int8"),
    "adapters": write_adapters,
}


def write(folder: Path) -> None:
    decided = {"transformers": transformers.__version__}
    for name, writer in WRITERS.items():
        decided[name] = p_speaks(writer(folder / name))  # type: ignore[assignment]
    (folder / "decided.json").write_text(json.dumps(decided, indent=2) + "\n")


def read(folder: Path) -> bool:
    """Whether everything decides what it did where it was written; prints a line each."""
    decided = json.loads((folder / "decided.json").read_text())
    versions = f"written by transformers {decided['transformers']}, read by "
    print(versions + transformers.__version__)
    fits = True
    for name in WRITERS:
        reader = read_adapters if name == "adapters" else read_model
        got = p_speaks(reader(folder / name))
        apart = max(abs(one - other) for one, other in zip(got, decided[name], strict=True))
        fine = apart <= (TOLERANCE_QUANTISED if name in ("nf4", "int8", "onnx") else TOLERANCE)
        print(f"{name:10} p(speak) at most {apart:.1e} apart: {'as it was' if fine else 'WRONG'}")
        fits &= fine
    return fits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("action", choices=("write", "read"))
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    logging.disable_progress_bar()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    if arguments.action == "write":
        write(arguments.folder)
    elif not read(arguments.folder):
        sys.exit("folders of one version are not what they were in the other")


if __name__ == "__main__":
    main()
