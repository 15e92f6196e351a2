"""No pictures come: `offline`. Pure.

Separate from CameraView, because whoever waits for pictures cannot tell in time that there are none: a connect or a
read may hang for many seconds.
"""

from __future__ import annotations

from contract.camera import FaultTimes
from edge.view.spell import Spell, ViewSignal

GAP_S = 5.0  # pictures that come more often are a stream, however slow
BLIND_AFTER_S = 10.0  # away for longer, and nothing is known any more about who was where


class Silence:
    """One camera's. A camera that has never sent a picture is silent from `at` (seconds, pipeline clock)."""

    def __init__(self, lasting: FaultTimes | None, at: float) -> None:
        self._spell = Spell("offline", lasting, settle_s=BLIND_AFTER_S)
        self._gap_s = GAP_S if lasting is None else min(GAP_S, lasting.for_s)
        self._heard = at

    @property
    def holds(self) -> bool:
        return self._spell.holds

    def step(self, at: float, heard: float | None) -> list[ViewSignal]:
        """Ask at `at`, often; `heard` is when the newest picture came, None where none has come yet."""
        if heard is not None:
            self._heard = max(heard, self._heard)
        held = self._spell.holds
        away = at - self._heard >= self._gap_s
        # Only pictures prove that it is back, not the time in which none is due yet.
        signals = self._spell.step(at if away else self._heard, away, since=self._heard)
        if self._spell.holds and not held:
            signals.insert(0, ViewSignal("blinded", "offline", at))
        return signals
