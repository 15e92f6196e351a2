"""`flow`: how many crossed a line in each interval, one record a label.

An interval in which nothing crossed is told with a zero, so that silence means that nobody looked. Intervals follow
one another from the first look on; one that ends early, because the rule is disarmed or the camera blind, is told
with what it had, if anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from contract import rules as config
from contract.section import Line
from edge.rules.base import LabelFilter, Signal, share, told_label
from edge.rules.line import Passage, Passages, towards
from edge.types import Track


class Flow:
    def __init__(self, rule: config.Flow, line: Line) -> None:
        self._labels = rule.labels
        self._every_s = rule.every_s
        self._directions = towards(rule.direction)
        self._passages = Passages(line, rule.anchor)
        self._wanted = LabelFilter(rule.labels)
        self._began: float | None = None
        self._counts: Counter[str] = Counter()

    def step(self, at: float, tracks: Sequence[Track]) -> list[Signal]:
        if self._began is None:
            self._began = at
        signals: list[Signal] = []
        past = int((at - self._began) / self._every_s)
        if past > 0:
            end = self._began + self._every_s
            signals = self._told(end) or [Signal("passed", None, end, count=0, since=self._began)]
            self._began += past * self._every_s  # of intervals without a look nothing is known, nor told
        self._count(self._passages.step(at, tracks))
        return signals

    def clear(self, at: float) -> list[Signal]:
        self._count(self._passages.clear())
        signals = self._told(at)
        self._began = None
        return signals

    def waiting(self, at: float) -> float:
        return 0.0 if self._began is None else share(at - self._began, self._every_s)

    def _count(self, passages: Sequence[Passage]) -> None:
        for passage in passages:
            if passage.directions & self._directions and self._wanted.wants(passage.track):
                self._counts[told_label(self._labels, passage.track)] += 1

    def _told(self, end: float) -> list[Signal]:
        counts, self._counts = self._counts, Counter()
        return [
            Signal("passed", None, end, count=count, label=label, since=self._began)
            for label, count in sorted(counts.items())
        ]
