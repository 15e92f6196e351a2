"""The same object does not open event after event: how long ago its last one was.

An entry is deleted once its time is over and another begins; at most MOST are kept, the youngest.
"""

from __future__ import annotations

from collections.abc import Hashable

MOST = 4096


class Cooldown:
    """One a rule, so that neither rules nor cameras hush one another."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since: dict[Hashable, float] = {}  # in the order in which they began

    def __len__(self) -> int:
        return len(self._since)

    def begin(self, key: Hashable, at: float) -> None:
        self._since.pop(key, None)
        self._since[key] = at
        for oldest in list(self._since):
            if self.holds(oldest, at) and len(self._since) <= MOST:
                break
            del self._since[oldest]

    def holds(self, key: Hashable, at: float) -> bool:
        since = self._since.get(key)
        return since is not None and at - since < self._seconds

    def clear(self) -> None:
        self._since.clear()
