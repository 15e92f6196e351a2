"""Whether pictures that no other picture needs (B-frames, upper temporal layers) may be left undecoded. Pure.

They may while the others are enough. Nobody knows beforehand how many those are, so it is tried, once a stream and only
where twice as many come as are enough, and judged from key frame to key frame.
"""

from __future__ import annotations

import math


class Spare:
    """One stream's; `skip` is the answer. `key` at each key frame, `took` for each packet with the pictures it gave."""

    def __init__(self, enough: float = math.inf) -> None:
        """`enough`: pictures a second."""
        self.skip = False
        self._enough = enough
        self._tried = False
        self._since: float | None = None
        self._packets = self._pictures = 0

    def key(self, at: float) -> None:
        seconds = 0.0 if self._since is None else at - self._since
        if seconds > 0 and self.skip:
            self.skip = self._pictures >= self._enough * seconds
        elif seconds > 0 and not self._tried:
            self.skip = self._tried = self._packets >= 2 * self._enough * seconds
        self._since, self._packets, self._pictures = at, 0, 0

    def took(self, pictures: int) -> None:
        self._packets += 1
        self._pictures += pictures

    def pause(self) -> None:
        """Not every packet is decoded: nothing is judged before the key frame after the next."""
        self._since = None
