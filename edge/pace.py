"""How often one camera is looked at: where things move fast more often, where nothing changes less. Pure.

`rate` is a budget, a mean that is never exceeded: since the start there are at most `rate` looks a second, and one.
What a scene at rest does not use is saved, BURST_S of it at most, and spent at up to FASTER times the rate on what is
new or fast. So the second look at a car that has just come comes early, and tells its speed.
"""

from __future__ import annotations

from collections.abc import Sequence

from edge.types import Box

BURST_S = 4.0
FASTER = 2.0
REST_S = 0.4  # between looks while all objects are at rest, if the rate allows more: who comes then is seen soon enough
SLACK_S = 1e-6  # sums of fractions do not come out even
MOVE = 0.35  # of its own size an object may move between two looks
REST = 0.15  # sizes a second; the tracker's own tremble is below


class Pace:
    """`due`, `spend` and `refund` belong to the camera's thread; `follow` is called by whoever sees the objects."""

    def __init__(self, rate: float) -> None:
        """`rate`: looks a second."""
        self._rate = rate
        self._period_s = 1 / rate
        self._most = max(1.0, BURST_S * rate)  # a rate of less than one in BURST_S saves up to a whole look
        self._credit = 1.0  # looks
        self._spent = False  # since the last that was due
        self._at = self._last = float("-inf")
        self.settled = False
        self.resting: Sequence[Box] | None = None  # the objects there; None while one moves, or before the first look

    def due(self, at: float) -> bool:
        """Whether a look at `at` fits the budget and the scene. If so, the next is a period later."""
        if at < self._at:  # the clock began anew
            self._last = at - self._period_s
        passed = max(0.0, at - self._at) if self._at > float("-inf") else 0.0
        self._at = at
        self._credit = min(self._credit + passed * self._rate, self._most)
        late = at - self._last - self._period_s
        if late < -SLACK_S or self._credit < 1 - SLACK_S:
            return False
        # Counted from when it was due, the mean rate holds though no picture comes at that very moment.
        self._last = at - late if late < self._period_s else at
        if not self._spent:  # the scene is asleep, or the camera blind: no haste
            self._period_s = max(self._period_s, 1 / self._rate)
        self._spent = False
        return True

    def spend(self) -> None:
        """A look is made."""
        self._credit -= 1
        self._spent = True

    def refund(self) -> None:
        """A look that was spent for is not made after all."""
        self._credit = min(self._credit + 1, self._most)

    def follow(self, fastest: float, boxes: Sequence[Box] = (), *, settled: bool = True) -> None:
        """`fastest`: the highest speed among the objects, in their own sizes a second; infinite for what is new.
        `boxes`: where they are. `settled`: each was seen, so that where nothing moves they need not be looked for."""
        self.settled = settled
        self.resting = boxes if fastest < REST else None
        slowest = max(REST_S, 1 / self._rate) if fastest < REST else 1 / self._rate
        self._period_s = min(max(MOVE / max(fastest, 1e-6), 1 / (FASTER * self._rate)), slowest)
