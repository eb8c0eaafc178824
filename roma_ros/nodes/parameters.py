"""The parameters of the roma node, and what they come to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rclpy.node import Node

from roma_ros.assistant import AssistantConfig
from roma_ros.events import LagPolicy
from roma_ros.nodes.audio_input import AUDIO_TYPES, AudioFormat
from roma_ros.nodes.conversions import IMAGE_TRANSPORTS
from roma_ros.nodes.node_hooks import HOOK_SPECS
from roma_ros.nodes.parameter_spec import ParameterSpec
from roma_ros.nodes.persistence import PERSISTENCE_SPECS, Persistence
from roma_ros.thinker import SpeakSource
from roma_ros.triggers import MAX_WINDOW
from roma_ros.units import CLOCK_ALIGNMENTS, MAX_LATENESS, AssemblerConfig
from roma_ros.units.audio import MAX_CHANNELS, MAX_RATE, MIN_RATE, SAMPLE_FORMATS
from roma_ros.units.frame import DEFAULT_DECODED_PIXELS, MAX_PIXELS
from roma_ros.watch import (
    DEFAULT_COOLDOWN,
    DEFAULT_THRESHOLD,
    DEFAULT_WINDOW,
    MAX_COOLDOWN,
    MAX_INSTRUCTION,
)

__all__ = ["SPECS", "Settings", "WatchDefaults", "lateness_of"]


def _instruction(text: str) -> str | None:
    if len(text) > MAX_INSTRUCTION:
        return f"an instruction has {len(text)} characters; at most {MAX_INSTRUCTION} fit"
    return None


def _instructions(texts: list[str]) -> str | None:
    if len(texts) > 1 and not all(text.strip() for text in texts):
        return "one of the instructions is empty; say in words what to watch for"
    return next((reason for text in texts if (reason := _instruction(text))), None)


def _context(value: float) -> str | None:
    return None if value == 0 or value >= 1 else f"is {value}; expected 0, or at least 1 s"


def _lateness(value: object) -> str | None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if value == "auto" or (number and 0.0 <= float(str(value)) <= 5.0):
        return None
    return f"is {value!r}; expected auto or a number of seconds, 0.0 to 5.0"


def _rate(value: int) -> str | None:
    fits = value == 0 or value >= MIN_RATE
    return None if fits else f"is {value} Hz; expected 0, or {MIN_RATE} to {MAX_RATE} Hz"


def _threshold(value: float) -> str | None:
    return None if value > 0 else f"is {value}; it is compared with p(speak): expected above 0"


SPECS = (
    ParameterSpec(
        name="autostart",
        default=True,
        description="Configure and activate at start; false: wait for lifecycle transitions.",
    ),
    ParameterSpec(
        name="model",
        default="roma_tiny",
        description="Folder of a Qwen2.5-Omni thinker checkpoint, or roma_tiny, the embedded one.",
    ),
    ParameterSpec(
        name="device",
        default="auto",
        description="auto (CUDA where there is one), cpu, cuda or cuda:N.",
    ),
    ParameterSpec(
        name="dtype",
        default="auto",
        description="Of the weights; auto: bfloat16 on CUDA, float32 on CPU.",
        choices=("auto", "float32", "bfloat16", "float16"),
    ),
    ParameterSpec(
        name="quantization",
        default="none",
        description="Of the backbone, at load, by bitsandbytes.",
        choices=("none", "nf4", "int8"),
    ),
    ParameterSpec(
        name="speak_source",
        default="auto",
        description="What decides when to speak; auto: as the checkpoint says. yes_no asks the "
        "model after every unit, and serves a checkpoint without a speak head.",
        choices=("auto", *(source.value for source in SpeakSource)),
    ),
    ParameterSpec(
        name="use_image",
        default=True,
        description="Whether the robot has a camera.",
    ),
    ParameterSpec(
        name="use_audio",
        default=True,
        description="Whether the robot has a microphone.",
    ),
    ParameterSpec(
        name="image_transport",
        default="raw",
        description="raw: sensor_msgs/Image on `image`; compressed: CompressedImage on "
        "`image/compressed`; ffmpeg: FFMPEGPacket on `image/ffmpeg`; foxglove: CompressedVideo on "
        "`image/foxglove`.",
        choices=IMAGE_TRANSPORTS,
    ),
    ParameterSpec(
        name="max_decoded_pixels",
        default=DEFAULT_DECODED_PIXELS,
        low=65_536,
        high=MAX_PIXELS,
        description="Larger compressed images are refused, unless they are baseline JPEG, which is "
        "decoded at a smaller size [pixels].",
    ),
    ParameterSpec(
        name="audio_type",
        default="roma_ros/Audio",
        description="Message type on `audio`; audio_common_msgs is taken in either flavour, "
        "ros-drivers' AudioDataStamped or mgonzs13's AudioStamped, whichever is installed.",
        choices=AUDIO_TYPES,
    ),
    ParameterSpec(
        name="audio_rate",
        default=0,
        low=0,
        high=MAX_RATE,
        description="Of audio_common_msgs/AudioData, which does not say it; 0: as the messages on "
        "`audio_info` say [Hz].",
        check=_rate,
    ),
    ParameterSpec(
        name="audio_channels",
        default=1,
        low=1,
        high=MAX_CHANNELS,
        description="Of audio_common_msgs/AudioData; used if audio_rate is given.",
    ),
    ParameterSpec(
        name="audio_format",
        default="s16le",
        description="Samples of audio_common_msgs/AudioData; used if audio_rate is given.",
        choices=SAMPLE_FORMATS,
    ),
    ParameterSpec(
        name="lateness",
        default="auto",
        description="How long a unit waits for late frames and audio [s], 0.0 to 5.0; auto: as "
        "long as what arrives needs, at most max_lateness.",
        live=True,
        any_type=True,
        check=_lateness,
    ),
    ParameterSpec(
        name="max_lateness",
        default=2.0,
        low=0.0,
        high=MAX_LATENESS,
        description="The longest latency of a sensor that lateness auto waits for and that is "
        "not taken for wrong stamps [s]. The length of an audio message is added.",
    ),
    ParameterSpec(
        name="clock_alignment",
        default="auto",
        description="Where the stamps of camera and microphone disagree: auto aligns them by "
        "arrival if they cannot be of one clock; stamps: never; arrival: always.",
        choices=CLOCK_ALIGNMENTS,
    ),
    ParameterSpec(
        name="hold",
        default=2.0,
        low=0.0,
        high=60.0,
        description="How long the last frame stands for missing ones; then black [s].",
    ),
    ParameterSpec(
        name="max_gap",
        default=5.0,
        low=1.0,
        high=60.0,
        description="After a longer gap of all inputs a new stream begins [s].",
    ),
    ParameterSpec(
        name="context_seconds",
        default=0.0,
        low=0.0,
        high=3600.0,
        description="How much of the stream each watch keeps in sight [s]; 0: as much as the "
        "checkpoint was trained for, or 60 where it does not say.",
        check=_context,
    ),
    ParameterSpec(
        name="strict",
        default=False,
        description="Refuse instructions and questions that the model cannot know, see or hear; "
        "false: warn.",
    ),
    ParameterSpec(
        name="max_tokens_per_unit",
        default=25,
        low=1,
        high=250,
        description="What a watch may say between two units [tokens].",
    ),
    ParameterSpec(
        name="answer_tokens",
        default=64,
        low=1,
        high=128,
        description="The longest answer [tokens].",
    ),
    ParameterSpec(
        name="max_watches",
        default=8,
        low=1,
        high=64,
        description="Watches at once; each has a session and its memory.",
    ),
    ParameterSpec(
        name="max_questions",
        default=8,
        low=1,
        high=1000,
        description="Questions that may wait; more are refused.",
    ),
    ParameterSpec(
        name="max_backlog",
        default=2,
        low=1,
        high=60,
        description="Units that may wait for the model; more are lost by lag_policy.",
    ),
    ParameterSpec(
        name="lag_policy",
        default=LagPolicy.DROP_OLDEST.value,
        description="When the model is slower than the sensors: skip units, or their video.",
        choices=tuple(policy.value for policy in LagPolicy),
    ),
    ParameterSpec(
        name="alert.instructions",
        default=[""],
        description="What to raise an alert for, one watch each; [''] for none.",
        check=_instructions,
    ),
    ParameterSpec(
        name="alert.threshold",
        default=DEFAULT_THRESHOLD,
        low=0.0,
        high=1.0,
        description="p(speak) at or above it counts towards an alert.",
        live=True,
        check=_threshold,
    ),
    ParameterSpec(
        name="alert.window",
        default=DEFAULT_WINDOW,
        low=1,
        high=MAX_WINDOW,
        description="Units in a row at or above the threshold that raise an alert.",
        live=True,
    ),
    ParameterSpec(
        name="alert.cooldown",
        default=DEFAULT_COOLDOWN,
        low=0.0,
        high=MAX_COOLDOWN,
        description="Silence of a watch after its alert [s].",
        live=True,
    ),
    ParameterSpec(
        name="alert.reply",
        default=False,
        description="Whether the alerts of alert.instructions also say what happened; refused for "
        "a checkpoint that was not trained to, such as roma_tiny.",
    ),
    ParameterSpec(
        name="narration.instruction",
        default="",
        description="What to narrate; empty: nothing.",
        check=_instruction,
    ),
    ParameterSpec(
        name="alert.recordings",
        default=[""],
        description="Audio files in which alert.instructions are spoken, in their order, '' for "
        "one that is not; [''] for none. The model hears them in place of reading.",
    ),
    ParameterSpec(
        name="narration.recording",
        default="",
        description="Audio file in which narration.instruction is spoken; empty: none.",
    ),
    ParameterSpec(
        name="narration.threshold",
        default=DEFAULT_THRESHOLD,
        low=0.0,
        high=1.0,
        description="p(speak) at or above it begins a narration.",
        live=True,
        check=_threshold,
    ),
    *PERSISTENCE_SPECS,
    *HOOK_SPECS,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchDefaults:
    """What a watch is given where it does not say otherwise; may change at run time."""

    alert_threshold: float
    alert_window: int
    alert_cooldown: float
    narration_threshold: float

    @classmethod
    def of(cls, node: Node) -> WatchDefaults:
        return cls(
            alert_threshold=_value(node, "alert.threshold"),
            alert_window=_value(node, "alert.window"),
            alert_cooldown=_value(node, "alert.cooldown"),
            narration_threshold=_value(node, "narration.threshold"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is fixed when the node is configured."""

    model: str
    device: str
    dtype: str
    quantization: str
    speak_source: str
    image_transport: str
    max_decoded_pixels: int
    audio_type: str
    audio_format: AudioFormat | None
    assembler: AssemblerConfig
    assistant: AssistantConfig
    alerts: tuple[str, ...]
    alert_recordings: tuple[str, ...]
    alert_reply: bool
    narration: str
    narration_recording: str
    persistence: Persistence

    @classmethod
    def of(cls, node: Node) -> Settings:
        """Read them.

        Raises:
            ValueError: values that do not go together; the message names them.
        """
        alerts = tuple(text for text in _value(node, "alert.instructions") if text)
        recordings = tuple(_value(node, "alert.recordings"))
        if not any(recordings):
            recordings = ("",) * len(alerts)
        if len(recordings) != len(alerts):
            raise ValueError(
                f"alert.recordings names {len(recordings)} files for {len(alerts)} "
                "alert.instructions; give one for each, '' where there is none"
            )
        if _value(node, "narration.recording") and not _value(node, "narration.instruction"):
            raise ValueError("narration.recording is given without narration.instruction")
        return cls(
            model=_value(node, "model"),
            device=_value(node, "device"),
            dtype=_value(node, "dtype"),
            quantization=_value(node, "quantization"),
            speak_source=_value(node, "speak_source"),
            image_transport=_value(node, "image_transport"),
            max_decoded_pixels=_value(node, "max_decoded_pixels"),
            audio_type=_value(node, "audio_type"),
            audio_format=_audio_format(node),
            assembler=_assembler_config(node),
            assistant=AssistantConfig(
                context_seconds=_value(node, "context_seconds") or None,
                max_tokens_per_unit=_value(node, "max_tokens_per_unit"),
                answer_tokens=_value(node, "answer_tokens"),
                max_watches=_value(node, "max_watches"),
                max_questions=_value(node, "max_questions"),
                max_backlog=_value(node, "max_backlog"),
                lag_policy=LagPolicy(_value(node, "lag_policy")),
                has_video=_value(node, "use_image"),
                has_audio=_value(node, "use_audio"),
                strict=_value(node, "strict"),
            ),
            alerts=alerts,
            alert_recordings=recordings,
            alert_reply=_value(node, "alert.reply"),
            narration=_value(node, "narration.instruction"),
            narration_recording=_value(node, "narration.recording"),
            persistence=Persistence.of(node),
        )


def lateness_of(node: Node) -> float | Literal["auto"]:
    """The parameter lateness."""
    value = _value(node, "lateness")
    return "auto" if value == "auto" else float(value)


def _assembler_config(node: Node) -> AssemblerConfig:
    lateness, back = lateness_of(node), AssemblerConfig().max_backward
    return AssemblerConfig(
        video=_value(node, "use_image"),
        audio=_value(node, "use_audio"),
        lateness=lateness,
        max_lateness=_value(node, "max_lateness"),
        clock_alignment=_value(node, "clock_alignment"),
        hold=_value(node, "hold"),
        max_gap=_value(node, "max_gap"),
        max_backward=back if lateness == "auto" else max(back, lateness),
    )


def _audio_format(node: Node) -> AudioFormat | None:
    """What is given of the format of audio_common_msgs/AudioData, or `None`."""
    rate = _value(node, "audio_rate")
    if not rate:
        return None
    return AudioFormat(rate, _value(node, "audio_channels"), _value(node, "audio_format"))


def _value(node: Node, name: str):  # type: ignore[no-untyped-def]  # any type of parameter
    return node.get_parameter(name).value
