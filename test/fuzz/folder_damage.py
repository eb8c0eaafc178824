"""Ways to damage a model folder, or to make it hostile."""

from __future__ import annotations

import copy
import json
import os
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from values import edge_integer, mutated, random_text

__all__ = ["Damage", "damage"]

SETTINGS = re.compile(
    # What the checkpoint's maker chose: every value within the bounds is another model.
    r"roma_config\.json:(system_prompt|(max|min)_pixels|speak_layer_ids|trained_context_seconds"
    r"|alert_replies|vocabulary|speak_source|silent_tokens|speak_tokens|instructions).*"
    r"|preprocessor_config\.json:image_(mean|std).*"
    r"|config\.json:.*(rms_norm_eps|rope_theta|mrope_section|num_heads|attention_heads"
    r"|fullatt_block_indexes|window_size|llm_int8_threshold).*"
    r"|config\.json:(gate_layer_ids|gate_hidden_dim|thinker_config).*"
    r"|tokenizer\.json:(model\.(vocab|merges|ignore_merges)|added_tokens|normalizer"
    r"|pre_tokenizer|decoder).*"
    r"|tokenizer_config\.json:(extra_special_tokens|additional_special_tokens|.*_token"
    r"|added_tokens_decoder|tokenizer_class).*"
)
HOSTILE_KEYS: dict[str, list[tuple[str, Any]]] = {
    "config.json": [
        ("auto_map", {"AutoModel": "evil.Model"}),
        ("_attn_implementation", "someone/kernels"),
        ("attn_implementation", "kernels-community/flash-attn"),
        ("quantization_config", {"quant_method": "bitsandbytes", "load_in_4bit": True}),
        ("quantization_config", {"quant_method": "fp8"}),
        ("quantization_config", {"quant_method": "gptq", "bits": 4}),
        ("num_labels", 10**9),
        ("use_kernels", True),
        ("torchscript", True),
        ("output_attentions", True),
        ("tie_word_embeddings", False),
        ("gate_layer_ids", [-1]),
    ],
    "tokenizer_config.json": [
        ("auto_map", {"AutoTokenizer": ["evil.Tokenizer", None]}),
        ("fast_tokenizer_files", ["tokenizer.4.0.0.json", "../x.json"]),
        ("tokenizer_file", "/etc/passwd"),
        ("vocab_file", "/dev/zero"),
        ("add_prefix_space", True),
        ("do_lower_case", True),
        ("chat_template", "{% for i in range(10**9) %}{% endfor %}"),
        ("split_special_tokens", True),
        ("model_max_length", 1),
        ("truncation_side", "left"),
    ],
    "preprocessor_config.json": [
        ("dither", 0.5),
        ("n_fft", 2**24),
        ("do_rescale", False),
        ("rescale_factor", 1.0),
        ("hop_length", 0),
        ("chunk_length", 10**9),
    ],
    "roma_config.json": [("colour", 1), ("max_pixels", 10**12), ("speak_hidden_size", 65_536)],
    "manifest.json": [("files", {}), ("format", "roma_bundle/2"), ("frame_size", [28, 28])],
}
CONFIG_FILES = ("config.json", "roma_config.json", "preprocessor_config.json", "tokenizer.json")


@dataclass(frozen=True)
class Damage:
    """What was done.

    Attributes:
        what: in words.
        is_setting: it changed a value that makes another model, and nothing else.
    """

    what: str
    is_setting: bool = False


def damage(rng: np.random.Generator, folder: Path) -> Damage:
    """Damage one thing in a folder whose files are links to undamaged ones."""
    kinds: list[Callable[[np.random.Generator, Path], Damage]] = [
        *[_json_field] * 8,
        *[_json_text] * 2,
        *[_hostile_key] * 2,
        *[_header] * 4,
        *[_weight_values] * 2,
        *[_bytes] * 2,
        *[_kind_of_file] * 3,
        *[_extra_file] * 3,
        _swapped,
    ]
    return kinds[int(rng.integers(len(kinds)))](rng, folder)


def _pick(rng: np.random.Generator, items: list[Any]) -> Any:
    return items[int(rng.integers(len(items)))]


def _files(folder: Path, *endings: str) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.name.endswith(endings))


def _write(path: Path, data: bytes) -> None:
    path.unlink(missing_ok=True)  # it is a link to the good one
    path.write_bytes(data)


def _other_value(rng: np.random.Generator, value: Any) -> Any:
    """A value of any type, or one near to the one that was there."""
    if rng.random() < 0.4 and type(value) in (int, float):
        near = [value + 1, value - 1, value * 2, value // 2, -value, value * 1e9, value + 0.5]
        return _pick(rng, [*near, 0, 1e308, 10**9, 2**63, float(value)])
    return _pick(
        rng,
        [
            *(None, True, False, -1, 0, 1e308, 1e-320, [], {}, "", "../../x", [[[]]]),
            edge_integer(rng, 63, True),
            float(rng.normal()),
            random_text(rng),
            [random_text(rng)],
            {"a": {"b": []}},
            "x" * 10**6,
            list(range(10_000)),
        ],
    )


def _places(values: Any) -> list[tuple[Any, Any]]:
    """Every container with each of its keys, but few of long lists and vocabularies."""
    found: list[tuple[Any, Any]] = []
    waiting = [values]
    while waiting:
        node = waiting.pop()
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        for key in keys[:40]:
            found.append((node, key))
            if isinstance(node[key], dict | list):
                waiting.append(node[key])
    return found


def _paths(one: Any, other: Any, place: str = "") -> Iterator[str]:
    """Where two JSON values differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in {**one, **other}:
            if key not in one or key not in other:
                yield f"{place}.{key}" if place else str(key)
            else:
                yield from _paths(one[key], other[key], f"{place}.{key}" if place else str(key))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from _paths(left, right, f"{place}[{number}]")
    elif one != other:
        yield place


def _is_setting(name: str, before: bytes, after: bytes) -> bool:
    try:
        changed = list(_paths(json.loads(before), json.loads(after)))
    except (ValueError, RecursionError):
        return False
    return bool(changed) and all(SETTINGS.fullmatch(f"{name}:{place}") for place in changed)


def _changed_values(rng: np.random.Generator, values: Any) -> str:
    """Change one place in a JSON value; returns it in words."""
    places = _places(values)
    if not places:
        return "nothing"
    node, key = _pick(rng, places)
    if rng.random() < 0.25:
        del node[key]
        return f"{key} is gone"
    node[key] = _other_value(rng, node[key])
    return f"{key} = {str(node[key])[:60]}"


def _json_field(rng: np.random.Generator, folder: Path) -> Damage:
    path = _pick(rng, _files(folder, ".json"))
    before = path.read_bytes()
    values = json.loads(before)
    what = _changed_values(rng, values)
    after = json.dumps(values).encode()
    _write(path, after)
    return Damage(f"{path.name}: {what}", _is_setting(path.name, before, after))


def _json_text(rng: np.random.Generator, folder: Path) -> Damage:
    path = _pick(rng, _files(folder, ".json"))
    before = path.read_bytes()
    after: bytes = _pick(
        rng,
        [
            mutated(rng, before),
            before[: int(rng.integers(len(before)))],
            b"[" * 100_000,
            b'{"a":' * 50_000,
            b"",
            b"null",
            b"[]",
            b"\xff\xfe" + before,
            before.rstrip()[:-1] + b',"model_type":"qwen2_5_omni"}',
            before.replace(b"0", b"NaN", 1),
            before.replace(b"1", b"1" + b"0" * 5000, 1),
            json.dumps({"a": "x" * 2_000_000}).encode(),
        ],
    )
    _write(path, after)
    return Damage(f"{path.name}: text {after[:20]!r}", _is_setting(path.name, before, after))


def _hostile_key(rng: np.random.Generator, folder: Path) -> Damage:
    path = folder / _pick(rng, [name for name in HOSTILE_KEYS if (folder / name).exists()])
    key, value = _pick(rng, HOSTILE_KEYS[path.name])
    before = path.read_bytes()
    values = json.loads(before)
    node = values
    if path.name == "config.json" and rng.random() < 0.3:
        node = values[_pick(rng, ["text_config", "vision_config", "audio_config"])]
    node[key] = copy.deepcopy(value)
    after = json.dumps(values).encode()
    _write(path, after)
    return Damage(f"{path.name}: {key} = {str(value)[:60]}", _is_setting(path.name, before, after))


def _header(rng: np.random.Generator, folder: Path) -> Damage:
    """One field of a safetensors header, or its length."""
    path = _pick(rng, _files(folder, ".safetensors"))
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header, rest = json.loads(data[8 : 8 + length]), data[8 + length :]
    names = [name for name in header if name != "__metadata__"]
    name, other = _pick(rng, names), _pick(rng, names)
    kind = int(rng.integers(8))
    what = f"{name}: kind {kind}"
    if kind <= 2:
        what = _changed_values(rng, header)
    elif kind == 3:
        header[f"model.layers.99.{name}"] = header.pop(name)
    elif kind == 4:
        header[name]["shape"] = [*header[name]["shape"][::-1], 1]
    elif kind == 5:
        header[name]["dtype"] = _pick(rng, ["F32", "I16", "F8_E4M3", "BOOL", "XX", "I8"])
    elif kind == 6:
        header[name] = header[other] if other != name else {}
    text = json.dumps(header).encode()
    size = len(text) if kind != 7 else int(edge_integer(rng, 64, False))
    _write(path, size.to_bytes(8, "little") + text + rest)
    # Metadata are nobody's business.
    is_same = kind != 7 and {**json.loads(data[8 : 8 + length]), "__metadata__": 0} == {
        **header,
        "__metadata__": 0,
    }
    return Damage(f"{path.name}: header, {what}", is_same)


def _weight_values(rng: np.random.Generator, folder: Path) -> Damage:
    """Values that are not finite, or far too large, in one tensor."""
    path = _pick(rng, _files(folder, ".safetensors"))
    data = bytearray(path.read_bytes())
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    floats = [name for name, entry in header.items() if entry.get("dtype") in ("BF16", "F32")]
    name = _pick(rng, floats)
    begin, end = (8 + length + offset for offset in header[name]["data_offsets"])
    width = 2 if header[name]["dtype"] == "BF16" else 4
    value = _pick(rng, [b"\xc0\x7f", b"\x80\x7f", b"\x80\xff"])  # NaN and infinities, bfloat16
    at = begin + width * int(rng.integers((end - begin) // width))
    data[at : at + width] = b"\0" * (width - 2) + value
    _write(path, bytes(data))
    return Damage(f"{path.name}: {name} has {value.hex()}")


def _bytes(rng: np.random.Generator, folder: Path) -> Damage:
    """Bytes at the front of a binary file, or its end."""
    path = _pick(rng, _files(folder, ".safetensors", ".onnx"))
    data = path.read_bytes()
    front = min(len(data), 4096)
    kind = int(rng.integers(4))
    if path.suffix == ".onnx":
        kind = int(rng.integers(3))
    if kind == 0:
        data = data[: int(rng.integers(len(data)))]
    elif kind == 1:
        data += rng.bytes(int(rng.integers(1, 5000)))
    elif kind == 2:
        data = rng.bytes(len(data) if rng.random() < 0.5 else 64)
    else:
        data = mutated(rng, data[:front]) + data[front:]
    before = path.read_bytes()
    _write(path, data)
    return Damage(f"{path.name}: bytes, kind {kind}", data == before)


def _kind_of_file(rng: np.random.Generator, folder: Path) -> Damage:
    """Something else in the place of a file."""
    path = _pick(rng, [path for path in _files(folder, "") if path.is_file()])
    kind = int(rng.integers(12))
    data = path.read_bytes()
    path.unlink()
    if kind == 0:
        os.mkfifo(path)
    elif kind == 1:
        path.mkdir()
    elif kind == 2:
        path.symlink_to("/dev/zero")
    elif kind == 3:
        path.symlink_to("/etc/passwd")
    elif kind == 4:
        path.symlink_to(path.name)
    elif kind == 5:
        path.symlink_to("nowhere")
    elif kind == 6:
        with path.open("wb") as file:
            file.truncate(10**11)
    elif kind == 7:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
    elif kind == 8:
        path.write_bytes(
            b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345678\n"
        )
    elif kind == 9:
        (folder.parent / "outside").write_bytes(data)
        path.symlink_to("../outside")
    elif kind == 10:
        path.with_name("kept").write_bytes(data)
        path.symlink_to("kept")
    # 11: it is gone. Without its settings it is a stock checkpoint, with the defaults.
    is_stock = kind == 11 and path.name == "roma_config.json"
    return Damage(f"{path.name}: kind of file {kind}", is_stock)


def _extra_file(rng: np.random.Generator, folder: Path) -> Damage:
    """A file that was not there."""
    pickle = b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x0btouch evil!\x85R."
    lora = {"peft_type": "LORA", "r": 4, "target_modules": ["q_proj"], "lora_alpha": 8}
    name, data = _pick(
        rng,
        [
            ("adapter_config.json", json.dumps(lora).encode()),
            ("adapter_config.json", b"{}"),
            ("model.safetensors.index.json", b'{"weight_map": {"a": "evil.bin"}}'),
            ("pytorch_model.bin", pickle),
            ("evil.bin", pickle),
            ("modeling_evil.py", b"raise SystemExit(7)"),
            ("processor_config.json", b'{"image_processor": {"image_mean": [9, 9, 9]}}'),
            ("special_tokens_map.json", b'{"eos_token": 7}'),
            ("added_tokens.json", b'{"beep": 5}'),
            ("added_tokens.json", b'{"<|evil|>": 999999999}'),
            ("chat_template.jinja", b"{{ 7 * 7 }}"),
            (".hidden", b"x"),
            ("README.md", b"# a model"),
            ("spk_dict.pt", pickle),
            ("tokenizer.4.0.json", b"{"),
            ("vocab.json", b"{"),
            ("merges.txt", b"a b c"),
            ("custom_generate", None),
            ("additional_chat_templates", None),
            ("system_prompt.txt", b"\xff\xff"),
            ("system_prompt.txt", b""),
            ("vision.onnx", b"no onnx"),
            ("speak_head.onnx", b""),
            ("manifest.json", b"{}"),
            ("extra.safetensors", b"\x02\0\0\0\0\0\0\0{}"),
            ("model-00001-of-00002.safetensors", b"junk"),
            ("generation_config.json", b'{"max_length": "x"}'),
            ("quantize_config.json", b"["),
        ],
    )
    path = folder / name
    if data is None:
        path.mkdir()
        (path / "generate.py").write_text("raise SystemExit(7)")
    else:
        _write(path, data)
    if name == "model.safetensors.index.json" and rng.random() < 0.7:
        (folder / "model.safetensors").unlink()
        (folder / "evil.bin").write_bytes(pickle)
    return Damage(f"{name} is there too")


def _swapped(rng: np.random.Generator, folder: Path) -> Damage:
    """One file has the contents of another."""
    files = [path for path in _files(folder, "") if path.is_file()]
    one, other = _pick(rng, files), _pick(rng, files)
    if one != other:
        _write(one, other.read_bytes())
    return Damage(f"{one.name} holds {other.name}")
