"""How long a fault of the camera's sight lasts, and what is told of it. Pure.

    sound -> present -> told (present for `for_s`) -> over (absent for `recover_s`) -> sound

A fault that was not told is over once absent for SETTLE_S. Blindness asks less: it begins when a fault has been
present for `settle_s` and ends when it has been absent for SETTLE_S, told or not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from contract.camera import FaultTimes

ViewKind: TypeAlias = Literal["offline", "frozen", "dark", "covered", "blurred", "moved"]
KINDS: tuple[ViewKind, ...] = get_args(ViewKind)

SETTLE_S = 1.0


@dataclass(frozen=True, slots=True)
class ViewSignal:
    """`opened` and `closed` are told of. `blinded` is not: what is known of the camera's objects no longer holds."""

    what: Literal["opened", "closed", "blinded"]
    kind: ViewKind
    at: float  # seconds, pipeline clock


class Spell:
    """One kind of fault of one camera. `lasting` None: never told."""

    def __init__(self, kind: ViewKind, lasting: FaultTimes | None, settle_s: float = SETTLE_S) -> None:
        self.kind = kind
        self.holds = False  # settled, and not over
        self._lasting = lasting
        self._settle_s = settle_s
        self._since: float | None = None  # when it began
        self._gone: float | None = None  # when it was first found absent again
        self._open = False

    def lasted(self, at: float) -> float:
        """Seconds since it began; 0 where it is not."""
        return 0.0 if self._since is None else at - self._since

    def step(self, at: float, present: bool, since: float | None = None) -> list[ViewSignal]:
        """Whether the fault is there at `at`; `since` where it is known to have begun earlier."""
        if present:
            self._gone = None
            if self._since is None:
                self._since = at if since is None else since
        elif self._since is not None and self._gone is None:
            self._gone = at
        signals = self._tell(at)
        self.holds = (
            self._since is not None
            and (at if self._gone is None else self._gone) - self._since >= self._settle_s
            and (self._gone is None or at - self._gone < SETTLE_S)
        )
        return signals

    def end(self, at: float) -> list[ViewSignal]:
        """Over at once: what was a fault is how things are."""
        was_open, self._open, self._since, self._gone, self.holds = self._open, False, None, None, False
        return [ViewSignal("closed", self.kind, at)] if was_open else []

    def _tell(self, at: float) -> list[ViewSignal]:
        if self._since is None:
            return []
        if self._gone is not None:
            patience = self._lasting.recover_s if self._open and self._lasting else SETTLE_S
            return self.end(self._gone) if at - self._gone >= patience else []
        if self._open or self._lasting is None or at - self._since < self._lasting.for_s:
            return []
        self._open = True
        # The moment at which it had lasted so long, however late that is known.
        return [ViewSignal("opened", self.kind, self._since + self._lasting.for_s)]
