"""What is added to the stamps of two sensors, so that both lie on one line of time."""

from __future__ import annotations

from collections import deque

from roma_ros.units.clock_notices import ClockNotices
from roma_ros.units.drift import DriftHistory
from roma_ros.units.stamp_relation import (
    AHEAD,
    Relation,
    StampRelation,
    are_of_one_clock,
    reference_of,
)
from roma_ros.units.stats import AssemblerStats
from roma_ros.units.stream_clock import Modality
from roma_ros.units.unit import NS_PER_SECOND

__all__ = ["StampOffsets", "other_than"]

_MS = NS_PER_SECOND // 1000
REVIEW = 250 * _MS
REVIEW_COUNT, REVIEW_SPAN = 5, 2 * NS_PER_SECOND
"""A judgement is changed only by so many pairs over so long."""
COARSE_TIME = 30 * NS_PER_SECOND
"""So long after a judgement its estimate is refined, by the pictures alone: sound would tear."""
FINE, NOISE = _MS // 2, 10 * _MS
"""How much an offset changes at a review later, if it is wrong by more than NOISE."""
MOVED = 500 * _MS
"""The stamps of a shifted sensor have moved by so much: it is judged anew."""
MOVES, MOVES_TIME = 4, 10 * NS_PER_SECOND
"""So many moves in so long: the stamps do not go on with time."""
AGREED_TIME = 10 * NS_PER_SECOND
"""Stamps that may be of one clock for so long are not shifted any more."""


class StampOffsets:
    """Judges how the stamps of two sensors lie, and follows them.

    Args:
        mode: "auto" or "arrival", as AssemblerConfig.clock_alignment.
        longest: the longest latency that is believed, ns.
        stats: where shifts are counted.
        notices: where judgements are told.

    Attributes:
        of: what is added to the stamps of each sensor, ns.
        shifted: the sensor that is aligned by arrival; None: neither.
        is_decided: whether there is a judgement.
    """

    def __init__(
        self, *, mode: str, longest: int, stats: AssemblerStats, notices: ClockNotices
    ) -> None:
        self.of = dict.fromkeys(Modality, 0)
        self.shifted: Modality | None = None
        self.is_decided = False
        self._mode = mode
        self._longest = longest
        self._stats = stats
        self._notices = notices
        self._relation = StampRelation()
        self._history = DriftHistory()
        self._corrects_drift = False
        self._decided_at = 0
        self._decided_difference = 0
        self._reviewed_at = 0
        self._agreeing_since: int | None = None
        self._moves: deque[int] = deque(maxlen=MOVES)
        self._ahead_said = False

    # What is known

    @property
    def difference(self) -> int | None:
        """How much later the video arrives, by the stamps, than the audio: ns, a median of 5 s."""
        return self._relation.middle.difference if self._relation else None

    @property
    def agree(self) -> bool:
        """Whether both sensors may be of one clock, by what is known; False if nothing is."""
        return bool(self._relation) and self._agrees(self._relation.middle)

    def add_pair(self, now: int, pair: Relation) -> None:
        """Take two items of different sensors that arrived one soon after the other."""
        self._relation.add(now, pair)

    def forget_pairs(self) -> None:
        """The stamps of one sensor or both have jumped."""
        self._relation.clear()

    # Judgements

    def withdraw(self) -> None:
        """What was decided does not hold any more; the offsets stay until something is."""
        self.is_decided = False
        self.shifted = None
        self._history, self._corrects_drift = DriftHistory(), False

    def decide(self, now: int) -> None:
        """Judge the sensors as they are, and shift one or neither; there must be a pair."""
        relation = self._relation.middle
        self.withdraw()
        self.is_decided, self._decided_at, self._reviewed_at = True, now, now
        self._decided_difference, self._agreeing_since = relation.difference, None
        self.of = dict.fromkeys(Modality, 0)
        if self._agrees(relation):
            self._say_if_ahead(relation)
            return
        self.shifted = other_than(reference_of(relation, self._longest))
        self.of[self.shifted] = self._error(relation, self.shifted)
        self._stats.realigned += 1
        self._notices.aligned(relation, self.shifted, by_parameter=self._mode == "arrival")

    def review(self, now: int) -> Modality | None:
        """Follow the drift of what is shifted, and judge anew if the judgement was wrong.

        Returns:
            A sensor whose stamps do not go on with time, so that no offset fits; None: neither.
        """
        if now - self._reviewed_at < REVIEW:
            return None
        self._reviewed_at = now
        if not self._relation.is_settled(REVIEW_COUNT, REVIEW_SPAN):
            return None
        relation = self._relation.middle
        if self.shifted is not None:
            return self._review_shifted(self.shifted, relation, now)
        self._correct_drift(relation, now)
        if not (self._corrects_drift or self._agrees(relation)):
            self.decide(now)
        return None

    def _agrees(self, relation: Relation) -> bool:
        return self._mode != "arrival" and are_of_one_clock(relation, self._longest)

    def _error(self, relation: Relation, shifted: Modality) -> int:
        """What is to be added to the offset of the shifted sensor."""
        error = relation.difference - (self.of[Modality.VIDEO] - self.of[Modality.AUDIO])
        return error if shifted is Modality.VIDEO else -error

    def _review_shifted(self, shifted: Modality, relation: Relation, now: int) -> Modality | None:
        error = self._error(relation, shifted)
        moved = relation.difference - self._decided_difference
        is_early = now - self._decided_at < COARSE_TIME
        if abs(error) > MOVED or (is_early and abs(moved) > MOVED):
            self._moves.append(now)
            if len(self._moves) == MOVES and now - self._moves[0] <= MOVES_TIME:
                return shifted
            self.decide(now)
        elif is_early:
            self.of[Modality.VIDEO] += error if shifted is Modality.VIDEO else -error
        elif abs(error) > NOISE:
            self.of[shifted] += max(-FINE, min(error, FINE))
        self._trust_again(relation, now)
        return None

    def _trust_again(self, relation: Relation, now: int) -> None:
        """Shift nothing any more if both sensors' stamps have been plausible for long."""
        latencies = relation.video, relation.audio
        plausible = (
            self._agrees(relation) and 0 <= min(latencies) <= max(latencies) <= self._longest
        )
        if not plausible:
            self._agreeing_since = None
        elif self._agreeing_since is None:
            self._agreeing_since = now
        elif now - self._agreeing_since >= AGREED_TIME:
            self._notices.agree_again()
            self.decide(now)

    def _correct_drift(self, relation: Relation, now: int) -> None:
        """Keep pictures where they were beside the sound when the stamps were first believed."""
        self._history.add(now, relation.difference)
        drift = self._history.drift
        if drift is None:
            return
        if not self._corrects_drift:
            self._corrects_drift = True
            self._notices.drifts(drift.rate)
        self.of[Modality.VIDEO] = drift.since_begin(now)

    def _say_if_ahead(self, relation: Relation) -> None:
        ahead = -max(relation.video, relation.audio)
        if relation.explicit and ahead > AHEAD and not self._ahead_said:
            self._ahead_said = True
            self._notices.ahead(ahead)


def other_than(modality: Modality) -> Modality:
    """The other of the two."""
    return Modality.AUDIO if modality is Modality.VIDEO else Modality.VIDEO
