"""Streaming inference: one-second units in, p(speak), replies and answers out.

`RomaThinker.from_pretrained` loads a checkpoint. `RomaThinker.open_session` opens a
`StreamSession` for one stream and one instruction. `StreamSession.step` processes a unit and
returns p(speak), `speak` generates a reply, and `branch` answers a question beside the stream.
Every error raised on purpose is a `ThinkerError`.
"""

from roma_ros.thinker.branch import Branch
from roma_ros.thinker.config import DEFAULT_CONTEXT_SECONDS, InstructionForm, RomaConfig
from roma_ros.thinker.context_policy import ContextPolicy
from roma_ros.thinker.decoding import Utterance
from roma_ros.thinker.encoding import EncodedUnit, PhaseTimings
from roma_ros.thinker.errors import (
    BranchError,
    CheckpointError,
    ContextError,
    InstructionTooLongError,
    JudgementError,
    QuestionTooLongError,
    SessionClosedError,
    ThinkerError,
    UnitShapeError,
)
from roma_ros.thinker.quantization import Quantization
from roma_ros.thinker.session import StreamSession, TranscriptEntry, UnitStep
from roma_ros.thinker.speak_head import SpeakHead
from roma_ros.thinker.speak_source import SpeakSource, StateTokens
from roma_ros.thinker.spoken_instruction import synthesize_instruction
from roma_ros.thinker.thinker import RomaThinker
from roma_ros.thinker.threads import set_torch_threads
from roma_ros.thinker.vocabulary import Vocabulary, needs_audio, needs_video
from roma_ros.thinker.yes_no import CONDITION_HOLDS, EVENT_HAS_ENDED

__all__ = [
    "CONDITION_HOLDS",
    "DEFAULT_CONTEXT_SECONDS",
    "EVENT_HAS_ENDED",
    "Branch",
    "BranchError",
    "CheckpointError",
    "ContextError",
    "ContextPolicy",
    "EncodedUnit",
    "InstructionForm",
    "InstructionTooLongError",
    "JudgementError",
    "PhaseTimings",
    "Quantization",
    "QuestionTooLongError",
    "RomaConfig",
    "RomaThinker",
    "SessionClosedError",
    "SpeakHead",
    "SpeakSource",
    "StateTokens",
    "StreamSession",
    "ThinkerError",
    "TranscriptEntry",
    "UnitShapeError",
    "UnitStep",
    "Utterance",
    "Vocabulary",
    "needs_audio",
    "needs_video",
    "set_torch_threads",
    "synthesize_instruction",
]
