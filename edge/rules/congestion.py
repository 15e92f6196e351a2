"""`congestion`: a zone is full and what is in it hardly moves.

Speed is in lengths of the object's own box a second, so near and far objects are judged alike, and a trembling box
is slow. Whoever has not been followed for MIN_S is neither slow nor fast: it does not count at all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from contract import rules as config
from contract.section import Polygon
from edge.rules.base import Signal
from edge.rules.lasting import Lasting
from edge.rules.presence import Zone
from edge.types import Track

SPAN_S = 2.0  # a speed is measured over about this long
MIN_S = 1.0  # and at least this long
MIN_SIDE = 1e-3  # of the picture; a box without extent has no lengths


class Congestion:
    def __init__(self, rule: config.Congestion, polygon: Polygon) -> None:
        self._at_least = rule.at_least
        self._slower_than = rule.slower_than
        self._zone = Zone(rule, polygon)
        self._state = Lasting(rule.for_s, rule.recover_s)

    def step(self, at: float, tracks: Sequence[Track]) -> list[Signal]:
        left = self._zone.step(at, tracks)
        known = [
            (entry.seen == at, moving) for entry in self._zone.counting() if (moving := speed(entry.track)) is not None
        ]
        count = len(known)
        if count < self._at_least:
            return self._state.step(at, False, since=self._zone.since(at, left))
        # The median: one that passes by is no end of a jam.
        slow = median(moving for _, moving in known) < self._slower_than
        in_sight = sum(seen for seen, _ in known)
        sure = not slow or in_sight >= self._at_least
        return self._state.step(at, slow, sure=sure, track=self._zone.latest(), count=count)

    def clear(self, at: float) -> list[Signal]:
        self._zone.inside.clear()
        return self._state.clear(at)

    def waiting(self, at: float) -> float:
        return self._state.waiting(at)


def speed(track: Track) -> float | None:
    """How fast an object moved lately, in lengths of its own box a second; None where its path is too short.

    From end to end, not along the path: what trembles on the spot does not move.
    """
    if not track.path:
        return None
    last = track.path[-1]
    before = [step for step in track.path if last.at - step.at >= MIN_S]
    if not before:
        return None
    start = min(before, key=lambda step: abs(last.at - step.at - SPAN_S))
    width = max(track.box[2] - track.box[0], MIN_SIDE)
    height = max(track.box[3] - track.box[1], MIN_SIDE)
    return math.hypot((last.x - start.x) / width, (last.y - start.y) / height) / (last.at - start.at)
