"""What central knows to be missing: where edges tell their numbers, and where the desk reads what came of it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from central.api.deps import Parts, SignedIn, Watching
from central.api.failures import declared
from central.api.ingest import sender
from central.api.models import EdgeGaps, EdgeId, Gap, GapNote, GapsPage, HeartbeatAnswerBody, Limit, MissingRecords
from central.errors import NotFound
from central.heartbeat import beat
from central.store.base import Shown
from contract import heartbeat, wire

router = APIRouter(prefix="/api")

# ms. A record on its way is missing, too, for a moment: a gap is told when it is as old as what the desk calls late.
LATE = 60_000
LOST = 7 * 24 * 3_600_000  # for so long a loss is told that nobody notes
FORKED = 3_600_000  # for so long it is told that two copies were seen; they show again with every heartbeat

_SPAN = {
    "epoch": {"type": "integer", "minimum": 0},
    "first": {"type": "integer", "minimum": 1},
    "last": {"type": "integer", "minimum": 1},
}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "see docs/api.md",
        "content": {
            wire.JSON: {
                "schema": {
                    "type": "object",
                    "required": ["edge_id", "epochs", "waiting"],
                    "properties": {
                        "edge_id": {"type": "string"},
                        "epochs": {
                            "type": "array",
                            "minItems": 1,
                            "maxItems": heartbeat.MAX_EPOCHS,
                            "items": {
                                "type": "object",
                                "required": ["epoch", "last"],
                                "properties": {"epoch": _SPAN["epoch"], "last": {"type": "integer", "minimum": 0}},
                            },
                        },
                        "waiting": {"type": "integer", "minimum": 0},
                        "lost": {
                            "type": "array",
                            "maxItems": heartbeat.MAX_LOST,
                            "items": {
                                "type": "object",
                                "required": ["epoch", "first", "last", "reason"],
                                "properties": _SPAN | {"reason": {"type": "string"}},
                            },
                        },
                    },
                }
            }
        },
    },
}
_OK: dict[int | str, dict[str, Any]] = {
    200: {"description": "What has neither come nor been declared lost", "model": HeartbeatAnswerBody}
}


@router.post(
    heartbeat.PATH.removeprefix("/api"),
    tags=["ingest"],
    response_class=Response,
    responses=_OK | declared(400, 401, 403, 413, 503),
    openapi_extra=_BODY,
)
async def post_heartbeat(request: Request, central: Parts, edge_id: Annotated[str, Depends(sender)]) -> Response:
    """An edge tells which numbers it has given, and which of them are lost; central, which it misses."""
    told = await run_in_threadpool(heartbeat.decode, await request.body())
    answer = await beat(central.store, edge_id, told, central.now())
    return Response(heartbeat.encode(answer), media_type=wire.JSON)


@router.get("/gaps", tags=["gaps"], responses=declared(401, 403, 422, 503))
async def gaps(central: Parts, _: Watching, limit: Annotated[Limit, Query()] = 50) -> MissingRecords:
    """A line an edge of which something is missing. Does not count as a sign of life of whoever is signed in."""
    now = central.now()
    found = await central.store.missing(Shown(now - LATE, now - LOST, now - FORKED))
    return MissingRecords(edges=[EdgeGaps.told(line) for line in found[:limit]], more=max(0, len(found) - limit))


@router.get("/gaps/{edge_id}", tags=["gaps"], responses=declared(401, 403, 422, 503))
async def gaps_of(edge_id: EdgeId, central: Parts, _: SignedIn, limit: Annotated[Limit, Query()] = 50) -> GapsPage:
    """Every gap of an edge, oldest first, also those that nobody is told of any more."""
    found = await central.store.gaps(edge_id, limit + 1)
    return GapsPage(gaps=[Gap.told(one) for one in found[:limit]], more=len(found) > limit)


@router.post(
    "/gaps/{edge_id}/note", tags=["gaps"], status_code=204, responses=declared(400, 401, 403, 404, 413, 422, 503)
)
async def note(edge_id: EdgeId, body: GapNote, central: Parts, session: SignedIn) -> None:
    """You have seen what the edge lost: kept with who and when, and taken off its line. The gaps stay."""
    if not await central.store.note_gaps(edge_id, body.until, session.user, central.now()):
        raise NotFound(f"there is no edge {edge_id}", code="no-edge")
