"""Rules about lines: line_crossing and wrong_way, and the crossings themselves.

An object crosses when it has clearly been on one side and then clearly is on the other, and when it last changed
sides it went through the line, not past its ends. "Clearly" is a share of the object's own height, so a box that
jitters on the line crosses nothing, and one that jumps across between two looks is not missed. A single look may be
wrong by far (half of somebody hidden, for once), so the next look that sees the object on a side must not find it back
where it was; one that is never seen again has crossed, if it was no stranger before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from contract import geometry
from contract import rules as config
from contract.geometry import Direction, Point
from contract.section import Line
from edge.rules.base import LabelFilter, Signal, anchor, margin
from edge.rules.cooldown import Cooldown
from edge.types import Track

Directions: TypeAlias = frozenset[Direction]


@dataclass(slots=True)
class _Way:
    """An object's way so far. Sides are signed distances from the line, endless in both directions."""

    point: Point  # where it last was on a side, if only just
    side: float
    clear: tuple[Point, float] | None = None  # where it last was clearly on a side
    through: bool = False  # whether it last changed sides between the line's ends
    confirmed: bool = False  # in the look before
    doubted: Passage | None = None  # until the next look
    passed: Passage | None = None  # not yet told, because the track is not yet confirmed


@dataclass(frozen=True, slots=True)
class Passage:
    track: Track
    at: float
    point: Point
    side: float
    directions: Directions  # none where it went past the line's ends
    known: bool  # the track was confirmed before it crossed


class Passages:
    """Who crosses a line. An entry is deleted with its track."""

    def __init__(self, line: Line, which: Literal["bottom", "centre"]) -> None:
        self._line = line
        self._anchor = which
        self._ways: dict[int, _Way] = {}

    def __len__(self) -> int:
        return len(self._ways)

    def step(self, at: float, tracks: Sequence[Track]) -> list[Passage]:
        """The crossings that are certain since this look: of confirmed tracks, though they may have been unconfirmed
        when they crossed."""
        alive = {track.id for track in tracks}
        passages = self._end([number for number in self._ways if number not in alive])
        for track in tracks:
            if track.at < at:
                continue
            way = self._move(at, track)
            if way is not None and way.passed is not None and track.confirmed:
                happened = way.passed.at if way.passed.track.confirmed else at
                passages.append(replace(way.passed, at=happened, track=track))
                way.passed = None
        return passages

    def clear(self) -> list[Passage]:
        """Forget every object; what the last look found beyond the line has crossed."""
        return self._end(list(self._ways))

    def _end(self, numbers: Sequence[int]) -> list[Passage]:
        doubted = [self._ways.pop(number).doubted for number in numbers]
        return [each for each in doubted if each is not None and each.directions and each.known]

    def _move(self, at: float, track: Track) -> _Way | None:
        """Note where the track is now, and whether it crossed on its way there."""
        point = anchor(track.box, self._anchor)
        side = geometry.side(self._line, point)
        way = self._ways.get(track.id)
        if side == 0:
            return way
        if way is None:
            way = self._ways[track.id] = _Way(point, side)
        elif way.side * side < 0:
            way.through = geometry.crosses((way.point, point), self._line)
        way.point, way.side = point, side
        if (doubted := way.doubted) is not None:
            way.doubted = None
            if doubted.side * side > 0:
                way.clear = doubted.point, doubted.side
                if doubted.directions:
                    way.passed = doubted
        if abs(side) >= margin(track.box):
            if way.clear is not None and way.clear[1] * side < 0:
                across = geometry.direction_across(self._line, way.clear[0], point) if way.through else frozenset()
                way.doubted = Passage(track, at, point, side, across, way.confirmed)
            else:
                way.clear = point, side
        way.confirmed = track.confirmed
        return way


class Crossing:
    """Reports each crossing in one of `directions` as an event that is over at once."""

    def __init__(self, rule: config.LineCrossing | config.WrongWay, line: Line, directions: Directions) -> None:
        self._directions = directions
        self._passages = Passages(line, rule.anchor)
        self._wanted = LabelFilter(rule.labels)
        self._cooldown = Cooldown(rule.cooldown_s)

    def step(self, at: float, tracks: Sequence[Track]) -> list[Signal]:
        return self._told(self._passages.step(at, tracks))

    def clear(self, at: float) -> list[Signal]:  # noqa: ARG002  (a crossing is over at once)
        signals = self._told(self._passages.clear())
        self._cooldown.clear()
        return signals

    def _told(self, passages: Sequence[Passage]) -> list[Signal]:
        signals = []
        for passage in passages:
            track, at = passage.track, passage.at
            same = (track.id, passage.directions)
            if (
                passage.directions & self._directions
                and self._wanted.wants(track)
                and not self._cooldown.holds(same, at)
            ):
                self._cooldown.begin(same, at)
                signals.append(Signal("passed", track.id, at, track))
        return signals

    def waiting(self, at: float) -> float:  # noqa: ARG002
        return 0.0


def line_crossing(rule: config.LineCrossing, line: Line) -> Crossing:
    return Crossing(rule, line, towards(rule.direction))


def wrong_way(rule: config.WrongWay, line: Line) -> Crossing:
    return Crossing(rule, line, frozenset({geometry.OPPOSITE[rule.allowed]}))


def towards(way: config.Way) -> Directions:
    return frozenset(geometry.OPPOSITE) if way == "any" else frozenset({way})
