"""Chat format of a stream (ChatML, as in Qwen2.5-Omni).

A system turn comes first, then a user turn with the instruction and the units. A reply closes the
user turn, is an assistant turn of its own, and opens the next user turn.
"""

from __future__ import annotations

from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase

from roma_ros.thinker.errors import CheckpointError, InstructionTooLongError

__all__ = ["INSTRUCTION_TOKENS", "Dialogue"]

INSTRUCTION_TOKENS = 256
"""Most tokens of an instruction: opening a session then costs about as much as a unit."""

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
    """Token ids of everything between units: turns, instruction, questions and replies.

    Args:
        tokenizer: tokenizer of the checkpoint.
        system_prompt: text of the system turn.

    Attributes:
        end: id of `<|im_end|>`, which ends a reply.
        pause: id of `<|endoftext|>`, which pauses a reply until the next unit.
        suppressed: ids of special tokens that must not be generated.
        reply_header: ids between the last unit and a reply.

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
        # Each would open a unit or a turn inside the reply.
        self.suppressed = sorted(set(tokenizer.all_special_ids) - {self.end, self.pause})
        self.reply_header = [self.end, *self.text("\n"), *self._turn("assistant")]
        self._next_user_turn = [*self.text("\n"), *self._turn("user")]

    def token(self, name: str) -> int:
        """Return the id of a special token, such as `<|VIDEO|>`."""
        return self._id[name]

    def text(self, text: str) -> list[int]:
        """Return the ids of plain text; special tokens written in it are tokenised as text."""
        ids: list[int] = self.tokenizer.encode(
            text, add_special_tokens=False, split_special_tokens=True
        )
        return ids

    def opening(self, instruction: str | None) -> list[int]:
        """Return the ids before the first unit: the system turn, and the start of a user turn.

        Raises:
            InstructionTooLongError: the instruction has over `INSTRUCTION_TOKENS` tokens.
        """
        system = [*self._turn("system"), *self.text(self.system_prompt), self.end]
        return [*system, *self._next_user_turn, *self.instruction(instruction or "")]

    def instruction(self, instruction: str) -> list[int]:
        """Return the ids of an instruction.

        Raises:
            InstructionTooLongError: it has over `INSTRUCTION_TOKENS` tokens.
        """
        ids = self.text(instruction)
        if len(ids) > INSTRUCTION_TOKENS:
            raise InstructionTooLongError(
                f"the instruction has {len(ids)} tokens; expected at most {INSTRUCTION_TOKENS}. "
                "Shorten it; emoji and rare scripts take several tokens a character"
            )
        return ids

    def question(self, question: str) -> list[int]:
        """Return the ids of a question at the end of the user turn, and of its answer's header."""
        return [*self.text(question), *self.reply_header]

    def closing(self, *, finished: bool) -> list[int]:
        """Return the ids after a reply: its end or pause token, and the next user turn's start."""
        return [self.end if finished else self.pause, *self._next_user_turn]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of token ids, without special tokens."""
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=True))

    def _turn(self, role: str) -> list[int]:
        return [self._id["<|im_start|>"], *self.text(f"{role}\n")]
