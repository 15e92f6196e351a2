"""The only reader of time in the edge."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Seconds of the pipeline's clock; never goes back."""

    def utc_ms(self, at: float) -> int:
        """UTC milliseconds since 1970 of a moment on the pipeline's clock."""


class SystemClock:
    """Monotonic time for order and durations, wall time only to label records."""

    def now(self) -> float:
        return time.monotonic()

    def utc_ms(self, at: float) -> int:
        return round((time.time() - (time.monotonic() - at)) * 1000)


class ClipClock:
    """A clip's own time, counted from `start_ms` (UTC ms)."""

    def __init__(self, start_ms: int) -> None:
        self._start_ms = start_ms

    def utc_ms(self, at: float) -> int:
        return self._start_ms + round(at * 1000)
