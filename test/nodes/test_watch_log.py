from dataclasses import replace

from roma_ros.nodes.watch_log import WatchLog
from roma_ros.watch import Watch, WatchKind

DOG = Watch(id="dog", kind=WatchKind.ALERT, instruction="A dog\nbarks.", threshold=0.5)
CAT = Watch(id="cat", kind=WatchKind.NARRATION, instruction="Describe the cat.", threshold=0.75)


def test_says_what_was_added_adjusted_and_removed_and_by_what():
    lines: list[str] = []
    log = WatchLog(lines.append)
    log.update([DOG], "configure")
    log.update([DOG, CAT], "~/watch")
    log.update([replace(DOG, threshold=0.9, window=3), CAT], "parameters")
    log.update([CAT], "~/unwatch")
    assert lines == [
        "watch dog added by configure: alert 'A dog barks.' (threshold 0.5, window 1, cooldown 0)",
        "watch cat added by ~/watch: "
        "narration 'Describe the cat.' (threshold 0.75, window 1, cooldown 0)",
        "watch dog adjusted by parameters: threshold 0.5 -> 0.9, window 1 -> 3",
        "watch dog removed by ~/unwatch",
    ]


def test_says_nothing_where_nothing_has_changed():
    lines: list[str] = []
    log = WatchLog(lines.append)
    log.update([DOG], "configure")
    log.update([DOG], "parameters")
    assert len(lines) == 1


def test_says_again_what_is_added_after_all_were_freed():
    lines: list[str] = []
    log = WatchLog(lines.append)
    log.update([DOG], "configure")
    log.clear()
    log.update([DOG], "configure")
    assert len(lines) == 2
    assert lines[0] == lines[1]
