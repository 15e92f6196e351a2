"""What every rule is: fed with the tracks of each look, it says which events begin and end."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from contract.geometry import Point
from contract.rules import Labels, expand
from edge.types import Box, Track

ANY_OBJECT = "object"
BORDER = 1e-6
MARGIN = 0.08  # of the object's height
MIN_MARGIN, MAX_MARGIN = 0.004, 0.02  # of the picture

Key: TypeAlias = int | None
"""What an event is about: a track's number, or None where it is about the zone as a whole."""


@dataclass(frozen=True, slots=True)
class Signal:
    """Something a rule says. `opened` begins an event, `closed` ends it, `passed` is both at once."""

    what: Literal["opened", "closed", "passed"]
    key: Key
    at: float  # seconds, pipeline clock; when it happened, which may lie before the look
    track: Track | None = None
    count: int | None = None
    label: str | None = None  # where it is about no single track
    since: float | None = None  # of `passed`: when it began, if not `at`


class Rule(Protocol):
    """`at` never decreases between two calls of `clear`; the engine sees to that."""

    def step(self, at: float, tracks: Sequence[Track]) -> list[Signal]:
        """Look at the tracks alive at `at` seconds. Unconfirmed ones never trigger, but their past counts once they
        are confirmed."""

    def clear(self, at: float) -> list[Signal]:
        """Forget every object and close what is open, because the rule is disarmed or the camera blind."""

    def waiting(self, at: float) -> float:
        """How far the nearest event has come that is not open yet, 0..1: the share of `for_s` that has passed; 0 where
        none is under way. For people who ask why it has not fired."""


@dataclass(frozen=True, slots=True)
class RuleState:
    """A rule as it stands after a look, for those who want to see why it fired or did not."""

    name: str
    kind: str
    armed: bool  # its schedule is open
    open: tuple[Key, ...]  # what its open events are about
    waiting: float  # see Rule.waiting


class LabelFilter:
    """Which tracks a rule is about."""

    def __init__(self, labels: Labels) -> None:
        self._wanted = expand(labels)

    def __call__(self, tracks: Sequence[Track]) -> list[Track]:
        return [track for track in tracks if self.wants(track)]

    def wants(self, track: Track) -> bool:
        return self._wanted is None or track.label in self._wanted


def told_label(labels: Labels, track: Track) -> str:
    """Whoever asks for any object mistrusts the model's word for it; nobody is helped by a car called a phone."""
    return ANY_OBJECT if labels == "any" else track.label


def share(part: float, whole: float) -> float:
    """How much of `whole` has passed, 0..1."""
    return min(max(part / whole, 0.0), 1.0) if whole > 0 else 1.0


def anchor(box: Box, which: Literal["bottom", "centre"]) -> Point:
    """The point of a box that is asked where the object is: where it stands, or its middle.

    What the picture's border cuts off stands just inside it: a zone that reaches to the border holds it.
    """
    left, top, right, bottom = box
    y = bottom if which == "bottom" else (top + bottom) / 2
    return min(max((left + right) / 2, BORDER), 1 - BORDER), min(max(y, BORDER), 1 - BORDER)


def margin(box: Box) -> float:
    """How far beyond a border an object's anchor must be, in relative units, before it is clearly beyond: boxes
    tremble with their size."""
    return min(max(MARGIN * (box[3] - box[1]), MIN_MARGIN), MAX_MARGIN)


def in_picture(box: Box) -> bool:
    """Whether any of the box can be seen. Nothing can of one that is reversed or not finite."""
    left, top, right, bottom = box
    return (
        all(map(math.isfinite, box))
        and left <= right
        and top <= bottom
        and (left < 1 and right > 0 and top < 1 and bottom > 0)
    )


def clipped(box: Box) -> Box:
    """The part of a box that is in the picture."""
    left, top, right, bottom = (min(max(value, 0.0), 1.0) for value in box)
    return left, top, right, bottom
