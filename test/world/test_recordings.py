"""Folders of recordings: layouts, folds, files that are no sound, where a recording sounds."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from roma_ros.units import UNIT_RATE
from roma_ros.world import (
    ESC_10,
    Clip,
    PlayedClip,
    RecordedSound,
    RecordingLibrary,
    RecordingsError,
    Split,
)
from roma_ros.world.recordings import TAIL, _Samples, active_spans, rendered
from roma_ros.world.words import recorded_sound

from .recorded import BABY, BARKS, DOG, RAIN, SECONDS, WAVES, library, recording, write_wav


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> RecordingLibrary:
    return library(tmp_path_factory.mktemp("esc10"))


def names(one: RecordingLibrary, split: Split, kind: RecordedSound) -> set[str]:
    return {file.path.name for file in one.files(split, kind)}


def clip_of(samples: np.ndarray, path: Path, kind: RecordedSound = DOG) -> Clip:
    write_wav(path, samples)
    (clip,) = RecordingLibrary.open(path.parents[1]).clips(Split.TRAIN)
    assert clip.kind == kind
    return clip


def test_folders_of_esc_10_are_kinds_with_verbs_and_their_first_digit_is_the_fold(
    known: RecordingLibrary,
) -> None:
    assert set(known.kinds) == {DOG, RAIN, WAVES, BABY}
    assert names(known, Split.TRAIN, DOG) == {"1-101-A.wav", "2-102-A.wav", "3-103-A.wav"}
    assert names(known, Split.VALIDATION, DOG) == names(known, Split.TEST, DOG) == {"4-104-A.wav"}


def test_no_split_has_fold_5_unless_it_is_asked_for(known: RecordingLibrary) -> None:
    used = {
        file.fold for split in Split for kind in known.kinds for file in known.files(split, kind)
    }
    assert used == {1, 2, 3, 4}
    later = RecordingLibrary.open(known.folder, train_folds=(1, 2, 3, 4), held_out_folds=(5,))
    assert names(later, Split.TEST, RAIN) == {"5-105-A.wav"}
    assert len(names(later, Split.TRAIN, RAIN)) == 4


def test_the_ten_kinds_have_the_same_phrases_in_every_layout() -> None:
    ten = ["001 - Dog bark", "002 - Rain", "003 - Sea waves", "004 - Baby cry", "005 - Clock tick"]
    ten += ["006 - Person sneeze", "007 - Helicopter", "008 - Chainsaw", "009 - Rooster"]
    ten += ["010 - Fire crackling"]
    fifty = ["dog", "rain", "sea_waves", "crying_baby", "clock_tick", "sneezing", "helicopter"]
    fifty += ["chainsaw", "rooster", "crackling_fire"]
    assert tuple(map(recorded_sound, ten)) == tuple(map(recorded_sound, fifty)) == ESC_10
    assert [kind.condition for kind in ESC_10] == [
        "a dog barks",
        "rain falls",
        "waves break",
        "a baby cries",
        "a clock ticks",
        "somebody sneezes",
        "a helicopter flies",
        "a chainsaw runs",
        "a rooster crows",
        "a fire crackles",
    ]


def test_another_kind_is_called_by_its_name() -> None:
    kind = recorded_sound("12 - Glass_breaking")
    assert kind == RecordedSound.named("glass breaking")
    assert kind.condition == "you hear glass breaking"
    assert kind.question == "did you hear glass breaking"


def test_the_table_of_esc_50_gives_folds_and_kinds(tmp_path: Path) -> None:
    rows = [("1-1-A-0.wav", 1, "dog"), ("4-2-A-0.wav", 4, "dog"), ("2-3-A-10.wav", 2, "rain")]
    for name, _, _ in rows:
        write_wav(tmp_path / "audio" / name, recording(RAIN))
    (tmp_path / "meta").mkdir()
    with (tmp_path / "meta" / "esc50.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("filename", "fold", "category"), *rows])
    found = RecordingLibrary.open(tmp_path)
    assert set(found.kinds) == {DOG, RAIN}
    assert names(found, Split.TRAIN, DOG) == {"1-1-A-0.wav"}
    assert names(found, Split.TEST, DOG) == {"4-2-A-0.wav"}
    assert found.kinds_of(Split.TEST) == (DOG,)


def test_a_table_of_another_form_is_refused(tmp_path: Path) -> None:
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta" / "esc50.csv").write_text("file,class\na.wav,dog\n")
    with pytest.raises(RecordingsError, match=r"esc50.csv cannot be read.*filename, fold and cat"):
        RecordingLibrary.open(tmp_path)


def test_without_folds_a_hash_of_the_name_holds_out_about_a_fifth(tmp_path: Path) -> None:
    folder = tmp_path / "kettle"
    folder.mkdir()
    for number in range(200):
        (folder / f"take {number}.wav").touch()
    (kettle,) = RecordingLibrary.open(tmp_path).kinds
    before = RecordingLibrary.open(tmp_path)
    train, test = (names(before, split, kettle) for split in (Split.TRAIN, Split.TEST))
    assert not train & test
    assert len(train | test) == 200
    assert 25 <= len(test) <= 60
    for number in range(200, 210):
        (folder / f"take {number}.wav").touch()
    after = RecordingLibrary.open(tmp_path)
    moved = names(after, Split.TRAIN, kettle) & test
    assert len(moved) <= 1  # the last by its hash is held out where no other is


def test_two_recordings_without_folds_are_one_of_each(tmp_path: Path) -> None:
    for name in ("a.wav", "b.wav"):
        write_wav(tmp_path / "kettle" / name, recording(RAIN))
    found = RecordingLibrary.open(tmp_path)
    (kettle,) = found.kinds
    assert len(found.files(Split.TRAIN, kettle)) == len(found.files(Split.TEST, kettle)) == 1


def test_one_recording_is_trained_on_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_wav(tmp_path / "kettle" / "a.wav", recording(RAIN))
    found = RecordingLibrary.open(tmp_path)
    assert "has one recording of 'kettle'; expected two or more" in caplog.text
    assert len(found.files(Split.TRAIN, found.kinds[0])) == 1
    with pytest.raises(RecordingsError, match="no usable recording of 'kettle' in the split test"):
        found.clip(Split.TEST, found.kinds[0], np.random.default_rng(0))


@pytest.mark.parametrize("content", [[], ["notes.txt"], ["empty/notes.txt"]])
def test_a_folder_without_recordings_is_refused(tmp_path: Path, content: list[str]) -> None:
    for name in content:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("no sound")
    with pytest.raises(RecordingsError, match=r"has no recordings; expected one subfolder.*\.ogg"):
        RecordingLibrary.open(tmp_path)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        RecordingsError, match="nowhere is not a folder; expected one of recordings"
    ):
        RecordingLibrary.open(tmp_path / "nowhere")


def test_a_folder_of_unused_folds_is_refused(tmp_path: Path) -> None:
    write_wav(tmp_path / "dog" / "5-1-A.wav", recording(DOG))
    with pytest.raises(RecordingsError, match=r"recordings of the folds \[5\]; expected some of"):
        RecordingLibrary.open(tmp_path)


def test_files_that_are_no_sound_are_named_once_and_the_others_are_drawn(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_wav(tmp_path / "dog" / "1-1-A.wav", recording(DOG))
    (tmp_path / "dog" / "2-2-A.wav").write_text("no sound")
    write_wav(tmp_path / "dog" / "3-3-A.wav", np.zeros(UNIT_RATE))
    write_wav(tmp_path / "dog" / "3-4-A.wav", recording(DOG)[:800])
    write_wav(tmp_path / "dog" / "3-5-A.wav", np.tile(recording(RAIN), 16))
    (tmp_path / "dog" / "read me.txt").write_text("no sound")
    (tmp_path / "LICENSES.tsv").write_text("beside the folders")
    found = RecordingLibrary.open(tmp_path)
    random = np.random.default_rng(0)
    drawn = {found.clip(Split.TRAIN, DOG, random).path.name for _ in range(40)}
    assert drawn == {"1-1-A.wav"}
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 5
    about = {
        name: text
        for text in messages
        for name in ("2-2", "3-3", "3-4", "3-5", "read me")
        if name in text
    }
    assert "cannot be read" in about["2-2"]
    assert "expected a sound file" in about["2-2"]
    assert "is silent, or shorter than 0.1 s" in about["3-3"]
    assert "is silent, or shorter than 0.1 s" in about["3-4"]
    assert "64.00 s long; expected at most 60 s" in about["3-5"]
    assert "read me.txt is no recording; expected files that end in" in about["read me"]


def test_a_kind_without_any_sound_is_an_error_that_names_it(tmp_path: Path) -> None:
    write_wav(tmp_path / "dog" / "1-1-A.wav", np.zeros(UNIT_RATE))
    found = RecordingLibrary.open(tmp_path)
    with pytest.raises(RecordingsError, match=r"no usable recording of 'dog' .* of 1 files"):
        found.clip(Split.TRAIN, DOG, np.random.default_rng(0))


@pytest.mark.slow
def test_ten_thousand_files_are_listed_without_being_read(tmp_path: Path) -> None:
    for fold in range(1, 6):
        for number in range(2000):
            path = tmp_path / f"kind {number % 50}" / f"{fold}-{number}-A.wav"
            path.parent.mkdir(exist_ok=True)
            path.touch()  # a file without content: reading it would warn
    found = RecordingLibrary.open(tmp_path)
    assert len(found.recordings) == 10_000
    assert len(found.kinds_of(Split.TRAIN)) == 50


def test_a_dog_sounds_where_it_barks(tmp_path: Path) -> None:
    clip = clip_of(recording(DOG), tmp_path / "dog" / "1-1-A.wav")
    np.testing.assert_allclose(clip.spans, BARKS, atol=0.05)
    assert clip.loudness == pytest.approx(0.3 / 2**0.5, rel=0.1)
    assert (clip.begins, clip.ends) == (clip.spans[0][0], clip.spans[-1][1])


def test_noise_behind_a_dog_does_not_sound() -> None:
    noise = 0.02 * np.random.default_rng(1).standard_normal(round(SECONDS * UNIT_RATE))
    spans = active_spans((recording(DOG) + noise).astype(np.float32))
    np.testing.assert_allclose(spans, BARKS, atol=0.05)


def test_rain_sounds_all_the_time() -> None:
    assert active_spans(recording(RAIN).astype(np.float32)) == ((0.0, SECONDS),)


def test_short_pauses_are_part_of_a_sound() -> None:
    ticks = np.zeros(3 * UNIT_RATE, np.float32)
    for tick in range(1, 6):
        ticks[round(tick * 0.4 * UNIT_RATE) :][:160] = 0.5
    (span,) = active_spans(ticks)
    np.testing.assert_allclose(span, (0.4, 2.01), atol=0.05)


def test_a_playback_sounds_where_its_stretch_does_at_its_speed(tmp_path: Path) -> None:
    clip = clip_of(recording(DOG), tmp_path / "dog" / "1-1-A.wav")
    played = PlayedClip(clip=clip, begins=0.7, ends=2.7, speed=1.25, decay=0.3, wet=0.2)
    assert played.duration == pytest.approx(2.0 / 1.25 + TAIL)
    np.testing.assert_allclose(played.spans, [(0, 0.2 / 1.25), (1.8 / 1.25, 1.6)], atol=0.05)
    samples = rendered(played)
    assert len(samples) == round(played.duration * UNIT_RATE)
    power = np.square(samples[: len(samples) // 160 * 160].reshape(-1, 160)).mean(axis=1)
    loud = np.flatnonzero(power > 0.2) * 0.01
    assert all(any(a - 0.05 < time < b + 0.05 for a, b in played.spans) for time in loud)
    assert len(loud) > 20


def test_a_playback_is_as_loud_as_any_other_and_drawn_again_the_same(
    known: RecordingLibrary,
) -> None:
    for kind in known.kinds:
        one, two = (
            PlayedClip.drawn(known.clip(Split.TRAIN, kind, random), random, 6.0)
            for random in map(np.random.default_rng, (5, 5))
        )
        assert one == two
        plain = rendered(PlayedClip(clip=one.clip, begins=one.clip.begins, ends=one.clip.ends))
        sounding = np.concatenate(
            [
                plain[
                    round((a - one.clip.begins) * UNIT_RATE) : round(
                        (b - one.clip.begins) * UNIT_RATE
                    )
                ]
                for a, b in one.clip.spans
            ]
        )
        assert np.sqrt(np.mean(np.square(sounding))) == pytest.approx(1.0, rel=0.05)


def test_drawn_playbacks_stay_within_clip_and_length(known: RecordingLibrary) -> None:
    random = np.random.default_rng(2)
    for number in range(200):
        clip = known.clip(Split.TRAIN, known.kinds[number % 4], random)
        played = PlayedClip.drawn(clip, random, 3.0)
        assert clip.begins <= played.begins < played.ends <= clip.ends + 1e-9
        assert (played.ends - played.begins) / played.speed <= 3.0 + 1e-9
        assert played.spans


def test_a_low_pass_takes_the_highs(known: RecordingLibrary) -> None:
    clip = known.clip(Split.TRAIN, RAIN, np.random.default_rng(0))

    def highs(low_pass: float) -> float:
        played = rendered(PlayedClip(clip=clip, begins=0.0, ends=2.0, low_pass=low_pass))
        spectrum = np.abs(np.fft.rfft(played)) ** 2
        return float(spectrum[len(spectrum) * 5 // 8 :].sum() / spectrum.sum())

    assert highs(2500.0) < highs(0.0) / 20


def test_decoded_recordings_are_kept_up_to_a_limit(known: RecordingLibrary) -> None:
    cache = _Samples(limit=3 * 2 * round(SECONDS * UNIT_RATE))
    for one in known.recordings:
        assert len(cache.of(one.path)) == round(SECONDS * UNIT_RATE)
        assert len(cache._kept) <= 3
    assert cache._bytes <= 3 * 2 * round(SECONDS * UNIT_RATE)
