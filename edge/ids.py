"""Event ids: UUID version 7 (RFC 9562, section 5.7), so that ids sort by time. Pure: time and chance are arguments."""

from __future__ import annotations

from uuid import UUID


def uuid7(utc_ms: int, chance: int) -> UUID:
    """The id for a moment and 74 random bits."""
    high, low = (chance >> 62) & 0xFFF, chance & (2**62 - 1)
    return UUID(int=(utc_ms & (2**48 - 1)) << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)
