"""Playlist, on files and on what is no file."""

from __future__ import annotations

from pathlib import Path

import pytest

from roma_ros.sources import (
    Camera,
    CameraConfig,
    MediaFile,
    MediaFileConfig,
    Playlist,
    SourceError,
)

from ..clips import Clip, write_clip

CLIP = Clip(seconds=1.0, audio=False, video_codec="mjpeg")


def open_files(folder: Path) -> list[MediaFile]:
    film = write_clip(folder / "film.avi", CLIP)
    sound = Clip(
        seconds=1.0, video=False, beeps=(0.5,), audio_codec="pcm_s16le", sample_format="s16"
    )
    paths = (film, write_clip(folder / "sound.wav", sound))
    return [MediaFile(MediaFileConfig(path=path)) for path in paths]


def test_each_file_is_a_part_with_stamps_of_its_own(tmp_path: Path) -> None:
    files = open_files(tmp_path)
    with Playlist(files) as source:
        assert (source.live, source.has_video, source.has_audio) == (False, True, True)
        assert source.parts == tuple(files)
        assert source.name == f"{tmp_path / 'film.avi'} + {tmp_path / 'sound.wav'}"
        stamps = [item.stamp for item in source]
    assert stamps[0] == stamps[20] == 0  # 20 frames, then the sound
    assert len(stamps) > 40


def test_closing_ends_all_parts(tmp_path: Path) -> None:
    source = Playlist(open_files(tmp_path))
    source.close()
    assert list(source) == []


def test_what_never_ends_cannot_be_one_of_several(tmp_path: Path) -> None:
    with (
        Camera(CameraConfig(str(write_clip(tmp_path / "a.avi", CLIP)))) as camera,
        pytest.raises(SourceError, match="cannot be played after a file"),
    ):
        Playlist([*open_files(tmp_path), camera])
    with pytest.raises(SourceError):
        Playlist([])
