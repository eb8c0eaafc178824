"""Quality of service of every topic, in one place."""

from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

__all__ = [
    "ALERTS",
    "AUDIO",
    "AUDIO_INFO",
    "AUDIO_INFO_LATCHED",
    "DIAGNOSTICS",
    "IMAGES",
    "NARRATIONS",
    "QUESTIONS",
    "SPEAK_PROBABILITIES",
    "VIDEO",
    "audio_output",
    "image_output",
]

# Best effort takes from best-effort and from reliable publishers; reliable would only take from
# reliable ones, and most cameras are not. Of images the newest count. Of audio every piece does,
# and pieces are small and many: a longer queue than the sensor profile's 5.
IMAGES = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
# Of video packets every one does, too: each needs those since the last key frame.
VIDEO = QoSProfile(depth=50, reliability=ReliabilityPolicy.BEST_EFFORT)
AUDIO = QoSProfile(depth=50, reliability=ReliabilityPolicy.BEST_EFFORT)

# A format that is announced once has to be latched, and one that is repeated need not be: each
# kind of subscription takes from the publishers that the other one misses.
AUDIO_INFO = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
AUDIO_INFO_LATCHED = QoSProfile(
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)

# Who subscribes late still learns of the last alerts.
ALERTS = QoSProfile(depth=50, durability=DurabilityPolicy.TRANSIENT_LOCAL)
NARRATIONS = QoSProfile(depth=50)
SPEAK_PROBABILITIES = QoSProfile(depth=10)
DIAGNOSTICS = QoSProfile(depth=10)

# The 10 of the default profile lose requests silently when many come at once, and their callers
# wait for ever.
QUESTIONS = QoSProfile(depth=200)


def image_output(reliability: str) -> QoSProfile:
    """Profile of an image publisher; `reliability` is "reliable" or "best_effort"."""
    return QoSProfile(depth=5, reliability=ReliabilityPolicy[reliability.upper()])


def audio_output(reliability: str) -> QoSProfile:
    """Profile of an audio publisher; `reliability` is "reliable" or "best_effort"."""
    return QoSProfile(depth=50, reliability=ReliabilityPolicy[reliability.upper()])
