"""Choice of the topics of a bag."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from roma_ros.sources.errors import MediaError

__all__ = ["AUDIO_TYPES", "IMAGE_TYPES", "BagTopic", "choose_topics"]

IMAGE_TYPES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")
AUDIO_TYPES = (
    "roma_ros/msg/Audio",
    "audio_common_msgs/msg/AudioDataStamped",
    "audio_common_msgs/msg/AudioStamped",
)
NO_COLOURS = ("depth", "disparity", "infra", "theora", "ffmpeg")  # in names of topics


@dataclass(frozen=True, slots=True)
class BagTopic:
    """A topic of a bag.

    Attributes:
        name: of the topic.
        type: type of its messages, such as "sensor_msgs/msg/Image".
        count: number of its messages.
    """

    name: str
    type: str
    count: int

    @property
    def is_image(self) -> bool:
        return self.type in IMAGE_TYPES

    @property
    def is_audio(self) -> bool:
        return self.type in AUDIO_TYPES


def choose_topics(
    found: Iterable[BagTopic], requested: Sequence[str], bag: str
) -> tuple[BagTopic, ...]:
    """Choose an image topic, an audio topic, or one of each.

    Args:
        found: topics of the bag.
        requested: names of the topics to choose; empty: the only ones of their kind.
        bag: name of the bag, for error messages.

    Raises:
        MediaError: there is none, there are several of a kind, or a requested one is missing or of
            another type.
    """
    usable = [topic for topic in found if topic.count and (topic.is_image or topic.is_audio)]
    names = ", ".join(f"{topic.name} ({topic.type})" for topic in usable) or "none"
    if not usable:
        known = ", ".join(IMAGE_TYPES + AUDIO_TYPES)
        raise MediaError(f"{bag} has no topic with images or audio; expected one of {known}")
    for name in requested:
        if name not in {topic.name for topic in usable}:
            raise MediaError(f"{bag} has no image or audio topic {name}; it has {names}")
    if requested:
        usable = [topic for topic in usable if topic.name in requested]
        images = [topic for topic in usable if topic.is_image]
    else:
        images = _in_colours([topic for topic in usable if topic.is_image])
    audio = [topic for topic in usable if topic.is_audio]
    for kind, topics in (("image", images), ("audio", audio)):
        if len(topics) > 1:
            several = ", ".join(topic.name for topic in topics)
            raise MediaError(f"{bag} has several {kind} topics: {several}; choose one by --topics")
    return (*images, *audio)


def _in_colours(images: list[BagTopic]) -> list[BagTopic]:
    """Leave out depth and the like if there are others, and copies of a topic in other codings."""
    if len(images) > 1:
        images = [
            topic for topic in images if not any(word in topic.name.lower() for word in NO_COLOURS)
        ] or images
    raw = {topic.name for topic in images}
    return [topic for topic in images if topic.name.rpartition("/")[0] not in raw]
