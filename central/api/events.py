"""Events: pages, details, decisions, filter values; and edges."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from central.api.deps import Parts, SignedIn, Watching
from central.api.failures import declared
from central.api.models import (
    MAX_COUNT,
    ChangesPage,
    ChangesQuery,
    Decision,
    Edge,
    Edges,
    Event,
    EventCount,
    EventDetail,
    EventPage,
    EventsQuery,
    Facets,
    Filter,
    OneEvent,
    Verdict,
    cursor_of,
    position_of,
)
from central.errors import NotFound
from central.store.base import DecisionRow

router = APIRouter(prefix="/api", tags=["events"], responses=declared(401, 403, 503))


@router.get("/events", responses=declared(400, 422))
async def events(query: Annotated[EventsQuery, Query()], central: Parts, _: SignedIn) -> EventPage:
    """Newest first by (opened_at, event_id)."""
    before = None if query.cursor is None else position_of(query.cursor)
    found = await central.store.events(query.query(), before, query.limit + 1)
    page = found[: query.limit]
    return EventPage(
        events=[Event.told(event) for event in page], next=cursor_of(page[-1]) if len(found) > query.limit else None
    )


@router.get("/count", responses=declared(422))
async def count(query: Annotated[Filter, Query()], central: Parts, _: Watching) -> EventCount:
    """How many events match, counted up to 1000. Does not count as a sign of life of whoever is signed in."""
    found = await central.store.count(query.query(), MAX_COUNT + 1)
    return EventCount(count=min(found, MAX_COUNT), more=found > MAX_COUNT)


@router.get("/events/{event_id}", responses=declared(404, 422))
async def event(event_id: UUID, central: Parts, session: SignedIn) -> EventDetail:
    """That it was looked at is kept: who, what, when."""
    found = await central.store.event(event_id)
    if found is None:
        raise _missing(event_id)
    await central.store.look(event_id, session.user, central.now())
    taken = await central.store.decisions(event_id)
    return EventDetail(event=Event.told(found), decisions=[Decision.of(row) for row in taken])


@router.post("/events/{event_id}/decision", responses=declared(400, 404, 413, 422))
async def decide(event_id: UUID, body: Verdict, central: Parts, session: SignedIn) -> OneEvent:
    """Kept with who and when; "none" takes a decision back, and its history stays."""
    decision = None if body.decision == "none" else body.decision
    row = DecisionRow(decision, session.user, central.now(), body.note)
    decided = await central.store.decide(event_id, row)
    if decided is None:
        raise _missing(event_id)
    return OneEvent(event=Event.told(decided))


@router.get("/changes", responses=declared(422))
async def changes(query: Annotated[ChangesQuery, Query()], central: Parts, _: SignedIn) -> ChangesPage:
    """What the feed would have sent since `after`, oldest change first."""
    wanted = query.query()
    page = await central.store.changes(wanted.unreviewed(), query.after, query.limit)
    return ChangesPage(
        events=[Event.told(event) for event in page.events if wanted.matches(event)],
        left=[event.record.event_id for event in page.events if not wanted.matches(event)],
        change=page.change,
        more=page.more,
    )


@router.get("/facets")
async def facets(central: Parts, _: SignedIn) -> Facets:
    seen = await central.store.facets()
    return Facets(
        tiers=[int(tier) for tier in seen["tier"]],
        sites=seen["site"],
        pilots=seen["pilot"],
        cameras=seen["camera"],
        rules=seen["rule"],
        kinds=seen["kind"],
    )


@router.get("/edges")
async def edges(central: Parts, _: SignedIn) -> Edges:
    return Edges(
        edges=[
            Edge(
                edge_id=row.edge_id,
                last_seen=row.last_seen,
                epoch=row.epoch,
                last_seq=row.last_seq,
                records=row.records,
                clock_offset=row.clock_offset,
                waiting=row.waiting,
            )
            for row in await central.store.edges()
        ]
    )


def _missing(event_id: UUID) -> NotFound:
    return NotFound(f"there is no event {event_id}", code="no-event")
