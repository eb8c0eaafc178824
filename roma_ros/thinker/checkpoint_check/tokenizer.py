"""Checks of a tokenizer: a byte-level BPE like Qwen's, whose decoding inverts its encoding."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerBase

from roma_ros.thinker.checkpoint_check import tokenizer_probe
from roma_ros.thinker.checkpoint_check.files import is_there, read_json, shown
from roma_ros.thinker.checkpoint_check.limits import (
    Choice,
    Count,
    Flag,
    Limit,
    MaybeNull,
    Number,
    Text,
    check_value,
    checked,
)
from roma_ros.thinker.checkpoint_check.tokenizer_probe import PROBE_TEXT
from roma_ros.thinker.errors import CheckpointError

__all__ = ["TokenizerProbe", "check_tokenizer", "check_tokenizer_files", "named_class"]

PATTERNS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
)
"""Patterns of Qwen's and GPT-2's tokenizers; another may take exponential time on some text."""
TOKEN_ID = Count(0, 1_000_000)
ADDED: dict[str, Limit] = {
    "id": TOKEN_ID,
    "content": Text(),
    "single_word": Flag(),
    "lstrip": Flag(),
    "rstrip": Flag(),
    "normalized": Flag(),
    "special": Flag(),
}
MODEL: dict[str, Limit] = {
    "type": Choice("BPE"),
    "dropout": Choice(None),
    "unk_token": MaybeNull(Text()),
    "continuing_subword_prefix": Choice(None, ""),
    "end_of_word_suffix": Choice(None, ""),
    "fuse_unk": Flag(),
    "byte_fallback": Choice(False),
    "ignore_merges": Flag(),
}
CLASSES = Choice(
    "Qwen2Tokenizer",
    "Qwen2TokenizerFast",
    "TokenizersBackend",
    "PreTrainedTokenizerFast",
)
SETTINGS: dict[str, Limit] = {
    "tokenizer_class": MaybeNull(CLASSES),
    "model_max_length": MaybeNull(Number(1, 1e31)),
    "clean_up_tokenization_spaces": MaybeNull(Flag()),
    "split_special_tokens": MaybeNull(Flag()),
    "add_prefix_space": MaybeNull(Choice(False)),
    "add_bos_token": MaybeNull(Choice(False)),
    "add_eos_token": MaybeNull(Choice(False)),
    "padding_side": MaybeNull(Choice("left", "right")),
    "truncation_side": MaybeNull(Choice("left", "right")),
    "processor_class": MaybeNull(Text()),
    "errors": MaybeNull(Choice("replace", "strict", "ignore")),
    "backend": MaybeNull(Choice("tokenizers")),
}
REFUSED = ("auto_map", "tokenizer_object", "gguf_file", "from_slow", "name_or_path", "subfolder")
MAX_VOCABULARY = 1_000_000
REMEDY = "copy the tokenizer files of the checkpoint again"


class TokenizerProbe:
    """Process that loads tokenizer files and encodes a text, in parallel with this one.

    Args:
        folder: folder whose files have passed `check_tokenizer_files`.
    """

    WALL_SECONDS = 60.0  # the limit of CPU time is reached earlier

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-I", tokenizer_probe.__file__, str(folder.absolute())),
                    *filter(None, sys.path),  # -I would find no libraries of --user or PYTHONPATH
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                errors="replace",
            )
        except OSError as error:
            raise CheckpointError(
                f"the tokenizer of {folder} cannot be tried: no process starts ({error})"
            ) from error

    def wait(self) -> None:
        """Wait for the process.

        Raises:
            CheckpointError: the files cannot be loaded, or encoding takes too long.
        """
        try:
            output, _ = self._process.communicate(timeout=self.WALL_SECONDS)
        except subprocess.TimeoutExpired:
            self.close()
            raise self._refusal(f"no end within {self.WALL_SECONDS:g} s") from None
        if self._process.returncode == 0:
            return
        if self._process.returncode < 0:
            output = f"it took more than {tokenizer_probe.CPU_SECONDS} s, or too much memory"
        raise self._refusal(shown(output.strip() or "no reason given", 200))

    def close(self) -> None:
        """End the process if it is still running."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _refusal(self, reason: str) -> CheckpointError:
        return CheckpointError(f"the tokenizer of {self._folder} does not work: {reason}; {REMEDY}")


def check_tokenizer_files(folder: Path) -> None:
    """Check the tokenizer's JSON files; none of them is given to a library yet.

    Raises:
        CheckpointError: there are none, or one holds a value that no tokenizer of Qwen2.5-Omni has.
    """
    tokens: dict[str, int] = {}
    if is_there(folder / "tokenizer.json"):
        tokens = _check_tokenizer_json(folder / "tokenizer.json")
    elif all(is_there(folder / name) for name in ("vocab.json", "merges.txt")):
        _check_vocabulary(folder / "vocab.json", "", read_json(folder / "vocab.json"))
    else:
        raise CheckpointError(
            f"{folder} has no tokenizer (tokenizer.json, or vocab.json with merges.txt); "
            "copy the tokenizer files of the checkpoint beside its weights"
        )
    if is_there(file := folder / "tokenizer_config.json"):
        _check_settings(file, tokens)
    if is_there(file := folder / "special_tokens_map.json"):
        _check_special(file, _object(file, "", read_json(file)))
    if is_there(file := folder / "added_tokens.json"):
        _check_agreement(file, "", _check_vocabulary(file, "", read_json(file)), tokens)


def named_class(folder: Path) -> str | None:
    """Return the class that `tokenizer_config.json` names; `None` without one."""
    if not is_there(file := folder / "tokenizer_config.json"):
        return None
    name: str | None = _object(file, "", read_json(file)).get("tokenizer_class")
    return name


def check_tokenizer(folder: Path, tokenizer: PreTrainedTokenizerBase, rows: int) -> None:
    """Check that decoding inverts encoding, in tokens that the model has.

    Args:
        folder: folder of the tokenizer, for messages.
        tokenizer: the loaded tokenizer.
        rows: number of the model's embeddings.

    Raises:
        CheckpointError: the tokenizer fails, or returns another text or an unknown token.
    """
    try:
        ids = tokenizer.encode(PROBE_TEXT, add_special_tokens=False, split_special_tokens=True)
        text = tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        highest = max([*ids, *tokenizer.get_vocab().values()])
    except BaseException as error:  # tokenizers' panics are no Exception
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        raise CheckpointError(
            f"the tokenizer of {folder} cannot encode a text: {shown(error, 200)}; {REMEDY}"
        ) from error
    if text != PROBE_TEXT:
        at = next(
            (i for i, pair in enumerate(zip(text, PROBE_TEXT, strict=False)) if len(set(pair)) > 1),
            min(len(text), len(PROBE_TEXT)),
        )
        raise CheckpointError(
            f"the tokenizer of {folder} turns {shown(PROBE_TEXT[at : at + 10])} into "
            f"{shown(text[at : at + 10])}; expected the same text after encoding and decoding: "
            f"{REMEDY}"
        )
    if highest >= rows:
        raise CheckpointError(
            f"the tokenizer of {folder} has the token {highest}; the model has {rows} embeddings: "
            f"{REMEDY}"
        )


def _check_tokenizer_json(file: Path) -> dict[str, int]:
    """Check `tokenizer.json`; returns the number of each token."""
    values = _object(file, "", read_json(file))
    checked(file, "model", values.get("model"), MODEL, ["type"])
    vocabulary = _check_vocabulary(file, "model.vocab", values["model"].get("vocab"))
    merges = values["model"].get("merges")
    if not isinstance(merges, list) or len(merges) > MAX_VOCABULARY:
        raise CheckpointError(f"{file}: model.merges is {shown(merges)}; expected a list: {REMEDY}")
    added = values.get("added_tokens")
    if not isinstance(added, list) or len(added) > MAX_VOCABULARY:
        raise CheckpointError(f"{file}: added_tokens is {shown(added)}; expected a list: {REMEDY}")
    ids = dict.fromkeys(vocabulary.values())
    for number, token in enumerate(added):
        place = f"added_tokens[{number}]"
        known = checked(file, place, token, ADDED, ["id", "content"])
        if not known["content"]:
            raise CheckpointError(f"{file}: {place}.content is empty; expected a token: {REMEDY}")
        if known["id"] in ids and vocabulary.get(known["content"]) != known["id"]:
            raise CheckpointError(
                f"{file}: {place}.id is {known['id']}, which another token has; expected a number "
                f"of its own: {REMEDY}"
            )
        ids[known["id"]] = None
    _check_steps(file, values)
    return {**vocabulary, **{token["content"]: token["id"] for token in added}}


def _check_steps(file: Path, values: Mapping[str, Any]) -> None:
    """Check the normalizer, the pre-tokenizer, the decoder and the post-processor."""
    normalizer = values.get("normalizer")
    if normalizer is not None and normalizer != {"type": "NFC"}:
        raise CheckpointError(
            f"{file}: normalizer is {shown(normalizer)}; expected null or NFC: {REMEDY}"
        )
    kinds = _kinds(file, "pre_tokenizer", values.get("pre_tokenizer"), ("Split", "ByteLevel"))
    if "ByteLevel" not in kinds:
        raise CheckpointError(f"{file}: pre_tokenizer has no ByteLevel; expected one: {REMEDY}")
    if "ByteLevel" not in _kinds(file, "decoder", values.get("decoder"), ("ByteLevel",)):
        raise CheckpointError(f"{file}: decoder is no ByteLevel; expected one: {REMEDY}")
    after = ("ByteLevel", "TemplateProcessing")
    _kinds(file, "post_processor", values.get("post_processor"), after)


def _kinds(file: Path, place: str, step: Any, known: tuple[str, ...]) -> list[str]:
    """Return the type of a step, or the types of a sequence of steps."""
    if step is None:
        return []
    inner: Any = [step]
    if isinstance(step, dict) and step.get("type") == "Sequence":
        lists = [value for key, value in step.items() if key != "type"]
        inner = lists[0] if len(lists) == 1 and isinstance(lists[0], list) else [None]
    for part in inner:
        kind = part.get("type") if isinstance(part, dict) else None
        check_value(file, f"{place}.type", kind, Choice(*known))
        if kind == "Split":
            pattern = part.get("pattern")
            regex = pattern.get("Regex") if isinstance(pattern, dict) else None
            if regex not in PATTERNS:
                raise CheckpointError(
                    f"{file}: {place} splits by {shown(pattern)}; expected Qwen's pattern: {REMEDY}"
                )
        if kind == "ByteLevel" and place == "pre_tokenizer":
            check_value(
                file, f"{place}.add_prefix_space", part.get("add_prefix_space"), Choice(False)
            )
        if kind == "TemplateProcessing" and part.get("special_tokens"):
            raise CheckpointError(
                f"{file}: {place} adds {shown(part['special_tokens'])}; expected no tokens: "
                f"{REMEDY}"
            )
    return [part["type"] for part in inner]


def _check_vocabulary(file: Path, place: str, values: Any) -> dict[str, int]:
    where = place or "the file"
    vocabulary = _object(file, place, values)
    if len(vocabulary) > MAX_VOCABULARY:
        raise CheckpointError(f"{file}: {where} has {len(vocabulary):,} tokens: {REMEDY}")
    for token, number in vocabulary.items():
        if not TOKEN_ID.allows(number):
            raise CheckpointError(
                f"{file}: {where} gives {shown(token)} the number {shown(number)}; expected "
                f"{TOKEN_ID}: {REMEDY}"
            )
    if len(set(vocabulary.values())) != len(vocabulary):
        raise CheckpointError(
            f"{file}: {where} gives two tokens the same number; expected one each: {REMEDY}"
        )
    return vocabulary


def _check_settings(file: Path, tokens: Mapping[str, int]) -> None:
    values = _object(file, "", read_json(file))
    checked(file, "", values, SETTINGS)
    for name in values:
        if name in REFUSED or name.endswith(("_file", "_files")):
            raise CheckpointError(
                f"{file} has {name}, which leads to other files or code; remove it, or {REMEDY}"
            )
    _check_special(file, values)
    decoder = values.get("added_tokens_decoder") or {}
    for number, token in _object(file, "added_tokens_decoder", decoder).items():
        place = f"added_tokens_decoder.{shown(number, 20)}"
        digits = number if number.isascii() and number.isdigit() and len(number) < 20 else "-1"
        if not TOKEN_ID.allows(int(digits)):
            raise CheckpointError(f"{file}: {place} is there; expected {TOKEN_ID}: {REMEDY}")
        content = checked(file, place, token, ADDED, ["content"])["content"]
        _check_agreement(file, place, {content: int(number)}, tokens)


def _check_agreement(
    file: Path, place: str, named: Mapping[str, int], tokens: Mapping[str, int]
) -> None:
    """Check that tokens have the numbers that `tokenizer.json` gives them, if there is one."""
    for token, number in named.items():
        if tokens and tokens.get(token) != number:
            raise CheckpointError(
                f"{file}: {place or 'it'} gives {shown(token)} the number {number}; expected "
                f"{tokens.get(token, 'no such token')}, as tokenizer.json has it: {REMEDY}"
            )


def _check_special(file: Path, values: Mapping[str, Any]) -> None:
    """Check special tokens: texts, or objects as `added_tokens` has them."""
    for name, value in values.items():
        if name in ("additional_special_tokens", "extra_special_tokens"):
            if value is not None and not isinstance(value, list | dict):
                raise CheckpointError(
                    f"{file}: {name} is {shown(value)}; expected a list of tokens: {REMEDY}"
                )
            tokens = list((value.values() if isinstance(value, dict) else value) or ())
        elif name.endswith("_token") and type(value) is not bool:
            tokens = [value]
        else:
            continue
        for token in tokens:
            if isinstance(token, dict):
                checked(file, name, token, ADDED, ["content"])
            else:
                check_value(file, name, token, MaybeNull(Text()))


def _object(file: Path, place: str, values: Any) -> dict[str, Any]:
    if not isinstance(values, dict):
        raise CheckpointError(
            f"{file}: {place or 'the file'} is {shown(values)}; expected an object: {REMEDY}"
        )
    return values
