"""Rules about zones: intrusion, dwell, occupancy, absence.

All four rest on one thing, the presence of an object in a zone, which has a hysteresis: an object that steps out or
is not seen for less than `leave_s` has not left. Absence asks the question the other way round, so it begins to count
when the last presence ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from contract import geometry
from contract import rules as config
from contract.section import Polygon
from edge.rules.base import LabelFilter, Signal, anchor
from edge.types import Track

_ZoneRule: TypeAlias = config.Intrusion | config.Dwell | config.Occupancy | config.Absence


@dataclass(slots=True)
class _Presence:
    since: float  # first seen inside
    seen: float  # last seen inside
    track: Track
    fired: bool = False


class _Zone:
    """Who is in the zone, with hysteresis. Keyed by track; an entry ends `leave_s` after it was last seen inside."""

    def __init__(self, rule: config.Intrusion | config.Dwell | config.Occupancy | config.Absence, polygon: Polygon):
        self._polygon = polygon
        self._anchor = rule.anchor
        self._leave_s = rule.leave_s
        self._wanted = LabelFilter(rule.labels)
        self.inside: dict[int, _Presence] = {}

    def step(self, at: float, tracks: Sequence[Track]) -> list[tuple[int, _Presence]]:
        """Take in one look; returns who has left."""
        unseen = set()
        for track in self._wanted(tracks):
            if not geometry.contains(self._polygon, anchor(track.box, self._anchor)):
                continue
            if track.at < at:
                unseen.add(track.id)  # not found in this look, but not given up by the tracker either
                continue
            presence = self.inside.setdefault(track.id, _Presence(at, at, track))
            presence.seen, presence.track = at, track
        left = [
            (key, entry) for key, entry in self.inside.items() if key not in unseen and at - entry.seen > self._leave_s
        ]
        for key, _ in left:
            del self.inside[key]
        return left

    def count(self) -> int:
        return sum(entry.track.confirmed for entry in self.inside.values())

    def now(self, at: float) -> Iterator[tuple[int, _Presence]]:
        """Those really seen inside in this look."""
        return ((key, entry) for key, entry in self.inside.items() if entry.seen == at)


class ObjectInZone:
    """`intrusion` and `dwell`: an event for each object that has been inside for `for_s`."""

    def __init__(self, rule: config.Intrusion | config.Dwell, polygon: Polygon) -> None:
        self._for_s = rule.for_s
        self._zone = _Zone(rule, polygon)

    def step(self, at: float, tracks: Sequence[Track]) -> list[Signal]:
        left = self._zone.step(at, tracks)
        signals = [Signal("closed", key, entry.seen) for key, entry in left if entry.fired]
        for key, entry in self._zone.now(at):
            if not entry.fired and entry.track.confirmed and at - entry.since >= self._for_s:
                entry.fired = True
                signals.append(Signal("opened", key, at, entry.track))
        return signals

    def clear(self, at: float) -> list[Signal]:
        fired = [Signal("closed", key, at) for key, entry in self._zone.inside.items() if entry.fired]
        self._zone.inside.clear()
        return fired


class _Lasting:
    """A state of the zone that opens one event once it has held for `for_s`, and closes it when it ends."""

    def __init__(self, for_s: float) -> None:
        self._for_s = for_s
        self._since: float | None = None
        self._open = False

    def holds(
        self, at: float, count: int, *, since: float, sure: bool = True, track: Track | None = None
    ) -> list[Signal]:
        """`since`: when it began, if it is new. An event opens only while `sure`."""
        if self._since is None:
            self._since = since
        if self._open or not sure or at - self._since < self._for_s:
            return []
        self._open = True
        return [Signal("opened", None, at, track, count)]

    def ends(self, at: float) -> list[Signal]:
        was_open, self._open, self._since = self._open, False, None
        return [Signal("closed", None, at)] if was_open else []


class Crowd:
    """`occupancy`: one event while at least so many are inside."""

    def __init__(self, rule: config.Occupancy, polygon: Polygon) -> None:
        self._at_least = rule.at_least
        self._zone = _Zone(rule, polygon)
        self._state = _Lasting(rule.for_s)

    def step(self, at: float, tracks: Sequence[Track]) -> list[Signal]:
        self._zone.step(at, tracks)
        count = self._zone.count()
        if count < self._at_least:
            return self._state.ends(at)
        # Whoever only counts by hysteresis may have left: it takes so many in sight to open.
        in_sight = sum(entry.track.confirmed for _, entry in self._zone.now(at))
        sure = in_sight >= self._at_least
        return self._state.holds(at, count, since=at, sure=sure, track=_latest(self._zone))

    def clear(self, at: float) -> list[Signal]:
        self._zone.inside.clear()
        return self._state.ends(at)


class Lack:
    """`absence`: one event while fewer than so many are inside."""

    def __init__(self, rule: config.Absence, polygon: Polygon) -> None:
        self._fewer_than = rule.fewer_than
        self._zone = _Zone(rule, polygon)
        self._state = _Lasting(rule.for_s)

    def step(self, at: float, tracks: Sequence[Track]) -> list[Signal]:
        left = self._zone.step(at, tracks)
        count = self._zone.count()
        if count >= self._fewer_than:
            return self._state.ends(at)
        # Whoever left was last seen `leave_s` ago, and the place has been without them since.
        since = max((entry.seen for _, entry in left if entry.track.confirmed), default=at)
        return self._state.holds(at, count, since=since)

    def clear(self, at: float) -> list[Signal]:
        self._zone.inside.clear()
        return self._state.ends(at)


def _latest(zone: _Zone) -> Track | None:
    return max((entry for entry in zone.inside.values()), key=lambda entry: entry.since).track if zone.inside else None
