"""Offsets that are added to the stamps of two sensors to align them."""

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
"""Time between reviews of the offsets, ns."""
REVIEW_COUNT, REVIEW_SPAN = 5, 2 * NS_PER_SECOND
"""Number of pairs, and ns they span, that a change of the decision needs."""
COARSE_TIME = 30 * NS_PER_SECOND
"""For so long after a decision its estimate is refined, ns; only frames are moved, since a shift
of the audio would leave gaps."""
FINE, NOISE = _MS // 2, 10 * _MS
"""Change of an offset at a later review, and the error beyond which it changes, ns."""
MOVED = 500 * _MS
"""Movement of a shifted sensor's stamps that leads to a new decision, ns."""
MOVES, MOVES_TIME = 4, 10 * NS_PER_SECOND
"""So many moves in so long (ns): the stamps do not advance with time."""
AGREED_TIME = 10 * NS_PER_SECOND
"""Stamps that may be of one clock for so long are not shifted any more, ns."""


class StampOffsets:
    """Decision which sensor's stamps are shifted, and by how much; it is reviewed continually.

    Args:
        mode: "auto" or "arrival", as AssemblerConfig.clock_alignment.
        longest: longest plausible latency, ns.
        stats: counters to update.
        notices: messages to add to.

    Attributes:
        of: offset that is added to the stamps of each sensor, ns.
        shifted: the sensor that is aligned by arrival; None: neither.
        is_decided: whether there is a decision.
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
        self._ahead_reported = False

    # Estimates

    @property
    def difference(self) -> int | None:
        """Latency of the video minus latency of the audio, by the stamps, ns: a median of 5 s."""
        return self._relation.middle.difference if self._relation else None

    @property
    def agree(self) -> bool:
        """Whether both sensors may be of one clock; False if there is no pair."""
        return bool(self._relation) and self._agrees(self._relation.middle)

    def add_pair(self, now: int, pair: Relation) -> None:
        """Add two items of different sensors that arrived in succession, at `now` (ns)."""
        self._relation.add(now, pair)

    def forget_pairs(self) -> None:
        """Drop the pairs, because the stamps of one sensor or both have jumped."""
        self._relation.clear()

    # Decisions

    def withdraw(self) -> None:
        """Drop the decision; the offsets stay until the next one."""
        self.is_decided = False
        self.shifted = None
        self._history, self._corrects_drift = DriftHistory(), False

    def decide(self, now: int) -> None:
        """Decide by the present pairs which sensor to shift, if any; there must be a pair."""
        relation = self._relation.middle
        self.withdraw()
        self.is_decided, self._decided_at, self._reviewed_at = True, now, now
        self._decided_difference, self._agreeing_since = relation.difference, None
        self.of = dict.fromkeys(Modality, 0)
        if self._agrees(relation):
            self._report_ahead(relation)
            return
        self.shifted = other_than(reference_of(relation, self._longest))
        self.of[self.shifted] = self._error(relation, self.shifted)
        self._stats.realigned += 1
        self._notices.aligned(relation, self.shifted, by_parameter=self._mode == "arrival")

    def review(self, now: int) -> Modality | None:
        """Follow the drift of the shifted sensor, and decide again if the decision was wrong.

        Returns:
            A sensor whose stamps do not advance with time, so that no offset fits; None: neither.
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
        """Return the correction of the shifted sensor's offset, ns."""
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
        self._use_stamps_again(relation, now)
        return None

    def _use_stamps_again(self, relation: Relation, now: int) -> None:
        """Stop shifting if both sensors' stamps have been plausible for 10 s."""
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
        """Keep frames aligned with the audio as they were when the stamps were first used."""
        self._history.add(now, relation.difference)
        drift = self._history.drift
        if drift is None:
            return
        if not self._corrects_drift:
            self._corrects_drift = True
            self._notices.drifts(drift.rate)
        self.of[Modality.VIDEO] = drift.since_begin(now)

    def _report_ahead(self, relation: Relation) -> None:
        ahead = -max(relation.video, relation.audio)
        if relation.explicit and ahead > AHEAD and not self._ahead_reported:
            self._ahead_reported = True
            self._notices.ahead(ahead)


def other_than(modality: Modality) -> Modality:
    """Return the other modality."""
    return Modality.AUDIO if modality is Modality.VIDEO else Modality.VIDEO
