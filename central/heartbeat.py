"""A heartbeat in, what central misses of the edge's records out."""

from __future__ import annotations

from central.ingest import demand_own
from central.store.base import EventStore
from contract.heartbeat import Heartbeat, HeartbeatAnswer


async def beat(store: EventStore, edge_id: str, heartbeat: Heartbeat, now: int) -> HeartbeatAnswer:
    """`edge_id` is the sender's, by its token; `now` in UTC ms. Raises Forbidden, StoreError."""
    demand_own("heartbeat", heartbeat.edge_id, edge_id)
    missing = await store.beat(heartbeat, now)
    return HeartbeatAnswer(central_epoch=store.central_epoch, now=now, missing=missing)
