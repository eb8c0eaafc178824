from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from roma_ros.sources import MediaFile, MediaFileConfig
from roma_ros.units import AudioChunk
from roma_ros.world import FilmError, Plot, Scene, SceneError, Sound, make_scene, write_film

SECONDS = 8


def beeping() -> Scene:
    """A scene in which something beeps and something is seen."""
    for seed in range(500):
        scene = make_scene(seed, SECONDS, Plot.CROWD)
        if scene.figures and any(
            event.kind is Sound.BEEP and event.onset < SECONDS - 1 for event in scene.sounds
        ):
            return scene
    raise AssertionError("no scene beeps")


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Scene]:
    path, scene = tmp_path_factory.mktemp("film") / "out.mp4", beeping()
    write_film(path, scene, height=120, width=160, fps=20)
    return path, scene


def test_a_film_is_h264_and_aac_of_the_size_rate_and_length(film: tuple[Path, Scene]) -> None:
    path, _ = film
    with av.open(str(path)) as container:
        video, sound = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, video.width, video.height) == ("h264", 160, 120)
        assert video.average_rate == 20
        assert video.frames == 20 * SECONDS
        assert (sound.codec_context.name, sound.rate, sound.layout.name) == ("aac", 16_000, "mono")
        assert container.duration == pytest.approx(SECONDS * 1e6, abs=0.1e6)


def test_a_beep_is_in_the_film_at_its_time(film: tuple[Path, Scene]) -> None:
    path, scene = film
    with MediaFile(MediaFileConfig(path=path, video=False)) as media:
        pieces = [item.samples[:, 0] for item in media if isinstance(item, AudioChunk)]
    samples = np.concatenate(pieces)
    for event in scene.sounds:
        if event.kind is Sound.BEEP and event.end < SECONDS:
            first = round(event.onset * 16_000)
            beep = samples[first : first + round(event.each * 16_000)]
            hertz = np.argmax(np.abs(np.fft.rfft(beep, 16_000)))
            assert hertz == pytest.approx(event.pitch, abs=20)


def test_the_pictures_of_a_film_are_at_their_times(film: tuple[Path, Scene]) -> None:
    path, scene = film
    with MediaFile(MediaFileConfig(path=path, audio=False)) as media:
        stamps = [item.stamp for item in media]
    assert stamps == [round(index * 5e7) for index in range(20 * SECONDS)]
    assert scene.figures


@pytest.mark.parametrize(
    ("height", "width", "fps", "message"),
    [(113, 112, 25, "even"), (54, 54, 25, "56x56"), (112, 112, 1, "2 to 120")],
)
def test_what_cannot_be_filmed_is_refused(
    tmp_path: Path, height: int, width: int, fps: int, message: str
) -> None:
    with pytest.raises(SceneError, match=message):
        write_film(tmp_path / "x.mp4", make_scene(0, 1), height=height, width=width, fps=fps)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FilmError, match="nowhere"):
        write_film(tmp_path / "nowhere" / "x.mp4", make_scene(0, 1))
