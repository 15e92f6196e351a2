"""What the feed is told of an edge that makes fewer looks than its cameras ask for: never two events at a time. Pure.

The event opens where that has lasted for LASTS_S in all, without ENDS_S of keeping up in between, with the worst of the
looks a second that were made and wanted; is updated where it got worse (not more often than UPDATE_S); and closes once
the edge has kept up for ENDS_S, as of when that began. Less is a crowd, or an edge that was just started. Short surges
that come with every green light are more.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple
from uuid import UUID

from edge.load import LoadStatus
from edge.rules.engine import Draft

KIND, RULE = "degraded", "load"
LASTS_S = 20.0
ENDS_S = 30.0
UPDATE_S = 20.0


class Looks(NamedTuple):
    """Whole looks a second, fewer made than wanted."""

    made: int
    wanted: int

    @property
    def share(self) -> float:
        return self.made / self.wanted


NONE_MISSED = Looks(1, 1)


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
        self._told_at = self._at = 0.0
        self._began = self._ended = math.inf  # since when it is degraded; since when no longer
        self._lasted = 0.0  # seconds of it that were degraded
        self._worst = NONE_MISSED

    def step(self, at: float, load: LoadStatus) -> Draft | None:
        """What is to be told at `at`."""
        if self._began < math.inf and self._ended == math.inf:
            self._lasted += at - self._at
        self._at = at
        if not load.degraded:
            self._ended = min(self._ended, at)
            return self._close(at, self._ended) if at - self._ended >= ENDS_S else None
        self._began, self._ended = min(self._began, at), math.inf
        looks = rounded(load.made, load.wanted)
        if looks.share < self._worst.share:
            self._worst = looks
        if self._told is None:
            return self._open(at) if self._lasted >= LASTS_S else None
        if at - self._told_at < UPDATE_S or self._worst == (self._told.count, self._told.of):
            return None
        self._told_at, self._told = at, self._now(self._told, at)
        return self._told

    def end(self, at: float) -> Draft | None:
        """The edge stops: close what is open."""
        return self._close(at, min(self._ended, at))

    def _close(self, at: float, ended: float) -> Draft | None:
        last = self._told and self._now(self._told, at)
        self._told, self._began, self._lasted, self._worst = None, math.inf, 0.0, NONE_MISSED
        if last is None:
            return None
        return replace(last, state="closed", closed_at=max(self._utc_ms(ended), last.opened_at))

    def _open(self, at: float) -> Draft:
        now = self._utc_ms(at)
        self._told_at = at
        self._told = Draft(
            event_id=self._new_id(now),
            rule=RULE,
            kind=KIND,
            zone=None,
            state="open",
            opened_at=min(self._utc_ms(self._began), now),
            at=now,
            closed_at=None,
            label=None,
            count=self._worst.made,
            confidence=None,
            box=None,
            track=None,
            of=self._worst.wanted,
        )
        return self._told

    def _now(self, told: Draft, at: float) -> Draft:
        """The wall clock may be set back."""
        now = max(self._utc_ms(at), told.at)
        return replace(told, state="update", at=now, count=self._worst.made, of=self._worst.wanted)
