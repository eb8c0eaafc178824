from roma_ros.nodes.input_switches import InputSwitches
from roma_ros.units import Modality

AUDIO, VIDEO = Modality.AUDIO, Modality.VIDEO


def test_one_input_is_switched_off_and_on_alone():
    switches = InputSwitches.of([VIDEO, AUDIO])
    assert str(switches) == "video is enabled, audio is enabled"
    deaf = switches.switched(AUDIO, False)
    assert (deaf.enabled(VIDEO), deaf.enabled(AUDIO)) == (True, False)
    assert deaf.disabled == {AUDIO}
    assert deaf.why_disabled == "audio is disabled by ~/enable_audio"
    assert str(deaf) == "video is enabled, audio is disabled by ~/enable_audio"
    assert deaf.switched(AUDIO, True) == switches


def test_the_switch_for_all_gives_back_what_it_took_and_no_more():
    deaf = InputSwitches.of([VIDEO, AUDIO]).switched(AUDIO, False)
    shut = deaf.switched(None, False)
    assert shut.disabled == {VIDEO, AUDIO}
    assert shut.disabled_by(AUDIO) == ["~/enable", "~/enable_audio"]
    assert shut.switched(None, True) == deaf
    assert shut.switched(AUDIO, True).disabled == {VIDEO, AUDIO}


def test_an_input_that_is_not_there_is_neither_enabled_nor_disabled():
    switches = InputSwitches.of([AUDIO]).switched(None, False)
    assert not switches.enabled(VIDEO)
    assert switches.disabled == {AUDIO}
    assert str(switches) == "audio is disabled by ~/enable"
