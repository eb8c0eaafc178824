"""A question answered beside a stream, without changing the session's state."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from roma_ros.thinker.decoding import Utterance, decode
from roma_ros.thinker.errors import BranchError, ContextError, QuestionTooLongError
from roma_ros.thinker.look_back import asks_about_past, match_question, place_records
from roma_ros.thinker.memory import Memory, MemoryRecord
from roma_ros.thinker.model import ThinkerModel
from roma_ros.thinker.window import ANSWER_TOKENS, QUESTION_TOKENS, ContextWindow

__all__ = ["QUESTION_CHARACTERS", "Branch"]

QUESTION_CHARACTERS = 2_000


class Branch:
    """One question and its answer, on a fork of a session's sequence.

    `StreamSession.branch` opens it; use it as a context manager. The answer is based on the units
    that the session had processed by then. The session may step while the branch is open: units
    evicted meanwhile stay visible to the branch. After `close` the session's cache is bit for bit
    as it would have been without the branch.

    Args:
        model: weights.
        window: context window of the session, which is forked.
        pending: token ids of the session that have not been run through the backbone yet.
        on_close: called once, by `close`, with the token ids of question and answer if they are
            to be appended to the session, else with none.
        memory: records of what left the window; `None` for none.

    Attributes:
        looked_back: records that the question looked back at, oldest first.
    """

    def __init__(
        self,
        model: ThinkerModel,
        window: ContextWindow,
        pending: Sequence[int],
        on_close: Callable[[Sequence[int]], None],
        memory: Memory | None = None,
    ) -> None:
        self._model = model
        self._window = window
        self._on_close = on_close
        self.sequence, self._slots = window.fork()
        self._sink = self._slots[: len(window.sink)]
        # The window may lose units, and lower all positions, before the question is set.
        self._length = self.sequence.position - window.first_position()
        self._first_stamp = window.units[0].stamp if window.units else None
        self._memory = memory
        self.looked_back: tuple[MemoryRecord, ...] = ()
        self._pending = list(pending)
        self._question: list[int] | None = None
        self._answer: list[int] = []
        self._finished = False
        self._kept = False
        self._closed = False

    def __enter__(self) -> Branch:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def closed(self) -> bool:
        """Whether the branch was closed, by its owner or by the session to free the cache."""
        return self._closed

    @property
    def known_since(self) -> int | None:
        """End of the oldest unit that the answer uses, ns; `None` before the first unit."""
        return self.looked_back[0].first_stamp if self.looked_back else self._first_stamp

    def answer(
        self, question: str, max_new_tokens: int = 64, *, look_back: bool | None = None
    ) -> str:
        """Return the answer to a question, decoded in one go.

        Args:
            question: text of 1 to 2,000 characters and at most 256 tokens.
            max_new_tokens: most tokens of the answer; never more than 128.
            look_back: as in `begin`.

        Raises:
            QuestionTooLongError: the question is empty or too long.
            BranchError: the branch is closed, or already has a question.
        """
        self.begin(question, look_back=look_back)
        return self.decode(max_new_tokens).reply

    def begin(self, question: str, *, look_back: bool | None = None) -> None:
        """Set the question; `decode` then generates the answer slice by slice.

        Args:
            question: text of 1 to 2,000 characters and at most 256 tokens.
            look_back: whether units that left the window are brought back from the session's
                memory, if it has one: those whose keys match the question best. `None`: if the
                question has an English word of the past, such as "ever", "so far" or "was".

        Raises:
            QuestionTooLongError: the question is empty or too long.
            BranchError: the branch is closed, or already has a question.
        """
        self._check_open()
        if self._question is not None:
            raise BranchError("this branch has its question; open another branch for the next")
        if len(question) > QUESTION_CHARACTERS:
            raise QuestionTooLongError(
                f"the question has {len(question)} characters; at most {QUESTION_CHARACTERS} fit"
            )
        dialogue = self._model.dialogue
        words = dialogue.text(question)
        if not question.strip() or len(words) > QUESTION_TOKENS:
            raise QuestionTooLongError(
                f"the question has {len(words)} tokens; expected 1 to {QUESTION_TOKENS}"
            )
        self._question = dialogue.question(question)
        if self._memory and (asks_about_past(question) if look_back is None else look_back):
            self._look_back(self._memory, words)
        self._pending += self._question

    @torch.inference_mode()
    def decode(self, max_new_tokens: int = 8) -> Utterance:
        """Generate the next slice of the answer; the session may step between two slices.

        An answer ends after 128 tokens at the latest.

        Args:
            max_new_tokens: most tokens of this slice.

        Raises:
            BranchError: no question was set, the answer is finished, or the branch was closed, by
                its owner or because too many units arrived while it was open.
        """
        self._check_open()
        if self._question is None or self._finished:
            raise BranchError("there is nothing to decode: begin(question) first, once a branch")
        budget = min(max_new_tokens, ANSWER_TOKENS - len(self._answer))
        decoded = decode(self._model, self.sequence, self._pending, budget)
        self._slots += decoded.slots
        self._pending = decoded.unforwarded
        self._answer += decoded.generated
        # A pause ends an answer: no unit follows on the branch that it could wait for.
        over = decoded.finished or not decoded.unforwarded
        self._finished = over or len(self._answer) >= ANSWER_TOKENS
        dialogue = self._model.dialogue
        return Utterance(
            text=dialogue.decode(decoded.generated),
            reply=dialogue.decode(self._answer),
            finished=self._finished,
            tokens=len(decoded.generated),
        )

    def keep(self) -> None:
        """Append question and answer to the session when the branch closes.

        They follow the last unit that the session has processed by then, and are run through the
        backbone together with its next unit.

        Raises:
            BranchError: no question was set, the session has no unit, or the branch is closed.
        """
        self._check_open()
        if self._question is None or not self._window.units:
            raise BranchError("an answer can be kept after a unit and a question; begin() first")
        self._kept = True

    def close(self) -> None:
        """Free the cache slots of the branch; closing it again does nothing."""
        if self._closed:
            return
        self._closed = True
        self._window.close_fork(self._slots)
        kept = self._kept and self._question is not None
        self._on_close([*(self._question or ()), *self._answer] if kept else [])

    @torch.inference_mode()
    def _look_back(self, memory: Memory, words: Sequence[int]) -> None:
        """Place the records that match best between the opening turns and the oldest unit.

        The opening turns of this branch move to before them: positions are as if the records were
        the units before the window. Where too few slots are free, nothing is placed.
        """
        window, limit = self._window, self._window.size.look_back
        before = self._first_stamp  # units may have left the window since the branch was opened
        try:
            records = match_question(
                self._model, self.sequence, memory, self._pending, words, limit, before
            )
            span = sum(record.span for record in records)
            first = self.sequence.position - self._length - span
            self._slots += place_records(window.cache, self.sequence, records, first)
        except ContextError:
            return
        window.cache.rotate(self._sink, -span)
        self.looked_back = tuple(records)

    def _check_open(self) -> None:
        if self._closed:
            raise BranchError(
                "this branch is closed, by its owner or because too many units arrived while it "
                "was open; open another and ask again"
            )
