"""Whether one camera sleeps: from the sizes of its packets, and from what the gate sees of its pictures. Pure.

    awake    every packet is decoded, the gate looks as often as the pace allows
    asleep   only a key frame now and then is decoded; what comes between waits, undecoded
    steady   every packet is decoded, the gate looks every STEADY_S: the sizes of this stream tell too little

    awake -> asleep, steady   nothing has moved for `settle_s`
    asleep -> awake           "sizes": packets grew, and the pictures that waited show motion;
                              "picture": a picture shows motion that the sizes did not tell
    steady -> awake           "steady": a picture shows motion
    asleep <-> steady         the sizes' noise grew beyond what they can tell, or fell again

A wake by sizes that no picture confirms within CONFIRM_S is counted ("false") and makes the sizes less excitable.
Motion that the sizes do not notice within NOTICE_S makes the stream untrusted for UNTRUSTED_S: so constant bit rates
are found even where their sizes look calm.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Literal, TypeAlias

State: TypeAlias = Literal["awake", "asleep", "steady"]
Wake: TypeAlias = Literal["sizes", "picture", "steady", "false"]

START_S = 10.0  # awake after a start or a gap: what is told of the camera's sight learns then, and so do the sizes
GAP_S = 5.0  # without packets: another connection, perhaps another encoder
STEADY_S = 0.4
GLANCE_S = 3.5  # asleep, key frames that come sooner after the last one that was decoded wait, too
CONFIRM_S = 1.0
NOTICE_S = 0.6
UNTRUSTED_S = 600.0

LEARN = 100  # packets, before anything is held against them; and what a wrong alarm leaves of the memory
REMEMBER = 1500  # packets over which mean and spread at rest follow: a minute
TELLING = 0.005  # share of a key frame's size that the spread at rest may have: motion in 1 % of the picture adds that
LEAST_SPREAD = 0.05  # of the mean: encoders pad and round
DRIFT = 1.0  # spreads by which a packet must be larger to count
ONE = 8.0  # spreads that one packet may count: a single large one wakes nobody
ALARM, LARGEST_ALARM = 8.0, 60.0  # sum of what counts; the largest takes ten packets that are far too large
CALMER, RECOVER_S = 1.3, 120.0  # by this factor a wrong alarm raises the sum; it falls back within about this long
OUTLIER = 6.0  # spreads beyond which a packet at rest is learned as if it were there


class Sizes:
    """Are packets larger than they are at rest? A cumulative sum: many a little larger, or few much larger.

    Source: Page, Continuous inspection schemes, Biometrika 41 (1954). Key frames only set the scale: between them,
    an encoder sends what has changed.
    """

    def __init__(self) -> None:
        self._key = 0.0  # bytes of a key frame
        self._count = 0  # packets that mean and variance stand for
        self._mean = self._variance = 0.0
        self._spread = 1.0
        self._sum = 0.0
        self._alarm, self._alarm_at = ALARM, 0.0

    def take(self, size: int, *, key: bool) -> None:
        """A packet of `size` bytes."""
        if key:
            self._key = size if not self._key else 0.7 * self._key + 0.3 * size
        elif self._count >= LEARN:
            more = min((size - self._mean) / self._spread, ONE) - DRIFT
            self._sum = max(0.0, self._sum + more)

    def learn(self, size: int) -> None:
        """A packet of `size` bytes, no key frame, was one of a scene at rest."""
        self._count = min(self._count + 1, REMEMBER)
        off = size - self._mean
        if self._count > LEARN:
            off = max(-OUTLIER * self._spread, min(OUTLIER * self._spread, off))
        self._mean += off / self._count
        self._variance += (off * off - self._variance) / self._count
        self._spread = max(math.sqrt(self._variance), LEAST_SPREAD * self._mean, 1.0)

    def alarm(self, at: float) -> bool:
        """Whether they tell of motion."""
        return self._sum > ALARM and self._sum > self._limit(at)

    def wrong(self, at: float) -> None:
        """The alarm was: nothing moved."""
        self._alarm, self._alarm_at = min(CALMER * self._limit(at), LARGEST_ALARM), at
        self._count = LEARN  # a lasting change of level is learned in seconds
        self._sum = 0.0

    def reset(self) -> None:
        """Motion is over: what was summed up no longer counts."""
        self._sum = 0.0

    @property
    def tell(self) -> bool:
        """Whether they are calm enough at rest for motion to show in them."""
        return self._count >= LEARN and self._spread < TELLING * self._key

    def _limit(self, at: float) -> float:
        return ALARM + (self._alarm - ALARM) * math.exp(-max(0.0, at - self._alarm_at) / RECOVER_S)


class Sleep:
    """One camera's; belongs to its thread. `packet` once a packet, in order, and `saw` for each picture that the gate
    was shown. `state` and `wakes` (by reason) may be read from any thread."""

    def __init__(self, settle_s: float, *, allowed: bool = True) -> None:
        """`settle_s`: without motion, before it sleeps. `allowed` False: it never does."""
        self.state: State = "awake"
        self.wakes: Counter[str] = Counter()  # by Wake
        self._settle_s = settle_s
        self._allowed = allowed
        self._sizes = Sizes()
        self._at = self._glanced = float("-inf")
        self._started = 0.0
        self._motion = float("-inf")  # when the last was seen
        self._alarmed: float | None = None  # since when the sizes have kept it awake, and no picture has
        self._trial: float | None = None  # when motion began that the sizes have not noticed yet
        self._untrusted = float("-inf")  # until then

    def packet(self, at: float, size: int, *, key: bool, glance_s: float = GLANCE_S) -> bool:
        """Whether to decode a packet that came at `at`; False: let it wait. `glance_s`: see GLANCE_S."""
        if not self._at - GAP_S <= at <= self._at + GAP_S:
            self._start(at)
            self._at = at
        at = self._at = max(at, self._at)  # pictures may be coded out of order
        self._sizes.take(size, key=key)
        alarm = self._sizes.alarm(at)
        if self._trial is not None and (alarm or at - self._trial > NOTICE_S):
            self._untrusted = self._untrusted if alarm else at + UNTRUSTED_S
            self._trial = None
        if self._alarmed is not None and at - self._alarmed > CONFIRM_S:
            self._wake("false")
            self._sizes.wrong(at)
            self._alarmed = None
            self.state = "asleep"
        elif self.state == "asleep" and alarm:
            self._alarmed, self.state = at, "awake"
        elif self._alarmed is None and self._rests(at):
            if self.state == "awake":
                self._sizes.reset()
            if not key:
                self._sizes.learn(size)
            if self._allowed and at - self._started > START_S:
                self.state = "asleep" if self._sizes.tell and at >= self._untrusted else "steady"
        decode = self.state != "asleep" or (key and at >= self._glanced + glance_s)
        if key and decode:
            self._glanced = at
        return decode

    def passed(self, at: float) -> None:
        """A packet that came at `at` was not looked at in any way: the next key frame is to be."""
        self._at = max(at, self._at) if abs(at - self._at) <= GAP_S else at
        self._glanced = float("-inf")
        if self._alarmed is not None:
            self._alarmed = at

    def saw(self, at: float, *, motion: bool) -> None:
        """What the gate found in the picture of `at`."""
        if not motion:
            return
        if self.state != "awake" or self._alarmed is not None:
            self._wake("sizes" if self._alarmed is not None else "picture" if self.state == "asleep" else "steady")
        if self._rests(at) and self._alarmed is None:
            self._trial = at
        self.state, self._alarmed = "awake", None
        self._motion = at

    def _start(self, at: float) -> None:
        self.state, self._sizes, self._started = "awake", Sizes(), at
        self._motion, self._alarmed, self._trial = float("-inf"), None, None

    def _wake(self, why: Wake) -> None:
        self.wakes[why] += 1

    def _rests(self, at: float) -> bool:
        return at - max(self._motion, self._started) > self._settle_s
