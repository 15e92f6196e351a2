"""What the feed is told of an edge that makes fewer looks than its cameras ask for: never two events at a time. Pure.

The event opens with the looks a second that were made and wanted, is updated where it got worse (not more often than
UPDATE_S), and closes with the worst of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple
from uuid import UUID

from edge.load import LoadStatus
from edge.rules.engine import Draft

KIND, RULE = "degraded", "load"
UPDATE_S = 60.0


class Looks(NamedTuple):
    """Whole looks a second, fewer made than wanted."""

    made: int
    wanted: int

    @property
    def share(self) -> float:
        return self.made / self.wanted


def rounded(made: float, wanted: float) -> Looks:
    """Of less than was wanted; "2 of 2" would say that nothing is wrong."""
    whole = max(1, round(wanted))
    return Looks(min(round(made), whole - 1), whole)


class Overload:
    """`utc_ms` and `new_id` as for the RuleEngine."""

    def __init__(self, utc_ms: Callable[[float], int], new_id: Callable[[int], UUID]) -> None:
        self._utc_ms = utc_ms
        self._new_id = new_id
        self._told: Draft | None = None  # the last one, while the event is open
        self._told_at = 0.0
        self._worst = Looks(0, 1)

    def step(self, at: float, load: LoadStatus) -> Draft | None:
        """What is to be told at `at`."""
        if not load.degraded:
            return self.end(at)
        looks = rounded(load.made, load.wanted)
        if self._told is None:
            return self._open(at, looks)
        if looks.share < self._worst.share:
            self._worst = looks
        if at - self._told_at < UPDATE_S or self._worst == (self._told.count, self._told.of):
            return None
        self._told_at, self._told = at, self._now(self._told, at)
        return self._told

    def end(self, at: float) -> Draft | None:
        """The edge keeps up again, or stops: close what is open."""
        if self._told is None:
            return None
        last, self._told = self._now(self._told, at), None
        return replace(last, state="closed", closed_at=last.at)

    def _open(self, at: float, looks: Looks) -> Draft:
        now = self._utc_ms(at)
        self._worst, self._told_at = looks, at
        self._told = Draft(
            event_id=self._new_id(now),
            rule=RULE,
            kind=KIND,
            zone=None,
            state="open",
            opened_at=now,
            at=now,
            closed_at=None,
            label=None,
            count=looks.made,
            confidence=None,
            box=None,
            track=None,
            of=looks.wanted,
        )
        return self._told

    def _now(self, told: Draft, at: float) -> Draft:
        """The wall clock may be set back."""
        now = max(self._utc_ms(at), told.at)
        return replace(told, state="update", at=now, count=self._worst.made, of=self._worst.wanted)
