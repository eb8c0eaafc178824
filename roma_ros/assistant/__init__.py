"""The assistant: decides every second, for each watch, whether to speak, and answers questions.

Units go in (`Assistant.submit`); alerts, narrations and answers come out as events
(`roma_ros.events`). It runs the model in one worker thread, and needs no ROS.
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
