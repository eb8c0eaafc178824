"""Commands and questions in one order: a question is answered from what the commands before left.

With the embedded checkpoint as it ships, and with the worker's thread unless order is the subject.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager, suppress

import pytest

from roma_ros.assistant import Assistant, AssistantConfig, question_queue
from roma_ros.assistant.question_queue import QuestionLostError, TooManyQuestionsError
from roma_ros.events import Answer, Event, SpeakProbability, StreamStart, StreamStarted
from roma_ros.thinker import RomaThinker
from roma_ros.units import MultimodalUnit
from roma_ros.watch import Watch, WatchKind

TIMEOUT = 60  # s, for a machine that is busy
QUESTION = "what do you hear?"
DOOR = Watch(
    id="door", kind=WatchKind.ALERT, instruction="alert me when a beep sounds", threshold=0.5
)


@pytest.fixture(scope="module")
def roma_tiny() -> RomaThinker:
    return RomaThinker.from_pretrained("roma_tiny")


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def assistant(roma_tiny: RomaThinker, events: list[Event]) -> Iterator[Assistant]:
    config = AssistantConfig(
        context_seconds=5, max_questions=64, max_watches=16, answer_tokens=20, first_unit_timeout=30
    )
    with Assistant(roma_tiny, config, events.append) as assistant:
        yield assistant


@pytest.fixture
def sound(make_unit) -> Callable[..., MultimodalUnit]:
    return lambda index, stream=0: make_unit(index, stream=stream, video=False)


def finish(assistant: Assistant) -> None:
    while assistant.run_pending():
        pass


@contextmanager
def feeding(assistant: Assistant, sound: Callable[..., MultimodalUnit]) -> Iterator[None]:
    """Submit a unit of one stream every 20 ms from another thread."""
    ended = threading.Event()

    def feed() -> None:
        index = 0
        while not ended.wait(0.02):
            assistant.submit(sound(index))
            index += 1

    feeder = threading.Thread(target=feed)
    feeder.start()
    try:
        yield
    finally:
        ended.set()
        feeder.join()


def is_lost(future: Future[Answer]) -> bool:
    return isinstance(future.exception(TIMEOUT), QuestionLostError)


@pytest.mark.parametrize("waits", [False, True], ids=["at once", "after the reset is applied"])
def test_a_question_after_a_reset_is_answered_from_the_new_stream(assistant, sound, waits):
    assistant.submit(sound(0))
    finish(assistant)
    before = assistant.ask(QUESTION)
    assistant.reset()
    after = assistant.ask(QUESTION)
    if waits:
        finish(assistant)
        assert is_lost(before)
        assert not after.done()
    assistant.submit(sound(0, stream=1))
    finish(assistant)
    assert is_lost(before)
    assert (after.result(0).stream, after.result(0).unit) == (1, 0)


def test_a_question_after_a_new_watch_of_an_old_name_is_answered_by_the_new_one(assistant, sound):
    assistant.watch(DOOR)
    assistant.submit(sound(0))
    finish(assistant)
    before = assistant.ask(QUESTION, "door")
    assistant.unwatch("door")
    assistant.watch(DOOR)
    after = assistant.ask(QUESTION, "door")
    finish(assistant)
    assert is_lost(before)
    assert not after.done(), "its session has no unit yet"
    assistant.submit(sound(1))
    finish(assistant)
    assert (after.result(0).watch, after.result(0).unit) == ("door", 1)


def test_a_command_between_two_questions_ends_the_first_alone(assistant, sound):
    assistant.watch(DOOR)
    assistant.submit(sound(0))
    finish(assistant)
    futures = []
    for command in (lambda: assistant.unwatch("door"), assistant.reset, assistant.reset):
        futures.append(assistant.ask(QUESTION))
        command()
    futures.append(assistant.ask(QUESTION))
    assistant.submit(sound(0, stream=1))
    finish(assistant)
    # Without its watch the first is answered by the next oldest session, until the reset ends it.
    assert [is_lost(future) for future in futures] == [True, True, True, False]
    assert futures[-1].result(0).stream == 1


def test_a_reset_during_an_answer_ends_it_and_not_the_next_question(assistant, sound, monkeypatch):
    monkeypatch.setattr(question_queue, "TOKENS_PER_SLICE", 1)  # its answers have few tokens
    assistant.submit(sound(0))
    finish(assistant)
    during = assistant.ask(QUESTION)
    waiting = assistant.ask(QUESTION)
    assistant.run_pending()
    assert during.running(), "one slice of several is decoded"
    assistant.reset()
    after = assistant.ask(QUESTION)
    finish(assistant)
    assert is_lost(during)
    assert is_lost(waiting)
    assert not after.done()
    assistant.submit(sound(0, stream=1))
    finish(assistant)
    assert after.result(0).stream == 1


def test_a_unit_after_a_reset_is_processed_after_it(assistant, events, sound, monkeypatch):
    """The unit arrives when the worker has looked for commands and found none."""
    assistant.submit(sound(0))
    finish(assistant)
    assistant.submit(sound(1))
    after: list[Future[Answer]] = []
    process_unit = assistant._process_unit

    def late() -> None:
        if not after:
            assistant.reset()
            assistant.submit(sound(0, stream=1))
            after.append(assistant.ask(QUESTION))
        process_unit()

    monkeypatch.setattr(assistant, "_process_unit", late)
    finish(assistant)
    assert after[0].result(0).stream == 1
    started = [event.reason for event in events if isinstance(event, StreamStarted)]
    assert started == [StreamStart.FIRST, StreamStart.RESET]
    heard = [(e.stream, e.unit) for e in events if isinstance(e, SpeakProbability)]
    assert heard == [(0, 0), (1, 0)]


def test_a_question_that_follows_a_command_counts_and_can_be_cancelled(assistant, sound):
    assistant.reset()
    asked = [assistant.ask(QUESTION) for _ in range(64)]
    assert assistant.status().questions == 64
    with pytest.raises(TooManyQuestionsError):
        assistant.ask(QUESTION)
    assert asked[0].cancel()
    assert assistant.status().questions == 63
    asked.append(assistant.ask(QUESTION))
    assistant.stop()
    assert all(is_lost(future) for future in asked[1:]), "none is left open"


@pytest.mark.slow
def test_watches_and_questions_of_many_threads_keep_the_order_of_each(assistant, sound):
    answers: list[Answer] = []
    errors: list[BaseException] = []

    def work(number: int) -> None:
        watch = Watch(
            id=f"w{number}", kind=WatchKind.ALERT, instruction=DOOR.instruction, threshold=0.5
        )
        try:
            for _ in range(5):
                assistant.watch(watch)
                answers.append(assistant.ask(QUESTION, watch.id).result(TIMEOUT))
                assistant.adjust(watch.id, threshold=0.6)
                last = assistant.ask(QUESTION, watch.id)
                assistant.unwatch(watch.id)
                with suppress(QuestionLostError):  # asked before its watch ended
                    last.result(TIMEOUT)
        except BaseException as error:
            errors.append(error)

    assistant.start()
    with feeding(assistant, sound):
        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not errors
    assert len(answers) == 40
    assert {answer.watch for answer in answers} == {f"w{number}" for number in range(8)}


@pytest.mark.slow
def test_resets_of_many_threads_lose_only_questions_that_were_asked_before_one(assistant, sound):
    order = threading.Lock()
    asked: list[Future[Answer] | None] = []  # `None` for a reset

    def work(number: int) -> None:
        for step in range(12):
            with order:
                if (number + step) % 3 == 0:
                    assistant.reset()
                    asked.append(None)
                asked.append(assistant.ask(QUESTION))
            time.sleep(0.01 * (number % 3))

    assistant.start()
    with feeding(assistant, sound):
        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        last_reset = max(index for index, future in enumerate(asked) if future is None)
        answers = [future.result(TIMEOUT) for future in asked[last_reset + 1 :] if future]
    assert answers
    _, open_ = wait([future for future in asked if future], TIMEOUT)
    assert not open_
