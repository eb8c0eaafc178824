"""The assistant from outside: with its thread and without, on a real model with known heads."""

from __future__ import annotations

import threading
import time
from concurrent.futures import wait
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from roma_ros.assistant import Assistant, AssistantConfig, AssistantStoppedError
from roma_ros.assistant.question_queue import (
    EmptyQuestionError,
    QuestionLostError,
    TooManyQuestionsError,
    UnknownWordsError,
)
from roma_ros.events import (
    Alert,
    Answer,
    Event,
    InstructionWarning,
    Lag,
    LagPolicy,
    Narration,
    SpeakProbability,
    StreamStarted,
)
from roma_ros.thinker import QuestionTooLongError, RomaThinker
from roma_ros.thinker.qwen_omni import vision_tower
from roma_ros.watch import UnknownWatchError, Watch, WatchError, WatchKind

NARRATION = Watch(id="tell", kind=WatchKind.NARRATION, instruction="say what", threshold=0.9)
DOOR = Watch(id="door", kind=WatchKind.ALERT, instruction="when the door opens", threshold=0.5)
PATIENCE = 60  # seconds, for a machine that is busy with other things


class Events(list[Any]):
    """What happened, in order; may be waited for from another thread."""

    def of(self, kind: type) -> list[Any]:
        return [event for event in self if isinstance(event, kind)]

    def wait_for(self, kind: type, count: int = 1) -> list[Any]:
        deadline = time.monotonic() + PATIENCE
        while len(self.of(kind)) < count:
            assert time.monotonic() < deadline, f"{count} of {kind} did not come: {list(self)}"
            time.sleep(0.005)
        return self.of(kind)


@pytest.fixture
def events():
    return Events()


@pytest.fixture
def make_assistant(puppet, events):
    made = []

    def make(**config) -> Assistant:
        settings = {"context_seconds": 10, **config}
        made.append(Assistant(puppet.thinker, AssistantConfig(**settings), events.append))
        return made[-1]

    yield make
    for assistant in made:
        assistant.close()


@pytest.fixture
def assistant(make_assistant):
    return make_assistant()


@pytest.fixture
def sound(make_unit):
    """Units of sound alone: the quickest."""
    return lambda index, stream=0: make_unit(index, stream=stream, video=False)


def finish(assistant: Assistant) -> None:
    while assistant.run_pending():
        pass


def test_every_unit_has_its_p_speak(assistant, events, make_unit):
    for index in range(3):
        assistant.submit(make_unit(index))
        finish(assistant)
    assert isinstance(events[0], StreamStarted)
    assert [event.unit for event in events[1:]] == [0, 1, 2]
    assert [event.stamp for event in events[1:]] == [1e9, 2e9, 3e9]


@pytest.mark.slow
def test_the_untouched_checkpoint_uses(tiny, events, make_unit):
    with Assistant(tiny, AssistantConfig(context_seconds=4), events.append) as assistant:
        assistant.watch(replace(NARRATION, threshold=1e-9))
        for index in range(3):
            assistant.submit(make_unit(index))
            finish(assistant)
        answer = assistant.ask("what do you see?")
        finish(assistant)
    assert answer.result(0).unit == 2
    assert all(0 <= event.p_speak <= 1 for event in events.of(SpeakProbability))
    assert [event.triggered for event in events.of(SpeakProbability)] == [True] * 3


# --- real time first ---


def test_a_unit_goes_before_speech_and_speech_before_answers(assistant, events, sound, puppet):
    assistant.watch(NARRATION)
    puppet.wants(0.95)
    assistant.submit(sound(0))
    assistant.run_pending()
    puppet.wants(0.0)
    answer = assistant.ask("what is it?")
    assistant.submit(sound(1))
    order = []
    while True:
        before = assistant.status()
        more = assistant.run_pending()
        after = assistant.status()
        if after.units_processed > before.units_processed:
            order.append("unit")
        elif answer.running() or answer.done():
            order.append("answer")
        else:
            order.append("speech")
        if not more:
            break
    # The unit heard last lets one slice pass, which is speech; then the next unit, and the rest.
    assert order[:3] == ["speech", "unit", "answer"]
    assert answer.result(0).unit == 1


def test_units_are_heard_between_the_slices_of_an_answer(assistant, events, sound):
    assistant.submit(sound(0))
    finish(assistant)
    asked = assistant.ask("what was that?")
    for index in (1, 2):
        assistant.run_pending()
        assert asked.running()
        assistant.submit(sound(index))
        assistant.run_pending()
    assert not asked.done()
    assert [event.unit for event in events.of(SpeakProbability)] == [0, 1, 2]
    finish(assistant)
    assert asked.result(0).unit == 0
    assert events.of(Answer) == [asked.result(0)]


def test_speech_has_its_budget_and_goes_on_after_the_next_unit(assistant, events, sound, puppet):
    assistant.watch(NARRATION)
    for index in range(4):
        puppet.wants(0.95 if index == 0 else 0.0)
        if index == 3:
            puppet.falls_silent()
        assistant.submit(sound(index))
        finish(assistant)
        assert len(events.of(Narration)) == (index == 3)
    (narration,) = events.of(Narration)
    assert (narration.text, narration.unit, narration.finished) == ("a" * 75, 0, True)


def test_alerts_by_window_and_cooldown(assistant, events, sound, puppet):
    assistant.watch(replace(DOOR, window=2, cooldown=4.0))
    for index, p_speak in enumerate([0.9, 0.9, 0.9, 0.1, 0.9, 0.9, 0.9]):
        puppet.wants(p_speak)
        assistant.submit(sound(index))
        finish(assistant)
    assert [alert.unit for alert in events.of(Alert)] == [1, 5]
    assert [event.unit for event in events.of(SpeakProbability) if event.triggered] == [1, 5]


# --- being late ---


def test_drops_the_oldest_and_recovers(assistant, events, sound):
    for index in range(6):
        assistant.submit(sound(index))
    status = assistant.status()
    assert (status.backlog, status.units_dropped) == (2, 4)
    assert status.lag > 0
    finish(assistant)
    assert [event.unit for event in events.of(SpeakProbability)] == [4, 5]
    late, recovered = events.of(Lag)
    assert (late.dropped, late.recovered, late.stamp) == (4, False, 5_000_000_000)
    assert (recovered.dropped, recovered.recovered) == (4, True)
    assert assistant.status().lag == 0.0


def test_hears_without_video_and_recovers(make_assistant, events, make_unit, puppet):
    assistant = make_assistant(lag_policy=LagPolicy.AUDIO_ONLY, max_backlog=3)
    seen = []
    vision_tower(puppet.thinker.backbone).register_forward_hook(lambda *_: seen.append(True))
    for index in range(3):
        assistant.submit(make_unit(index))
    finish(assistant)
    assert [event.unit for event in events.of(SpeakProbability)] == [0, 1, 2]
    assert len(seen) == 1, "only the last unit was not late"
    assert events.of(Lag)[-1].recovered
    assert assistant.status().units_audio_only == 2
    assert assistant.status().units_dropped == 0


@pytest.mark.slow
def test_under_overload_it_still_speaks_and_answers(make_assistant, events, sound, puppet):
    # With handovers, an answer has to end before the second one: 30 units, of which half are lost.
    assistant = make_assistant(context_seconds=20)
    assistant.watch(NARRATION)
    puppet.wants(0.95)
    assistant.submit(sound(0))
    assistant.run_pending()
    puppet.wants(0.0)
    answer = assistant.ask("what is it?")
    index = 0
    while not answer.done():
        for _ in range(2):  # as quick as it can hear, and quicker
            index += 1
            assistant.submit(sound(index))
        assistant.run_pending()
        assert assistant.status().backlog <= 2
        assert index < 200
    assert answer.exception(0) is None, "the units in between did not cost it"
    heard = [event.unit for event in events.of(SpeakProbability)]
    assert heard == sorted(set(heard))


# --- questions ---


def test_fifty_questions_at_once(make_assistant, sound):
    assistant = make_assistant(answer_tokens=4)
    assistant.submit(sound(0))
    finish(assistant)
    assistant.start()
    accepted, refused = [], []

    def ask(number: int) -> None:
        try:
            accepted.append(assistant.ask(f"question {number}?"))
        except TooManyQuestionsError as error:
            refused.append(error)

    askers = [threading.Thread(target=ask, args=(number,)) for number in range(50)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert len(accepted) + len(refused) == 50
    assert len(accepted) >= 8
    assert "ask again" in str(refused[0])
    done, open_ = wait(accepted, timeout=PATIENCE)
    assert not open_
    assert all(future.result().text == "aaaa" for future in done)
    assert assistant.status().questions == 0


def test_a_question_of_100_000_characters(assistant, sound):
    with pytest.raises(QuestionTooLongError, match="100000 characters"):
        assistant.ask("why " * 25_000)
    assistant.submit(sound(0))
    answer = assistant.ask("why?")
    finish(assistant)
    assert answer.result(0).text


def test_a_question_before_the_first_unit_waits_for_it(assistant, sound):
    answer = assistant.ask("what do you hear?")
    assert not assistant.run_pending()
    assistant.submit(sound(0))
    finish(assistant)
    assert answer.result(0).unit == 0


@pytest.mark.slow
def test_without_a_unit_a_question_is_given_up(make_assistant):
    assistant = make_assistant(first_unit_timeout=0.1)
    assistant.start()
    time.sleep(0.2)  # it has gone to sleep by then, with nothing to wait for
    with pytest.raises(QuestionLostError, match="no unit was processed"):
        assistant.ask("is anybody there?").result(PATIENCE)


def test_a_question_for_a_watch_that_is_not_there(assistant):
    with pytest.raises(UnknownWatchError, match=r"no watch 'door'; there are \[\]"):
        assistant.ask("who is it?", watch="door")


@pytest.mark.parametrize("end", ["stop", "close", "reset", "stream"])
@pytest.mark.parametrize("threaded", [False, True])
def test_no_future_is_left_open(assistant, sound, end, threaded):
    assistant.submit(sound(0))
    assistant.run_pending()
    answers = [assistant.ask("what?") for _ in range(3)]
    assistant.run_pending()
    if threaded:
        assistant.start()
    if end == "stream":
        assistant.submit(sound(0, stream=1))
    else:
        getattr(assistant, end)()
    if not threaded:
        finish(assistant)
    done, open_ = wait(answers, timeout=PATIENCE)
    assert not open_
    lost = [future for future in done if future.exception() is not None]
    assert all(isinstance(future.exception(), QuestionLostError) for future in lost)
    assert lost or threaded


# --- watches ---


def test_an_instruction_of_many_tokens_is_refused_before_a_session_is_opened(assistant):
    with pytest.raises(WatchError, match="watch 'door': the instruction has 2000 tokens; expected"):
        assistant.watch(replace(DOOR, instruction="\U0001f600" * 500))
    assert assistant.watches == ()
    assistant.watch(replace(DOOR, instruction="\U0001f600" * 64))


def test_watches_are_refused_with_a_reason(make_assistant):
    assistant = make_assistant(max_watches=2)
    assistant.watch(DOOR)
    with pytest.raises(WatchError, match="there is a watch 'door' already"):
        assistant.watch(DOOR)
    assistant.watch(NARRATION)
    with pytest.raises(WatchError, match="max_watches is 2; unwatch one of"):
        assistant.watch(replace(DOOR, id="third"))
    with pytest.raises(UnknownWatchError, match="no watch 'third'"):
        assistant.unwatch("third")
    assistant.unwatch("door")
    assert assistant.watches == (NARRATION,)


def test_words_that_the_checkpoint_does_not_know_are_told(assistant, events, sound):
    warning = assistant.watch(replace(DOOR, instruction="alert me when a kettle boils"))
    assert warning.startswith("puppet knows no 'kettle' or 'boils'; it knows the sounds beep, tone")
    assert (
        assistant.watch(replace(DOOR, id="beep", instruction="alert me when a beep sounds")) == ""
    )
    assert assistant.status().warnings == {"door": warning}
    assistant.submit(sound(0))
    finish(assistant)
    asked = assistant.ask("is the cat here?", watch="beep")
    finish(assistant)
    assert asked.result(0).watch == "beep"
    told = [(event.watch, event.text) for event in events.of(InstructionWarning)]
    assert told == [("door", "alert me when a kettle boils"), ("beep", "is the cat here?")]
    assistant.unwatch("door")
    assert assistant.status().warnings == {}


def test_a_strict_assistant_refuses_what_it_would_warn_of(make_assistant, events, sound):
    assistant = make_assistant(strict=True, has_video=False)
    with pytest.raises(WatchError, match="watch 'door': puppet knows no 'door' or 'opens'"):
        assistant.watch(DOOR)
    with pytest.raises(WatchError, match="needs video, and the stream has none"):
        assistant.watch(replace(DOOR, instruction="alert me when a star appears"))
    assert assistant.watches == ()
    assistant.watch(replace(DOOR, instruction="alert me when you hear a knock"))
    with pytest.raises(UnknownWordsError, match="no 'cat'"):
        assistant.ask("is the cat here?")
    with pytest.raises(EmptyQuestionError):
        assistant.ask("  ")
    assistant.submit(sound(0))
    answer = assistant.ask("how many knocks so far?")
    finish(assistant)
    assert answer.result(0).unit == 0
    assert not events.of(InstructionWarning)


@pytest.mark.parametrize(
    ("config", "instruction", "told"),
    [
        ({"has_audio": False}, "alert me when you hear a beep", "needs audio"),
        ({"has_audio": False}, "alert me when a star appears", ""),
        ({"has_video": False}, "alert me when a star appears", "needs video"),
        ({"has_video": False}, "alert me when a star appears while a beep sounds", "needs video"),
        ({}, "alert me when a star appears while a beep sounds", ""),
    ],
)
def test_a_sense_that_the_stream_lacks_is_told(make_assistant, config, instruction, told):
    warning = make_assistant(**config).warning(instruction)
    assert told in warning
    assert bool(warning) is bool(told)


def test_an_alert_in_words_is_refused_where_it_was_never_learnt(puppet, assistant):
    wordy = replace(DOOR, reply=True)
    with pytest.raises(WatchError, match="'puppet' was not trained to put an alert in words"):
        assistant.watch(wordy)
    puppet.thinker.config = replace(puppet.thinker.config, alert_replies=True)
    assistant.watch(wordy)
    assert assistant.watches == (wordy,)


def test_a_narration_needs_no_training_of_alerts(assistant):
    assistant.watch(replace(NARRATION, reply=True))


@pytest.mark.slow
def test_the_window_is_the_checkpoints_unless_given(puppet, make_assistant, sound):
    windows = []
    for seconds in (None, 5):
        assistant = make_assistant(context_seconds=seconds, context_policy="evict")
        for index in range(25):
            assistant.submit(sound(index))
            finish(assistant)
        windows.append(assistant.status().sessions[0].units_kept)
    assert windows == [20, 5]


def test_a_checkpoint_without_a_speak_head_answers_only(tiny, events, make_unit):
    headless = RomaThinker(
        backbone=tiny.backbone,
        tokenizer=tiny.tokenizer,
        features=tiny.features,
        config=tiny.config,
        speak_head=None,
        name="stock",
    )
    with Assistant(headless, AssistantConfig(context_seconds=4), events.append) as assistant:
        with pytest.raises(WatchError, match="checkpoint 'stock' has no speak head"):
            assistant.watch(DOOR)
        assistant.submit(make_unit(0))
        answer = assistant.ask("what is it?")
        finish(assistant)
        assert answer.result(0).unit == 0
        assert not events.of(SpeakProbability)


def test_settings_change_without_losing_the_session(assistant, events, sound, puppet):
    assistant.watch(DOOR)
    puppet.wants(0.4)
    for index in range(2):
        assistant.submit(sound(index))
        finish(assistant)
    adjusted = assistant.adjust("door", threshold=0.3, cooldown=2.0)
    assert assistant.watches == (adjusted,)
    assert (adjusted.threshold, adjusted.window, adjusted.cooldown) == (0.3, 1, 2.0)
    with pytest.raises(WatchError, match="threshold is 2"):
        assistant.adjust("door", threshold=2)
    with pytest.raises(UnknownWatchError):
        assistant.adjust("window", threshold=0.5)
    assistant.submit(sound(2))
    finish(assistant)
    assert [alert.unit for alert in events.of(Alert)] == [2]
    assert assistant.status().sessions[0].units_kept == 3


def test_watches_come_and_go_while_it_runs(assistant, events, sound):
    assistant.start()
    enough = threading.Event()

    def come_and_go(name: str) -> None:
        while not enough.is_set():
            assistant.watch(replace(DOOR, id=name))
            assistant.adjust(name, threshold=0.7)
            time.sleep(0.01)
            assistant.unwatch(name)

    askers = [
        threading.Thread(target=come_and_go, args=(name,), daemon=True) for name in ("a", "b")
    ]
    for asker in askers:
        asker.start()
    deadline = time.monotonic() + PATIENCE
    for index in range(10):
        assistant.submit(sound(index))
        while assistant.status().backlog:
            assert time.monotonic() < deadline
            time.sleep(0.002)
    enough.set()
    for asker in askers:
        asker.join()
    assistant.submit(sound(10))
    while assistant.status().unit != 10:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    status = assistant.status()
    assert (status.faults, status.units_processed, status.units_dropped) == (0, 11, 0)
    assert [session.watch for session in status.sessions] == [None]


# --- running ---


def test_the_thread_does_all_of_it(assistant, events, make_unit, puppet):
    puppet.wants(0.95)
    with assistant:
        assistant.start()
        assistant.watch(DOOR)
        assistant.submit(make_unit(0))
        assert events.wait_for(Alert)[0].unit == 0
        assert assistant.ask("what was it?", watch="door").result(PATIENCE).text == "a" * 64
        with pytest.raises(RuntimeError, match="the worker thread runs"):
            assistant.run_pending()
        status = assistant.status()
        assert status.running
        assert (status.unit, status.units_processed) == (0, 1)
        assert status.step_p50 == status.step_p99 == status.step_last > 0
        assert status.memory_bytes > 0
    assert not assistant.status().running
    assert assistant.status().sessions == ()


def test_stops_and_starts_again_with_its_sessions(assistant, events, sound):
    assistant.start()
    assistant.submit(sound(0))
    events.wait_for(SpeakProbability)
    assistant.stop()
    for refused in (lambda: assistant.submit(sound(1)), lambda: assistant.ask("what?")):
        with pytest.raises(AssistantStoppedError, match="stopped; start"):
            refused()
    assistant.start()
    assistant.submit(sound(1))
    events.wait_for(SpeakProbability, 2)
    assistant.stop()
    assert assistant.status().sessions[0].units_kept == 2


def test_closed_is_closed(assistant, sound):
    assistant.start()
    assistant.close()
    assistant.close()
    for refused in (
        assistant.start,
        lambda: assistant.watch(DOOR),
        lambda: assistant.submit(sound(0)),
        lambda: assistant.ask("what?"),
    ):
        with pytest.raises(AssistantStoppedError, match="closed"):
            refused()
    assert not assistant.run_pending()


def test_a_reset_forgets_the_stream_and_keeps_the_watches(assistant, events, sound):
    assistant.watch(DOOR)
    assistant.submit(sound(0))
    finish(assistant)
    assistant.submit(sound(1))
    assistant.reset()
    finish(assistant)
    assert assistant.status().sessions == ()
    assistant.submit(sound(2))
    finish(assistant)
    assert [event.unit for event in events.of(SpeakProbability)] == [0, 2]
    assert [event.reason.value for event in events.of(StreamStarted)] == ["first", "reset"]
    assert assistant.watches == (DOOR,)


def test_the_listener_may_call_back(puppet, sound):
    heard: list[Event] = []

    def listen(event: Event) -> None:
        heard.append(event)
        if isinstance(event, SpeakProbability) and event.unit == 0:
            talker.watch(DOOR)
            talker.ask("what was that?")
        elif isinstance(event, SpeakProbability):
            talker.close()

    talker = Assistant(puppet.thinker, AssistantConfig(context_seconds=10), listen)
    talker.start()
    talker.submit(sound(0))
    deadline = time.monotonic() + PATIENCE
    while not any(isinstance(event, Answer) for event in heard):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    talker.submit(sound(1))
    while talker.status().running:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    assert isinstance(heard[-1], SpeakProbability)
    assert heard[-1].watch == "door"
    assert talker.status().sessions == ()


def test_a_bad_unit_does_not_end_the_thread(assistant, events, sound):
    assistant.start()
    bad = sound(0)
    bad.audio[:] = np.inf
    assistant.submit(bad)
    assistant.submit(sound(1))
    assert events.wait_for(SpeakProbability)[0].unit == 1
    assert assistant.status().faults == 1


def test_a_thousand_statuses_are_cheap(assistant, sound):
    assistant.submit(sound(0))
    finish(assistant)
    begin = time.perf_counter()
    for _ in range(1000):
        assistant.status()
    assert time.perf_counter() - begin < 1.0
