"""Where edges send their batches."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, Depends, Request, Response, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from central.api.deps import Parts
from central.api.failures import declared
from central.api.models import BatchAnswerBody
from central.ingest import ingest
from contract import wire

router = APIRouter(prefix="/api", tags=["ingest"])

_TOKEN = HTTPBearer(scheme_name="edge", auto_error=False)  # for OpenAPI
Bearer: TypeAlias = HTTPAuthorizationCredentials | None

LONG = 16 << 10  # bytes; a body above is decoded in a thread, so that it does not hold up the desks

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "A batch of 1 to 1000 records, plain or with Content-Encoding zstd; see docs/api.md",
        "content": {
            wire.MSGPACK: {"schema": {"type": "string", "format": "binary"}},
            wire.JSON: {
                "schema": {
                    "type": "object",
                    "required": ["schema", "edge_id", "epoch", "events"],
                    "properties": {
                        "schema": {"type": "integer", "minimum": 1},
                        "edge_id": {"type": "string"},
                        "epoch": {"type": "integer"},
                        "events": {"type": "array", "items": {"type": "object"}, "minItems": 1, "maxItems": 1000},
                    },
                }
            },
        },
    },
}
_OK: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "An answer a record, in their order",
        "model": BatchAnswerBody,
        "content": {wire.MSGPACK: {"schema": {"type": "string", "format": "binary"}}},
    }
}


async def sender(request: Request, central: Parts, _: Annotated[Bearer, Security(_TOKEN)]) -> str:
    """The edge_id of the token, before the body is read."""
    address = request.client.host if request.client else ""
    return await central.access.edge(request.headers.get("authorization", ""), address)


@router.post(
    "/ingest",
    response_class=Response,
    responses=_OK | declared(400, 401, 403, 413, 415, 503),
    openapi_extra=_BODY,
)
async def post_batch(request: Request, central: Parts, edge_id: Annotated[str, Depends(sender)]) -> Response:
    """Store a batch. Whatever is answered as stored or duplicate is on central's disk."""
    content_type = request.headers.get("content-type", wire.MSGPACK)
    encoding = request.headers.get("content-encoding", "")
    body = await request.body()
    if len(body) > LONG:
        batch = await run_in_threadpool(wire.decode, body, content_type, encoding)
    else:
        batch = wire.decode(body, content_type, encoding)
    answer = await ingest(central.store, edge_id, batch, central.now())
    form = _form(request.headers.get("accept", ""), content_type)
    return Response(wire.encode_answer(answer, form), media_type=form)


def _form(accept: str, content_type: str) -> str:
    """The media type of the answer: what is asked for, else what was sent."""
    for form in (wire.JSON, wire.MSGPACK):
        if form in accept:
            return form
    return wire.JSON if content_type.startswith(wire.JSON) else wire.MSGPACK
