"""Assistant: decides for each watch once a second whether to speak, and answers questions.

`Assistant.submit` takes units; alerts, narrations, answers and faults come out as events
(`roma_ros.events`). One worker thread runs the model. No ROS is needed.

The path of a unit to an event, by module:

    assistant        takes units, questions and watches from any thread
    backlog          holds the units that wait; drops some when the model is too slow
    scheduler        chooses what the worker does next: a unit, a reply or an answer
    worker           encodes a unit once, and steps the session of every watch with it
    watch_session    steps one session, applies the watch's trigger, decodes its reply
    question_queue   holds the questions that wait, and decodes answers
    status, config   counters and limits
"""

from roma_ros.assistant.assistant import Assistant, AssistantStoppedError
from roma_ros.assistant.config import AssistantConfig, AssistantConfigError
from roma_ros.assistant.question_queue import (
    EmptyQuestionError,
    QuestionCancelledError,
    QuestionError,
    QuestionLostError,
    TooManyQuestionsError,
    UnknownWordsError,
)
from roma_ros.assistant.status import AssistantStatus, SessionStatus

__all__ = [
    "Assistant",
    "AssistantConfig",
    "AssistantConfigError",
    "AssistantStatus",
    "AssistantStoppedError",
    "EmptyQuestionError",
    "QuestionCancelledError",
    "QuestionError",
    "QuestionLostError",
    "SessionStatus",
    "TooManyQuestionsError",
    "UnknownWordsError",
]
