"""What is said of a camera's sight, as drafts of records. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from contract.camera import VIEW
from contract.event import Severity
from edge.rules.engine import Draft
from edge.view.spell import ViewKind, ViewSignal


class ViewEvents:
    """One camera's open events of this kind. `utc_ms` and `new_id` as for the RuleEngine."""

    def __init__(self, severity: Severity, utc_ms: Callable[[float], int], new_id: Callable[[int], UUID]) -> None:
        self._severity = severity
        self._utc_ms = utc_ms
        self._new_id = new_id
        self._open: dict[ViewKind, Draft] = {}

    def step(self, at: float, signal: ViewSignal) -> list[Draft]:
        """What is heard at `at`; it happened then or earlier."""
        now, happened = self._utc_ms(at), self._utc_ms(signal.at)
        if signal.what == "opened":
            self._open[signal.kind] = draft = self._draft(signal.kind, happened, max(now, happened))
            return [draft]
        if signal.what == "closed" and (opened := self._open.pop(signal.kind, None)) is not None:
            over = max(happened, opened.opened_at)
            return [replace(opened, state="closed", at=max(now, over), closed_at=over)]
        return []

    def close(self, at: float) -> list[Draft]:
        """The edge stops: close what is open."""
        return [draft for kind in list(self._open) for draft in self.step(at, ViewSignal("closed", kind, at))]

    def _draft(self, kind: ViewKind, opened_at: int, at: int) -> Draft:
        return Draft(
            event_id=self._new_id(opened_at),
            rule=VIEW,
            kind=kind,
            zone=None,
            state="open",
            opened_at=opened_at,
            at=at,
            closed_at=None,
            label=None,
            count=None,
            confidence=None,
            box=None,
            track=None,
            severity=self._severity,
        )
