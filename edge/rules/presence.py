"""Who is in a zone: the one thing that most rules about zones rest on.

It has a hysteresis in time and in place. An object enters when its anchor is inside. It has left when the anchor was
clearly outside (`base.margin`), or the object not followed, for `leave_s`; one that the tracker still follows without
seeing it stays where it was. Where looks are further apart than `leave_s`, one look outside may be wrong: it takes a
second. An entry is deleted when its object has left.

Objects of every label have entries, and those of the wanted labels count: what is called a dog for two looks and a
person from then on has been there from the beginning.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from contract import geometry
from contract.geometry import Point
from contract.rules import ZoneRule
from contract.section import Polygon
from edge.rules.base import LabelFilter, anchor, margin
from edge.types import Track


@dataclass(slots=True)
class Presence:
    since: float  # first seen inside
    seen: float  # last seen inside
    track: Track
    outside: bool = False  # in the last look that had it
    fired: bool = False


class Zone:
    """Keyed by track."""

    def __init__(self, rule: ZoneRule, polygon: Polygon) -> None:
        self._polygon = polygon
        self._anchor = rule.anchor
        self._leave_s = rule.leave_s
        self._wanted = LabelFilter(rule.labels)
        self.inside: dict[int, Presence] = {}

    def step(self, at: float, tracks: Sequence[Track]) -> list[tuple[int, Presence]]:
        """Take in one look; returns who has left."""
        staying = set()  # not found in this look, but not given up by the tracker either; or outside for the first time
        for track in tracks:
            presence = self.inside.get(track.id)
            if not holds(self._polygon, anchor(track.box, self._anchor), margin(track.box) if presence else 0.0):
                if presence is not None and not presence.outside:
                    presence.outside = True
                    staying.add(track.id)
            elif track.at < at:
                staying.add(track.id)
            elif presence is None:
                self.inside[track.id] = Presence(at, at, track)
            else:
                presence.seen, presence.track, presence.outside = at, track, False
        left = [
            (key, entry) for key, entry in self.inside.items() if key not in staying and at - entry.seen > self._leave_s
        ]
        for key, _ in left:
            del self.inside[key]
        return left

    def since(self, at: float, left: Sequence[tuple[int, Presence]]) -> float:
        """Since when the zone has been without those who left: they were last seen `leave_s` ago. Else now."""
        return max((entry.seen for _, entry in left if self._counts(entry)), default=at)

    def counting(self) -> list[Presence]:
        """Those that count, also by hysteresis."""
        return [entry for entry in self.inside.values() if self._counts(entry)]

    def count(self) -> int:
        return len(self.counting())

    def now(self, at: float) -> Iterator[tuple[int, Presence]]:
        """Those that count and are really seen inside in this look."""
        return ((key, entry) for key, entry in self.inside.items() if entry.seen == at and self._counts(entry))

    def in_sight(self, at: float) -> int:
        return sum(1 for _ in self.now(at))

    def latest(self) -> Track | None:
        """Who came last."""
        entry = max(self.counting(), key=lambda entry: entry.since, default=None)
        return entry.track if entry else None

    def _counts(self, entry: Presence) -> bool:
        return entry.track.confirmed and self._wanted.wants(entry.track)


def holds(polygon: Polygon, point: Point, slack: float) -> bool:
    """Whether a point is inside, or outside by no more than `slack`."""
    return geometry.contains(polygon, point) or (slack > 0 and geometry.distance(polygon, point) <= slack)
