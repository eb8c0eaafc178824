"""Each kind of damaged or hostile folder is refused by name; what is never read may be anything."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from roma_ros.cli import main
from roma_ros.thinker import CheckpointError, RomaThinker
from roma_ros.thinker.checkpoint import resolve_folder
from roma_ros.thinker.checkpoint_check.checkpoint import check_checkpoint
from roma_ros.thinker.checkpoint_check.onnx_operators import check_operators
from roma_ros.thinker.checkpoint_check.tokenizer import TokenizerProbe

from ..clips import Clip, write_clip

Damage = Callable[[Path], object]
WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The embedded checkpoint; its files are links to the real ones: unlink before writing."""
    return Path(
        shutil.copytree(resolve_folder("roma_tiny"), tmp_path / "model", copy_function=link)
    )


def link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copyfile(source, target)


def write(path: Path, data: bytes) -> None:
    path.unlink(missing_ok=True)
    path.write_bytes(data)


def edit(name: str, *keys: str | int, to: Any = ...) -> Damage:
    """Set a value of a JSON file; without `to`, delete it."""

    def change(folder: Path) -> None:
        values = json.loads((folder / name).read_text())
        node = values
        for key in keys[:-1]:
            node = node[key]
        if to is ...:
            del node[keys[-1]]
        else:
            node[keys[-1]] = to
        write(folder / name, json.dumps(values).encode())

    return change


def put(name: str, data: bytes | str) -> Damage:
    return lambda folder: write(folder / name, data.encode() if isinstance(data, str) else data)


def instead(name: str, make: Callable[[Path], object]) -> Damage:
    """Something else in the place of a file."""

    def change(folder: Path) -> None:
        (folder / name).unlink()
        make(folder / name)

    return change


def bind(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        here = os.getcwd()
        os.chdir(path.parent)  # the names of sockets are short
        server.bind(path.name)
        os.chdir(here)


def enlarge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2 * 10**12)


def tensors(change: Callable[[dict[str, torch.Tensor]], object], name: str = WEIGHTS) -> Damage:
    def damage(folder: Path) -> None:
        values = load_file(folder / name)
        change(values)
        (folder / name).unlink()
        save_file(values, folder / name, metadata={"format": "pt"})

    return damage


def header(change: Callable[[dict[str, Any]], object]) -> Damage:
    def damage(folder: Path) -> None:
        data = (folder / WEIGHTS).read_bytes()
        length = int.from_bytes(data[:8], "little")
        values = json.loads(data[8 : 8 + length])
        change(values)
        text = json.dumps(values).encode()
        write(folder / WEIGHTS, len(text).to_bytes(8, "little") + text + data[8 + length :])

    return damage


def raw_header(text: str) -> bytes:
    return len(text).to_bytes(8, "little") + text.encode()


def index(files: dict[str, str]) -> Damage:
    def damage(folder: Path) -> None:
        (folder / WEIGHTS).rename(folder / "model-1.safetensors")
        write(folder / INDEX, json.dumps({"weight_map": files}).encode())

    return damage


NORM, Q = "model.norm.weight", "model.layers.0.self_attn.q_proj.weight"
FILES: dict[str, tuple[Damage, str]] = {
    "a named pipe": (instead("config.json", os.mkfifo), r"config\.json is a named pipe"),
    "a pipe as tokenizer": (instead("tokenizer.json", os.mkfifo), r"tokenizer\.json is a named"),
    "a pipe as weights": (instead(WEIGHTS, os.mkfifo), r"safetensors is a named pipe"),
    "a folder": (instead("roma_config.json", Path.mkdir), r"roma_config\.json is a folder"),
    "a socket": (instead("config.json", bind), r"config\.json is a socket"),
    "a device": (
        instead("generation_config.json", lambda path: path.symlink_to("/dev/zero")),
        r"generation_config\.json is a link to '/dev/zero'",
    ),
    "a link out of the folder": (
        instead("tokenizer.json", lambda path: path.symlink_to("../other.json")),
        r"tokenizer\.json is a link to '\.\./other\.json'.*copy the file itself",
    ),
    "a link to itself": (instead("config.json", lambda path: path.symlink_to(path)), "config.json"),
    "a file beyond all bounds": (instead(WEIGHTS, enlarge), r"2,000,000,000,000 bytes; expected"),
    "a large config": (put("config.json", b" " * 2_000_000), r"2,000,000 bytes; expected at most"),
    "an adapter": (put("adapter_config.json", "{}"), r"adapter_config\.json is there.*merge it"),
    "chat templates": (
        lambda folder: (folder / "additional_chat_templates").mkdir(),
        "additional_chat_templates is there",
    ),
    "a pickle in the index": (index({NORM: "evil.bin"}), r"'evil\.bin'; expected a \.safetensors"),
    "a path in the index": (index({NORM: "../m.safetensors"}), "the name of a file beside"),
    "a shard that is missing": (index({NORM: "model-2.safetensors"}), "shard of the checkpoint"),
    "a shard of another model": (index({"a": "model-1.safetensors"}), r"lacks 'a', which"),
    "an index of nothing": (index({}), r"weight_map is \{\}; expected an object"),
    "a pointer of Git LFS": (
        put(WEIGHTS, "version https://git-lfs.github.com/spec/v1\n"),
        "pointer of Git LFS.*git lfs pull",
    ),
    "an empty file": (put(WEIGHTS, b""), "0 bytes do not hold the header"),
    "an endless header": (put(WEIGHTS, b"\xff" * 64), "do not hold the header"),
    "a header that is no JSON": (put(WEIGHTS, b"\4\0\0\0\0\0\0\0{{{{"), "its header is damaged"),
    "brackets without an end": (put("config.json", "[" * 100_000), "cannot be read as JSON"),
    "a deep file": (put("config.json", '{"a":' * 90 + "1" + "}" * 90), "nested deeper than 64"),
    "lists without an end": (
        put("tokenizer.json", "[" + "{}," * 2_000_000 + "1]"),
        "2,000,001 lists and objects; expected at most 1,000,000",
    ),
    "a key twice": (put("config.json", '{"a": 1, "a": 2}'), "'a' is there twice"),
    "a number beyond all numbers": (
        put("roma_config.json", '{"trained_context_seconds": 1e999}'),
        "'1e999' is beyond the range of numbers",
    ),
    "a long name in the index": (index({NORM: "m" * 5000 + ".safetensors"}), "a file beside"),
    "a deep header": (
        put(WEIGHTS, raw_header('{"a":' + "[" * 5000 + "]" * 5000 + "}")),
        "header is damaged.*nested deeper than 64",
    ),
    "a weight twice in a header": (put(WEIGHTS, raw_header('{"a": 1, "a": 2}')), "there twice"),
    "NaN in JSON": (put("roma_config.json", '{"max_pixels": NaN}'), "NaN is no number of JSON"),
    "no UTF-8": (put("config.json", b"\xff\xfe{}"), "cannot be read as JSON"),
}
TEXT, VISION, AUDIO = "text_config", "vision_config", "audio_config"
ROPE = (TEXT, "rope_parameters")
CONFIG: dict[str, tuple[Damage, str]] = {
    "a layer too few": (edit("config.json", TEXT, "num_hidden_layers", to=5), "layer_types"),
    "code": (edit("config.json", "auto_map", to={"AutoModel": "x.Y"}), "names code of the folder"),
    "a kernel of the hub": (
        edit("config.json", "_attn_implementation", to="someone/kernels"),
        "_attn_implementation is 'someone/kernels'; expected one of 'eager'",
    ),
    "a kernel for a part": (
        edit("config.json", TEXT, "_attn_implementation", to="a/b"),
        "text_config._attn_impl",
    ),
    "a million layers": (
        edit("config.json", VISION, "depth", to=1_000_000),
        "depth is 1000000; expected a whole",
    ),
    "a width": (edit("config.json", TEXT, "hidden_size", to="wide"), "hidden_size is 'wide'"),
    "true for a number": (edit("config.json", TEXT, "vocab_size", to=True), "vocab_size is True"),
    "heads": (edit("config.json", TEXT, "num_attention_heads", to=5), "5 attention heads"),
    "groups": (edit("config.json", TEXT, "num_key_value_heads", to=4), "num_key_value_heads 4"),
    "mel bins": (edit("config.json", AUDIO, "num_mel_bins", to=80), "feature_size is 128; expec"),
    "positions": (edit("config.json", TEXT, "max_position_embeddings", to=-1), "max_position"),
    "positions of sound": (edit("config.json", AUDIO, "max_source_positions", to=10**9), "max_so"),
    "a rope": (edit("config.json", *ROPE, "rope_type", to="dynamic"), r"rope_type is 'dynamic'"),
    "a base of the rope": (edit("config.json", *ROPE, "rope_theta", to=0), "rope_theta is 0"),
    "parts of the rope": (edit("config.json", *ROPE, "mrope_section", to=[4, 6, 7]), "adds up to"),
    "no rope": (edit("config.json", *ROPE), "mrope_section adds up to 0; expected 16"),
    "an epsilon": (edit("config.json", TEXT, "rms_norm_eps", to=1e9), "rms_norm_eps is 10000000"),
    "another activation": (edit("config.json", TEXT, "hidden_act", to="relu"), "hidden_act is"),
    "sliding windows": (edit("config.json", TEXT, "use_sliding_window", to=True), "use_sliding"),
    "blocks": (edit("config.json", VISION, "fullatt_block_indexes", to=[9]), "different ones belo"),
    "a token beyond the words": (edit("config.json", "audio_token_index", to=5000), "below 1024"),
    "no part": (edit("config.json", AUDIO), "audio_config is None; expected an object"),
    "no size": (edit("config.json", TEXT, "hidden_size"), "text_config lacks hidden_size"),
    "another quantiser": (
        edit("config.json", "quantization_config", to={"quant_method": "fp8"}),
        "quant_method is 'fp8'; expected one of 'bitsandbytes', 'gptq'.*`roma quantize`",
    ),
    "a quantiser without its weights": (
        edit(
            "config.json",
            "quantization_config",
            to={"quant_method": "bitsandbytes", "load_in_8bit": True},
        ),
        "no weight is stored so",
    ),
    "means": (edit("preprocessor_config.json", "image_mean", to=[0, 0, 9]), "image_mean is"),
    "deviations": (edit("preprocessor_config.json", "image_std", to=[0, 1, 1]), "image_std is"),
    "noise in the sound": (edit("preprocessor_config.json", "dither", to=0.5), "dither is 0.5"),
    "a transform": (edit("preprocessor_config.json", "n_fft", to=2**24), "n_fft is 16777216"),
    "patches": (edit("preprocessor_config.json", "patch_size", to=16), "expected 14, the pixels"),
    "pixels": (edit("roma_config.json", "max_pixels", to=10**12), "max_pixels is 1000000000000"),
    "K": (edit("roma_config.json", "speak_layer_ids", to=[-1] * 99), "speak_layer_ids is"),
    "a layer that is not there": (
        edit("roma_config.json", "speak_layer_ids", to=[-9, -3, -2, -1]),
        "do not exist in 6 layers",
    ),
    "a head of another width": (
        edit("roma_config.json", "speak_hidden_size", to=64),
        "does not fit this backbone",
    ),
    "a word of the vocabulary": (
        edit("roma_config.json", "vocabulary", "sights", 0, to="../x"),
        r"roma_config\.json",
    ),
}
WEIGHT: dict[str, tuple[Damage, str]] = {
    "one is missing": (tensors(lambda values: values.pop(NORM)), r"lacks 1 weights.*norm\.weight"),
    "one is left over": (
        tensors(lambda values: values.update({"model.layers.6.x": torch.zeros(2)})),
        r"'model\.layers\.6\.x', for which the model of .*config\.json has no place",
    ),
    "a config of fewer layers": (
        lambda folder: (
            edit("config.json", TEXT, "num_hidden_layers", to=5)(folder),
            edit("config.json", TEXT, "layer_types", to=["full_attention"] * 5)(folder),
        ),
        r"'model\.layers\.5\..*has no place",
    ),
    "another shape": (
        tensors(lambda values: values.update({NORM: torch.zeros(96)})),
        r"model\.norm\.weight has shape \(96,\); expected \(192,\)",
    ),
    "INT8": (
        tensors(lambda values: values.update({Q: torch.zeros(192, 192, dtype=torch.int8)})),
        r"q_proj\.weight is I8; expected BF16/F16/F32/F64",
    ),
    "FP8": (
        tensors(lambda values: values.update({Q: values[Q].to(torch.float8_e4m3fn)})),
        "is F8_E4M3; expected",
    ),
    "two kinds of 16 bits": (
        tensors(lambda values: values.update({Q: values[Q].to(torch.float16)})),
        "both as F16 and as BF16",
    ),
    "one under two names": (
        tensors(lambda values: values.update({f"thinker.{NORM}": torch.zeros(192)})),
        "expected each weight once",
    ),
    "offsets that overlap": (
        header(
            lambda values: values.update({NORM: values["model.layers.0.input_layernorm.weight"]})
        ),
        "begins at byte",
    ),
    "an entry that contradicts itself": (
        header(lambda values: values[NORM].update(shape=[193])),
        "that agree",
    ),
    "NaN": (
        tensors(lambda values: values[NORM].fill_(torch.nan)),
        r"model\.norm\.weight has values that are not finite",
    ),
    "infinity": (
        tensors(lambda values: values[Q].view(-1)[7].fill_(torch.inf)),
        "q_proj.weight has values that are not finite",
    ),
    "NaN in the head": (
        tensors(lambda values: values["fc2.bias"].fill_(torch.nan), "speak_head.safetensors"),
        "speak_head.fc2.bias has values that are not finite",
    ),
    "too large to compute with": (
        tensors(lambda values: values["audio_tower.conv1.weight"].fill_(1e38)),
        "features of a trial unit are not finite",
    ),
}
TOKENIZER: dict[str, tuple[Damage, str]] = {
    "files by version": (
        edit("tokenizer_config.json", "fast_tokenizer_files", to=["tokenizer.4.json"]),
        "has fast_tokenizer_files, which leads to other files",
    ),
    "code": (edit("tokenizer_config.json", "auto_map", to={}), "has auto_map, which leads to"),
    "a file elsewhere": (edit("tokenizer_config.json", "vocab_file", to="/x"), "has vocab_file"),
    "another class": (
        edit("tokenizer_config.json", "tokenizer_class", to="LlamaTokenizer"),
        "tokenizer_class is",
    ),
    "a panic of its library": (
        edit("tokenizer.json", "model", "merges", to=[["a", "b"], ["no", "where"]]),
        "does not work",
    ),
    "another model": (edit("tokenizer.json", "model", "type", to="WordPiece"), "model.type is"),
    "two words of one number": (edit("tokenizer.json", "model", "vocab", "!", to=1), "two tokens"),
    "a number beyond the rows": (
        edit("tokenizer.json", "model", "vocab", "!", to=5000),
        "the model has 1024 embeddings",
    ),
    "a word is gone": (edit("tokenizer.json", "model", "vocab", "!"), "tokenizer of"),
    "a number of another": (edit("tokenizer.json", "added_tokens", 0, "id", to=3), "another token"),
    "a text that grows": (
        edit(
            "tokenizer.json",
            "normalizer",
            to={"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 10_000},
        ),
        "normalizer is",
    ),
    "a pattern without an end": (
        edit(
            "tokenizer.json",
            "pre_tokenizer",
            to={"type": "Split", "pattern": {"Regex": "(a+)+b"}, "behavior": "Isolated"},
        ),
        "expected Qwen's pattern",
    ),
    "letters that get lost": (
        edit("tokenizer.json", "model", "vocab", to={"a": 0}),
        "tokenizer of",
    ),
    "no object": (put("tokenizer_config.json", "[]"), "expected an object"),
    "a special token": (put("special_tokens_map.json", '{"eos_token": 7}'), "eos_token is 7"),
    "a number of many digits": (
        edit("tokenizer_config.json", "added_tokens_decoder", to={"0" * 5000: {"content": "x"}}),
        "added_tokens_decoder.'0000.*expected a whole number",
    ),
    "added tokens": (put("added_tokens.json", '{"x": "y"}'), "gives 'x' the number 'y'"),
}
KINDS = {
    f"{part}: {name}": kind
    for part, kinds in (
        ("files", FILES),
        ("config", CONFIG),
        ("weights", WEIGHT),
        ("tokenizer", TOKENIZER),
    )
    for name, kind in kinds.items()
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_folder_is_refused_by_name(folder: Path, kind: str) -> None:
    damage, message = KINDS[kind]
    damage(folder)
    begin = time.process_time()
    with pytest.raises(CheckpointError, match=message) as caught:
        RomaThinker.from_pretrained(folder, device="cpu")
    assert time.process_time() - begin < 5.0
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["README.md", ".gitattributes", "spk_dict.pt", "pytorch_model.bin", "original"]
)
def test_what_is_never_read_may_be_anything(folder: Path, name: str) -> None:
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    assert check_checkpoint(folder).folder == folder


def test_the_layout_of_the_cache_is_taken(folder: Path, tmp_path: Path) -> None:
    """`huggingface-cli download` makes links from a snapshot to blobs beside it."""
    repository = tmp_path / "models--someone--model"
    snapshot, blobs = repository / "snapshots" / "abc", repository / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    for number, file in enumerate(sorted(folder.iterdir())):
        file.rename(blobs / str(number))
        (snapshot / file.name).symlink_to(Path("../../blobs", str(number)))
    assert check_checkpoint(snapshot).config.text_config.hidden_size == 192


def test_a_whole_omni_folder_of_an_old_transformers_is_taken(folder: Path) -> None:
    """As Qwen has them: talker and token2wav beside the thinker, keys of transformers 4.52."""
    thinker = json.loads((folder / "config.json").read_text())
    text = thinker["text_config"]
    rope = text.pop("rope_parameters")
    text |= {
        "rope_theta": rope["rope_theta"],
        "rope_scaling": {
            "mrope_section": rope["mrope_section"],
            "rope_type": "default",
            "type": "default",
        },
        **{"sliding_window": 32768, "max_window_layers": 70, "torch_dtype": "bfloat16"},
        **{"init_std": 0.02, "_attn_implementation_autoset": True, "pruned_heads": {}},
    }
    text.pop("layer_types", None)
    thinker["vision_config"] |= {"embed_dim": 64, "in_chans": 3, "tokens_per_second": 25}
    thinker["audio_config"] |= {"encoder_layerdrop": 0.0, "num_hidden_layers": 32}
    whole = {
        "architectures": ["Qwen2_5OmniModel"],
        "enable_audio_output": True,
        "model_type": "qwen2_5_omni",
        "talker_config": {"model_type": "qwen2_5_omni_talker", "hidden_size": 8},
        "thinker_config": thinker | {"model_type": "qwen2_5_omni_thinker", "ignore_index": -100},
        "token2wav_config": {"model_type": "qwen2_5_omni_token2wav"},
    }
    write(folder / "config.json", json.dumps(whole).encode())
    weights = {f"thinker.{name}": value for name, value in load_file(folder / WEIGHTS).items()}
    (folder / WEIGHTS).unlink()
    rest = {"talker.model.norm.weight": torch.zeros(8), "token2wav.a.b": torch.zeros(2).half()}
    names = {}
    for number, shard in enumerate((weights, rest)):
        save_file(shard, folder / f"model-{number}.safetensors")
        names |= dict.fromkeys(shard, f"model-{number}.safetensors")
    write(folder / INDEX, json.dumps({"metadata": {}, "weight_map": names}).encode())
    checked = check_checkpoint(folder).config.text_config
    assert checked.rope_parameters["mrope_section"] == rope["mrope_section"]
    assert checked.rope_parameters["rope_theta"] == rope["rope_theta"]
    assert RomaThinker.from_pretrained(folder, device="cpu").has_speak_source


def test_the_trial_unit_takes_no_memory_for_a_long_window(folder: Path) -> None:
    """A shorter one may be set, on a device that has no memory for it."""
    edit("roma_config.json", "trained_context_seconds", to=86_400)(folder)
    thinker = RomaThinker.from_pretrained(folder, device="cpu")
    with thinker.open_session(None, context_seconds=5) as session:
        assert session.window == 5


def test_padding_that_a_training_left_does_not_matter(folder: Path) -> None:
    side = {"direction": "Right", "strategy": "LongestFirst", "stride": 0, "max_length": 512}
    edit("tokenizer.json", "truncation", to=side)(folder)
    fill = {"pad_id": 0, "pad_type_id": 0, "pad_token": "!", "pad_to_multiple_of": None}
    edit(
        "tokenizer.json",
        "padding",
        to={"strategy": {"Fixed": 4096}, "direction": "Right", **fill},
    )(folder)
    assert check_checkpoint(folder).folder == folder


def test_the_probe_finds_libraries_where_this_process_does(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outside a virtual environment: in PYTHONPATH or the user's own folder, say."""
    monkeypatch.setattr(sys, "executable", os.path.realpath(sys.executable))
    probe = TokenizerProbe(folder)
    try:
        probe.wait()
    finally:
        probe.close()


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("config.json", "num_labels", 10**9),
        ("config.json", "_attn_implementation_autoset", True),
        ("config.json", "torch_dtype", "bfloat16"),
        ("generation_config.json", "max_length", "x"),
        ("tokenizer_config.json", "chat_template", "{{ 7 }}"),
    ],
)
def test_what_is_not_used_does_not_matter(folder: Path, name: str, key: str, value: object) -> None:
    edit(name, key, to=value)(folder)
    assert RomaThinker.from_pretrained(folder, device="cpu").has_speak_source


@pytest.mark.parametrize("operator", ["Loop", "If", "Scan", "Range", "ConstantOfShape"])
def test_an_operator_that_may_never_end_or_grow_is_refused(tmp_path: Path, operator: str) -> None:
    import onnx

    node = onnx.helper.make_node(operator, ["x"], ["y"])
    with pytest.raises(CheckpointError, match=f"operator '{operator}', which no encoder"):
        check_operators(tmp_path / "part.onnx", model_of([node]))


def test_a_product_beyond_all_bounds_is_refused(tmp_path: Path) -> None:
    import onnx

    values = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        for name, shape in (("x", [100_000, 1]), ("z", [1, 100_000]))
    ]
    graph = model_of([onnx.helper.make_node("Add", ["x", "z"], ["y"])], values)
    with pytest.raises(CheckpointError, match=r"'y' has 10,000,000,000 values; expected at most"):
        check_operators(tmp_path / "part.onnx", graph)


def test_a_product_with_large_weights_is_counted_without_their_values(tmp_path: Path) -> None:
    """Their values would be copied several times."""
    import onnx

    weights = onnx.TensorProto(
        dims=[1, 100_000], data_type=onnx.TensorProto.FLOAT, name="w", raw_data=bytes(400_000)
    )
    x = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [100_000, 1])
    model = model_of([onnx.helper.make_node("MatMul", ["x", "w"], ["y"])], [x])
    model.graph.initializer.append(weights)
    with pytest.raises(CheckpointError, match=r"'y' has 10,000,000,000 values"):
        check_operators(tmp_path / "part.onnx", model)
    assert model.ByteSize() < 1000


def model_of(nodes: list[Any], inputs: list[Any] | None = None) -> Any:
    import onnx

    output = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)
    return onnx.helper.make_model(onnx.helper.make_graph(nodes, "part", inputs or [], [output]))


def test_weights_are_written_for_everybody_who_may_read_the_config(folder: Path) -> None:
    thinker = RomaThinker.from_pretrained(folder, device="cpu")
    thinker.save_pretrained(folder.parent / "saved")
    modes = {path.stat().st_mode & 0o777 for path in (folder.parent / "saved").iterdir()}
    assert len(modes) == 1


def test_the_command_line_says_it_in_one_line(
    folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    WEIGHT["NaN in the head"][0](folder)
    clip = write_clip(tmp_path / "clip.mp4", Clip(seconds=2.0))
    assert main(["run", str(clip), "--watch", "a beep", "--model", str(folder)]) == 2
    captured = capfd.readouterr()
    assert captured.err.startswith("roma: error: ")
    assert captured.err.count("\n") == 1
    assert "speak_head.fc2.bias has values that are not finite" in captured.err
