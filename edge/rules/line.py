"""Rules about lines: line_crossing and wrong_way.

An object crosses when it has clearly been on one side and then clearly is on the other, and the way between goes
through the line, not past its ends. "Clearly" is a share of the object's own height, so a box that jitters on the
line crosses nothing, and one that jumps across between two looks is not missed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from contract import geometry
from contract import rules as config
from contract.geometry import Direction, Point
from contract.section import Line
from edge.rules.base import LabelFilter, Signal, anchor
from edge.types import Track

MARGIN = 0.08  # of the object's height
MIN_MARGIN, MAX_MARGIN = 0.004, 0.02  # of the picture


@dataclass(slots=True)
class _Side:
    point: Point  # where the object last was clearly on a side
    side: float
    crossed: frozenset[Direction] = frozenset()  # not yet told, because the track is not yet confirmed


class Crossing:
    """Reports each crossing in one of `directions` as an event that is over at once."""

    def __init__(
        self,
        rule: config.LineCrossing | config.WrongWay,
        line: Line,
        directions: frozenset[Direction],
    ) -> None:
        self._line = line
        self._directions = directions
        self._anchor = rule.anchor
        self._wanted = LabelFilter(rule.labels)
        self._sides: dict[int, _Side] = {}

    def step(self, at: float, tracks: Sequence[Track]) -> list[Signal]:
        alive = {track.id for track in tracks}
        self._sides = {key: entry for key, entry in self._sides.items() if key in alive}
        wanted = {track.id for track in self._wanted(tracks)}
        signals = []
        for track in tracks:
            if track.at < at:
                continue
            self._move(track)
            entry = self._sides.get(track.id)
            if entry and entry.crossed and track.confirmed:
                if entry.crossed & self._directions and track.id in wanted:
                    signals.append(Signal("passed", track.id, at, track))
                entry.crossed = frozenset()
        return signals

    def clear(self, at: float) -> list[Signal]:  # noqa: ARG002  (a crossing is over at once)
        self._sides.clear()
        return []

    def _move(self, track: Track) -> None:
        """Note where the track is now, and whether it crossed on its way there."""
        point = anchor(track.box, self._anchor)
        distance = geometry.side(self._line, point)
        height = track.box[3] - track.box[1]
        if abs(distance) < min(max(MARGIN * height, MIN_MARGIN), MAX_MARGIN):
            return
        before = self._sides.get(track.id)
        crossed: frozenset[Direction] = frozenset()
        if before is not None:
            crossed = before.crossed
            if before.side * distance < 0 and geometry.crosses((before.point, point), self._line):
                crossed = geometry.direction_across(self._line, before.point, point)
        self._sides[track.id] = _Side(point, distance, crossed)


def line_crossing(rule: config.LineCrossing, line: config.Line) -> Crossing:
    wanted: frozenset[Direction] = (
        frozenset(geometry.OPPOSITE) if rule.direction == "any" else frozenset({rule.direction})
    )
    return Crossing(rule, line, wanted)


def wrong_way(rule: config.WrongWay, line: config.Line) -> Crossing:
    return Crossing(rule, line, frozenset({geometry.OPPOSITE[rule.allowed]}))
