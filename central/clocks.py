"""Times of an edge whose clock is wrong, put right to be shown. Pure.

Never for order, nor for what a filter asks: those go by the times as the edge wrote them, so that a list holds still.
"""

from __future__ import annotations

from contract.event import EventRecord

WORTH = 1000  # ms; a smaller offset is not worth a mark
LATEST = 253_402_300_799_999  # the end of the year 9999


def shift(record: EventRecord) -> int:
    """Milliseconds to add to the record's times: what the edge had measured when it made it; 0 up to a second."""
    offset = record.clock_offset or 0
    return offset if abs(offset) > WORTH else 0


def shifted(at: int, by: int) -> int:
    return min(max(at + by, 0), LATEST)
