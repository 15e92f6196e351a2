"""A state that must last before its event opens, and be over for a while before it closes."""

from __future__ import annotations

from edge.rules.base import Signal, share
from edge.types import Track


class Lasting:
    """Two states, told (an event is open) and not; `_turned` is since when things are the other way than told."""

    def __init__(self, for_s: float, recover_s: float) -> None:
        self._for_s = for_s
        self._recover_s = recover_s
        self._open = False
        self._turned: float | None = None

    def step(
        self,
        at: float,
        holds: bool,
        *,
        since: float | None = None,
        sure: bool = True,
        track: Track | None = None,
        count: int | None = None,
    ) -> list[Signal]:
        """`since`: when it turned, if that is news and not now. An event opens or closes only while `sure`; it opens
        now, and closes when the state had ended."""
        if holds == self._open:
            self._turned = None
            return []
        if self._turned is None:
            self._turned = at if since is None else since
        if not sure or at - self._turned < (self._for_s if holds else self._recover_s):
            return []
        turned, self._turned, self._open = self._turned, None, holds
        return [Signal("opened", None, at, track, count)] if holds else [Signal("closed", None, turned)]

    def clear(self, at: float) -> list[Signal]:
        was_open, turned = self._open, self._turned
        self._open, self._turned = False, None
        return [Signal("closed", None, at if turned is None else turned)] if was_open else []

    def waiting(self, at: float) -> float:
        return 0.0 if self._open or self._turned is None else share(at - self._turned, self._for_s)
