from __future__ import annotations

import hashlib
from pathlib import Path

from roma_ros.evaluation.provenance import checkpoint_files, checkpoint_hashes, machine


def test_what_a_checkpoint_is(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "__init__.py").write_text("# not part of it")
    (tmp_path / "folder").mkdir()
    assert checkpoint_files(tmp_path) == {"config.json": 2, "model.safetensors": 7}
    assert checkpoint_hashes(tmp_path) == {
        "model.safetensors": hashlib.sha256(b"weights").hexdigest()
    }


def test_the_machine_is_named() -> None:
    found = machine()
    assert found["cores"] >= 1
    assert found["torch"]
    assert found["cpu"]
