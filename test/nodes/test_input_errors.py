from roma_ros.nodes import input_errors
from roma_ros.nodes.input_errors import InputErrors


def test_every_fault_is_counted_and_each_kind_is_logged_once_in_a_while():
    lines: list[str] = []
    found = InputErrors(lines.append)
    for _ in range(3):
        found.report("/image", "ImageError", "wrong step")
    found.report("/audio", "AudioError", "no samples")
    assert found.counts == {"/image: ImageError": 3, "/audio: AudioError": 1}
    assert lines == ["/image: wrong step", "/audio: no samples"]
    assert found.recent == "/audio: no samples"


def test_a_later_line_says_how_often_it_happened_meanwhile(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    lines: list[str] = []
    found = InputErrors(lines.append)
    for _ in range(4):
        found.report("/image", "ImageError", "wrong step")
    now[0] += 2 * input_errors.RECENT
    assert not found.recent
    found.report("/image", "ImageError", "wrong step")
    assert lines[-1] == "/image: wrong step (4 times)"
