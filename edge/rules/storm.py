"""A rule that fires without end: so many events are told one by one, the others only counted.

Calm until an event begins that would be one too many in `per_s`. Then a storm: that event and all that follow are
swallowed, until `per_s` have passed since it began and fewer than the cap began in the last `per_s`.
"""

from __future__ import annotations

from collections import deque
from typing import Literal

from contract.camera import Storm


class StormCap:
    """One a rule. `count`: the events that the storm has swallowed."""

    def __init__(self, limit: Storm) -> None:
        self._per_s = limit.per_s
        self._recent: deque[float] = deque(maxlen=limit.events)  # when the last events began, told or swallowed
        self._began: float | None = None
        self._told: tuple[float, int] | None = None  # when the storm was last told, and its count then
        self.count = 0

    def swallows(self, at: float) -> bool:
        """An event begins: whether it is only counted."""
        if self._began is None and self._is_full(at):
            self._began, self._told, self.count = at, None, 0
        self._recent.append(at)
        if self._began is None:
            return False
        self.count += 1
        return True

    def step(self, at: float) -> Literal["open", "update", "closed"] | None:
        """After each look: what is to be told of the storm."""
        if self._began is None:
            return None
        if self._told is None:
            self._told = at, self.count
            return "open"
        if at - self._began >= self._per_s and not self._is_full(at):
            return self.end()
        if at - self._told[0] >= self._per_s and self.count > self._told[1]:
            self._told = at, self.count
            return "update"
        return None

    def end(self) -> Literal["closed"] | None:
        """The storm is over: it has calmed down, or nobody looks any more. One not told yet is told by its closing."""
        began, self._began, self._told = self._began, None, None
        return "closed" if began is not None else None

    def _is_full(self, at: float) -> bool:
        return len(self._recent) == self._recent.maxlen and at - self._recent[0] < self._per_s
