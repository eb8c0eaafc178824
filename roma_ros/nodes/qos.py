"""Quality of service of every topic and service."""

from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

__all__ = [
    "ALERTS",
    "ANSWER_TEXTS",
    "AUDIO",
    "AUDIO_INFO",
    "AUDIO_INFO_LATCHED",
    "DIAGNOSTICS",
    "IMAGES",
    "NARRATIONS",
    "QUESTIONS",
    "SPEAK_PROBABILITIES",
    "STREAM_EVENTS",
    "VIDEO",
    "audio_output",
    "image_output",
]

# A best-effort subscription matches best-effort and reliable publishers; a reliable one would match
# reliable publishers only, and most cameras are not. Old images may be dropped. Audio must not be,
# and its chunks are small and many: a longer queue than the sensor profile's 5.
IMAGES = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
# Video packets must not be dropped either: each needs those since the last key frame.
VIDEO = QoSProfile(depth=50, reliability=ReliabilityPolicy.BEST_EFFORT)
AUDIO = QoSProfile(depth=50, reliability=ReliabilityPolicy.BEST_EFFORT)

# A format that is published once is latched, one that is published repeatedly may not be: each of
# the two subscriptions matches publishers that the other one does not.
AUDIO_INFO = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
AUDIO_INFO_LATCHED = QoSProfile(
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)

# Latched: a late subscriber gets the last alerts.
ALERTS = QoSProfile(depth=50, durability=DurabilityPolicy.TRANSIENT_LOCAL)
NARRATIONS = QoSProfile(depth=50)
# Latched: a late subscriber gets the current stream and which inputs are disabled.
STREAM_EVENTS = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
SPEAK_PROBABILITIES = QoSProfile(depth=10)
DIAGNOSTICS = QoSProfile(depth=10)

# The 10 of the default profile lose requests silently when many come at once, and their callers
# wait for ever.
QUESTIONS = QoSProfile(depth=2_000)
ANSWER_TEXTS = QoSProfile(depth=50)


def image_output(reliability: str) -> QoSProfile:
    """Return the profile of an image publisher; `reliability` is "reliable" or "best_effort"."""
    return QoSProfile(depth=5, reliability=ReliabilityPolicy[reliability.upper()])


def audio_output(reliability: str) -> QoSProfile:
    """Return the profile of an audio publisher; `reliability` is "reliable" or "best_effort"."""
    return QoSProfile(depth=50, reliability=ReliabilityPolicy[reliability.upper()])
