"""Who may connect now: recorders drop streams when all their cameras are asked for at once.

Contract
--------
- At most `at_once` connects to one host begin at a time; other hosts are no concern of theirs.
- Connects begin `spaced_s` apart, whatever the host, and `SLOW_S` while the edge does not keep up with the cameras it
  has: one costs most in its first seconds. Questions beforehand (ONVIF) do not count: they cost next to nothing.
- A connect that hangs for longer than `hold_s` no longer counts, so mute cameras do not use up a recorder's places.
- Of those who wait, whoever failed least often in a row goes first: a camera that was kicked does not queue behind
  dozens that have been dead for days.
"""

from __future__ import annotations

import itertools
import math
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from edge.clock import Clock

SLOW_S = 1.0
_LOOK_S = 0.2  # how often who waits looks whether a connect has become old, or the edge stops


@dataclass(order=True, slots=True)
class _Waiter:
    failures: int
    number: int  # order of arrival
    host: str = field(compare=False)
    connects: bool = field(compare=False)
    turn: threading.Event = field(default_factory=threading.Event, compare=False)


class Pacer:
    """One for all cameras of an edge; from any thread."""

    def __init__(
        self,
        clock: Clock,
        keeps_up: Callable[[], bool] = lambda: True,
        *,
        at_once: int = 4,
        hold_s: float = 0.5,
        spaced_s: float = 0.1,
    ) -> None:
        self._clock = clock
        self._keeps_up = keeps_up
        self._at_once = at_once
        self._hold_s = hold_s
        self._spaced_s = spaced_s
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._waiting: list[_Waiter] = []
        self._begun: dict[str, dict[int, float]] = defaultdict(dict)  # by host, those that count: when they began
        self._connected = -math.inf  # when the last connect began

    @contextmanager
    def turn(self, host: str, failures: int, stop: threading.Event, *, connects: bool = True) -> Iterator[bool]:
        """Waits for a turn to connect, or only to ask, and holds it; False where `stop` was set meanwhile."""
        me = _Waiter(failures, next(self._numbers), host, connects)
        with self._lock:
            self._waiting.append(me)
        try:
            self._grant()
            while not me.turn.wait(_LOOK_S) and not stop.is_set():
                self._grant()
            yield not stop.is_set()
        finally:
            with self._lock:
                if me in self._waiting:
                    self._waiting.remove(me)
                self._begun[host].pop(me.number, None)
            self._grant()

    def _grant(self) -> None:
        with self._lock:
            now = self._clock.now()
            connects = self._may_connect(now)
            for waiter in sorted(each for each in self._waiting if connects or not each.connects):
                if (waiter.connects and not connects) or self._busy(waiter.host, now):
                    continue
                self._waiting.remove(waiter)
                self._begun[waiter.host][waiter.number] = now
                waiter.turn.set()
                if waiter.connects:
                    self._connected = now
                    connects = self._may_connect(now)

    def _may_connect(self, now: float) -> bool:
        return now >= self._connected + self._spaced_s and (now >= self._connected + SLOW_S or self._keeps_up())

    def _busy(self, host: str, now: float) -> bool:
        return sum(now - began < self._hold_s for began in self._begun[host].values()) >= self._at_once
