"""Ask a running roma node from a leaf of a behaviour tree, without blocking the tree.

python ask_leaf.py "is the door open?" --expect yes

`Ask` has the methods of a py_trees behaviour (initialise, update, terminate). To use it with
py_trees, derive it from py_trees.behaviour.Behaviour, delete `Status`, `tick` and `stop`, and
import py_trees.common.Status.
"""

from __future__ import annotations

import argparse
import enum
import time

from roma_ros.nodes.client import Outcome, PendingAnswer, RomaClient


class Status(enum.Enum):
    """Status of a behaviour."""

    INVALID = "INVALID"
    RUNNING = "RUNNING"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"


class Ask:
    """Leaf that asks one question and succeeds if the answer contains a word.

    RUNNING while the node decodes the answer. FAILURE for another answer, a refusal, or none in
    time; `feedback_message` says which.

    Args:
        name: of the behaviour.
        roma: client of the node; the leaf does not close it.
        question: in words, at most 2,000 characters.
        expect: word that the answer has to contain, in any case; empty: any answer succeeds.
        timeout: seconds until a question without an answer is cancelled.
    """

    def __init__(
        self, name: str, roma: RomaClient, question: str, expect: str = "", timeout: float = 10.0
    ) -> None:
        self.name = name
        self.status = Status.INVALID
        self.feedback_message = ""
        self._roma = roma
        self._question = question
        self._expect = expect
        self._timeout = timeout
        self._pending: PendingAnswer | None = None
        self._deadline = 0.0

    def initialise(self) -> None:
        """Put the question."""
        self._deadline = time.monotonic() + self._timeout
        self._pending = self._roma.begin_ask(self._question, timeout=0.0)
        self.feedback_message = f"asked: {self._question}"

    def update(self) -> Status:
        """Return RUNNING until there is an answer."""
        assert self._pending is not None
        if not self._pending.done and time.monotonic() < self._deadline:
            return Status.RUNNING
        reply = self._pending.wait(0.0)  # cancels the question if it has no answer yet
        if reply.outcome is not Outcome.SUCCEEDED:
            self.feedback_message = reply.message
            return Status.FAILURE
        self.feedback_message = reply.answer
        expected = self._expect.lower() in reply.answer.lower()
        return Status.SUCCESS if expected else Status.FAILURE

    def terminate(self, new_status: Status) -> None:
        """Cancel the question if the tree gave the leaf up."""
        if new_status is Status.INVALID and self._pending is not None:
            self._pending.cancel()
        self._pending = None

    def tick(self) -> Status:
        """Run one tick."""
        if self.status is not Status.RUNNING:
            self.initialise()
        self.status = self.update()
        if self.status is not Status.RUNNING:
            self.terminate(self.status)
        return self.status

    def stop(self) -> None:
        """Interrupt the leaf; the next tick asks again."""
        self.terminate(Status.INVALID)
        self.status = Status.INVALID


def main() -> int:
    parser = argparse.ArgumentParser(description="Ask a question from a behaviour-tree leaf.")
    parser.add_argument("question", help="what to ask")
    parser.add_argument("--expect", default="", help="word that the answer has to contain")
    parser.add_argument("--node", default="/roma", help="full name of the roma node")
    arguments = parser.parse_args()

    with RomaClient(arguments.node) as roma:
        if not (ready := roma.wait_until_active()):
            print(ready.message)
            return 1
        leaf = Ask("ask", roma, arguments.question, arguments.expect)
        while leaf.tick() is Status.RUNNING:
            time.sleep(0.1)  # the tree's period
        print(f"{leaf.status.value}: {leaf.feedback_message}")
        return 0 if leaf.status is Status.SUCCESS else 1


if __name__ == "__main__":
    raise SystemExit(main())
