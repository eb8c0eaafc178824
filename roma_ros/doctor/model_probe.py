"""Process that runs a clip through roma_tiny, and tries CUDA and the quantised kernels.

`python -m roma_ros.doctor.model_probe`
"""

from __future__ import annotations

import math
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from roma_ros.doctor.probe import attempt

if TYPE_CHECKING:
    from roma_ros.thinker import RomaThinker
    from roma_ros.units import MultimodalUnit

__all__ = ["CUDA", "KERNELS", "LOAD", "TORCH", "TRANSFORMERS", "UNIT", "main"]

TORCH = "torch"
TRANSFORMERS = "transformers"
LOAD = "model"
UNIT = "unit"
CUDA = "CUDA"
KERNELS = "kernels"
FPS = 10


def main() -> None:
    """Run the attempts in order; skip those that need one that has failed."""
    loaded: list[RomaThinker] = []
    works = attempt(TORCH, _torch)
    fits = attempt(TRANSFORMERS, _transformers)
    if works:
        if fits and attempt(LOAD, partial(_load, loaded)):
            attempt(UNIT, partial(_process_clip, loaded))
        attempt(CUDA, _cuda)
        attempt(KERNELS, _kernels)


def _torch() -> str:
    import torch

    return torch.__version__


def _transformers() -> str:
    import transformers

    return str(transformers.__version__)


def _load(loaded: list[RomaThinker]) -> str:
    from roma_ros.thinker import RomaThinker, set_torch_threads

    begin = time.perf_counter()
    thinker = RomaThinker.from_pretrained("roma_tiny", device="cpu")
    set_torch_threads(thinker)
    loaded.append(thinker)
    return f"roma_tiny loads in {time.perf_counter() - begin:.1f} s"


def _process_clip(loaded: list[RomaThinker]) -> str:
    """Write a clip, decode it into a unit, and compute p(speak)."""
    (thinker,) = loaded
    with tempfile.TemporaryDirectory(prefix="roma-doctor-") as folder:
        path = Path(folder) / "clip.mp4"
        _write_clip(path)
        unit = _first_unit(path)
    begin = time.perf_counter()
    with thinker.open_session("Tell me when a tone sounds.") as session:
        p = session.step(thinker.encode(unit)).p_speak
    if p is None or not (math.isfinite(p) and 0.0 <= p <= 1.0):
        raise ValueError(f"p(speak) is {p}; expected 0 to 1")
    seconds = time.perf_counter() - begin
    return f"decoded and processed in {seconds:.2f} s a unit; p(speak) {p:.2f}"


def _write_clip(path: Path) -> None:
    """Write 1.5 s of grey frames and a tone."""
    import av
    import numpy as np

    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=FPS)
        video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        audio = container.add_stream("aac", rate=16_000, layout="mono")
        for number in range(3 * FPS // 2):
            picture = np.full((64, 96, 3), 8 * number, np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(24_000) / 16_000)
        for begin in range(0, 24_000, 1_000):
            piece = tone[None, begin : begin + 1_000].astype(np.float32)
            sound = av.AudioFrame.from_ndarray(piece, format="fltp", layout="mono")
            sound.sample_rate, sound.pts = 16_000, begin
            container.mux(audio.encode(sound))
        container.mux(audio.encode(None))


def _first_unit(path: Path) -> MultimodalUnit:
    from roma_ros.sources import MediaFile, MediaFileConfig, units_of

    for unit in units_of(MediaFile(MediaFileConfig(path=path))):
        return unit
    raise ValueError("a clip of 1.5 s made no unit")


def _cuda() -> str:
    """Return one line for each CUDA device; empty without one."""
    import torch

    if not torch.cuda.is_available():
        return ""
    found = map(torch.cuda.get_device_properties, range(torch.cuda.device_count()))
    return "\n".join(f"{device.name}, {device.total_memory / 1e9:.0f} GB" for device in found)


def _kernels() -> str:
    """Run the kernels of all quantised kinds on the device of `auto`."""
    import torch

    from roma_ros.thinker.kernel_check import check_kernel
    from roma_ros.thinker.quantization import Quantization

    device = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    kinds = [kind for kind in Quantization if kind is not Quantization.NONE]
    for kind in kinds:
        check_kernel(kind, device)
    return f"{' and '.join(kind.value for kind in kinds)} run on {device}"


if __name__ == "__main__":
    main()
