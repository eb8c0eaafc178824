"""A line of thought beside the stream: a question is answered, and the stream knows nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from roma_ros.thinker.decoding import Utterance, decode
from roma_ros.thinker.errors import BranchError, QuestionTooLongError

if TYPE_CHECKING:
    from roma_ros.thinker.session import StreamSession

__all__ = ["ANSWER_TOKENS", "QUESTION_CHARACTERS", "QUESTION_TOKENS", "Branch"]

QUESTION_CHARACTERS = 2_000
QUESTION_TOKENS = 256
ANSWER_TOKENS = 128


class Branch:
    """Sees what its session saw when it was opened, and writes where the session does not look.

    The session may step while the branch is open: units that leave it meanwhile stay in the
    branch's sight. Closing leaves the session's cache bit for bit as it would have been.
    """

    def __init__(self, session: StreamSession) -> None:
        if session._branch is not None:
            raise BranchError("this session has an open branch; close it before opening another")
        self._session = session
        self._cache = session._cache
        self._cache.hold()
        session._branch = self
        self.strand = session._strand.fork()
        self._slots = self._copy_sink()
        self._ahead = list(session._pending)
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
        return self._closed

    def answer(self, question: str, max_new_tokens: int = 64) -> str:
        """Answer a question at once; see `begin` for what it raises."""
        self.begin(question)
        return self.decode(max_new_tokens).reply

    def begin(self, question: str) -> None:
        """Put a question, to be answered by calls of `decode`.

        Raises:
            QuestionTooLongError: above 2,000 characters or 256 tokens.
            BranchError: the branch is closed, or has a question already.
        """
        self._check_open()
        if self._question is not None:
            raise BranchError("this branch has its question; open another branch for the next")
        if len(question) > QUESTION_CHARACTERS:
            raise QuestionTooLongError(
                f"the question has {len(question)} characters; at most {QUESTION_CHARACTERS} fit"
            )
        dialogue = self._session.thinker.dialogue
        words = dialogue.text(question)
        if not question.strip() or len(words) > QUESTION_TOKENS:
            raise QuestionTooLongError(
                f"the question has {len(words)} tokens; expected 1 to {QUESTION_TOKENS}"
            )
        self._question = dialogue.question(question)
        self._ahead += self._question

    @torch.inference_mode()
    def decode(self, max_new_tokens: int = 8) -> Utterance:
        """Decode a slice of the answer; the session may step between two slices.

        An answer ends at 128 tokens at the latest.

        Raises:
            BranchError: no question was put, the answer is finished, or the branch was closed,
                by its owner or because too many units arrived while it was open.
        """
        self._check_open()
        if self._question is None or self._finished:
            raise BranchError("there is nothing to decode: begin(question) first, once a branch")
        thinker = self._session.thinker
        budget = min(max_new_tokens, ANSWER_TOKENS - len(self._answer))
        decoded = decode(thinker, self.strand, self._ahead, budget)
        self._slots += decoded.slots
        self._ahead = decoded.unforwarded
        self._answer += decoded.spoken
        # An answer does not pause: nothing is to come that it could wait for.
        over = decoded.finished or not decoded.unforwarded
        self._finished = over or len(self._answer) >= ANSWER_TOKENS
        return Utterance(
            text=thinker.dialogue.decode(decoded.spoken),
            reply=thinker.dialogue.decode(self._answer),
            finished=self._finished,
            tokens=len(decoded.spoken),
        )

    def keep(self) -> None:
        """Let question and answer become part of the session when the branch closes.

        They stand where the stream is by then, and are run through the backbone with its next
        unit.

        Raises:
            BranchError: nothing was asked, or the session has not seen a unit.
        """
        self._check_open()
        if self._question is None or not self._session.units_kept:
            raise BranchError("an answer can be kept after a unit and a question; begin() first")
        self._kept = True

    def close(self) -> None:
        """Give the branch's slots back; tell the session what was said if it is to be kept."""
        if self._closed:
            return
        self._closed = True
        if self._kept and self._question is not None and self._session.units_kept:
            self._session.keep(self._question, self._answer)
        self._cache.zero(self._slots)
        self._cache.release()
        self._cache.free(self._slots)
        self._cache.shrink()
        self._session._branch = None

    def _check_open(self) -> None:
        if self._closed:
            raise BranchError(
                "this branch is closed, by its owner or because too many units arrived while it "
                "was open; open another and ask again"
            )

    def _copy_sink(self) -> list[int]:
        """A sink of its own, since the session's moves when units leave."""
        lasting = self._session._lasting_slots()
        copies = self._cache.duplicate(lasting)
        self.strand.forget(lasting)
        self.strand.see(copies)
        return copies
