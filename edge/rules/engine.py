"""All rules of one camera: tracks in, event drafts out.

The engine gives each event its id when it opens and keeps it until it closes, so that both records carry the same.
A rule outside its schedule is disarmed: it forgets what it saw, and what it had open is closed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from contract import rules as config
from contract.camera import Camera
from contract.event import Severity, State
from contract.schedule import Schedule
from edge.rules import line, zone
from edge.rules.base import Key, Rule, RuleState, Signal
from edge.rules.schedule import is_open
from edge.types import Box, Step, Track

ANY_OBJECT = "object"


@dataclass(frozen=True, slots=True)
class Draft:
    """An event record before the camera and the outbox have put their names to it. Times: UTC ms."""

    event_id: UUID
    rule: str
    kind: str
    zone: str | None
    state: State
    opened_at: int
    at: int
    closed_at: int | None
    label: str | None
    count: int | None
    confidence: float | None
    box: Box | None
    track: int | None
    severity: Severity = "warning"
    path: tuple[Step, ...] = ()  # of the object until the event opened; for the still, never sent


@dataclass(slots=True)
class _Armed:
    """A rule at work. `open` holds the opening draft of each event that has not closed."""

    name: str
    spec: config.Rule
    rule: Rule
    schedule: Schedule | None
    open: dict[Key, Draft]


class RuleEngine:
    """`step` once a look. `utc_ms` turns the pipeline's seconds into UTC ms; `new_id` makes an id for a moment."""

    def __init__(self, camera: Camera, utc_ms: Callable[[float], int], new_id: Callable[[int], UUID]) -> None:
        self._utc_ms = utc_ms
        self._new_id = new_id
        self._armed = [
            _Armed(name, rule, build(rule, camera), camera.schedules.get(rule.schedule or ""), {})
            for name, rule in camera.rules.items()
        ]

    def step(self, at: float, tracks: Sequence[Track]) -> list[Draft]:
        drafts = []
        now = self._utc_ms(at)
        for armed in self._armed:
            if armed.schedule is None or is_open(armed.schedule, now):
                signals = armed.rule.step(at, tracks)
            else:
                signals = armed.rule.clear(at)
            drafts += [self._draft(armed, signal) for signal in signals]
        return drafts

    def clear(self, at: float) -> list[Draft]:
        """Close whatever is open: the camera is blind, or the edge stops."""
        return [self._draft(armed, signal) for armed in self._armed for signal in armed.rule.clear(at)]

    def states(self, at: float) -> list[RuleState]:
        """Every rule as it stands after the look at `at`."""
        now = self._utc_ms(at)
        return [
            RuleState(
                armed.name,
                armed.spec.kind,
                armed.schedule is None or is_open(armed.schedule, now),
                tuple(armed.open),
                armed.rule.waiting(at),
            )
            for armed in self._armed
        ]

    def _draft(self, armed: _Armed, signal: Signal) -> Draft:
        at = self._utc_ms(signal.at)
        if signal.what == "closed":
            # A closing moment may lie before the last look, but never before the opening.
            opened = armed.open.pop(signal.key)
            closed_at = max(at, opened.opened_at)
            return replace(opened, state="closed", at=closed_at, closed_at=closed_at)
        track = signal.track
        draft = Draft(
            event_id=self._new_id(at),
            rule=armed.name,
            kind=armed.spec.kind,
            zone=getattr(armed.spec, "zone", None) or getattr(armed.spec, "line", None),
            state="open",
            opened_at=at,
            at=at,
            closed_at=None,
            label=_label(armed.spec, track),
            count=signal.count,
            confidence=track.score if track else None,
            box=track.box if track else None,
            track=track.id if track else None,
            severity=armed.spec.severity,
            path=track.path if track else (),
        )
        if signal.what == "passed":
            return replace(draft, state="closed", closed_at=at)
        armed.open[signal.key] = draft
        return draft


def _label(rule: config.Rule, track: Track | None) -> str | None:
    """Whoever asks for any object mistrusts the model's word for it; nobody is helped by a car called a phone."""
    if track is None:
        return None
    return ANY_OBJECT if rule.labels == "any" else track.label


def build(rule: config.Rule, camera: Camera) -> Rule:
    """The rule object for a rule of `camera`'s config."""
    match rule:
        case config.Intrusion() | config.Dwell():
            return zone.ObjectInZone(rule, camera.zones[rule.zone])
        case config.Occupancy():
            return zone.Crowd(rule, camera.zones[rule.zone])
        case config.Absence():
            return zone.Lack(rule, camera.zones[rule.zone])
        case config.LineCrossing():
            return line.line_crossing(rule, camera.lines[rule.line])
        case config.WrongWay():
            return line.wrong_way(rule, camera.lines[rule.line])
