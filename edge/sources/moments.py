"""When the packets of a stream came. Pure.

One that had to be waited for came when it was read. One that was there already came as long after the one before it as
the stream's own times say, and not later than now: so packets that are read many at once keep their distances.
"""

from __future__ import annotations

AT_ONCE_S = 0.002  # a read that takes no longer had not to wait
LATE_S = 5.0  # beyond, the stream's times are not believed


class Moments:
    """Of one connection."""

    def __init__(self) -> None:
        self._at = self._own = 0.0
        self._known = False
        self.waited = True  # whether the last one had to be waited for: nothing more is there

    def came(self, asked: float, now: float, own: float | None) -> float:
        """A packet was asked for at `asked` and is read `now`; seconds of the pipeline's clock. `own`: seconds of the
        stream's clock, None where it has none."""
        self.waited = now - asked > AT_ONCE_S
        at = now
        if own is not None:
            if self._known and not self.waited and now - LATE_S <= (told := self._at + own - self._own) <= now:
                at = told
            self._at, self._own, self._known = at, own, True
        return at
