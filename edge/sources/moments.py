"""When the packets of a stream came. Pure.

One that had to be waited for came when it was read. One that was there already came as long after the one before it as
the stream's own times say, and not later than now: so packets that are read many at once keep their distances.
"""

from __future__ import annotations

AT_ONCE_S = 0.002  # a read that takes no longer had not to wait
LATE_S = 0.5  # beyond, the stream's times are not believed: else a thread that cannot keep up makes every look too late
LEAP_S = 1.0  # the stream's clock was set
SLACK_S, DRIFT = 0.1, 5e-4  # of the stream's clock against ours: to and fro, and for good


class Moments:
    """Of one connection."""

    def __init__(self) -> None:
        self._at = self._own = 0.0
        self._known = False
        self._waited = True
        self._since: tuple[float, float] | None = None  # our clock and the stream's when it was first asked for all

    def came(self, asked: float, now: float, own: float | None) -> float:
        """A packet was asked for at `asked` and is read `now`; seconds of the pipeline's clock. `own`: seconds of the
        stream's clock, None where it has none."""
        self._waited = now - asked > AT_ONCE_S
        at = now
        if own is not None:
            if self._known and not self._waited and now - LATE_S <= (told := self._at + own - self._own) <= now:
                at = told
            self._at, self._own, self._known = at, own, True
        return at

    def all_read(self, now: float) -> bool:
        """Whether nothing more should be there.

        The last one had to be waited for; but that also seems so where this thread waits for its turn. So the stream's
        times must have gone on as far as ours since this was first asked (`read_on` forgets when that was), else those
        who read seldom would fall behind more and more.
        """
        if self._since is None:
            self._since = now, self._own
        ours, own = now - self._since[0], self._own - self._since[1]
        if own > ours + LEAP_S:
            self._since, ours, own = (now, self._own), 0.0, 0.0
        return self._waited and own * (1 + DRIFT) >= ours - SLACK_S

    def read_on(self) -> None:
        """Packets are read as they come."""
        self._since = None
