"""How many bytes a second may go to central: a token bucket. Pure: time is an argument.

What was sent is paid for afterwards, so a request larger than what is there goes out whole and the next one waits
longer. Over any time the bytes are at most `rate` times that time, and one second's worth and one request more.
"""

from __future__ import annotations


class Cap:
    """Belongs to one thread. A rate of 0 holds nothing back."""

    def __init__(self, rate: int = 0) -> None:
        """Bytes a second."""
        self.rate = rate
        self._level = float(rate)  # bytes that may go now; at most a second's worth, below 0 what is still to be paid
        self._at: float | None = None

    def spend(self, size: int, now: float) -> None:
        """A request of `size` bytes went out at `now` (s)."""
        self._fill(now)
        self._level -= size

    def takes(self, size: int) -> float:
        """Seconds in which `size` bytes may go."""
        return size / self.rate if self.rate else 0.0

    def wait(self, now: float) -> float:
        """Seconds until the next request may go; 0: at once."""
        if not self.rate:
            return 0.0
        self._fill(now)
        return max(0.0, -self._level / self.rate)

    def _fill(self, now: float) -> None:
        passed = 0.0 if self._at is None else now - self._at
        self._level = min(float(self.rate), self._level + self.rate * passed)
        self._at = now
