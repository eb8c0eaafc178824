"""The state file of watches, and what runs after a restart."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from roma_ros.durable_file import FileInUseError
from roma_ros.watch import WatchKind
from roma_ros.watch_file import WatchSpec
from roma_ros.watch_state import (
    Origin,
    StoredWatch,
    WatchState,
    WatchStateError,
    free_id,
    merge,
)

DOG = WatchSpec(id="dog", instruction="a dog barks", threshold=0.25, reply=True)
STORY = WatchSpec(
    id="story", kind=WatchKind.NARRATION, instruction="расскажи", recording=Path("/x/story.wav")
)


def by_service(spec: WatchSpec) -> StoredWatch:
    return StoredWatch(spec=spec, origin=Origin.SERVICE)


def configured(
    spec: WatchSpec, now: WatchSpec | None = None, origin: Origin = Origin.PARAMETERS
) -> StoredWatch:
    return StoredWatch(spec=now or spec, origin=origin, configured=spec)


@pytest.fixture
def state(tmp_path: Path) -> WatchState:
    return WatchState(tmp_path / "roma" / "watches.json")


def test_watches_are_read_back_as_they_were(state: WatchState) -> None:
    state.open()
    assert state.read() == ()
    watches = (by_service(DOG), configured(STORY, replace(STORY, threshold=0.5)))
    state.write(watches)
    read = state.read()
    assert read == watches
    assert all(watch.restored for watch in read)
    state.close()


def test_a_state_file_has_one_writer(state: WatchState) -> None:
    state.open()
    with pytest.raises(FileInUseError, match=r"watches.json is in use"):
        WatchState(state.path).open()
    state.close()


@pytest.mark.parametrize("cut", [0, 1, 100, -2])
def test_a_file_that_was_cut_is_damaged_and_is_set_aside(state: WatchState, cut: int) -> None:
    state.open()
    state.write([by_service(DOG)])
    whole = state.path.read_bytes()
    state.path.write_bytes(whole[:cut])
    with pytest.raises(WatchStateError, match=r"watches.json is damaged: "):
        state.read()
    aside = state.set_aside()
    assert aside.name.startswith("watches.json.damaged-")
    assert aside.read_bytes() == whole[:cut]
    assert state.read() == ()
    state.close()


def test_every_flipped_bit_is_noticed(state: WatchState) -> None:
    state.open()
    state.write([by_service(DOG), configured(STORY)])
    whole = state.path.read_bytes()
    content = json.loads(whole)
    for position in range(0, len(whole), 3):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << (position % 8)
        state.path.write_bytes(damaged)
        try:
            state.read()
        except WatchStateError:
            continue
        assert json.loads(damaged) == content  # white space, of no meaning
    state.close()


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 2},
        {"watches": None},
        {"watches": [5]},
        {"watches": [{}]},
        {"watches": "double"},
        {"watches": [{"id": "../x"}]},
        {"watches": [{"threshold": 7.0}]},
        {"watches": [{"threshold": "high"}]},
        {"watches": [{"origin": "heaven"}]},
        {"watches": [{"instruction": ["a", "b"]}]},
        {"watches": [{"reply": "yes"}]},
        {"watches": [{"configured": "yes"}]},
    ],
)
def test_what_never_stood_in_a_state_file_is_refused(state: WatchState, change: dict) -> None:
    """With a checksum that fits: by somebody else's program."""
    from roma_ros.watch_state import _checksum

    state.open()
    state.write([by_service(DOG)])
    content = json.loads(state.path.read_bytes())
    (watch,) = content["watches"]
    if change.get("watches") == "double":
        change = {"watches": [watch, watch]}
    elif isinstance(change.get("watches"), list) and isinstance(change["watches"][0], dict):
        first = change["watches"][0]
        change = {"watches": [{**watch, **first} if first else {}]}
    content |= change
    content["sha256"] = _checksum(content)
    state.path.write_text(json.dumps(content))
    with pytest.raises(WatchStateError, match="is damaged"):
        state.read()
    state.close()


def test_a_watch_that_was_added_by_service_runs_again() -> None:
    merged = merge([], [by_service(DOG)])
    assert merged.watches == (by_service(DOG),)
    assert merged.watches[0].restored
    assert merged.conflicts == ()


def test_an_adjusted_watch_keeps_its_settings_while_its_configuration_stays() -> None:
    adjusted = configured(DOG, replace(DOG, threshold=0.75))
    merged = merge([configured(DOG)], [adjusted])
    assert merged.watches == (adjusted,)
    assert merged.watches[0].restored
    assert merged.conflicts == ()


def test_a_configuration_that_has_changed_decides_and_it_is_said() -> None:
    new = replace(DOG, threshold=0.5)
    merged = merge([configured(new)], [configured(DOG, replace(DOG, threshold=0.75, window=3))])
    assert merged.watches == (configured(new),)
    assert not merged.watches[0].restored
    (conflict,) = merged.conflicts
    assert "'dog' was adjusted at run time (threshold 0.75, window 3)" in conflict
    assert "the configuration decides" in conflict
    assert merge([configured(new)], [configured(DOG)]).conflicts == ()  # nothing is lost by it


def test_two_watches_of_one_id_are_told() -> None:
    cat = replace(DOG, instruction="a cat")
    merged = merge([configured(cat, origin=Origin.WATCHES_FILE)], [by_service(DOG)])
    assert [watch.spec for watch in merged.watches] == [cat]
    (conflict,) = merged.conflicts
    assert "'dog' is configured by watches_file, and another" in conflict
    assert "'a dog barks'" in conflict


def test_what_is_no_longer_configured_does_not_run_and_it_is_said() -> None:
    merged = merge([], [configured(DOG), by_service(STORY)])
    assert [watch.id for watch in merged.watches] == ["story"]
    assert "'dog' of the parameters ran before and is no longer configured" in merged.conflicts[0]


def test_made_up_ids_stay_with_their_instruction_and_take_no_other() -> None:
    """alert.instructions was [a, b], and c was added by service; now it is [b, d]."""

    def alert(instruction: str, name: str = "") -> WatchSpec:
        return WatchSpec(id=name, instruction=instruction)

    before = [
        configured(alert("a", "alert_1")),
        configured(alert("b", "alert_2"), replace(alert("b", "alert_2"), window=5)),
        by_service(alert("c", "alert_3")),
    ]
    merged = merge([configured(alert("b")), configured(alert("d"))], before)
    assert [(watch.id, watch.spec.instruction, watch.spec.window) for watch in merged.watches] == [
        ("alert_2", "b", 5),
        ("alert_4", "d", None),
        ("alert_3", "c", None),
    ]
    again = merge([configured(alert("b")), configured(alert("d"))], merged.watches)
    assert again.watches == merged.watches
    assert again.conflicts == ()


def test_free_ids() -> None:
    assert free_id(WatchKind.ALERT, []) == "alert_1"
    assert free_id(WatchKind.NARRATION, ["narration_1", "narration_3"]) == "narration_2"
