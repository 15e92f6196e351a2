"""What one row of the list says, in words. `static/row.js` writes the same when the browser takes over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from central import kinds
from central.web.texts import Texts

DASH = "–"
LAST = 253_370_764_800_000  # 9999-01-01: later ones (a mad edge's clock) overflow in zones east of Greenwich


@dataclass(frozen=True, slots=True)
class Row:
    event_id: str
    tier: int
    tier_title: str
    severity: str  # alarm | warning | info
    severity_text: str
    sort: str  # camera | edge | storm | flow, or empty: something that happened
    time: str
    iso: str
    utc: str  # and, where the edge's clock is wrong, its own time
    clock: bool  # it is
    day: str  # empty today
    late: str  # empty where it came in time
    late_title: str
    kind: str
    newer: bool
    about: str
    object: str
    confidence: str
    site: str
    camera: str
    state: str  # open | closed
    state_text: str
    duration: str
    decision: str  # none | true | false_alarm | test | duplicate
    decision_text: str
    decided: str


def zone_of(cookie: str | None) -> tzinfo:
    """The browser's zone, as it told us on an earlier visit."""
    try:
        return ZoneInfo(cookie) if cookie and len(cookie) < 64 else UTC
    except (KeyError, ValueError, OSError):
        return UTC


def row(event: Mapping[str, Any], text: Texts, now: int, zone: tzinfo) -> Row:
    """`event` as the API gives it; `now` in UTC milliseconds."""
    times = event["corrected"] or event
    opened = _at(times["opened_at"], zone)
    closed = event["state"] == "closed"
    end = times["closed_at"] if closed else now
    decision = event["decision"]
    late = duration(event["delay"]) if event["late"] else ""
    choice = decision["decision"] if decision else "none"
    return Row(
        event_id=str(event["event_id"]),
        tier=event["tier"],
        tier_title=text(f"tier.{event['tier']}"),
        time=f"{opened:%H:%M:%S}",
        iso=_at(times["opened_at"], UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        utc="\n".join(filter(None, (utc(times["opened_at"]), _own(event, text)))),
        clock=bool(event["corrected"]),
        day="" if opened.date() == _at(now, zone).date() else f"{opened:%m-%d}",
        late=text("mark.late", duration=late) if late else "",
        late_title=text("mark.late.title", duration=late) if late else "",
        severity=event["severity"],
        severity_text=text(f"severity.{event['severity']}"),
        sort=_sort(event["kind"]),
        kind=text.name("kind", event["kind"]),
        newer=bool(event["newer_kind"]) or f"kind.{event['kind']}" not in text.entries,
        about=_about(event, text),
        object=_object(event, text),
        confidence="" if event["confidence"] is None else f"{round(event['confidence'] * 100)} %",
        site=event["site"],
        camera=f"{event['camera_id']} · {text.name('pilot', event['pilot'])}",
        state="closed" if closed else "open",
        state_text=text("state.closed" if closed else "state.open"),
        duration=duration(end - times["opened_at"]),
        decision=choice,
        decision_text=text(f"decision.{choice}"),
        decided=f"{decision['by']} {_at(decision['at'], zone):%H:%M}" if decision else "",
    )


def duration(millis: int) -> str:
    """2:13, 1:02:13 or 26:02:13: the same in every language."""
    seconds = max(0, millis // 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def span(millis: int, text: Texts) -> str:
    """5 min, 1 h 30 min or 45 s: a length of time in a sentence."""
    seconds = (millis + 500) // 1000
    parts = (("span.h", seconds // 3600), ("span.min", seconds // 60 % 60), ("span.s", seconds % 60))
    return " ".join(text(key, n=n) for key, n in parts if n) or text("span.s", n=0)


def utc(millis: int) -> str:
    moment = _at(millis, UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{millis % 1000:03} UTC"


def _own(event: Mapping[str, Any], text: Texts) -> str:
    """What the edge's own clock said; empty where that is right."""
    if not event["corrected"]:
        return ""
    offset = event["clock_offset"]
    key = "mark.clock.behind" if offset > 0 else "mark.clock.ahead"
    return text(key, duration=duration(abs(offset)), time=utc(event["opened_at"]))


def _at(millis: int, zone: tzinfo) -> datetime:
    return datetime.fromtimestamp(min(millis, LAST) / 1000, zone)


def _sort(kind: str) -> str:
    if kind in kinds.CAMERA_HEALTH:
        return "camera"
    if kind == kinds.DEGRADED:
        return "edge"
    return kind if kind in (kinds.STORM, "flow") else ""


def _about(event: Mapping[str, Any], text: Texts) -> str:
    """The second line: which rule and where; of a fault, an overload, a storm or a count what it is."""
    plain = " · ".join(part for part in (event["rule"], event["zone"]) if part)
    count, of, line, closed = event["count"], event["of"], event["zone"], event["closed_at"]
    match _sort(event["kind"]):
        case "camera":
            return text("about.camera")
        case "edge" if count is not None and of is not None:
            return text("about.degraded", count=count, of=of)
        case "storm" if count is not None:
            return text.plural("about.storm", count, rule=plain)
        case "flow" if count is not None and line and closed is not None:
            time = span(closed - event["opened_at"], text)
            if count == 0:
                return text("about.flow.none", line=line, span=time)
            return text("about.flow", object=_object(event, text), line=line, span=time)
        case _:
            return plain


def _object(event: Mapping[str, Any], text: Texts) -> str:
    if event["label"] is None:
        return f"× {event['count']}" if event["count"] is not None else DASH
    name = text.name("label", event["label"])
    return f"{name} × {event['count']}" if event["count"] not in (None, 1) else name
