"""Turns of a stream's dialogue in the checkpoint's chat format (ChatML, as Qwen2.5-Omni's).

system turn, then one user turn that holds the instruction and the units one after another. A reply
closes the user turn, speaks, and opens the next one.
"""

from __future__ import annotations

from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase

from roma_ros.thinker.errors import CheckpointError

__all__ = ["Dialogue"]

NEEDED = (
    "<|im_start|>",
    "<|im_end|>",
    "<|endoftext|>",
    "<|vision_bos|>",
    "<|vision_eos|>",
    "<|audio_bos|>",
    "<|audio_eos|>",
    "<|VIDEO|>",
    "<|AUDIO|>",
)


class Dialogue:
    """Token ids of everything that stands between units.

    Raises:
        CheckpointError: the tokenizer lacks one of Qwen2.5-Omni's special tokens.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, system_prompt: str) -> None:
        self.tokenizer = tokenizer
        self.system_prompt = system_prompt
        vocabulary: dict[str, int] = tokenizer.get_vocab()
        if missing := [token for token in NEEDED if token not in vocabulary]:
            raise CheckpointError(
                f"the tokenizer lacks {missing}; expected the special tokens of Qwen2.5-Omni"
            )
        self._id = {token: vocabulary[token] for token in NEEDED}
        self.end, self.pause = self._id["<|im_end|>"], self._id["<|endoftext|>"]
        # What a reply must never say: a marker that would open a unit or a turn inside it.
        self.suppressed = sorted(set(tokenizer.all_special_ids) - {self.end, self.pause})
        self.reply_header = [self.end, *self.text("\n"), *self._turn("assistant")]
        self._next_user_turn = [*self.text("\n"), *self._turn("user")]

    def token(self, name: str) -> int:
        return self._id[name]

    def text(self, text: str) -> list[int]:
        """Ids of plain text; markers written in it are text, not markers."""
        ids: list[int] = self.tokenizer.encode(
            text, add_special_tokens=False, split_special_tokens=True
        )
        return ids

    def opening(self, instruction: str | None) -> list[int]:
        """The turns before the first unit: the system prompt, and the open user turn."""
        system = [*self._turn("system"), *self.text(self.system_prompt), self.end]
        return [*system, *self._next_user_turn, *self.text(instruction or "")]

    def question(self, question: str) -> list[int]:
        """A question at the end of the open user turn, and the header of its answer."""
        return [*self.text(question), *self.reply_header]

    def closing(self, *, finished: bool) -> list[int]:
        """What follows a reply: its end, or its pause, and the next user turn."""
        return [self.end if finished else self.pause, *self._next_user_turn]

    def decode(self, ids: Sequence[int]) -> str:
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=True))

    def _turn(self, role: str) -> list[int]:
        return [self._id["<|im_start|>"], *self.text(f"{role}\n")]
