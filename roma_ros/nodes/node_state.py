"""What the roma node has while it is configured, and what it has besides while it is active."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass

import torch

from roma_ros.assistant import Assistant
from roma_ros.events import Event
from roma_ros.journal import Header
from roma_ros.nodes.audio_input import AudioInput, audio_input
from roma_ros.nodes.image_transport import ImageInput, image_input
from roma_ros.nodes.input_thread import Intake
from roma_ros.nodes.parameters import Settings, WatchDefaults
from roma_ros.nodes.subscriptions import Senses
from roma_ros.nodes.watch_registry import Watches
from roma_ros.thinker import RomaThinker, set_torch_threads
from roma_ros.units import UnitAssembler
from roma_ros.watch_state import WatchState

__all__ = ["Attention", "Mind", "free_unused_memory"]


@dataclass(slots=True)
class Mind:
    """Of a configured node.

    Attributes:
        skew: of the last unit, audio end minus video end, s; `None` before the first.
    """

    settings: Settings
    audio: AudioInput
    images: ImageInput
    assembler: UnitAssembler
    assistant: Assistant
    watches: Watches
    skew: float | None = None

    @classmethod
    def load(
        cls,
        settings: Settings,
        defaults: WatchDefaults,
        on_event: Callable[[Event], None],
        warn: Callable[[str], object] = lambda _: None,
    ) -> Mind:
        """Load the model, which takes a while, and set up the watches, restored ones too.

        Raises:
            CheckpointError, ValueError, RuntimeError: the model, its device or its libraries.
            AudioTypeError, ImageTransportError: the sensor's messages are not installed.
            WatchError: a watch of the settings is refused.
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
        watches = Watches(assistant, defaults, state, warn)
        try:
            watches.begin(settings)
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
        """What the journal says that the events come from."""
        settings = self.settings
        return Header(
            source=(node,),
            model=self.model,
            watches=self.assistant.watches,
            settings={
                "context_seconds": settings.assistant.context_seconds,
                "device": settings.device,
                "quantization": settings.quantization,
                "speak_source": settings.speak_source,
            },
        )

    def close(self) -> None:
        """Free the sessions; the weights go with the last reference to this."""
        self.watches.close()
        self.assistant.close()


@dataclass(frozen=True, slots=True)
class Attention:
    """Of an active node, besides."""

    senses: Senses
    intake: Intake

    def close(self) -> None:
        self.senses.close()
        self.intake.close()


def free_unused_memory() -> None:
    """Give back the memory of what nobody refers to any more, the device's too."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
