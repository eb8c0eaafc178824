"""roma_ros: alerts, narrations and answers from a live camera and microphone stream.

camera + microphone -> one-second units -> streaming backbone -> p(speak) each second
-> alerts and narrations; a question at any time -> an answer.
"""

from pkgutil import extend_path

# The generated `roma_ros.action`, `msg` and `srv` are in the colcon install, beside a source
# checkout that has none of them: both folders together are this package.
__path__ = extend_path(__path__, __name__)

__version__ = "0.1.0"
__all__ = ["__version__"]
