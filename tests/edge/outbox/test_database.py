from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from edge.errors import OutboxDamaged, OutboxError, OutboxFull
from edge.outbox import Outbox, database
from tests.edge.records import draft

NOW = 1_700_000_000_000


def test_any_flipped_bit_of_a_row_is_noticed() -> None:
    body, sha256 = database.pack(draft()(edge_id="edge-1", epoch=1, seq=1, clock_offset=None))
    assert database.unpack(1, 1, body, sha256)
    for bit in range(0, len(body) * 8, 7):
        spoilt = bytearray(body)
        spoilt[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ValueError, match="SHA-256"):
            database.unpack(1, 1, bytes(spoilt), sha256)


def test_flipped_bits_of_a_file_never_yield_a_wrong_record_nor_a_number_twice(tmp_path: Path) -> None:
    """What comes back is what went in, is parked, or its file was put aside."""
    path = tmp_path / "outbox.db"
    with Outbox(path, "edge-1", now_ms=lambda: NOW) as outbox:
        sent = [outbox.append(draft(state="closed", closed_at=NOW)) for _ in range(200)]
    good = path.read_bytes()
    truth = {f.result().seq: f.result() for f in sent}
    chance = random.Random(1)
    noticed = 0
    for case in range(60):
        spoilt = bytearray(good)
        spoilt[chance.randrange(len(spoilt))] ^= 1 << chance.randrange(8)
        home = tmp_path / str(case) / "outbox.db"
        home.parent.mkdir()
        home.write_bytes(spoilt)
        try:
            opened = Outbox(home, "edge-1", now_ms=lambda: NOW + 1)
        except OutboxError as error:
            pytest.fail(f"the edge did not start: {error}")
        with opened as outbox:
            try:
                found = outbox.pending()
            except OutboxDamaged:
                found = outbox.pending()
            assert all(record == truth[record.seq] for record in found)
            status = outbox.status()
            noticed += bool(status.parked or status.quarantined)
            fresh = outbox.append(draft()).result(5)
            assert (fresh.epoch, fresh.seq) not in {(r.epoch, r.seq) for r in truth.values()}
            assert len(found) + status.parked == 200 or status.quarantined
    assert noticed >= 30  # the others hit free space


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (sqlite3.SQLITE_FULL, OutboxFull),
        (sqlite3.SQLITE_CORRUPT, OutboxDamaged),
        (sqlite3.SQLITE_NOTADB, OutboxDamaged),
        (sqlite3.SQLITE_ERROR, OutboxDamaged),
        (sqlite3.SQLITE_IOERR_FSYNC, OutboxError),
        (sqlite3.SQLITE_CANTOPEN, OutboxError),
        (sqlite3.SQLITE_BUSY, OutboxError),
        (sqlite3.SQLITE_READONLY, OutboxError),
    ],
)
def test_errors_are_translated(code: int, error: type[OutboxError]) -> None:
    raised = sqlite3.OperationalError("x")
    raised.sqlite_errorcode = code
    translated = database.translated(raised, Path("outbox.db"))
    assert type(translated) is error
    assert translated.hint


def test_use_after_close_is_no_damage() -> None:
    with closing(sqlite3.connect(":memory:")) as db:
        pass
    with pytest.raises(sqlite3.ProgrammingError) as caught:
        db.execute("SELECT 1")
    assert type(database.translated(caught.value, Path("outbox.db"))) is OutboxError


def test_pragmas_are_those_of_the_contract(tmp_path: Path) -> None:
    db, _ = database.open_writer(tmp_path / "outbox.db", "edge-1", NOW)
    with closing(db):
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert db.execute("PRAGMA synchronous").fetchone() == (2,)
