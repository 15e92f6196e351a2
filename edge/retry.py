"""How long to wait after a fault, and how often to speak of it. Pure: time and chance are arguments."""

from __future__ import annotations

from dataclasses import dataclass


class Backoff:
    """Exponential, capped, full jitter: a thousand edges that lost central together do not come back together."""

    def __init__(self, first: float, cap: float) -> None:
        """Seconds."""
        self._first = first
        self._cap = cap
        self._ceiling = first

    def next(self, chance: float, at_least: float = 0.0, *, grow: bool = True) -> float:
        """Seconds to wait now; `chance` is uniform in [0, 1). `at_least` (Retry-After) is spread, never undercut.
        `grow` False: the next wait is no longer than this one may be."""
        delay = at_least + chance * self._ceiling
        if grow:
            self._ceiling = min(self._cap, self._ceiling * 2)
        return delay

    def reset(self) -> None:
        self._ceiling = self._first


@dataclass(frozen=True, slots=True)
class Repeated:
    """A fault worth a line: `count` times since the last line about it."""

    count: int


@dataclass(frozen=True, slots=True)
class Recovered:
    """The first success after faults."""

    faults: int
    seconds: float  # since the first of them


class FaultDigest:
    """One counted line per kind of fault and interval, one line on recovery."""

    def __init__(self, interval: float = 60.0) -> None:
        """`interval` in seconds."""
        self._interval = interval
        self._since: float | None = None
        self._total = 0
        self._said: dict[str, float] = {}
        self._unsaid: dict[str, int] = {}

    def fault(self, kind: str, now: float) -> Repeated | None:
        """Count a fault; what to log, if anything. `kind` is one of few words, not a message."""
        if self._since is None:
            self._since = now
        self._total += 1
        self._unsaid[kind] = self._unsaid.get(kind, 0) + 1
        if kind in self._said and now - self._said[kind] < self._interval:
            return None
        self._said[kind] = now
        return Repeated(self._unsaid.pop(kind))

    def success(self, now: float) -> Recovered | None:
        """Forget the faults; what to log, if there were any."""
        if self._since is None:
            return None
        recovered = Recovered(self._total, now - self._since)
        self._since, self._total = None, 0
        self._said.clear()
        self._unsaid.clear()
        return recovered
