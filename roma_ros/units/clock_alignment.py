"""Stamps of two sensors onto one line of time, whatever clocks they are of.

As long as the stamps of both may be of one clock, they are left as they are. Where they cannot be,
the stamps of one sensor are shifted by a constant, so that what arrives together belongs together;
the shift follows the drift of the clocks. Where the stamps of a sensor mean nothing at all, the
time of arrival stands for them. docs/sensors.md has the rules and their limits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace

from .audio import AudioChunk
from .drift import DriftHistory
from .frame import RestampedFrame
from .sensor_line import STEP, Item, Reading, SensorLine, goes_on
from .stamp_relation import (
    AHEAD,
    SLACK,
    Relation,
    StampRelation,
    are_of_one_clock,
    reference_of,
    same_epoch,
)
from .stats import AssemblerStats
from .stream_clock import Modality
from .unit import NS_PER_SECOND

__all__ = ["AlignedItem", "ClockAlignment", "SensorClockStatus"]

_MS = NS_PER_SECOND // 1000
HOLD = 500 * _MS
"""What disagrees or has jumped waits so long for more of its kind before it is judged."""
MAX_HELD = {Modality.VIDEO: 32, Modality.AUDIO: 128}
"""Items that may wait for a judgement."""
THINNED = 200 * _MS
"""Of pictures that wait, five a second are kept: memory, and units show two."""
REVIEW = 250 * _MS
REVIEW_COUNT, REVIEW_SPAN = 5, 2 * NS_PER_SECOND
"""A judgement is changed only by so many pairs over so long."""
COARSE_TIME = 30 * NS_PER_SECOND
"""So long after a judgement its estimate is refined, by the pictures alone: sound would tear."""
FINE, NOISE = _MS // 2, 10 * _MS
"""How much a shift changes at a review later, if it is wrong by more than NOISE."""
TRUSTED_AGAIN = 10 * NS_PER_SECOND
"""Stamps that may be of one clock for so long are not aligned any more."""
STRAGGLING = 10 * NS_PER_SECOND
"""A single item that is older than those around it by less is late; else its stamp is wrong."""
MAX_NOTICES = 16

_NAMES = {Modality.VIDEO: "camera", Modality.AUDIO: "microphone"}


@dataclass(frozen=True, slots=True, eq=False)
class AlignedItem:
    """An item that may go on.

    Attributes:
        item: with its stamp on the common line of time.
        clock: the node's clock at its arrival, ns; None: not known.
        restart: it begins a new stream.
        straggler: it is older than what has come before it, and is no jump.
        waited: it was held back, so that it says nothing of how late things are.
    """

    modality: Modality
    item: Item
    clock: int | None
    restart: bool = False
    straggler: bool = False
    waited: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorClockStatus:
    """How a sensor's stamps lie.

    Attributes:
        by_arrival: whether it is aligned by the arrival of its items.
        offset: what is added to its stamps, s.
        latency: from its stamps until arrival by the node's clock, s; None: stamps and clock are
            not of one epoch, or nothing has come.
        drift: of its stamps against arrival, parts per million; None: not known yet.
        lateness: how long units wait for it at present, s.
        fault: why its stamps cannot be used; empty: they can, or were aligned.
    """

    modality: Modality
    by_arrival: bool
    offset: float
    latency: float | None
    drift: float | None
    lateness: float
    fault: str


class ClockAlignment:
    """Puts the stamps of two sensors on one line of time.

    Args:
        mode: "auto" or "arrival", as AssemblerConfig.clock_alignment.
        longest: the longest latency that is believed, ns.
        stats: where wrong stamps are counted.
    """

    def __init__(self, *, mode: str, longest: int, stats: AssemblerStats) -> None:
        self._mode = mode
        self._longest = longest
        self._stats = stats
        self._lines = {modality: SensorLine(modality) for modality in Modality}
        self._relation = StampRelation()
        self._turn: Modality | None = None  # the sensor that came last
        self._decided = False
        self._holding: SensorLine | None = None
        self._follower: SensorLine | None = None  # the sensor that is shifted
        self._history = DriftHistory()
        self._corrects_drift = False
        self._decided_at = 0
        self._decided_difference = 0
        self._reviewed_at = 0
        self._agreeing_since: int | None = None
        self._restart = False
        self._ahead_said = False
        self._notices: deque[str] = deque(maxlen=MAX_NOTICES)

    @property
    def is_undecided(self) -> bool:
        """Whether a sensor's first items are held back, for half a second at most."""
        return self._holding is not None

    def notices(self) -> list[str]:
        """What there is to say since the last call: each jump and each change once."""
        notices = list(self._notices)
        self._notices.clear()
        return notices

    def status(self, modality: Modality, lateness: float) -> SensorClockStatus:
        """How a sensor's stamps lie; `lateness` in s."""
        line = self._lines[modality]
        last = line.last
        latency = None
        if last is not None and line.lead is not None and same_epoch(last.latency):
            latency = (last.latency + last.lead - line.lead) / NS_PER_SECOND
        fault = f"its stamps {line.fault}" if line.fault else ""
        if not fault and abs(line.offset) > 60 * NS_PER_SECOND:
            fault = f"its stamps are of another epoch ({_span(line.offset)} are added)"
        return SensorClockStatus(
            modality=modality,
            by_arrival=bool(line.fault) or line is self._follower,
            offset=line.offset / NS_PER_SECOND,
            latency=latency,
            drift=line.drift,
            lateness=lateness,
            fault=fault,
        )

    def add(
        self, modality: Modality, item: Item, arrival: int, clock: int | None
    ) -> list[AlignedItem]:
        """Take an item, and give those that may go on, in their order.

        Args:
            arrival: a clock that never jumps, ns.
            clock: the node's clock at arrival, ns; None: not known.
        """
        line, reading = self._lines[modality], Reading(modality, item, arrival, clock)
        if item.stamp < 0:
            return [AlignedItem(modality, item, clock)]  # which will be refused
        fault = line.notice(reading)
        if fault:
            self._give_up(line, fault)
        if line.fault and not (line.has_recovered(arrival) and self._use_again(line, reading)):
            return [*self._settle(arrival), self._by_arrival(line, reading)]
        if line.repeats:
            self._count_repeated(modality)
            return self._settle(arrival)
        if line.last is None or goes_on(line.last, reading):
            ready = [*self._late(line), *self._on_line(line, reading)]
        elif 0 < line.last.end - reading.end <= self._longest + SLACK and not line.suspects:
            ready = [self._place(line, reading, straggler=True)]
        else:
            ready = self._jumped(line, reading)
        return ready + self._settle(arrival)

    def flush(self) -> list[AlignedItem]:
        """What is still held back at the end, and can be placed."""
        ready: list[AlignedItem] = []
        if self._holding is not None:
            ready += self._release(self._holding.held[-1].arrival)
        for line in self._lines.values():
            suspects, line.suspects = line.suspects, []
            if suspects and line.last is not None and suspects[0].end > line.last.end:
                ready += [self._place(line, suspect) for suspect in suspects]
            else:
                self._stats.stamps_bad += len(suspects)
        return ready

    def forget_held(self) -> None:
        """Drop what is held back; what is known of the sensors stays."""
        for line in self._lines.values():
            line.suspects, line.held = [], []
        self._holding = None

    # Items on their sensor's line

    def _on_line(self, line: SensorLine, reading: Reading) -> list[AlignedItem]:
        other = self._other(line)
        line.take(reading)
        if self._turn is not line.modality and other.last is not None and not other.fault:
            self._relation.add(reading.arrival, Relation.of(reading, other.last))
        self._turn = line.modality
        if self._decided:
            self._review(reading.arrival)
        elif self._relation and self._holding is None:
            if self._agrees(self._relation.middle):
                self._decide(reading.arrival)
            else:
                self._holding = line
        if self._holding is line:
            _keep(line.held, reading)
            return []
        return [self._place(line, reading)]

    def _settle(self, now: int) -> list[AlignedItem]:
        """Judge what has waited for long enough."""
        ready: list[AlignedItem] = []
        holding = self._holding
        if holding is not None and _is_due(holding.held, now):
            ready += self._release(now)
        for line in self._lines.values():
            suspects, other = line.suspects, self._other(line)
            if len(suspects) < 2:
                continue
            known = other.last is None or other.tells_since(suspects[0].arrival, now, HOLD)
            if len(suspects) >= MAX_HELD[line.modality] or (
                known and (other.last is None or _is_due(suspects, now))
            ):
                ready += self._jumped_alone(line, now)
        return ready

    def _release(self, now: int) -> list[AlignedItem]:
        """The first judgement of two sensors that disagree."""
        line = self._holding
        assert line is not None
        self._holding = None
        if self._relation:  # it has gone if the other sensor's stamps were given up meanwhile
            self._decide(now)
        held, line.held, lead = line.held, [], line.lead
        good = [item for item in held if lead is None or abs(item.lead - lead) <= STEP]
        self._stats.stamps_bad += len(held) - len(good)
        return [self._place(line, reading, waited=True) for reading in good]

    def _place(
        self,
        line: SensorLine,
        reading: Reading,
        *,
        straggler: bool = False,
        waited: bool = False,
    ) -> AlignedItem:
        restart, self._restart = self._restart, False
        item = _restamped(reading.item, reading.stamp + line.offset)
        return AlignedItem(line.modality, item, reading.clock, restart, straggler, waited)

    # Jumps

    def _late(self, line: SensorLine) -> Iterable[AlignedItem]:
        """Suspects after which the line has gone on as before: they were late, or wrong."""
        suspects, line.suspects = line.suspects, []
        for suspect in suspects:
            last = line.last
            if last is not None and 0 <= last.end - suspect.end <= STRAGGLING:
                yield self._place(line, suspect, straggler=True)
            else:
                self._stats.stamps_bad += 1

    def _jumped(self, line: SensorLine, reading: Reading) -> list[AlignedItem]:
        """An item whose stamp has jumped: believed if the other sensor's has jumped as well."""
        other = self._other(line)
        if self._relation:
            expected = self._relation.middle.difference
            for there in (*other.suspects[-1:], *filter(None, [other.last])):
                if abs(Relation.of(reading, there).difference - expected) <= STEP:
                    return self._jumped_together(line, reading)
        if line.suspects and not goes_on(line.suspects[-1], reading):
            self._stats.stamps_bad += len(line.suspects)
            line.suspects.clear()
            if line.count_step(reading.arrival):
                self._give_up(line, "jump to and fro")
                return [self._by_arrival(line, reading)]
        _keep(line.suspects, reading)
        return []

    def _jumped_together(self, line: SensorLine, reading: Reading) -> list[AlignedItem]:
        line.suspects.append(reading)
        self._relation.clear()
        ready: list[AlignedItem] = []
        for moved in (self._other(line), line):
            suspects, moved.suspects = moved.suspects, []
            if suspects:
                moved.jump_to(suspects)
                ready += [self._place(moved, suspect, waited=True) for suspect in suspects]
        self._pair_last(reading.arrival)
        return ready

    def _jumped_alone(self, line: SensorLine, now: int) -> list[AlignedItem]:
        """The suspects are right: the sensor has another clock than before."""
        suspects, line.suspects = line.suspects, []
        other, last = self._other(line), line.last
        assert last is not None
        jump = suspects[0].lead - last.lead
        both = other.last is not None and not other.fault and other.runs(now)
        if (both or jump < 0) and line.count_step(now):
            self._give_up(line, "jump to and fro")
            return [self._by_arrival(line, suspect) for suspect in suspects[-1:]]
        line.jump_to(suspects)
        self._relation.clear()
        if both and other.last is not None:
            for suspect in suspects:
                self._relation.add(suspect.arrival, Relation.of(suspect, other.last))
            self._say(f"the {_NAMES[line.modality]}'s clock has jumped by {_span(jump)}")
            self._begin_anew()
            self._decide(now)
        else:
            self._begin_anew(restart=False)
            line.offset = 0
        return [self._place(line, suspect, waited=True) for suspect in suspects]

    def _begin_anew(self, *, restart: bool = True) -> None:
        """What was decided does not hold any more."""
        self._decided = False
        self._follower = None
        self._history, self._corrects_drift = DriftHistory(), False
        self._restart |= restart

    # Stamps that are not used

    def _give_up(self, line: SensorLine, fault: str) -> None:
        """The stamps of a sensor mean nothing: go by arrival."""
        line.fault = fault
        self._stats.stamps_bad += len(line.suspects) + len(line.held)
        line.suspects, line.held = [], []
        if self._holding is line:
            self._holding = None
        self._relation.clear()
        self._follower = None
        self._decided = False
        self._say(
            f"the {_NAMES[line.modality]}'s stamps {fault}: it is aligned by the time at which "
            "its messages arrive"
        )

    def _use_again(self, line: SensorLine, reading: Reading) -> bool:
        line.fault, line.offset = "", 0
        line.jump_to([reading])
        self._begin_anew()
        self._say(f"the {_NAMES[line.modality]}'s stamps go on with time again, and are used")
        return True

    def _by_arrival(self, line: SensorLine, reading: Reading) -> AlignedItem:
        other = self._other(line)
        carry = None
        if other.lead is not None and not other.fault and other.runs(reading.arrival):
            carry = other.lead + other.offset
        elif reading.clock is not None:
            carry = reading.clock - reading.arrival
        restart, self._restart = self._restart, False
        item = _restamped(reading.item, line.stamp_by_arrival(reading, carry))
        return AlignedItem(line.modality, item, reading.clock, restart)

    def _count_repeated(self, modality: Modality) -> None:
        if modality is Modality.VIDEO:
            self._stats.frames_duplicate += 1
        else:
            self._stats.audio_overlap += 1

    # Judgements

    def _agrees(self, relation: Relation) -> bool:
        return self._mode != "arrival" and are_of_one_clock(relation, self._longest)

    def _decide(self, now: int) -> None:
        """Judge the relation of the sensors as it is, and shift one of them or none."""
        relation = self._relation.middle
        self._decided, self._decided_at, self._reviewed_at = True, now, now
        self._holding, self._agreeing_since = None, None
        self._history, self._corrects_drift = DriftHistory(), False
        for line in self._lines.values():
            line.offset = 0
        self._follower = None
        if self._agrees(relation):
            self._say_if_ahead(relation)
            return
        reference = self._lines[reference_of(relation, self._longest)]
        self._follower = self._other(reference)
        self._follower.offset = self._wrong_by(relation)
        self._decided_difference = relation.difference
        self._stats.realigned += 1
        self._say(self._explain(relation, reference))

    def _wrong_by(self, relation: Relation) -> int:
        """What is to be added to the follower's offset."""
        video, audio = (self._lines[modality].offset for modality in Modality)
        error = relation.difference - (video - audio)
        return error if self._follower is self._lines[Modality.VIDEO] else -error

    def _review(self, now: int) -> None:
        """Follow the drift of what is shifted, and judge anew if the judgement was wrong."""
        if now - self._reviewed_at < REVIEW:
            return
        self._reviewed_at = now
        if not self._relation.is_settled(REVIEW_COUNT, REVIEW_SPAN):
            return
        relation = self._relation.middle
        follower = self._follower
        if follower is None:
            self._correct_drift(relation, now)
            if not (self._corrects_drift or self._agrees(relation)):
                self._decide(now)
            return
        error = self._wrong_by(relation)
        moved = relation.difference - self._decided_difference
        early = now - self._decided_at < COARSE_TIME
        if abs(error) > STEP or (early and abs(moved) > STEP):
            self._shift_moved(follower, now)
            return
        self._refine(follower, error, now)
        self._trust_again(relation, now)

    def _correct_drift(self, relation: Relation, now: int) -> None:
        """Keep pictures where they were beside the sound when the stamps were first believed."""
        self._history.add(now, relation.difference)
        drift = self._history.drift
        if drift is None:
            return
        if not self._corrects_drift:
            self._corrects_drift = True
            self._say(
                f"the clocks of camera and microphone drift apart by {drift.rate * 1e6:+.0f} ppm: "
                "the camera's stamps are corrected by that from here on"
            )
        self._lines[Modality.VIDEO].offset = drift.since_begin(now)

    def _refine(self, follower: SensorLine, error: int, now: int) -> None:
        video = self._lines[Modality.VIDEO]
        if now - self._decided_at < COARSE_TIME:
            video.offset += error if follower is video else -error
        elif abs(error) > NOISE:
            follower.offset += max(-FINE, min(error, FINE))

    def _shift_moved(self, follower: SensorLine, now: int) -> None:
        """The stamps of a shifted sensor have moved little by little."""
        if follower.count_step(now):
            self._give_up(follower, "do not go on with time")
            return
        self._begin_anew(restart=False)
        self._decide(now)

    def _trust_again(self, relation: Relation, now: int) -> None:
        """Stop shifting if both sensors' stamps have been plausible for long."""
        plausible = (
            self._agrees(relation)
            and min(relation.video, relation.audio) >= 0
            and max(relation.video, relation.audio) <= self._longest
        )
        if not plausible:
            self._agreeing_since = None
        elif self._agreeing_since is None:
            self._agreeing_since = now
        elif now - self._agreeing_since >= TRUSTED_AGAIN:
            self._say("the stamps of camera and microphone agree again, and are used as they are")
            self._begin_anew(restart=False)
            self._decide(now)

    def _pair_last(self, now: int) -> None:
        video, audio = (self._lines[modality].last for modality in Modality)
        if video is not None and audio is not None:
            self._relation.add(now, Relation.of(video, audio))

    def _other(self, line: SensorLine) -> SensorLine:
        video = line.modality is Modality.VIDEO
        return self._lines[Modality.AUDIO if video else Modality.VIDEO]

    # What there is to say

    def _say(self, notice: str) -> None:
        self._notices.append(notice)

    def _explain(self, relation: Relation, reference: SensorLine) -> str:
        follower = self._other(reference)
        apart = relation.difference * (1 if follower.modality is Modality.VIDEO else -1)
        lead = "ahead of" if apart < 0 else "behind"
        why = "" if self._mode == "auto" else " (clock_alignment is arrival)"
        return (
            f"the {_NAMES[follower.modality]}'s stamps are {_span(abs(apart))} {lead} the "
            f"{_NAMES[reference.modality]}'s: it is aligned by the time at which its messages "
            f"arrive{why}"
        )

    def _say_if_ahead(self, relation: Relation) -> None:
        ahead = -max(relation.video, relation.audio)
        if relation.explicit and ahead > AHEAD and not self._ahead_said:
            self._ahead_said = True
            self._say(
                f"all stamps are {_span(ahead)} ahead of this node's clock; events are stamped "
                "earlier by as much, since they cannot be of the future"
            )


def _keep(waiting: list[Reading], reading: Reading) -> None:
    """Lets an item wait."""
    close = bool(waiting) and abs(reading.stamp - waiting[-1].stamp) < THINNED
    if isinstance(reading.item, AudioChunk) or not close:
        waiting.append(reading)


def _is_due(waiting: list[Reading], now: int) -> bool:
    if not waiting:
        return False
    return now - waiting[0].arrival >= HOLD or len(waiting) >= MAX_HELD[waiting[0].modality]


def _restamped(item: Item, stamp: int) -> Item:
    """The item with another stamp; the item itself if it has that."""
    if stamp == item.stamp:
        return item
    if isinstance(item, AudioChunk):
        return replace(item, stamp=stamp)
    return RestampedFrame(stamp, item)


def _span(nanoseconds: int) -> str:
    """A duration in words."""
    seconds = nanoseconds / NS_PER_SECOND
    if abs(seconds) < 3600:
        return f"{seconds:.3f} s"
    days = seconds / 86_400
    return f"{days:.1f} days" if abs(days) < 730 else f"{days / 365.25:.1f} years"
