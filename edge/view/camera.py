"""One camera's sight, picture by picture. Pure; belongs to one thread.

At any moment at most one of dark, covered, blurred and moved is present; frozen is asked for only where the picture
is none of them. Blind is: any of them but `moved` present for about a second, told or not.
"""

from __future__ import annotations

from collections.abc import Sequence

from contract.camera import View
from contract.section import Polygon
from edge.types import Grey, Sample
from edge.view.frozen import Frozen
from edge.view.scene import Scene
from edge.view.spell import KINDS, Spell, ViewKind, ViewSignal

PERIOD_S = 0.2  # pictures that come faster are passed over
ADOPT_S = 600.0  # where a camera has looked elsewhere for this long, that is where it looks; how it looks, likewise
MOVED_S = 5.0  # lasts this long before objects are forgotten, where `moved` is not told


class CameraView:
    def __init__(self, config: View, masks: Sequence[Polygon] = ()) -> None:
        self._spells = {kind: Spell(kind, getattr(config, kind)) for kind in KINDS if kind != "offline"}
        self._moved_s = config.moved.for_s if config.moved else MOVED_S
        self._elsewhere = False
        self._is_used_to_blur = False
        self._scene = Scene(masks)
        self._frozen = Frozen()
        self._fresh = False
        self._due = float("-inf")

    @property
    def faults(self) -> tuple[ViewKind, ...]:
        """What has been wrong for about a second; may be read from any thread."""
        return tuple(kind for kind, spell in self._spells.items() if spell.holds)

    @property
    def blind(self) -> bool:
        """Whether nothing that a model finds in the picture would mean anything."""
        return any(kind != "moved" and not (kind == "blurred" and self._is_used_to_blur) for kind in self.faults)

    def step(self, at: float, sample: Sample, small: Grey, fresh: bool) -> list[ViewSignal]:
        """Take in a picture's sample and its small grey form, masks painted in both.

        `fresh`: a key frame has come since the last.
        """
        self._fresh |= fresh
        if at < self._due:
            return []
        self._due = at + PERIOD_S * 0.9  # pictures do not come to the millisecond
        was_blind = self.blind
        fault: ViewKind | None = self._scene.step(at, small)
        frozen_since = self._frozen.step(at, sample, self._fresh)
        self._fresh = False
        if fault is None and frozen_since is not None:
            fault = "frozen"
        signals: list[ViewSignal] = []
        for kind, spell in self._spells.items():
            signals += spell.step(at, kind == fault, frozen_since if kind == "frozen" else None)
        # A lens that nobody cleans must not silence the rules for good: they make do with what can be seen.
        self._is_used_to_blur = self._spells["blurred"].lasted(at) >= ADOPT_S
        blinded: list[ViewKind] = [*self.faults[:1]] if self.blind and not was_blind else []
        moved = self._spells["moved"]
        lasted = moved.lasted(at)
        elsewhere = lasted >= self._moved_s or (self._elsewhere and lasted > 0)
        if elsewhere != self._elsewhere:  # gone, or back: objects seen there are not here
            self._elsewhere = elsewhere
            blinded.append("moved")
        if lasted >= max(ADOPT_S, 2 * self._moved_s):
            self._scene.forget()
            self._elsewhere = False
            signals += moved.end(at)
        return [ViewSignal("blinded", kind, at) for kind in blinded] + signals
