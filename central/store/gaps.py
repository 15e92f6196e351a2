"""The arithmetic of numbers that are missing.

Of an epoch's numbers, from 1 to the highest known to be given, each has come or lies in exactly one gap.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers `first` to `last` of an epoch, none of which has come. Times are UTC ms."""

    first: int
    last: int
    after_at: int | None  # when the record right before was made, by the edge's clock; None: there is none yet
    before_at: int | None  # the same of the record right after
    noticed_at: int  # when central learned that they are missing, or, where they are lost, that they are
    reason: str | None = None  # why they are lost; None: they may still come

    @property
    def size(self) -> int:
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class Run:
    """Records that came, without a gap between them; with the `at` of the first and of the last."""

    first: int
    last: int
    first_at: int
    last_at: int


def runs(came: Iterable[tuple[int, int]]) -> list[Run]:
    """Of (seq, at) in any order, none twice; the lowest first."""
    found: list[Run] = []
    first = last = first_at = last_at = 0
    for seq, at in sorted(came):
        if seq != last + 1 or not first:
            if first:
                found.append(Run(first, last, first_at, last_at))
            first, first_at = seq, at
        last, last_at = seq, at
    return [*found, Run(first, last, first_at, last_at)] if first else found


def without(gap: Gap, run: Run) -> list[Gap]:
    """What remains of a gap. One that the run only touches learns a time from it."""
    left: list[Gap] = []
    if gap.first < run.first:
        end, before_at = min(gap.last, run.first - 1), gap.before_at if gap.last < run.first - 1 else run.first_at
        left.append(replace(gap, last=end, before_at=before_at))
    if gap.last > run.last:
        begin, after_at = max(gap.first, run.last + 1), gap.after_at if gap.first > run.last + 1 else run.last_at
        left.append(replace(gap, first=begin, after_at=after_at))
    return left


def declared(gap: Gap, first: int, last: int, reason: str, at: int) -> list[Gap]:
    """The gap with what of `first` to `last` lies in it marked as lost. What was declared before keeps its reason."""
    first, last = max(first, gap.first), min(last, gap.last)
    if gap.reason is not None or last < first:
        return [gap]
    parts = [replace(gap, first=first, last=last, noticed_at=at, reason=reason)]
    if gap.first < first:
        parts.insert(0, replace(gap, last=first - 1))
    if last < gap.last:
        parts.append(replace(gap, first=last + 1))
    return parts
