"""When the packets of a stream came, and how far reading is behind. Pure.

The stream's own times say how long after one another packets were sent. The promptest of late tells when that is in our
time: no packet came later than it was read, and none before it was sent. So packets that are read many at once keep
their distances.
"""

from __future__ import annotations

AT_ONCE_S = 0.002  # a read that takes no longer had not to wait
LATE_S = 0.8  # beyond, the stream's times are not believed; more than a burst, its turn, and pictures out of order
LEAP_S = 1.0  # the stream's clock was set
DRIFT = 2e-4  # of the stream's clock against ours
PROBE_S = 10.0  # so often it is read until nothing is there: only then it shows that the stream's clock is fast
BEHIND_S = 1.0  # reading: what is read is passed over from there
CAUGHT_UP_S = 0.3  # until it is no more than this,
VAIN_S, NEARER_S = 2.0, 0.1  # or has not come nearer for so long: then it is the stream that is late,
MOST_S, CALM_S = 8.0, 60.0  # and may be, twice as much at most each time; half of it again after so long


class Moments:
    """Of one connection. Times are seconds: `now` of the pipeline's clock, `own` of the stream's."""

    def __init__(self) -> None:
        self._own = 0.0
        self._read: float | None = None  # when the last was
        self._offset = 0.0  # from the stream's clock to ours
        self._every = 0.0  # between two packets
        self._probing = False
        self._probed = -PROBE_S
        self._bound, self._bound_at = BEHIND_S, 0.0
        self._behind: tuple[float, float] | None = None  # since when it has not come nearer, and how far it was
        self.hurries = False  # reading is so far behind that nobody should spend time on what is read

    def came(self, asked: float, now: float, own: float | None) -> float:
        """When a packet came that was asked for at `asked` and is read `now`."""
        if own is None:
            return now
        first, read, self._read = self._read is None, self._read or now, now
        gone, self._own = own - self._own, own
        prompt = now - own
        if first or gone < -LEAP_S or prompt < self._offset - LEAP_S:
            self._offset, self._behind, self.hurries = prompt, None, False
        else:
            self._offset = min(self._offset + DRIFT * (now - read), prompt)
            self._every += 0.1 * (min(abs(gone), LEAP_S) - self._every)
        if self._probing and now - asked > AT_ONCE_S:
            self._probing, self._probed = False, now
        self._weigh(now, prompt - self._offset)
        told = own + self._offset
        return told if told >= now - LATE_S else now

    def _weigh(self, now: float, behind: float) -> None:
        self.hurries = behind > (CAUGHT_UP_S if self.hurries else self._bound)
        if not self.hurries:
            self._behind = None
            if self._bound > BEHIND_S and now - self._bound_at > CALM_S:
                self._bound, self._bound_at = self._bound / 2, now
        elif self._behind is None or behind < self._behind[1] - NEARER_S:
            self._behind = now, behind
        elif now - self._behind[0] > VAIN_S:
            self._offset += behind
            self._bound, self._bound_at = min(2 * self._bound, MOST_S), now
            self.hurries, self._behind = False, None

    def all_read(self, now: float) -> bool:
        """Whether the next packet is not there yet, by the stream's times."""
        if self._read is None or self._probing or self._own + self._offset + self._every <= now:
            return False
        self._probing = now - self._probed > PROBE_S
        return not self._probing

    @property
    def probes(self) -> bool:
        """Reads will wait until the next packet is there."""
        return self._probing
