"""SQL of the feed: every page is read off a tier-leading index, already in order.

Several tiers (and several values of the leading filter) are several index scans, merged by SQLite as a compound
SELECT: it takes rows from all in order and stops at the limit. The index is named, not left to the planner, so that
statistics can never turn a page into a sort of the table.
"""

from __future__ import annotations

from itertools import product
from typing import Any
from uuid import UUID

import msgspec

from central.store.base import Changes, DecisionRow, EventQuery, Position, StoredEvent
from contract.event import EventRecord

RECORD_COLUMNS = EventRecord.__struct_fields__
REST_COLUMNS = ("newer", "received_at", "change", "decision", "decision_by", "decision_at", "decision_note")
COLUMNS = ", ".join(f'"{name}"' for name in RECORD_COLUMNS + REST_COLUMNS)

TIERS = (1, 2, 3)
MAX_SCANS = 60  # index scans merged for one page; with more values one scan a tier sifts instead

Where = list[tuple[str, list[Any]]]


def page_sql(query: EventQuery, before: Position | None, limit: int) -> tuple[str, list[Any]]:
    """SQL and parameters of one page, newest first."""
    scans, params = _scans(COLUMNS, query, before)
    return f"{scans} ORDER BY opened_at DESC, event_id DESC LIMIT ?", [*params, limit]


def count_sql(query: EventQuery, limit: int) -> tuple[str, list[Any]]:
    """SQL and parameters of the number of events, `limit` at most."""
    scans, params = _scans("1", query, None)
    return f"SELECT count(*) FROM ({scans} LIMIT ?)", [*params, limit]  # noqa: S608 constants only


def _scans(columns: str, query: EventQuery, before: Position | None) -> tuple[str, list[Any]]:
    tiers = query.tiers or TIERS
    index, column, values = _leading(query, len(tiers))
    where = _filters(query, skip=("tier", column))
    if index == "events_open":
        where.append(("state <> 'closed'", []))  # in the very words of the partial index
    if (bound := _bound(query.until, before)) is not None:
        where.append(("(opened_at, event_id) < (?, ?)", list(bound)))
    sql, params = [], []
    for tier, value in product(tiers, values):
        lead: Where = [("tier = ?", [tier])]
        if column:
            lead.append((f"{column} = ?", [value]))
        terms = lead + where
        conditions = " AND ".join(term for term, _ in terms)
        sql.append(f"SELECT {columns} FROM events INDEXED BY {index} WHERE {conditions}")  # noqa: S608 constants only
        params += [param for _, given in terms for param in given]
    return " UNION ALL ".join(sql), params


def changes_sql(query: EventQuery, after: int, limit: int) -> tuple[str, list[Any]]:
    """SQL and parameters of the events changed after `after`, in the order of their changes."""
    terms = [("change > ?", [after]), *_filters(query)]
    if query.until is not None:
        terms.append(("opened_at < ?", [query.until]))
    conditions = " AND ".join(term for term, _ in terms)
    params = [param for _, given in terms for param in given]
    return (
        f"SELECT {COLUMNS} FROM events INDEXED BY events_change WHERE {conditions} ORDER BY change LIMIT ?",  # noqa: S608
        [*params, limit],
    )


def changes_of(rows: list[tuple[Any, ...]], limit: int, head: int) -> Changes:
    """`rows` were read with a limit of `limit` + 1; `head` is the last change in the same snapshot."""
    events = tuple(map(event_of, rows[:limit]))
    more = len(rows) > limit
    return Changes(events, events[-1].change if more else head, more)


def event_of(row: tuple[Any, ...]) -> StoredEvent:
    """A row selected with COLUMNS."""
    fields = dict(zip(RECORD_COLUMNS, row, strict=False))
    fields["event_id"] = UUID(bytes=fields["event_id"])
    if fields["box"] is not None:
        fields["box"] = tuple(msgspec.json.decode(fields["box"]))
    newer, received_at, change, decision, by, at, note = row[len(RECORD_COLUMNS) :]
    taken = None if decision is None else DecisionRow(decision, by, at, note)
    return StoredEvent(EventRecord(**fields), newer, received_at, change, taken)


def values_of(record: EventRecord) -> list[Any]:
    """A record's values in the order of RECORD_COLUMNS, as they are kept."""
    values = {name: getattr(record, name) for name in RECORD_COLUMNS}
    values["event_id"] = record.event_id.bytes
    if record.box is not None:
        values["box"] = msgspec.json.encode(record.box).decode()
    return list(values.values())


def _leading(query: EventQuery, tiers: int) -> tuple[str, str, tuple[Any, ...]]:
    """The index to walk, the column that leads it after the tier, and the values to walk it for."""
    if "open" in query.states and "closed" not in query.states:
        return "events_open", "", ("",)
    if query.decisions and None not in query.decisions:
        return "events_decided", "decision", tuple(dict.fromkeys(query.decisions))
    for index, column, given in (
        ("events_camera", "camera_id", query.cameras),
        ("events_site", "site", query.sites),
        ("events_kind", "kind", query.kinds),
        ("events_severity", "severity", query.severities),
    ):
        values = tuple(dict.fromkeys(given))
        if values and len(values) * tiers <= MAX_SCANS:
            return index, column, values
    return "events_tier", "", ("",)


def _filters(query: EventQuery, skip: tuple[str, ...] = ()) -> Where:
    where: Where = []
    for column, values in (
        ("tier", query.tiers),
        ("site", query.sites),
        ("pilot", query.pilots),
        ("camera_id", query.cameras),
        ("rule", query.rules),
        ("kind", query.kinds),
        ("severity", query.severities),
    ):
        if values and column not in skip:
            where.append((f"{column} IN ({', '.join('?' * len(values))})", list(values)))
    if set(query.states) == {"open"}:
        where.append(("state <> 'closed'", []))
    elif set(query.states) == {"closed"}:
        where.append(("state = 'closed'", []))
    if query.decisions and "decision" not in skip:
        taken = [value for value in query.decisions if value is not None]
        either = ["decision IS NULL"] if None in query.decisions else []
        either += [f"decision IN ({', '.join('?' * len(taken))})"] if taken else []
        where.append((f"({' OR '.join(either)})", taken))
    if query.since is not None:
        where.append(("opened_at >= ?", [query.since]))
    return where


def _bound(until: int | None, before: Position | None) -> tuple[int, bytes] | None:
    """The tighter of both upper ends: one range on the index instead of two."""
    bounds = [] if before is None else [(before.opened_at, before.event_id.bytes)]
    if until is not None:
        bounds.append((until, b""))
    return min(bounds, default=None)
