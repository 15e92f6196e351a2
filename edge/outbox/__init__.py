"""What the edge keeps until central has it."""

from edge.outbox.jobs import Refusal
from edge.outbox.store import Draft, Outbox, OutboxStatus, Parked
from edge.outbox.writer import Limits

__all__ = ["Draft", "Limits", "Outbox", "OutboxStatus", "Parked", "Refusal"]
