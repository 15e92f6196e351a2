"""`abandoned`: a thing lies in a zone and nobody is near.

A thing is known by its place: a track that begins where a thing lay that is no longer seen carries it on, one that
overlaps a thing that is seen is part of it. Its clock runs while it rests and nobody is near, halts while somebody
is, and begins anew when somebody has stayed for RETURN_S or the thing has moved. An entry is deleted `leave_s` after
the thing was last seen in the zone.

Near is judged in the picture: a person's box, grown by `near` of its height upwards and downwards, and to the sides
by three times that share of its width (a standing person is about three times as tall as wide, and the picture's
proportions are not known here), holds the thing's anchor; or the two boxes touch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from contract import rules as config
from contract.geometry import Point
from contract.section import Polygon
from edge.rules.base import LabelFilter, Signal, anchor, margin, share
from edge.rules.cooldown import Cooldown
from edge.rules.presence import holds
from edge.types import Box, Track

PERSON = "person"
SLENDER = 3.0  # a standing person's height in widths
RETURN_S = 5.0  # who stays near for this long looks after the thing; who passes by does not
MISSED_S = 2.0  # somebody not seen for less than this has been near all the time
REST = 0.5  # a thing whose middle moves by more than this, in its own sizes, is not at rest
SETTLE_S = 2.0  # away from its place for this long it has moved; for less, its box was wrong
SAME = 0.3  # overlap from which two boxes are the same thing
MIN_SIDE = 1e-3  # of the picture; a box without extent has no sizes


@dataclass(slots=True)
class _Thing:
    track: Track  # as last seen
    seen: float
    looked: float  # when its clock was last set
    place: Box  # where it lies
    rested: float  # when it last was there
    away: float | None = None  # since when it has not been
    alone_s: float = 0.0
    near_since: float | None = None
    near_last: float = 0.0
    key: int | None = None  # of its open event


class Abandoned:
    """Keyed by the track that the thing has at the moment."""

    def __init__(self, rule: config.Abandoned, polygon: Polygon) -> None:
        self._polygon = polygon
        self._anchor = rule.anchor
        self._near = rule.near
        self._for_s = rule.for_s
        self._leave_s = rule.leave_s
        self._wanted = LabelFilter(rule.labels)
        self._cooldown = Cooldown(rule.cooldown_s)
        self._things: dict[int, _Thing] = {}

    def step(self, at: float, tracks: Sequence[Track]) -> list[Signal]:
        things = [track for track in self._wanted(tracks) if track.label != PERSON]
        people = [track.box for track in tracks if track.label == PERSON]  # unconfirmed ones are near, too
        for track in sorted(things, key=lambda track: track.id not in self._things):  # new ones last
            if track.at >= at:
                self._see(at, track)
        unseen = {t.id for t in things if t.at < at and self._is_in(t, self._things.get(t.id))}
        signals = []
        for number, thing in list(self._things.items()):
            signals += self._judge(at, thing, people)
            if number not in unseen and at - thing.seen > self._leave_s:
                signals += self._close(thing, thing.seen)
                del self._things[number]
        return signals

    def clear(self, at: float) -> list[Signal]:
        signals = [signal for thing in self._things.values() for signal in self._close(thing, at)]
        self._things.clear()
        self._cooldown.clear()
        return signals

    def waiting(self, at: float) -> float:  # noqa: ARG002
        return max((share(t.alone_s, self._for_s) for t in self._things.values() if t.key is None), default=0.0)

    def _see(self, at: float, track: Track) -> None:
        thing = self._things.get(track.id)
        if not self._is_in(track, thing):
            return
        if thing is None:
            known = max(self._things, key=lambda n: _overlap(self._things[n].track.box, track.box), default=None)
            if known is not None and _overlap(self._things[known].track.box, track.box) >= SAME:
                if self._things[known].seen == at:
                    return  # a second box of what is seen already
                thing = self._things[track.id] = self._things.pop(known)
            else:
                thing = self._things[track.id] = _Thing(track, at, at, track.box, at)
        thing.track, thing.seen = track, at
        if _moved(thing.place, track.box) <= REST:
            thing.rested, thing.away = at, None
        elif thing.away is None:
            thing.away = at

    def _judge(self, at: float, thing: _Thing, people: Sequence[Box]) -> list[Signal]:
        passed, thing.looked = at - thing.looked, at
        point = anchor(thing.track.box, self._anchor)
        near = any(_is_near(person, thing.track.box, point, self._near) for person in people)
        if near:
            if thing.near_since is None:
                thing.near_since = at
            thing.near_last = at
            if at - thing.near_since >= RETURN_S:
                thing.alone_s = 0.0
                return self._close(thing, thing.near_since)
            return []
        if at - thing.near_last >= MISSED_S:
            thing.near_since = None
        if thing.away is not None:
            # By two looks at least: where they are far apart, one that is wrong must not move it.
            if thing.seen - thing.rested > SETTLE_S and thing.seen > thing.away:
                signals = self._close(thing, thing.rested)
                thing.place, thing.rested, thing.away, thing.alone_s = thing.track.box, thing.seen, None, 0.0
                return signals
            return []
        thing.alone_s += passed
        due = thing.key is None and thing.seen == at and thing.track.confirmed and thing.alone_s >= self._for_s
        if not due or self._cooldown.holds(thing.track.id, at) or thing.track.id in self._open():
            return []
        thing.key = thing.track.id
        return [Signal("opened", thing.key, at, thing.track)]

    def _close(self, thing: _Thing, at: float) -> list[Signal]:
        key, thing.key = thing.key, None
        if key is None:
            return []
        self._cooldown.begin(thing.track.id, at)
        return [Signal("closed", key, at)]

    def _open(self) -> set[int | None]:
        """Keys in use: a number that comes back elsewhere while its first thing still lies there must wait."""
        return {thing.key for thing in self._things.values()}

    def _is_in(self, track: Track, thing: _Thing | None) -> bool:
        return holds(self._polygon, anchor(track.box, self._anchor), margin(track.box) if thing else 0.0)


def _is_near(person: Box, thing: Box, point: Point, near: float) -> bool:
    left, top, right, bottom = person
    aside, above = near * SLENDER * (right - left), near * (bottom - top)
    if left - aside <= point[0] <= right + aside and top - above <= point[1] <= bottom + above:
        return True
    return left <= thing[2] and thing[0] <= right and top <= thing[3] and thing[1] <= bottom


def _moved(place: Box, box: Box) -> float:
    """How far the middle of a box is from that of its place, in sizes of the place."""
    width, height = max(place[2] - place[0], MIN_SIDE), max(place[3] - place[1], MIN_SIDE)
    dx = (box[0] + box[2] - place[0] - place[2]) / 2
    dy = (box[1] + box[3] - place[1] - place[3]) / 2
    return math.hypot(dx / width, dy / height)


def _overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / ((one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1]) - both)
