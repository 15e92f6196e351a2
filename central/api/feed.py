"""The live feed as Server-Sent Events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

import msgspec
import structlog
from fastapi import APIRouter, Header, Query
from fastapi.sse import format_sse_event
from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from central.access import Session
from central.api.deps import Central, Parts, SignedIn
from central.api.failures import declared
from central.api.models import MAX_CHANGE, Event, FeedQuery
from central.errors import BadRequest, NotSignedIn, StoreError
from central.feed import Desk, Gap, Hello, Live, Silence
from central.store.base import EventQuery, StoredEvent

log = structlog.get_logger(__name__)
router = APIRouter(prefix="/api", tags=["events"])

_SSE: dict[int | str, dict[str, Any]] = {
    200: {"description": "hello, event, left, gap; see docs/api.md", "content": {"text/event-stream": {}}}
}


def encode(event: StoredEvent) -> bytes:
    """The frame of an event, the same for all desks."""
    return format_sse_event(event="event", id=str(event.change), data_str=Event.told(event).model_dump_json())


@router.get("/feed", response_class=StreamingResponse, responses=_SSE | declared(400, 401, 403, 422, 503))
async def feed(
    query: Annotated[FeedQuery, Query()],
    central: Parts,
    session: SignedIn,
    last_event_id: Annotated[str | None, Header(max_length=20)] = None,
) -> StreamingResponse:
    """Every new or changed event as it comes; resumes after Last-Event-ID, or `after`, without loss."""
    after = query.after if not last_event_id else _change(last_event_id)
    desk = await central.feed.join(query.query())
    return _DeskStream(central, desk, _frames(central, session, desk, query.query(), after))


class _DeskStream(StreamingResponse):
    media_type = "text/event-stream"

    def __init__(self, central: Central, desk: Desk[bytes], frames: AsyncIterator[bytes]) -> None:
        super().__init__(frames, headers={"X-Accel-Buffering": "no"})
        self._central = central
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except ClientDisconnect:
            pass
        finally:
            self._central.feed.leave(self._desk)


async def _frames(
    central: Central, session: Session, desk: Desk[bytes], query: EventQuery, after: int | None
) -> AsyncIterator[bytes]:
    checked = central.monotonic()
    try:
        async for item in central.feed.stream(desk, query, after):
            if central.monotonic() - checked >= central.settings.keep_alive:
                await central.access.session(session.token, touch=False)
                checked = central.monotonic()
            match item:
                case Live():
                    yield item.frame if query.matches(item.event) else _left(item.event)
                case Hello():
                    yield _frame("hello", item.start, change=item.change, now=central.now())
                case Gap():
                    yield _frame("gap", item.after, missed=item.missed, after=item.after)
                case Silence():
                    yield b": still here\n\n"
    except NotSignedIn:
        return  # the session has ended, and with it the stream
    except StoreError as error:
        # The desk reconnects, and goes on after the last event that it got.
        log.warning("feed ended", user=session.user, error=str(error))


def _left(event: StoredEvent) -> bytes:
    return _frame("left", event.change, event_id=str(event.record.event_id), change=event.change)


def _frame(name: str, at: int, /, **data: Any) -> bytes:
    return format_sse_event(event=name, id=str(at), data_str=msgspec.json.encode(data).decode())


def _change(last_event_id: str) -> int:
    if not last_event_id.isascii() or not last_event_id.isdigit() or int(last_event_id) > MAX_CHANGE:
        raise BadRequest("Last-Event-ID is no change of ours", code="last-event-id")
    return int(last_event_id)
