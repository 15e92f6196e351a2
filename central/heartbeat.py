"""A heartbeat in, what central misses of the edge's records out."""

from __future__ import annotations

from central.errors import Forbidden
from central.store.base import EventStore
from contract.heartbeat import Heartbeat, HeartbeatAnswer


async def beat(store: EventStore, edge_id: str, heartbeat: Heartbeat, now: int) -> HeartbeatAnswer:
    """`edge_id` is the sender's, by its token; `now` in UTC ms. Raises Forbidden, StoreError."""
    if heartbeat.edge_id != edge_id:
        raise Forbidden(
            f"the heartbeat is of edge {heartbeat.edge_id}, the token of edge {edge_id}",
            code="wrong-edge",
            hint="every edge has a token of its own: check the edge's settings",
        )
    missing = await store.beat(heartbeat, now)
    return HeartbeatAnswer(central_epoch=store.central_epoch, now=now, missing=missing)
