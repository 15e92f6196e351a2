"""What is said of a camera's sight, as drafts of records. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from contract.event import Severity
from edge.rules.engine import Draft
from edge.view.spell import ViewKind, ViewSignal

RULE = "view"  # the record's rule


class ViewEvents:
    """One camera's open events of this kind. `utc_ms` and `new_id` as for the RuleEngine."""

    def __init__(self, severity: Severity, utc_ms: Callable[[float], int], new_id: Callable[[int], UUID]) -> None:
        self._severity = severity
        self._utc_ms = utc_ms
        self._new_id = new_id
        self._open: dict[ViewKind, Draft] = {}

    def step(self, signal: ViewSignal) -> list[Draft]:
        at = self._utc_ms(signal.at)
        if signal.what == "opened":
            self._open[signal.kind] = draft = self._draft(signal.kind, at)
            return [draft]
        if signal.what == "closed" and (opened := self._open.pop(signal.kind, None)) is not None:
            over = max(at, opened.opened_at)
            return [replace(opened, state="closed", at=over, closed_at=over)]
        return []

    def close(self, at: float) -> list[Draft]:
        """The edge stops: close what is open."""
        return [draft for kind in list(self._open) for draft in self.step(ViewSignal("closed", kind, at))]

    def _draft(self, kind: ViewKind, at: int) -> Draft:
        return Draft(
            event_id=self._new_id(at),
            rule=RULE,
            kind=kind,
            zone=None,
            state="open",
            opened_at=at,
            at=at,
            closed_at=None,
            label=None,
            count=None,
            confidence=None,
            box=None,
            track=None,
            severity=self._severity,
        )
