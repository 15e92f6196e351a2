"""Slows down guessing. Pure: time is an argument, in seconds of a monotonic clock."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable

FREE = 3  # wrong attempts in a row that cost nothing
LONGEST = 30.0  # s; slowed, never locked out
FORGET = 15 * 60.0  # s after the last wrong attempt
KEYS = 10_000  # remembered at most; the oldest go first


class Throttle:
    """Counts wrong attempts a key (an account, an address) and says how long the next one has to wait."""

    def __init__(self) -> None:
        self._wrong: OrderedDict[Hashable, tuple[int, float]] = OrderedDict()

    def wait(self, keys: Iterable[Hashable], now: float) -> float:
        """Seconds until an attempt under all of `keys` is let through; 0 now."""
        return max((self._wait(key, now) for key in keys), default=0.0)

    def failed(self, keys: Iterable[Hashable], now: float) -> None:
        for key in keys:
            count, at = self._wrong.pop(key, (0, now))
            self._wrong[key] = (count + 1 if now - at < FORGET else 1, now)
        while len(self._wrong) > KEYS:
            self._wrong.popitem(last=False)

    def passed(self, keys: Iterable[Hashable]) -> None:
        for key in keys:
            self._wrong.pop(key, None)

    def _wait(self, key: Hashable, now: float) -> float:
        count, at = self._wrong.get(key, (0, 0.0))
        if count < FREE:
            return 0.0
        return max(0.0, at + min(LONGEST, 2.0 ** (count - FREE)) - now)
