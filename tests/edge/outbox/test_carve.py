from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from contract.event import MAX_SEQ, EventRecord
from edge.outbox import Outbox, Refusal, database
from edge.outbox.carve import LONGEST, carve
from tests.edge.records import draft

NOW = 1_700_000_000_000
LAST_MS = 253_402_300_799_999


def record(seq: int = 1, **values: Any) -> EventRecord:
    return draft(**values)(edge_id="edge-1", epoch=NOW, seq=seq, clock_offset=None)


def row(record: EventRecord) -> bytes:
    return b"".join(database.pack(record))


def hashed(value: object) -> bytes:
    body = msgspec.msgpack.encode(value)
    return body + hashlib.sha256(body).digest()


def longest(seq: int = MAX_SEQ) -> EventRecord:
    """Every field as long as the contract lets it be."""
    name, label = "n" * 64, "\U0001f600" * 64
    made = draft(
        **dict.fromkeys(("camera_id", "pilot", "site", "rule", "kind", "zone"), name),
        **dict.fromkeys(("opened_at", "at", "closed_at"), LAST_MS),
        **dict.fromkeys(("count", "of", "track"), 2**31 - 1),
        state="closed",
        severity="warning",
        label=label,
        model=label,
        tier=3,
    )(edge_id=name, epoch=LAST_MS, seq=seq, clock_offset=-(2**53))
    return msgspec.msgpack.decode(msgspec.msgpack.encode(made), type=EventRecord)


def test_rows_are_found_wherever_they_lie() -> None:
    one, two = record(1), record(2, label=None, box=None, zone=None)
    assert list(carve(row(one) + row(two))) == [one, two]
    assert list(carve(b"\xde\x00\x18\xa7edge_id" * 9 + row(one) + bytes(99) + b"edge_id" + row(two)[:-1])) == [one]


def test_any_flipped_bit_leaves_the_row_out_and_its_neighbours_in() -> None:
    before, spoilt, after = record(1), record(2), record(3)
    first, raw = len(row(before)), bytearray(row(before) + row(spoilt) + row(after))
    for bit in range(first * 8, (first + len(row(spoilt))) * 8):
        raw[bit // 8] ^= 1 << bit % 8
        assert list(carve(bytes(raw))) == [before, after], bit
        raw[bit // 8] ^= 1 << bit % 8


@pytest.mark.parametrize("fields", [22, 23], ids=["schema 1", "schema 2"])
def test_rows_of_an_older_schema_are_found(fields: int) -> None:
    whole = record()
    older = dict(list(msgspec.to_builtins(whole).items())[:fields])
    assert list(carve(b"x" + hashed(older) + b"x")) == [whole]


@pytest.mark.parametrize(
    "value",
    [
        {"edge_id": "edge-1"},
        {"edge_id": 1, "epoch": -7, "seq": 2**40, "x": [1.5, None, True, b"x" * 300, "y" * 300, [0] * 20]},
        {**msgspec.to_builtins(record()), "newer": 1},
        {**msgspec.to_builtins(record()), "state": "closed"},
    ],
    ids=["too few", "no record", "newer schema", "against the contract"],
)
def test_what_matches_its_hash_and_is_no_record_is_left_out(value: object) -> None:
    good = record(9)
    assert list(carve(hashed(value) + row(good))) == [good]


def test_hostile_bytes_end_soon() -> None:
    head = b"\x81\xa7edge_id"
    for tail in (b"\x91" * 10_000, b"\xdd\xff\xff\xff\xff" * 2_000, b"\xc6\xff\xff\xff\xff", b"\xc1", b"\xd4", b""):
        assert list(carve(head + tail)) == []
    assert list(carve(hashed({"edge_id": "x" * LONGEST}))) == []


def test_the_longest_record_lies_whole_in_every_table(tmp_path: Path) -> None:
    """What a row may have at most is computed at database.PAGE_SIZE."""
    path = tmp_path / "outbox.db"
    body, sha256 = database.pack(longest())
    assert len(body) == 1313
    assert len(body) + len(sha256) <= LONGEST
    values = [(LAST_MS, seq, LAST_MS, *database.pack(longest(seq))) for seq in range(MAX_SEQ - 89, MAX_SEQ + 1)]
    db, _ = database.open_writer(path, "n" * 64, LAST_MS - 1)
    with closing(db):
        assert db.execute("PRAGMA page_size").fetchone() == (database.PAGE_SIZE,)
        db.executemany("INSERT INTO pending VALUES (?, ?, ?, ?, ?, 1)", values[:20])
        db.executemany("INSERT INTO kept VALUES (?, ?, ?, ?, ?, 1)", values[20:30])
        db.executemany(
            "INSERT INTO standing VALUES (?, ?, ?, ?, ?)",
            [(seq.to_bytes(16, "big"), epoch, seq, *packed) for epoch, seq, _, *packed in values[30:60]],
        )
        db.executemany(
            "INSERT INTO parked (epoch, seq, kept_at, body, sha256, code, reason, parked_at)"
            f" VALUES (?, ?, ?, ?, ?, 'invalid', '{'x' * 800}', {LAST_MS})",
            values[60:],
        )
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert {each.seq for each in carve(path.read_bytes())} == {seq for _, seq, *_ in values}


@pytest.mark.parametrize("table", ["pending", "kept", "standing", "parked"])
def test_every_table_gives_its_records(tmp_path: Path, table: str) -> None:
    path = tmp_path / "outbox.db"
    with Outbox(path, "edge-1", now_ms=lambda: NOW) as outbox:
        kept = [outbox.append(draft()).result(5) for _ in range(3)]
        outbox.settle(NOW, [1], [Refusal(2, "invalid", "no such rule")]).result(5)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for other in {"pending", "kept", "standing", "parked"} - {table}:
            db.execute(f"DELETE FROM {other}")
        db.execute("VACUUM")  # so that nothing deleted is left
    found = {each.seq: each for each in carve(path.read_bytes())}
    assert found == {
        seq: kept[seq - 1] for seq in {"pending": (3,), "kept": (1,), "standing": (1, 2, 3), "parked": (2,)}[table]
    }
