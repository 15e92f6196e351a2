"""Rules about who is in a zone: intrusion, dwell, occupancy, absence.

Absence asks the question the other way round, so it begins to count when the last presence ends.
"""

from __future__ import annotations

from collections.abc import Sequence

from contract import rules as config
from contract.section import Polygon
from edge.rules.base import Signal, share
from edge.rules.cooldown import Cooldown
from edge.rules.lasting import Lasting
from edge.rules.presence import Zone
from edge.types import Track


class ObjectInZone:
    """`intrusion` and `dwell`: one event an object, from `for_s` inside until it has left."""

    def __init__(self, rule: config.Intrusion | config.Dwell, polygon: Polygon) -> None:
        self._for_s = rule.for_s
        self._zone = Zone(rule, polygon)
        self._cooldown = Cooldown(rule.cooldown_s)

    def step(self, at: float, tracks: Sequence[Track]) -> list[Signal]:
        signals = []
        for key, entry in self._zone.step(at, tracks):
            if entry.fired:
                self._cooldown.begin(key, entry.seen)
                signals.append(Signal("closed", key, entry.seen))
        for key, entry in self._zone.now(at):
            due = not entry.fired and at - entry.since >= self._for_s
            if due and not self._cooldown.holds(key, at):
                entry.fired = True
                signals.append(Signal("opened", key, at, entry.track))
        return signals

    def clear(self, at: float) -> list[Signal]:
        fired = [Signal("closed", key, at) for key, entry in self._zone.inside.items() if entry.fired]
        self._zone.inside.clear()
        self._cooldown.clear()
        return fired

    def waiting(self, at: float) -> float:
        coming = (
            entry for entry in self._zone.counting() if not entry.fired and not self._cooldown.holds(entry.track.id, at)
        )
        return max((share(at - entry.since, self._for_s) for entry in coming), default=0.0)


class Crowd:
    """`occupancy`: one event while at least so many are inside."""

    def __init__(self, rule: config.Occupancy, polygon: Polygon) -> None:
        self._at_least = rule.at_least
        self._zone = Zone(rule, polygon)
        self._state = Lasting(rule.for_s, rule.recover_s)

    def step(self, at: float, tracks: Sequence[Track]) -> list[Signal]:
        left = self._zone.step(at, tracks)
        count = self._zone.count()
        if count < self._at_least:
            return self._state.step(at, False, since=self._zone.since(at, left))
        # Whoever only counts by hysteresis may have left: it takes so many in sight to open.
        sure = self._zone.in_sight(at) >= self._at_least
        return self._state.step(at, True, sure=sure, track=self._zone.latest(), count=count)

    def clear(self, at: float) -> list[Signal]:
        self._zone.inside.clear()
        return self._state.clear(at)

    def waiting(self, at: float) -> float:
        return self._state.waiting(at)


class Lack:
    """`absence`: one event while fewer than so many are inside."""

    def __init__(self, rule: config.Absence, polygon: Polygon) -> None:
        self._fewer_than = rule.fewer_than
        self._zone = Zone(rule, polygon)
        self._state = Lasting(rule.for_s, rule.recover_s)

    def step(self, at: float, tracks: Sequence[Track]) -> list[Signal]:
        left = self._zone.step(at, tracks)
        count = self._zone.count()
        if count < self._fewer_than:
            return self._state.step(at, True, since=self._zone.since(at, left), count=count)
        # Whoever passed by and only counts by hysteresis is no end of it.
        return self._state.step(at, False, sure=self._zone.in_sight(at) >= self._fewer_than)

    def clear(self, at: float) -> list[Signal]:
        self._zone.inside.clear()
        return self._state.clear(at)

    def waiting(self, at: float) -> float:
        return self._state.waiting(at)
