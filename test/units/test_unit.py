import numpy as np
import pytest

from roma_ros.units import MultimodalUnit, UnitError, VideoFill

FRAMES = np.zeros((2, 4, 6, 3), np.uint8)
AUDIO = np.zeros(16000, np.float32)


def test_parts():
    unit = MultimodalUnit(1, 2, 5 * 10**9, FRAMES, AUDIO, VideoFill.HELD, 160)
    assert unit.end == 6 * 10**9
    heard, seen = unit.audio_only(), unit.video_only()
    assert (heard.frames, heard.video_fill, heard.audio_filled) == (None, VideoFill.NONE, 160)
    assert heard.audio is AUDIO
    assert (seen.audio, seen.audio_filled, seen.video_fill) == (None, 0, VideoFill.HELD)
    assert (seen.stream, seen.index, seen.start) == (1, 2, 5 * 10**9)


@pytest.mark.parametrize(
    ("frames", "audio", "message"),
    [
        (None, None, "both None"),
        (FRAMES[:1], AUDIO, r"\(1, 4, 6, 3\); expected uint8 \(2, H, W, 3\)"),
        (FRAMES[:, :0], AUDIO, "frames"),
        (FRAMES[0], AUDIO, "frames"),
        (FRAMES.astype(np.float32), None, "float32"),
        (FRAMES, AUDIO[:-1], r"\(15999,\); expected float32 \(16000,\)"),
        (None, AUDIO.astype(np.float64), "float64"),
    ],
)
def test_other_shapes(frames, audio, message):
    with pytest.raises(UnitError, match=message):
        MultimodalUnit(0, 0, 0, frames, audio)


def test_a_unit_of_one_modality_has_no_other_half():
    with pytest.raises(UnitError, match="both None"):
        MultimodalUnit(0, 0, 0, None, AUDIO).video_only()
