"""All rules of one camera: tracks in, event drafts out.

The engine gives each event its id when it opens and keeps it until it closes, so that both records carry the same.
A rule outside its schedule is disarmed: it forgets what it saw, and what it had open is closed. What happened in a
time without looks is not known: after one of more than `GAP_S`, all rules forget what they saw.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from contract import rules as config
from contract.camera import Camera
from contract.event import Severity, State
from edge.rules import line, zone
from edge.rules.abandoned import Abandoned
from edge.rules.base import Key, Rule, RuleState, Signal, clipped, in_picture, told_label
from edge.rules.congestion import Congestion
from edge.rules.flow import Flow
from edge.rules.schedule import is_open
from edge.rules.storm import StormCap
from edge.types import Box, Step, Track

GAP_S = 30.0
GAP_LOOKS = 3  # of a camera looked at seldom, where they are further apart than usual
BACK_S = 1.0  # a look earlier than the last by more, and the clock began anew; the tracker sees it likewise


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
    of: int | None = None  # `count` is out of so many
    path: tuple[Step, ...] = ()  # of the object until the event opened; for the still, never sent


@dataclass(slots=True)
class _Armed:
    """A rule at work. `open` holds the opening draft of each event that has not closed; None where it was swallowed."""

    name: str
    spec: config.Rule
    rule: Rule
    open: dict[Key, Draft | None]
    cap: StormCap
    storm: Draft | None = None


class RuleEngine:
    """`step` once a look, and where none is needed because nothing moves. `utc_ms` turns the pipeline's seconds into
    UTC ms; `new_id` makes an id for a moment."""

    def __init__(self, camera: Camera, utc_ms: Callable[[float], int], new_id: Callable[[int], UUID]) -> None:
        self._camera = camera
        self._utc_ms = utc_ms
        self._new_id = new_id
        self._armed = [
            _Armed(name, rule, build(rule, camera), {}, StormCap(camera.storm)) for name, rule in camera.rules.items()
        ]
        self._last: float | None = None
        self._longest_gap = max(GAP_S, GAP_LOOKS / camera.detect.rate)
        self.swallowed: Counter[str] = Counter()
        """Events that a storm's cap kept from being told one by one, by rule."""

    def step(self, at: float, tracks: Sequence[Track]) -> list[Draft]:
        """The look at `at`. A little earlier than the last, it counts as the same moment; by more than BACK_S, or long
        after the last, everything is forgotten first."""
        drafts = []
        if self._last is not None and not -BACK_S <= at - self._last <= self._longest_gap:
            drafts = self.clear(self._last)
            if at < self._last:  # the clock began anew
                for armed in self._armed:
                    armed.cap = StormCap(self._camera.storm)
            self._last = at
        at = self._last = at if self._last is None else max(at, self._last)
        now = self._utc_ms(at)
        tracks = [track for track in tracks if in_picture(track.box)]
        open_now = self._open_schedules(now)
        for armed in self._armed:
            signals = armed.rule.step(at, tracks) if armed.spec.schedule in open_now else armed.rule.clear(at)
            drafts += self._drafts(armed, at, signals)
            drafts += self._storm(armed, now, armed.cap.step(at))
        return drafts

    def clear(self, at: float) -> list[Draft]:
        """Close whatever is open: the camera is blind, or the edge stops."""
        at = at if self._last is None else max(at, self._last)
        drafts = []
        for armed in self._armed:
            drafts += self._drafts(armed, at, armed.rule.clear(at))
            drafts += self._storm(armed, self._utc_ms(at), armed.cap.end())
        return drafts

    def states(self, at: float) -> list[RuleState]:
        """Every rule as it stands after the look at `at`."""
        open_now = self._open_schedules(self._utc_ms(at))
        return [
            RuleState(
                armed.name,
                armed.spec.kind,
                armed.spec.schedule in open_now,
                tuple(armed.open),
                armed.rule.waiting(at),
            )
            for armed in self._armed
        ]

    def _open_schedules(self, now: int) -> set[str | None]:
        """The names of the schedules that are open, and None, the name of no schedule, which always is."""
        return {None} | {name for name, schedule in self._camera.schedules.items() if is_open(schedule, now)}

    def _drafts(self, armed: _Armed, at: float, signals: Sequence[Signal]) -> list[Draft]:
        now = self._utc_ms(at)
        drafts = []
        for signal in signals:
            happened = self._utc_ms(signal.at)
            if signal.what == "closed":
                if (opened := armed.open.pop(signal.key)) is not None:
                    drafts.append(_closed(opened, happened, now))
                continue
            # A count of an interval cannot storm, and what it counted must not be lost.
            if armed.spec.kind != "flow" and armed.cap.swallows(at):
                self.swallowed[armed.name] += 1
                if signal.what == "opened":
                    armed.open[signal.key] = None
                continue
            began = happened if signal.since is None else self._utc_ms(signal.since)
            draft = self._opening(armed, began, armed.spec.kind, signal)
            if signal.what == "passed":
                drafts.append(_closed(draft, happened, now))
            else:
                armed.open[signal.key] = draft
                drafts.append(draft)
        return drafts

    def _opening(self, armed: _Armed, at: int, kind: str, signal: Signal | None = None) -> Draft:
        track = signal.track if signal else None
        label = signal.label if signal else None
        return Draft(
            event_id=self._new_id(at),
            rule=armed.name,
            kind=kind,
            zone=armed.spec.line if isinstance(armed.spec, config.LineRule) else armed.spec.zone,
            state="open",
            opened_at=at,
            at=at,
            closed_at=None,
            label=told_label(armed.spec.labels, track) if track else label,
            count=signal.count if signal else None,
            confidence=track.score if track else None,
            box=clipped(track.box) if track else None,
            track=track.id if track else None,
            severity=armed.spec.severity,
            path=track.path if track else (),
        )

    def _storm(self, armed: _Armed, now: int, state: State | None) -> list[Draft]:
        """The record of a storm: about the rule, and no object."""
        if state is None:
            return []
        if armed.storm is None:
            armed.storm = self._opening(armed, now, "storm")
        storm = replace(armed.storm, count=armed.cap.count, state=state, at=max(now, armed.storm.opened_at))
        if state == "closed":
            storm, armed.storm = replace(storm, closed_at=storm.at), None
        return [storm]


def _closed(opened: Draft, happened: int, now: int) -> Draft:
    """It may have ended before the look that shows it, but never before it opened; the wall clock may be set back."""
    closed_at = max(happened, opened.opened_at)
    return replace(opened, state="closed", at=max(now, closed_at), closed_at=closed_at)


def build(rule: config.Rule, camera: Camera) -> Rule:
    """The rule object for a rule of `camera`'s config."""
    match rule:
        case config.Intrusion() | config.Dwell():
            return zone.ObjectInZone(rule, camera.zones[rule.zone])
        case config.Occupancy():
            return zone.Crowd(rule, camera.zones[rule.zone])
        case config.Absence():
            return zone.Lack(rule, camera.zones[rule.zone])
        case config.Congestion():
            return Congestion(rule, camera.zones[rule.zone])
        case config.Abandoned():
            return Abandoned(rule, camera.zones[rule.zone])
        case config.LineCrossing():
            return line.line_crossing(rule, camera.lines[rule.line])
        case config.WrongWay():
            return line.wrong_way(rule, camera.lines[rule.line])
        case config.Flow():
            return Flow(rule, camera.lines[rule.line])
