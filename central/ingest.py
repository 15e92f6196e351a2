"""A batch in, an answer a record out. One transaction a batch; answered only after its commit."""

from __future__ import annotations

import structlog

from central.errors import Forbidden
from central.store.base import EventStore, Outcome
from contract.wire import Batch, BatchAnswer, Broken, Received, RecordAnswer

log = structlog.get_logger(__name__)

_CONFLICTS: dict[Outcome, str] = {
    "conflict-event": "this event_id belongs to another edge's event",
    "conflict-seq": "another event came under this edge_id, epoch and seq: is the edge's data a copy of another's?",
}


def demand_own(what: str, named: str, edge_id: str) -> None:
    """Raises Forbidden where `what` is sent in the name of another edge than the token's."""
    if named != edge_id:
        raise Forbidden(
            f"the {what} is of edge {named}, the token of edge {edge_id}",
            code="wrong-edge",
            hint="every edge has a token of its own: check the edge's settings",
        )


async def ingest(store: EventStore, edge_id: str, batch: Batch, now: int) -> BatchAnswer:
    """`edge_id` is the sender's, by its token; `now` in UTC ms. Raises Forbidden, StoreError."""
    demand_own("batch", batch.edge_id, edge_id)
    outcomes = iter(await store.put([entry for entry in batch.records if isinstance(entry, Received)], now))
    answers = [
        _refusal(entry) if isinstance(entry, Broken) else _answer(entry, next(outcomes)) for entry in batch.records
    ]
    if refused := [answer for answer in answers if answer.outcome == "refused"]:
        log.warning("records refused", edge=edge_id, refused=len(refused), of=len(answers), first=refused[0].reason)
    return BatchAnswer(store.central_epoch, now, answers, batch.epoch)


def _answer(received: Received, outcome: Outcome) -> RecordAnswer:
    seq = received.record.seq
    match outcome:
        case "stored" | "duplicate":
            return RecordAnswer(seq, outcome)
        case _:
            return RecordAnswer(seq, "refused", "conflict", _CONFLICTS[outcome])


def _refusal(broken: Broken) -> RecordAnswer:
    return RecordAnswer(broken.seq, "refused", broken.error.code, str(broken.error))
