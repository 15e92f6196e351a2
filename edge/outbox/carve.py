"""Find records in the raw bytes of a damaged outbox, whatever has become of SQLite's pages around them.

Every row of the outbox, pending, standing or parked, holds the record's body and right behind it the body's SHA-256
(see database.py). A body is a MessagePack map that begins with the name of the record's first field: so it can be found
by its beginning, walked to its end, and compared with its hash. What does not match is left out: a wrong record is
never given. A row that was deleted may still lie in a page; central then gets the record again and answers `duplicate`.

A row that SQLite continued on another page is not found. None is in pages of 8 KiB (see database.PAGE_SIZE); in older
files, of 4 KiB, only records of more than 900 bytes are, which have very long names and labels.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

import msgspec

from contract.event import EventRecord

LONGEST = 4096  # bytes of a row that is looked for, with its hash: thrice the longest record

_HASH = hashlib.sha256().digest_size
_FIRST = msgspec.msgpack.encode(EventRecord.__struct_fields__[0])
_DECODER = msgspec.msgpack.Decoder(EventRecord)


def carve(raw: bytes, unread: Callable[[], object] = lambda: None) -> Iterator[EventRecord]:
    """Every record of `raw` that matches its hash, in order of place; twice where it lies there twice.

    `unread` is called for one that matches and that this version cannot read: it is of a newer schema.
    """
    at = raw.find(_FIRST)
    while at >= 0:
        end = at + len(_FIRST)
        for start in _heads(raw, at):
            stop = _end(raw, start)
            if stop and hashlib.sha256(raw[start:stop]).digest() == raw[stop : stop + _HASH]:
                try:
                    yield _DECODER.decode(raw[start:stop])
                except ValueError:
                    unread()
                    continue
                end = stop + _HASH
                break
        at = raw.find(_FIRST, end)


def _heads(raw: bytes, at: int) -> Iterator[int]:
    """Where a map may begin whose first key stands at `at`. Its count differs from schema to schema."""
    if at >= 3 and raw[at - 3] == 0xDE:
        yield at - 3
    if at >= 1 and raw[at - 1] & 0xF0 == 0x80:
        yield at - 1


def _end(raw: bytes, start: int) -> int:
    """Where the MessagePack value at `start` ends; 0 where it is none, or longer than a row. It builds nothing and does
    not call itself, so no value can be too deep for it."""
    at, limit = start, min(len(raw), start + LONGEST) - _HASH
    left = 1  # values still to pass over
    while left:
        if at >= limit:
            return 0
        size, length, items = _KINDS[raw[at]]
        if not size:
            return 0
        if length:
            count = int.from_bytes(raw[at + 1 : at + 1 + length], "big")
            if items:
                left += items * count
            else:
                size += count
        else:
            left += items
        at += size
        left -= 1
    return at if at <= limit else 0


def _kinds() -> list[tuple[int, int, int]]:
    """By first byte: bytes of the value itself, 0 if there is no such value; bytes of a length behind the first; values
    within it, a unit of that length if there is one."""
    kinds = [(1, 0, 0)] * 256  # small integers, null and booleans
    for byte in range(16):
        kinds[0x80 + byte] = (1, 0, 2 * byte)
        kinds[0x90 + byte] = (1, 0, byte)
    for byte in range(32):
        kinds[0xA0 + byte] = (1 + byte, 0, 0)
    kinds[0xC1] = (0, 0, 0)
    for byte in (*range(0xC7, 0xCA), *range(0xD4, 0xD9)):
        kinds[byte] = (0, 0, 0)  # extensions: no record has them
    for first, lengths in ((0xC4, (1, 2, 4)), (0xD9, (1, 2, 4))):  # bytes, text
        for byte, length in enumerate(lengths, first):
            kinds[byte] = (1 + length, length, 0)
    for byte, size in zip(range(0xCA, 0xD4), (4, 8, 1, 2, 4, 8, 1, 2, 4, 8), strict=True):  # floats and integers
        kinds[byte] = (1 + size, 0, 0)
    for byte, (length, items) in zip(range(0xDC, 0xE0), ((2, 1), (4, 1), (2, 2), (4, 2)), strict=True):  # lists, maps
        kinds[byte] = (1 + length, length, items)
    return kinds


_KINDS = _kinds()
