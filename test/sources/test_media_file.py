"""MediaFile, on clips whose flashes and beeps are known, and on real ones."""

from __future__ import annotations

import itertools
import logging
import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from roma_ros.sources import Item, MediaError, MediaFile, MediaFileConfig, MediaFrame, units_of
from roma_ros.units import (
    AudioChunk,
    MultimodalUnit,
    VideoFill,
)

from ..clips import QUADRANTS, Clip, rotate, write_clip

NS = 1_000_000_000


def play(path: Path, **options: object) -> list[Item]:
    with MediaFile(MediaFileConfig(path=path, **options)) as source:  # type: ignore[arg-type]
        return list(source)


def frames(items: list[Item]) -> list[MediaFrame]:
    return [item for item in items if isinstance(item, MediaFrame)]


def chunks(items: list[Item]) -> list[AudioChunk]:
    return [item for item in items if isinstance(item, AudioChunk)]


def flashes(items: list[Item]) -> list[float]:
    """Seconds at which the picture turns white."""
    white = [(frame.stamp, bool(frame.decode().mean() > 200)) for frame in frames(items)]
    pairs = itertools.pairwise([(-1, False), *white])
    return [stamp / NS for (_, before), (stamp, now) in pairs if now and not before]


def beeps(items: list[Item], level: float = 0.2) -> list[float]:
    """Seconds at which sound begins after silence."""
    found: list[float] = []
    last = -1.0
    for chunk in chunks(items):
        for sample in np.flatnonzero(np.abs(chunk.samples[:, 0]) > level):
            now = chunk.stamp / NS + float(sample) / chunk.rate
            if now - last > 0.05 or last < 0:
                found.append(now)
            last = now
    return found


SYNC = Clip(flashes=(0.5, 1.25, 2.75), beeps=(0.5, 1.25, 2.75))
PCM = replace(SYNC, audio_codec="pcm_s16le", sample_format="s16")
SHORT = Clip(seconds=1.0, flashes=(0.5,), beeps=(0.5,))


@pytest.mark.parametrize(
    ("name", "clip"),
    [
        ("aac.mp4", SYNC),
        ("pcm.mkv", PCM),
        ("mpeg4.avi", replace(PCM, video_codec="mpeg4")),
        ("mjpeg.mov", replace(PCM, video_codec="mjpeg")),
        ("transport.ts", SYNC),
    ],
)
def test_picture_and_sound_keep_their_times(tmp_path: Path, name: str, clip: Clip) -> None:
    items = play(write_clip(tmp_path / name, clip))
    # A transport stream begins with the encoder's 21 ms of silence, which moves both alike.
    shift = flashes(items)[0] - 0.5
    assert abs(shift) < 0.05
    assert flashes(items) == pytest.approx([time + shift for time in clip.flashes], abs=0.002)
    assert beeps(items) == pytest.approx([time + shift for time in clip.beeps], abs=0.002)


def test_flash_and_beep_come_to_the_same_place_of_the_same_unit(tmp_path: Path) -> None:
    clip = replace(SYNC, flashes=(1.5,), beeps=(1.5,))
    units = units_in(write_clip(tmp_path / "a.mp4", clip))
    assert [unit.index for unit in units] == [0, 1, 2, 3]
    for unit in units:
        assert unit.frames is not None
        assert unit.audio is not None
        bright = [bool(frame.mean() > 200) for frame in unit.frames]
        assert bright == [False, unit.index == 1]
        loud = np.flatnonzero(np.abs(unit.audio) > 0.2)
        if unit.index == 1:
            assert loud[0] == pytest.approx(8000, abs=16)
        else:
            assert not len(loud)


def test_items_come_in_the_order_of_their_stamps(tmp_path: Path) -> None:
    items = play(write_clip(tmp_path / "a.mp4", SYNC), start_stamp=7 * NS)
    stamps = [item.stamp for item in items]
    assert stamps[0] == 7 * NS
    assert stamps == sorted(stamps)
    assert len(frames(items)) == 80


def test_a_track_that_starts_later_keeps_its_distance(tmp_path: Path) -> None:
    clip = replace(PCM, audio_start=0.4)
    items = play(write_clip(tmp_path / "a.mkv", clip))
    assert frames(items)[0].stamp == 0
    assert chunks(items)[0].stamp == pytest.approx(0.4 * NS, abs=2e6)
    assert beeps(items) == pytest.approx(clip.beeps, abs=0.003)


def test_stamps_of_a_variable_frame_rate_are_the_frames_own(tmp_path: Path) -> None:
    times = (0.0, 0.04, 0.1, 0.5, 0.51, 1.3, 1.9)
    clip = Clip(audio=False, frame_times=times)
    items = play(write_clip(tmp_path / "a.mkv", clip))
    assert [item.stamp for item in items] == pytest.approx([t * NS for t in times], abs=1e6)


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4"])
def test_a_loop_goes_on_where_the_file_ends(tmp_path: Path, name: str) -> None:
    clip = replace(PCM if name == "a.mkv" else SYNC, seconds=2.0, flashes=(0.5,), beeps=(0.5,))
    path = write_clip(tmp_path / name, clip)
    with MediaFile(MediaFileConfig(path=path, loop=True, start_stamp=3 * NS)) as source:
        items = list(itertools.takewhile(lambda item: item.stamp < 9 * NS, source))
    stamps = [item.stamp for item in items]
    assert stamps == sorted(stamps)
    starts = [3.0, 5.0, 7.0]  # AAC ends up to 21 ms after the picture, and the loop waits for it
    assert flashes(items) == pytest.approx([start + 0.5 for start in starts], abs=0.045)
    assert beeps(items) == pytest.approx(flashes(items), abs=0.003)


def test_picture_or_sound_can_be_left_out(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", SHORT)
    assert not chunks(play(path, audio=False))
    assert not frames(play(path, video=False))
    source = MediaFile(MediaFileConfig(path=path, video=False))
    assert (source.has_video, source.has_audio) == (False, True)


def test_what_is_not_there_cannot_be_asked_for(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mkv", replace(SHORT, audio=False))
    with pytest.raises(MediaError, match="has no audio"):
        MediaFile(MediaFileConfig(path=path, video=False))
    with pytest.raises(MediaError, match="expected at least one"):
        MediaFile(MediaFileConfig(path=path, video=False, audio=False))


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_frames_are_upright(tmp_path: Path, degrees: int) -> None:
    path = rotate(write_clip(tmp_path / "a.mp4", replace(SHORT, audio=False, flashes=())), degrees)
    frame = frames(play(path))[0]
    image = frame.decode()
    assert image.shape == (frame.height, frame.width, 3)
    assert image.flags.c_contiguous
    turned = np.rot90(image, k=degrees // 90)  # back, counterclockwise
    height, width = turned.shape[:2]
    assert (height, width) == (64, 96)
    for (row, column), colour in QUADRANTS.items():
        pixel = turned[height // 4 + row * height // 2, width // 4 + column * width // 2]
        assert pixel.tolist() == pytest.approx(colour, abs=4)


@pytest.mark.parametrize(
    ("aspect", "shape"), [(Fraction(4, 3), (64, 128)), (Fraction(2, 3), (96, 96))]
)
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_pixels_that_are_not_square_become_square(
    tmp_path: Path, name: str, aspect: Fraction, shape: tuple[int, int]
) -> None:
    """96x64 pixels, shown as 128x64 or 64x64: no row or column is lost."""
    clip = replace(SHORT, audio=False, flashes=(), pixel_aspect=aspect)
    frame = frames(play(write_clip(tmp_path / name, clip)))[0]
    image = frame.decode()
    assert image.shape[:2] == (frame.height, frame.width) == shape
    assert_quadrants(image)


def test_pixels_are_made_square_before_the_picture_is_turned(tmp_path: Path) -> None:
    clip = replace(SHORT, audio=False, flashes=(), pixel_aspect=Fraction(4, 3))
    path = rotate(write_clip(tmp_path / "a.mp4", clip), 90)
    image = frames(play(path))[0].decode()
    assert image.shape == (128, 64, 3)
    assert_quadrants(np.rot90(image))


def test_a_senseless_pixel_aspect_is_not_believed(tmp_path: Path) -> None:
    clip = replace(SHORT, audio=False, pixel_aspect=Fraction(2000, 1))
    assert frames(play(write_clip(tmp_path / "a.mkv", clip)))[0].decode().shape == (64, 96, 3)


def assert_quadrants(image: np.ndarray) -> None:
    height, width = image.shape[:2]
    for (row, column), colour in QUADRANTS.items():
        pixel = image[height // 4 + row * height // 2, width // 4 + column * width // 2]
        assert pixel.tolist() == pytest.approx(colour, abs=6)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi"])
@pytest.mark.parametrize("audio", [False, True])
def test_a_picture_counts_for_as_long_as_it_is_shown(
    tmp_path: Path, name: str, audio: bool
) -> None:
    """A slide show, one picture every 20 s: no unit is black, each has the slide of its time."""
    clip = Clip(
        seconds=60.0,
        frame_times=(0.0, 20.0, 40.0, 59.0),
        flashes=(20.0, 59.0),  # the second and the last slide are white
        video_codec="mjpeg" if name == "a.avi" else "libx264",
        audio=audio,
        audio_codec="pcm_s16le" if name == "a.avi" else "aac",
        sample_format="s16" if name == "a.avi" else "fltp",
        rate=16_000,
    )
    units = units_in(write_clip(tmp_path / name, clip))
    assert len(units) in ((60,) if audio else (59, 60))  # of the last slide some ms may count
    for unit in units[:59]:
        assert unit.video_fill is VideoFill.NONE, unit.index
        assert unit.frames is not None
        white = 20 <= unit.index < 40
        assert [bool(frame.mean() > 200) for frame in unit.frames] == [white, white], unit.index


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_the_last_picture_of_a_slide_show_lasts_as_long_as_the_file_states(
    tmp_path: Path, name: str
) -> None:
    """Of decoding the durations are other ones: 15 and 20 s for a picture of 50 ms."""
    clip = Clip(audio=False, frame_times=(0.0, 20.0, 40.0, 59.0))
    assert play(write_clip(tmp_path / name, clip))[-1].stamp == 59 * NS


def test_the_last_picture_is_shown_until_the_sound_ends(tmp_path: Path) -> None:
    """A still with sound, as podcasts have it."""
    clip = Clip(seconds=8.0, frame_times=(0.0,), flashes=(0.0,))
    for name in ("a.mp4", "a.mkv"):
        units = units_in(write_clip(tmp_path / name, clip))
        assert [unit.video_fill for unit in units] == [VideoFill.NONE] * 8
        assert all(unit.frames is not None and unit.frames.mean() > 200 for unit in units)


def test_a_picture_is_not_held_in_place_of_pictures_that_are_damaged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What could not be decoded stays a gap, which units show as filled."""
    clip = replace(PCM, seconds=8.0, video_codec="mjpeg")
    path = write_clip(tmp_path / "a.mkv", clip)
    data = bytearray(path.read_bytes())
    starts = [match.start() for match in re.finditer(b"\xff\xd8\xff", data)]
    for start in starts[40:120]:  # from 2 to 6 s
        end = data.index(b"\xff\xd9", start)
        data[start:end] = bytes(end - start)
    path.write_bytes(data)
    fills = [unit.video_fill for unit in units_in(path)]
    assert fills[:2] == fills[6:] == [VideoFill.NONE] * 2
    assert VideoFill.NONE not in fills[3:6]
    assert VideoFill.BLACK in fills[4:6]
    assert [record.getMessage() for record in caplog.records] == [
        f"{path} is damaged: 80 of 160 video packets could not be decoded and were left out"
    ]


def units_in(path: Path) -> list[MultimodalUnit]:
    with MediaFile(MediaFileConfig(path=path)) as source:
        return list(units_of(source))


def test_the_cover_of_music_is_no_video(tmp_path: Path) -> None:
    clip = replace(SHORT, video=False, cover=True, audio_codec="libmp3lame")
    source = MediaFile(MediaFileConfig(path=write_clip(tmp_path / "a.mp3", clip)))
    assert (source.has_video, source.has_audio) == (False, True)
    assert beeps(list(source)) == pytest.approx([0.5], abs=0.003)


@pytest.mark.parametrize(
    ("codec", "sample_format"),
    [("pcm_u8", "u8"), ("pcm_s16le", "s16"), ("pcm_s32le", "s32"), ("pcm_f32le", "flt")],
)
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_sound_keeps_its_rate_and_level(
    tmp_path: Path, codec: str, sample_format: str, channels: int, rate: int
) -> None:
    clip = replace(
        SHORT,
        video=False,
        audio_codec=codec,
        sample_format=sample_format,
        channels=channels,
        rate=rate,
    )
    pieces = chunks(play(write_clip(tmp_path / "a.wav", clip)))
    assert all(piece.rate == rate and piece.duration <= 0.0501 for piece in pieces)
    sound = np.concatenate([piece.samples for piece in pieces])
    assert sound.shape == (rate, channels)
    assert np.abs(sound - clip.sound().T).max() < 0.01
    for before, after in itertools.pairwise(pieces):
        assert abs(after.stamp - before.end) <= 1


def test_a_folder_is_played_by_name_and_what_is_no_media_is_passed_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_clip(tmp_path / "b.mkv", replace(PCM, seconds=1.0, flashes=(0.25,), beeps=()))
    write_clip(tmp_path / "A.MKV", replace(PCM, seconds=1.0, flashes=(0.75,), beeps=()))
    write_noise(tmp_path / "c.mp4")
    (tmp_path / "notes.txt").write_text("words")
    (tmp_path / ".hidden.mp4").write_bytes(b"")
    with caplog.at_level(logging.WARNING):
        source = MediaFile(MediaFileConfig(path=tmp_path))
    assert [Path(str(file.location)).name for file in source.files] == ["A.MKV", "b.mkv"]
    assert [record.getMessage() for record in caplog.records] == [
        f"left out: {tmp_path / 'c.mp4'} cannot be read as video or audio; it is damaged, "
        "or another kind of file"
    ]
    assert source.duration == pytest.approx(2.0, abs=0.05)
    assert flashes(list(source)) == pytest.approx([0.75, 1.25], abs=0.01)


def test_a_folder_may_mix_files_with_and_without_sound(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mkv", replace(SHORT, audio=False))
    write_clip(tmp_path / "b.wav", replace(PCM, video=False, seconds=1.0, beeps=(0.5,)))
    with MediaFile(MediaFileConfig(path=tmp_path)) as source:
        assert (source.has_video, source.has_audio) == (True, True)
        items = list(source)
    assert frames(items)[-1].stamp < NS
    assert chunks(items)[0].stamp == NS
    assert beeps(items) == pytest.approx([1.5], abs=0.003)


def test_names_that_mean_something_to_ffmpeg_are_names(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.wav", replace(PCM, video=False, seconds=0.5, beeps=()))
    odd = path.rename(tmp_path / "concat:50%d é.wav")
    assert chunks(play(odd))


def test_closing_ends_the_iteration(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", SHORT)
    source = MediaFile(MediaFileConfig(path=path, loop=True))
    taken = 0
    for _ in source:
        taken += 1
        if taken == 5:
            source.close()
    assert taken == 5


def write_nothing(path: Path) -> None:
    path.touch()


def write_noise(path: Path) -> None:
    path.write_bytes(np.random.default_rng(0).bytes(50_000))


def write_text(path: Path) -> None:
    path.write_text("a letter, not a film\n" * 200)


def write_empty_folder(path: Path) -> None:
    path.mkdir()


def write_folder_of_noise(path: Path) -> None:
    path.mkdir()
    write_noise(path / "a.mp4")


def write_header_alone(path: Path) -> None:
    whole = write_clip(path.with_suffix(".wav"), replace(PCM, video=False, seconds=0.5))
    path.write_bytes(whole.read_bytes()[:44])


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path: None, "does not exist"),
        (write_nothing, "is empty"),
        (write_noise, "cannot be read as video or audio"),
        (write_text, "is a text"),
        (write_empty_folder, "a folder without video or audio files"),
        (write_folder_of_noise, "no file can be played: .*a.mp4 cannot be read"),
        (write_header_alone, "cannot be read|neither|not one frame or sample"),
    ],
)
@pytest.mark.parametrize("loop", [False, True])
def test_what_cannot_be_played_is_refused_in_words(
    tmp_path: Path, write: Callable[[Path], None], message: str, loop: bool
) -> None:
    path = tmp_path / "thing.mp4"
    write(path)
    with pytest.raises(MediaError, match=message) as refusal:
        play(path, loop=loop)
    assert str(path) in str(refusal.value)


def test_a_device_is_no_file() -> None:
    with pytest.raises(MediaError, match="neither a file nor a folder"):
        MediaFile(MediaFileConfig(path="/dev/null"))


def test_damage_in_the_middle_costs_only_what_is_damaged(tmp_path: Path) -> None:
    whole = write_clip(tmp_path / "whole.ts", replace(SYNC, flashes=(), beeps=(0.5, 3.5)))
    data = bytearray(whole.read_bytes())
    third = len(data) // 3
    data[third : 2 * third] = np.random.default_rng(0).bytes(third)
    damaged = tmp_path / "damaged.ts"
    damaged.write_bytes(data)
    source = MediaFile(MediaFileConfig(path=damaged))
    items = list(source)
    assert 20 < len(frames(items)) <= 80
    assert beeps(items)[0] == pytest.approx(0.5 + 0.021, abs=0.005)
    assert beeps(items)[-1] == pytest.approx(3.5 + 0.021, abs=0.005)


@pytest.mark.parametrize("name", ["whole.mkv", "whole.mp3", "fragmented.mp4"])
def test_a_file_that_was_cut_off_is_played_as_far_as_it_goes_and_that_is_said(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    clip = replace(SYNC, video=name != "whole.mp3")
    if name == "whole.mp3":
        clip = replace(clip, audio_codec="libmp3lame")
    whole = write_clip(tmp_path / name, clip)
    if name == "fragmented.mp4":
        whole = with_header_first(whole, tmp_path / "first.mp4")
    cut = tmp_path / f"cut{whole.suffix}"
    size = whole.stat().st_size
    cut.write_bytes(whole.read_bytes()[: size // 2])
    if name == "fragmented.mp4":
        cut.write_bytes(whole.read_bytes()[: int(size * 0.7)])
    assert beeps(play(cut))[0] == pytest.approx(0.5, abs=0.003)
    told = caplog.records[-1].getMessage()
    assert re.fullmatch(
        rf"{cut} ends after [12]\.\d s of the 4\.0 s that it states: the rest is missing", told
    )


def with_header_first(path: Path, copy: Path) -> Path:
    """As downloads are made: what a cut leaves can be played."""
    with (
        av.open(str(path)) as read,
        av.open(str(copy), "w", options={"movflags": "faststart"}) as written,
    ):
        streams = {
            stream.index: written.add_stream_from_template(stream) for stream in read.streams
        }
        for packet in read.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream_index]
                written.mux(packet)
    return copy


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.avi", "a.wav", "a.mp3"])
def test_of_a_whole_file_nothing_is_said(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    codec = {"a.avi": "mp2", "a.mp3": "libmp3lame", "a.wav": "pcm_s16le"}.get(name, "aac")
    clip = replace(SYNC, video=name not in ("a.wav", "a.mp3"), audio_codec=codec)
    clip = replace(clip, sample_format={"mp2": "s16", "pcm_s16le": "s16"}.get(codec, "fltp"))
    clip = replace(clip, video_codec="mpeg4" if name == "a.avi" else "libx264")
    source = MediaFile(MediaFileConfig(path=write_clip(tmp_path / name, clip)))
    assert beeps(list(source))
    assert not caplog.records
    assert source.damaged == 0


def test_joined_files_whose_times_begin_anew_are_one_recording(tmp_path: Path) -> None:
    """As `cat a.ts b.ts` makes them, and some recorders."""
    clip = replace(SHORT, seconds=3.0, flashes=(1.5,), beeps=(1.5,))
    data = write_clip(tmp_path / "a.ts", clip).read_bytes()
    (tmp_path / "joined.ts").write_bytes(data + data)
    items = play(tmp_path / "joined.ts")
    assert flashes(items) == pytest.approx([1.5, 4.5], abs=0.06)
    assert beeps(items) == pytest.approx(flashes(items), abs=0.06)
    assert [item.stamp for item in items] == sorted(item.stamp for item in items)


def test_damaged_packets_are_counted_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_clip(tmp_path / "a.mkv", replace(SHORT, audio=False, video_codec="mjpeg"))
    data = bytearray(path.read_bytes())
    first = data.index(b"\xff\xd8\xff", len(data) // 2)
    last = data.index(b"\xff\xd9", first)
    data[first:last] = bytes(last - first)
    path.write_bytes(data)
    source = MediaFile(MediaFileConfig(path=path))
    assert len(list(source)) == 19
    assert source.damaged == 1
    assert [record.getMessage() for record in caplog.records] == [
        f"{path} is damaged: 1 of 20 video packets could not be decoded and were left out"
    ]


def test_samples_that_are_no_numbers_are_left_out(tmp_path: Path) -> None:
    clip = replace(PCM, video=False, seconds=1.0, audio_codec="pcm_f32le", sample_format="flt")
    path = write_clip(tmp_path / "a.wav", clip)
    data = bytearray(path.read_bytes())
    middle = (len(data) // 2) & ~3
    data[middle : middle + 8] = np.array([np.nan, np.nan], "<f4").tobytes()
    path.write_bytes(data)
    source = MediaFile(MediaFileConfig(path=path))
    items = chunks(list(source))
    assert source.damaged == 1
    assert sum(len(chunk.samples) for chunk in items) > 40_000


def test_a_file_that_goes_away_is_an_error(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mkv", SHORT)
    source = MediaFile(MediaFileConfig(path=path))
    path.unlink()
    with pytest.raises(MediaError, match="cannot be opened: No such file"):
        list(source)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "count", "shape", "seconds"),
    [
        ("portrait-av.mp4", 265, (1280, 720, 3), 8.92),
        ("office-video-only.mp4", 30, (384, 384, 3), None),
        ("speech-16k.flac", 0, None, 5.855),
    ],
)
def test_real_clips(
    media: Path, name: str, count: int, shape: tuple[int, ...] | None, seconds: float | None
) -> None:
    items = play(media / name)
    assert len(frames(items)) == count
    if shape is not None:
        assert frames(items)[-1].decode().shape == shape
    heard = sum(chunk.duration for chunk in chunks(items))
    assert heard == pytest.approx(seconds or 0.0, abs=0.01)
    stamps = [item.stamp for item in items]
    assert stamps[0] == 0
    assert stamps == sorted(stamps)
