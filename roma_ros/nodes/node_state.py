"""State of the roma node while it is configured, and its additional state while active."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass

import torch

from roma_ros.assistant import Assistant
from roma_ros.events import Event
from roma_ros.journal import Header
from roma_ros.nodes.audio_input import AudioInput, audio_input
from roma_ros.nodes.conversions import ImageInput, image_input
from roma_ros.nodes.input_thread import InputThread
from roma_ros.nodes.parameters import Settings, WatchDefaults
from roma_ros.nodes.subscriptions import SensorSubscriptions
from roma_ros.nodes.watch_registry import WatchRegistry
from roma_ros.thinker import RomaThinker, set_torch_threads
from roma_ros.units import UnitAssembler
from roma_ros.watch_state import WatchState

__all__ = ["ActiveState", "ConfiguredState", "free_unused_memory"]


@dataclass(slots=True)
class ConfiguredState:
    """State of a configured node.

    Attributes:
        settings: parameters as read when the node was configured.
        audio: reader of audio messages.
        images: reader of image messages.
        assembler: makes units of frames and audio.
        assistant: runs the model on units.
        watches: the node's watches.
        skew: audio end minus video end of the last unit, s; `None` before the first unit.
    """

    settings: Settings
    audio: AudioInput
    images: ImageInput
    assembler: UnitAssembler
    assistant: Assistant
    watches: WatchRegistry
    skew: float | None = None

    @classmethod
    def load(
        cls,
        settings: Settings,
        defaults: WatchDefaults,
        on_event: Callable[[Event], None],
        warn: Callable[[str], object] = lambda _: None,
    ) -> ConfiguredState:
        """Load the model, and add the configured and the stored watches.

        Args:
            settings: parameters of the node.
            defaults: settings of watches that leave them open.
            on_event: called with every event of the assistant, from any thread.
            warn: called with each line for the log.

        Raises:
            CheckpointError, ValueError, RuntimeError: the model cannot be loaded on the device.
            AudioTypeError, ImageTransportError: the message types are not installed.
            WatchError: a configured watch is refused.
        """
        audio = audio_input(settings.audio_type, settings.audio_format)
        images = image_input(settings.image_transport, settings.max_decoded_pixels)
        thinker = RomaThinker.from_pretrained(
            settings.model,
            device=settings.device,
            dtype=settings.dtype,
            quantization=settings.quantization,
            speak_source=settings.speak_source,
        )
        set_torch_threads(thinker)
        assistant = Assistant(thinker, settings.assistant, on_event)
        state_file = settings.persistence.state_file
        state = None if state_file is None else WatchState(state_file)
        watches = WatchRegistry(assistant, defaults, state, warn)
        try:
            watches.restore(settings)
        except BaseException:
            watches.close()
            raise
        assembler = UnitAssembler(settings.assembler)
        return cls(settings, audio, images, assembler, assistant, watches)

    @property
    def model(self) -> str:
        """Name of the checkpoint."""
        return self.assistant.thinker.name

    def header(self, node: str) -> Header:
        """Return the header of the event journal: node, model, watches and settings."""
        settings = self.settings
        policy = settings.assistant.context_policy
        return Header(
            source=(node,),
            model=self.model,
            watches=self.assistant.watches,
            settings={
                "context_seconds": settings.assistant.context_seconds,
                "context_policy": policy.value if policy else "auto",
                "device": settings.device,
                "quantization": settings.quantization,
                "speak_source": settings.speak_source,
            },
        )

    def close(self) -> None:
        """Close the sessions; the weights are freed with the last reference to this object."""
        self.watches.close()
        self.assistant.close()


@dataclass(frozen=True, slots=True)
class ActiveState:
    """State of an active node, in addition to its `ConfiguredState`."""

    subscriptions: SensorSubscriptions
    input_thread: InputThread

    def close(self) -> None:
        """Destroy the subscriptions and end the input thread."""
        self.subscriptions.close()
        self.input_thread.close()


def free_unused_memory() -> None:
    """Collect garbage, and return cached memory to the device."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
