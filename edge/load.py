"""Whether the edge keeps up: looks made against looks wanted, and how old pictures are when they were looked at. Pure.

Contract
--------
- A look is wanted when a camera's pace allows it; what a newer picture overtook, or what waited too long, was not made.
  A camera wants no more than its budget: one that is not served asks more often.
- degraded: over the last WINDOW_S less than SHORT of what was wanted was made. It ends by itself when ENOUGH of it is.
- What looks waited for once, at the start, is no overload: after a `restart` a whole window is needed before it begins.
- `step`, `looked` and `restart` belong to one thread; `status` may be read from any.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

WINDOW_S = 10.0
SAMPLE_S = 1.0
SHORT, ENOUGH = 0.9, 0.97  # apart, so that it does not go to and fro
MOST_LAGS = 5000  # of a window; the older go first


@dataclass(frozen=True, slots=True)
class LoadStatus:
    """`made` and `wanted` are looks a second; `lag_p95` is in seconds, None where nothing was looked at. All over the
    last WINDOW_S."""

    made: float = 0.0
    wanted: float = 0.0
    lag_p95: float | None = None
    degraded: bool = False


class Counts(NamedTuple):
    """Looks of one camera since start."""

    made: int
    missed: int


class Load:
    def __init__(self, rates: Mapping[str, float]) -> None:
        """`rates`: looks a second that each camera may want, on average."""
        self.status = LoadStatus()
        self._rates = rates
        self._samples: deque[tuple[float, Mapping[str, Counts]]] = deque()
        self._lags: deque[tuple[float, float]] = deque(maxlen=MOST_LAGS)

    def looked(self, at: float, lag: float) -> None:
        """A look was made, at `at`, at a picture that is `lag` seconds old."""
        self._lags.append((at, lag))

    def due(self, at: float) -> bool:
        """Whether a `step` at `at` would tell more than the last."""
        return not self._samples or not 0 <= at - self._samples[-1][0] < SAMPLE_S

    def restart(self) -> None:
        """A network was made ready: what was missed until now will not be missed again. What is degraded stays so until
        it has recovered."""
        if not self.status.degraded:
            self._samples.clear()

    def step(self, at: float, counts: Mapping[str, Counts]) -> Literal["began", "ended"] | None:
        """Take in how many looks there were until `at`; whether being degraded began or ended."""
        if not self.due(at):
            return None
        self._samples.append((at, counts))
        while len(self._samples) > 2 and self._samples[1][0] <= at - WINDOW_S:
            self._samples.popleft()
        while self._lags and self._lags[0][0] < at - WINDOW_S:
            self._lags.popleft()
        since, before = self._samples[0]
        seconds = at - since
        if seconds <= 0:
            return None
        made = wanted = 0.0
        for name, now in counts.items():
            was = before.get(name, Counts(0, 0))
            new = now.made - was.made
            made += new
            wanted += max(new, min(new + now.missed - was.missed, self._rates[name] * seconds))
        was_degraded = self.status.degraded
        degraded = seconds >= WINDOW_S and made < (ENOUGH if was_degraded else SHORT) * wanted
        lags = sorted(lag for _, lag in self._lags)
        lag_p95 = round(lags[math.ceil(0.95 * len(lags)) - 1], 3) if lags else None
        self.status = LoadStatus(round(made / seconds, 3), round(wanted / seconds, 3), lag_p95, degraded)
        if degraded == was_degraded:
            return None
        return "began" if degraded else "ended"
