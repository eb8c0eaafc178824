"""The real node with a thinker that knows the demo's plan.

`python oracle_node.py SEED UNITS LOG FLAW` compares every unit that it is given with what the world
renders for it, and writes the differences to LOG. FLAW is what it does wrong: "none" or "mute".
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from PIL import Image

from roma_ros.demo.plan import NARRATION, DemoPlan, make_plan
from roma_ros.nodes import node_state, roma_node
from roma_ros.thinker import PhaseTimings, UnitStep, Utterance
from roma_ros.units import MultimodalUnit, VideoFill
from roma_ros.world import NARRATION_INSTRUCTION, WorldRenderer

SIDE = 112


class Oracle:
    """Stands for RomaThinker."""

    name = "oracle"
    has_speak_source = True
    takes_spoken_instructions = False

    def __init__(self, plan: DemoPlan, log: Path, flaw: str) -> None:
        self.plan, self.flaw = plan, flaw
        self._log = log
        self._renderer = WorldRenderer(plan.scene, SIDE, SIDE)

    def encode(self, unit: MultimodalUnit) -> MultimodalUnit:
        if unit.index < self.plan.units:
            truth = self._renderer.unit(unit.index)
            assert unit.audio is not None
            assert truth.audio is not None
            measured = {
                "unit": unit.index,
                "audio": float(np.sqrt(np.mean((unit.audio - truth.audio) ** 2))),
                "pixels": float(np.abs(blocks(unit.frames) - blocks(truth.frames)).max()),
                "filled": unit.audio_filled > 0 or unit.video_fill is not VideoFill.NONE,
            }
            with self._log.open("a") as log:
                log.write(json.dumps(measured) + "\n")
        return unit

    def text_warning(self, _text: str, **_: bool) -> str:
        return ""

    def check_instruction(self, _instruction: str) -> None:
        return None

    def context_warning(self, _context_seconds: float | None) -> str:
        return ""

    def open_session(self, instruction: str | None, **_: Any) -> Session:
        names = {alert.instruction: alert.name for alert in self.plan.alerts}
        names[NARRATION_INSTRUCTION] = NARRATION
        return Session(self, names[instruction or NARRATION_INSTRUCTION])


class Session:
    kv_length = kv_capacity = memory_bytes = units_kept = evicted = 0

    def __init__(self, oracle: Oracle, watch: str) -> None:
        self.oracle, self.watch, self.unit = oracle, watch, -1

    def step(self, unit: MultimodalUnit) -> UnitStep:
        self.unit = unit.index
        plan, mute = self.oracle.plan, self.oracle.flaw == "mute"
        speak = plan.should_trigger(self.watch, unit.index) and not mute
        return UnitStep(
            stream=unit.stream,
            index=unit.index,
            stamp=unit.end,
            p_speak=0.99 if speak else 0.01,
            timings=PhaseTimings(),
        )

    def speak(self, _: int) -> Utterance:
        return said(next(s.text for s in self.oracle.plan.segments if s.end == self.unit))

    def branch(self) -> Branch:
        return Branch(self)

    def stop_speaking(self) -> None: ...

    def close(self) -> None: ...


class Branch:
    def __init__(self, session: Session) -> None:
        self._plan = session.oracle.plan

    def begin(self, question: str) -> None:
        self._answer = next(q.answer for q in self._plan.questions if q.text == question)

    def decode(self, _: int) -> Utterance:
        return said(self._answer)

    def close(self) -> None: ...


def said(text: str) -> Utterance:
    return Utterance(text=text, reply=text, finished=True, tokens=1)


def blocks(frames: Any) -> np.ndarray:
    """Means of 8x8 pixels at roma_tiny's size, without noise and the chroma's coarseness."""
    resized = np.stack(
        [
            np.asarray(Image.fromarray(f).resize((SIDE, SIDE), Image.Resampling.BICUBIC))
            for f in frames
        ]
    )
    return resized.reshape(2, SIDE // 8, 8, SIDE // 8, 8, 3).mean((2, 4))


if __name__ == "__main__":
    seed, units, log, flaw, *rest = sys.argv[1:]
    oracle = Oracle(make_plan(int(seed), int(units)), Path(log), flaw)
    node_state.RomaThinker = SimpleNamespace(from_pretrained=lambda *_, **__: oracle)  # type: ignore
    node_state.set_torch_threads = lambda _: 1  # type: ignore  # it computes nothing
    raise SystemExit(roma_node.main(rest))
