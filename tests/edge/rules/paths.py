"""Trajectories for rule tests: where an object is, look by look."""

from __future__ import annotations

from collections.abc import Sequence

from edge.rules.base import Rule
from edge.types import Track

LOOK_S = 0.2
Path = Sequence[tuple[float, float] | None]  # the bottom centre in each look; None: not seen
SIZE = (0.1, 0.2)


def track(
    number: int, at: float, point: tuple[float, float], *, label: str = "person", seen: float | None = None,
    confirmed: bool = True, first_at: float = 0.0,
) -> Track:  # fmt: skip
    """A track whose box has its bottom centre at `point`."""
    (x, y), (width, height) = point, SIZE
    box = (x - width / 2, y - height, x + width / 2, y)
    return Track(number, label, box, 0.9, at if seen is None else seen, first_at, confirmed)


def play(
    rule: Rule, paths: dict[int, Path], *, labels: dict[int, str] | None = None, confirmed_from: int = 0,
    keep_looks: int = 8,
) -> list[tuple[str, int | None, float]]:  # fmt: skip
    """Feed a rule with paths that all begin at second 0; what it said, as (what, key, seconds)."""
    said = []
    last: dict[int, tuple[int, tuple[float, float]]] = {}
    for look in range(max(len(path) for path in paths.values())):
        at = round(look * LOOK_S, 3)
        tracks = []
        for number, path in paths.items():
            point = path[look] if look < len(path) else None
            if point is not None:
                last[number] = (look, point)
            if number in last and look - last[number][0] <= keep_looks:
                seen, where = last[number]
                label = (labels or {}).get(number, "person")
                tracks.append(
                    track(
                        number, at, where, label=label, seen=round(seen * LOOK_S, 3), confirmed=look >= confirmed_from
                    )
                )
        said += [(signal.what, signal.key, round(signal.at, 3)) for signal in rule.step(at, tracks)]
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
