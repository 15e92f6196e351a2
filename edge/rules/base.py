"""What every rule is: fed with the tracks of each look, it says which events begin and end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from contract.geometry import Point
from contract.rules import Labels, expand
from edge.types import Box, Track

Key: TypeAlias = int | None
"""What an event is about: a track's number, or None where it is about the zone as a whole."""


@dataclass(frozen=True, slots=True)
class Signal:
    """Something a rule says. `opened` begins an event, `closed` ends it, `passed` is both at once."""

    what: Literal["opened", "closed", "passed"]
    key: Key
    at: float  # seconds, pipeline clock
    track: Track | None = None
    count: int | None = None


class Rule(Protocol):
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
        return [track for track in tracks if self._wanted is None or track.label in self._wanted]


def anchor(box: Box, which: Literal["bottom", "centre"]) -> Point:
    """The point of a box that is asked where the object is: where it stands, or its middle."""
    left, top, right, bottom = box
    return (left + right) / 2, bottom if which == "bottom" else (top + bottom) / 2
