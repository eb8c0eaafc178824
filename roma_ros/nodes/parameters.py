"""Parameters of the roma node, and the settings that they result in."""

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
from roma_ros.thinker import ContextPolicy, SpeakSource
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
        return f"has {len(text)} characters; expected at most {MAX_INSTRUCTION}; shorten it"
    return None


def _instructions(texts: list[str]) -> str | None:
    if len(texts) > 1 and not all(text.strip() for text in texts):
        return "has an empty instruction; expected words that describe what to watch for"
    return next((reason for text in texts if (reason := _instruction(text))), None)


def _zero_or_a_second(value: float) -> str | None:
    return None if value == 0 or value >= 1 else f"is {value}; expected 0, or at least 1 s"


def _lateness(value: object) -> str | None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if value == "auto" or (number and 0.0 <= float(str(value)) <= 5.0):
        return None
    return f"is {value!r}; expected auto or 0.0 to 5.0 s"


def _rate(value: int) -> str | None:
    fits = value == 0 or value >= MIN_RATE
    return None if fits else f"is {value}; expected 0, or {MIN_RATE} to {MAX_RATE} Hz"


def _threshold(value: float) -> str | None:
    return None if value > 0 else f"is {value}; expected above 0: p(speak) is compared with it"


OPENING_SECONDS = 0.5
"""Sessions are opened for so long before a unit. Those that are left begin a unit later, so that
many watches, after a reset, leave no gap in p(speak) of over 2 s."""

SPECS = (
    ParameterSpec(
        name="autostart",
        default=True,
        description="Whether the node configures and activates itself at start; false: it waits "
        "for lifecycle transitions.",
    ),
    ParameterSpec(
        name="model",
        default="roma_tiny",
        description="Folder of a Qwen2.5-Omni thinker checkpoint; roma_tiny: the embedded "
        "checkpoint.",
    ),
    ParameterSpec(
        name="device",
        default="auto",
        description="Device that the model runs on: cpu, cuda or cuda:N; auto: cuda if there is a "
        "GPU, else cpu.",
    ),
    ParameterSpec(
        name="dtype",
        default="auto",
        description="Data type of the model's weights; auto: bfloat16 on CUDA, float32 on a CPU.",
        choices=("auto", "float32", "bfloat16", "float16"),
    ),
    ParameterSpec(
        name="quantization",
        default="none",
        description="Quantization of the backbone by bitsandbytes when the model is loaded.",
        choices=("none", "nf4", "int8"),
    ),
    ParameterSpec(
        name="speak_source",
        default="auto",
        description="What p(speak) comes from: the speak head, the state token, or the model's yes "
        "or no to a question after every unit, which works for checkpoints without a speak head; "
        "auto: what the checkpoint was trained for.",
        choices=("auto", *(source.value for source in SpeakSource)),
    ),
    ParameterSpec(
        name="use_image",
        default=True,
        description="Whether to subscribe to images.",
    ),
    ParameterSpec(
        name="use_audio",
        default=True,
        description="Whether to subscribe to audio.",
    ),
    ParameterSpec(
        name="image_transport",
        default="raw",
        description="Message type and topic of the images. raw: sensor_msgs/Image on `image`; "
        "compressed: CompressedImage on `image/compressed`; ffmpeg: FFMPEGPacket on "
        "`image/ffmpeg`; foxglove: CompressedVideo on `image/foxglove`.",
        choices=IMAGE_TRANSPORTS,
    ),
    ParameterSpec(
        name="max_decoded_pixels",
        default=DEFAULT_DECODED_PIXELS,
        unit="pixels",
        low=65_536,
        high=MAX_PIXELS,
        description="Largest compressed image that is decoded; larger ones are refused, except "
        "baseline JPEG, which is decoded at a reduced size.",
    ),
    ParameterSpec(
        name="audio_type",
        default="roma_ros/Audio",
        description="Message type on `audio`. audio_common_msgs: AudioDataStamped of ros-drivers "
        "or AudioStamped of mgonzs13, whichever is installed; audio_common_msgs/AudioData: the "
        "type of ros-drivers without stamps.",
        choices=AUDIO_TYPES,
    ),
    ParameterSpec(
        name="audio_rate",
        default=0,
        unit="Hz",
        low=0,
        high=MAX_RATE,
        description="Sample rate of audio_common_msgs/AudioData, whose messages do not contain "
        "it; 0: take the format from AudioInfo messages on `audio_info`; else "
        f"{MIN_RATE:,} or more.",
        check=_rate,
    ),
    ParameterSpec(
        name="audio_channels",
        default=1,
        low=1,
        high=MAX_CHANNELS,
        description="Number of channels of audio_common_msgs/AudioData, if audio_rate is set.",
    ),
    ParameterSpec(
        name="audio_format",
        default="s16le",
        description="Sample format of audio_common_msgs/AudioData, if audio_rate is set.",
        choices=SAMPLE_FORMATS,
    ),
    ParameterSpec(
        name="lateness",
        default="auto",
        unit="s",
        description="How long a unit waits for late frames and audio, 0.0 to 5.0; auto: estimated "
        "from arrival times, at most max_lateness.",
        live=True,
        any_type=True,
        check=_lateness,
    ),
    ParameterSpec(
        name="max_lateness",
        default=2.0,
        unit="s",
        low=0.0,
        high=MAX_LATENESS,
        description="Longest sensor latency that lateness auto waits for, not counting the "
        "duration of an audio message; data that is later counts as badly stamped.",
    ),
    ParameterSpec(
        name="clock_alignment",
        default="auto",
        description="How the clocks of camera and microphone are aligned. stamps: trust the "
        "stamps; arrival: align by time of arrival; auto: by arrival only if the stamps cannot be "
        "of one clock.",
        choices=CLOCK_ALIGNMENTS,
    ),
    ParameterSpec(
        name="hold",
        default=2.0,
        unit="s",
        low=0.0,
        high=60.0,
        description="How long the last frame is repeated when frames are missing; after that, "
        "frames are black.",
    ),
    ParameterSpec(
        name="max_gap",
        default=5.0,
        unit="s",
        low=0.5,
        high=60.0,
        description="Longest gap in the data of all inputs within a stream; a longer one starts a "
        "new stream.",
    ),
    ParameterSpec(
        name="context_seconds",
        default=0.0,
        unit="s",
        low=0.0,
        high=3600.0,
        description="Length of the context window: how much of the stream each watch keeps in its "
        "KV cache, 0 or at least 1; 0: what the checkpoint was trained for, or 60 if it does not "
        "name it.",
        check=_zero_or_a_second,
    ),
    ParameterSpec(
        name="context_policy",
        default="auto",
        description="What a watch does when its context window is full: evict the oldest unit for "
        "each new one, or hand over to a second context that was opened later and has evicted "
        "nothing, which takes up to twice the time per unit; auto: what the checkpoint was trained "
        "for, or handover if it does not name it.",
        choices=("auto", *(policy.value for policy in ContextPolicy)),
    ),
    ParameterSpec(
        name="handover_overlap",
        default=0.0,
        unit="s",
        low=0.0,
        high=1800.0,
        description="How much of the stream is in sight right after a handover, 1 to half of the "
        "context window; 0: half of it.",
        check=_zero_or_a_second,
    ),
    ParameterSpec(
        name="strict",
        default=False,
        description="Whether to refuse instructions and questions that the model was not trained "
        "for; false: publish a warning.",
    ),
    ParameterSpec(
        name="max_tokens_per_unit",
        default=25,
        unit="tokens",
        low=1,
        high=250,
        description="Most tokens that a watch generates between two units; a longer text goes on "
        "after the next unit.",
    ),
    ParameterSpec(
        name="answer_tokens",
        default=64,
        unit="tokens",
        low=1,
        high=128,
        description="Longest answer to a question.",
    ),
    ParameterSpec(
        name="max_watches",
        default=8,
        low=1,
        high=64,
        description="Most watches at a time; each has a session with a KV cache of its own.",
    ),
    ParameterSpec(
        name="max_questions",
        default=8,
        low=1,
        high=1000,
        description="Most questions that wait for an answer; further ones are refused.",
    ),
    ParameterSpec(
        name="max_backlog",
        default=2,
        unit="units",
        low=1,
        high=60,
        description="Most units that wait for the model; beyond that lag_policy applies.",
    ),
    ParameterSpec(
        name="lag_policy",
        default=LagPolicy.DROP_OLDEST.value,
        description="What to do when the model is slower than the sensors. drop_oldest: skip the "
        "oldest waiting units; audio_only: process units without their video, and skip units only "
        "if that is too slow as well.",
        choices=tuple(policy.value for policy in LagPolicy),
    ),
    ParameterSpec(
        name="alert.instructions",
        default=[""],
        description="Instructions of alerts, such as 'Tell me when the kettle boils.'; one watch "
        "for each; [''] for none.",
        check=_instructions,
    ),
    ParameterSpec(
        name="alert.threshold",
        default=DEFAULT_THRESHOLD,
        low=0.0,
        high=1.0,
        description="p(speak) from which a unit counts towards an alert, above 0.",
        live=True,
        check=_threshold,
    ),
    ParameterSpec(
        name="alert.window",
        default=DEFAULT_WINDOW,
        unit="units",
        low=1,
        high=MAX_WINDOW,
        description="Number of consecutive units at or above the threshold that raise an alert.",
        live=True,
    ),
    ParameterSpec(
        name="alert.cooldown",
        default=DEFAULT_COOLDOWN,
        unit="s",
        low=0.0,
        high=MAX_COOLDOWN,
        description="Shortest time between two alerts of a watch.",
        live=True,
    ),
    ParameterSpec(
        name="alert.reply",
        default=False,
        description="Whether the alerts of alert.instructions contain a text that describes what "
        "happened; refused for a checkpoint that was not trained for it, such as roma_tiny.",
    ),
    ParameterSpec(
        name="narration.instruction",
        default="",
        description="Instruction of a narration, such as 'Describe what happens.'; empty: none.",
        check=_instruction,
    ),
    ParameterSpec(
        name="alert.recordings",
        default=[""],
        description="Audio files with alert.instructions as speech, in the same order, '' for an "
        "instruction without one; [''] for none. The model gets the audio in place of the text.",
    ),
    ParameterSpec(
        name="narration.recording",
        default="",
        description="Audio file with narration.instruction as speech; empty: none.",
    ),
    ParameterSpec(
        name="narration.threshold",
        default=DEFAULT_THRESHOLD,
        low=0.0,
        high=1.0,
        description="p(speak) from which a narration starts, above 0.",
        live=True,
        check=_threshold,
    ),
    *PERSISTENCE_SPECS,
    *HOOK_SPECS,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchDefaults:
    """Settings of watches that leave them open; parameters that may be set at any time."""

    alert_threshold: float
    alert_window: int
    alert_cooldown: float
    narration_threshold: float

    @classmethod
    def of(cls, node: Node) -> WatchDefaults:
        """Read the parameters of a node."""
        return cls(
            alert_threshold=_value(node, "alert.threshold"),
            alert_window=_value(node, "alert.window"),
            alert_cooldown=_value(node, "alert.cooldown"),
            narration_threshold=_value(node, "narration.threshold"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Parameters that are read when the node is configured."""

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
        """Read the parameters of a node.

        Raises:
            ValueError: values contradict each other; the message names them.
        """
        alerts = tuple(text for text in _value(node, "alert.instructions") if text)
        recordings = tuple(_value(node, "alert.recordings"))
        if not any(recordings):
            recordings = ("",) * len(alerts)
        if len(recordings) != len(alerts):
            raise ValueError(
                f"alert.recordings has {len(recordings)} files; expected {len(alerts)}, one for "
                "each of alert.instructions, '' for an instruction without one"
            )
        if _value(node, "narration.recording") and not _value(node, "narration.instruction"):
            raise ValueError(
                "narration.instruction is empty; expected an instruction, because "
                "narration.recording is set"
            )
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
                context_policy=ContextPolicy.of(_value(node, "context_policy")),
                handover_overlap=_value(node, "handover_overlap") or None,
                max_tokens_per_unit=_value(node, "max_tokens_per_unit"),
                answer_tokens=_value(node, "answer_tokens"),
                max_watches=_value(node, "max_watches"),
                max_questions=_value(node, "max_questions"),
                opening_seconds=OPENING_SECONDS,
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
    """Return the value of the parameter lateness, s."""
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
    """Return the format of audio_common_msgs/AudioData that is set, or `None`."""
    rate = _value(node, "audio_rate")
    if not rate:
        return None
    return AudioFormat(rate, _value(node, "audio_channels"), _value(node, "audio_format"))


def _value(node: Node, name: str):  # type: ignore[no-untyped-def]  # any type of parameter
    return node.get_parameter(name).value
