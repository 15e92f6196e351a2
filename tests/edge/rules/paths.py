"""Trajectories for rule tests: where an object is, look by look."""

from __future__ import annotations

from collections.abc import Sequence

from edge.rules.base import Rule, Signal
from edge.types import Box, Step, Track

LOOK_S = 0.2
Path = Sequence[tuple[float, float] | None]  # the bottom centre in each look; None: not seen
SIZE = (0.1, 0.2)
PATH_S = 5.0  # as much of its way does a track know


def box_at(point: tuple[float, float], size: tuple[float, float] = SIZE) -> Box:
    """The box whose bottom centre is at `point`."""
    (x, y), (width, height) = point, size
    return x - width / 2, y - height, x + width / 2, y


def track(
    number: int, at: float, point: tuple[float, float], *, label: str = "person", seen: float | None = None,
    confirmed: bool = True, first_at: float = 0.0, size: tuple[float, float] = SIZE, path: tuple[Step, ...] = (),
) -> Track:  # fmt: skip
    """A track whose box has its bottom centre at `point`."""
    return Track(number, label, box_at(point, size), 0.9, at if seen is None else seen, first_at, confirmed, path)


def play(
    rule: Rule, paths: dict[int, Path], *, labels: dict[int, str] | None = None, confirmed_from: int = 0,
    keep_looks: int = 8, sizes: dict[int, tuple[float, float]] | None = None, look_s: float = LOOK_S,
) -> list[tuple[str, int | None, float]]:  # fmt: skip
    """Feed a rule with paths that all begin at second 0; what it said, as (what, key, seconds)."""
    return [
        (signal.what, signal.key, round(signal.at, 3))
        for signal in signals(
            rule, paths, labels=labels, confirmed_from=confirmed_from, keep_looks=keep_looks, sizes=sizes, look_s=look_s
        )
    ]


def signals(
    rule: Rule, paths: dict[int, Path], *, labels: dict[int, str] | None = None, confirmed_from: int = 0,
    keep_looks: int = 8, sizes: dict[int, tuple[float, float]] | None = None, look_s: float = LOOK_S,
) -> list[Signal]:  # fmt: skip
    """As `play`, with all that the rule says. Who is not seen stays where it was for `keep_looks`."""
    said = []
    ways: dict[int, list[Step]] = {}
    for look in range(max(len(path) for path in paths.values())):
        at = round(look * look_s, 3)
        tracks = []
        for number, path in paths.items():
            point = path[look] if look < len(path) else None
            way = ways.setdefault(number, [])
            if point is not None:
                way.append(Step(at, *point))
            if not way or at - way[-1].at > keep_looks * look_s + 1e-6:
                continue
            tracks.append(
                track(
                    number, at, way[-1][1:], label=(labels or {}).get(number, "person"), seen=way[-1].at,
                    confirmed=look >= confirmed_from, size=(sizes or {}).get(number, SIZE),
                    path=tuple(step for step in way if way[-1].at - step.at <= PATH_S),
                )
            )  # fmt: skip
        said += rule.step(at, tracks)
    return said


def still(point: tuple[float, float], seconds: float) -> list[tuple[float, float] | None]:
    return [point] * round(seconds / LOOK_S)


def gone(seconds: float) -> list[tuple[float, float] | None]:
    return [None] * round(seconds / LOOK_S)


def straight(start: tuple[float, float], end: tuple[float, float], looks: int) -> list[tuple[float, float] | None]:
    """`looks` places from start to end, both included."""
    steps = max(1, looks - 1)
    return [
        (start[0] + (end[0] - start[0]) * i / steps, start[1] + (end[1] - start[1]) * i / steps) for i in range(looks)
    ]
