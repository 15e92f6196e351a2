"""What the writer counts in memory is what lies in the file, whatever is done and whatever fails."""

from __future__ import annotations

import random
import sqlite3
from concurrent.futures import Future
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from contract.event import EventRecord
from contract.heartbeat import Span
from edge.errors import OutboxError
from edge.outbox import Limits, Outbox, Refusal, database, ledger
from edge.outbox.retry import Request
from tests.edge.records import draft, uuid7

NOW = 1_700_000_000_000
STEPS = 120
TIGHT, WIDE = Limits(max_bytes=12_000, kept=8), Limits(max_bytes=60_000, kept=40)


class Mill:
    """Does something at random to an outbox, again and again."""

    def __init__(self, path: Path, chance: random.Random, limits: Limits) -> None:
        self.path = path
        self.limits = limits
        self.chance = chance
        self.events: list[UUID] = []
        self.seen: list[EventRecord] = []
        self.waiting: list[Future[Any]] = []
        self.outbox = self.open()

    def open(self) -> Outbox:
        return Outbox(self.path, "edge-1", now_ms=lambda: NOW, limits=self.limits)

    def draft(self) -> Any:
        severity = self.chance.choice(["info", "warning", "alarm"])
        if self.events and self.chance.random() < 0.5:
            event, state = self.chance.choice(self.events), self.chance.choice(["open", "closed"])
        else:
            event, state = uuid7(), "open"
            self.events = [*self.events[-9:], event]
        zone = "z" * self.chance.randint(1, 60)
        closed_at = NOW if state == "closed" else None
        return draft(event_id=event, state=state, closed_at=closed_at, severity=severity, zone=zone)

    def append(self) -> None:
        self.waiting += [self.outbox.append(self.draft()) for _ in range(self.chance.randint(1, 6))]

    def append_all(self) -> None:
        # At times more than the outbox can ever hold.
        self.waiting.append(self.outbox.append_all([self.draft() for _ in range(self.chance.choice([1, 3, 9, 60]))]))

    def settle(self) -> None:
        if not (records := self.outbox.pending(self.chance.randint(1, 12))):
            return
        stored = [r.seq for r in records if self.chance.random() < 0.6]
        refused = [Refusal(r.seq, "invalid", "") for r in records if r.seq not in stored and self.chance.random() < 0.5]
        self.waiting.append(self.outbox.settle(records[0].epoch, stored, refused))

    def account(self) -> None:
        epochs = [each.epoch for each in self.outbox.numbers()]
        first = self.chance.randint(1, 30)
        self.waiting.append(self.outbox.account([Span(epoch=self.chance.choice(epochs), first=first, last=first + 20)]))

    def restore(self) -> None:
        if not self.seen:
            return
        parked = {(each.epoch, each.seq) for each in self.outbox.parked()}
        likely = [record for record in self.seen if (record.epoch, record.seq) in parked]
        again = [self.chance.choice(likely or self.seen) for _ in range(5)]
        last = self.seen[-1]
        again += [
            draft(event_id=uuid7())(edge_id="edge-1", epoch=last.epoch - 1, seq=n, clock_offset=None) for n in (1, 2)
        ]
        self.waiting.append(self.outbox.restore(again))

    def retry(self) -> None:
        self.outbox.retry(Request())

    def retry_one(self) -> None:
        for parked in self.outbox.parked(1):
            self.outbox.retry(Request(parked.epoch, parked.seq))

    def damage(self) -> None:
        with closing(sqlite3.connect(self.path, isolation_level=None)) as db:
            db.execute("UPDATE pending SET sha256 = x'00' WHERE seq = (SELECT max(seq) FROM pending)")
        self.outbox.pending()

    def reopen(self) -> None:
        self.outbox.close()
        self.outbox = self.open()

    def fail(self) -> None:
        """The commits of what comes fail."""
        full = self.chance.random() < 0.5
        error = sqlite3.OperationalError("on purpose")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL if full else sqlite3.SQLITE_IOERR
        times = self.chance.choice([1, 2, 9])
        real = database.write_head

        def write_head(db: sqlite3.Connection, head: database.Head) -> None:
            nonlocal times
            times -= 1
            if times >= 0 and head.last_seq:
                raise error
            real(db, head)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(database, "write_head", write_head)
            self.append()
            self.append_all()
            self.rest()

    def rest(self) -> None:
        for future in self.waiting:
            with suppress(OutboxError):
                found = future.result(10)
                self.seen += found if isinstance(found, list) else [found] if isinstance(found, EventRecord) else []
        self.waiting.clear()
        self.outbox.account([]).result(10)  # what was counted is counted before this resolves

    def step(self) -> str:
        deed = self.chance.choice(
            [self.append] * 4
            + [self.append_all, self.settle, self.settle, self.account, self.restore, self.retry, self.retry_one]
            + [self.damage, self.reopen, self.fail]
        )
        with suppress(OutboxError):
            deed()
            if self.chance.random() < 0.3:
                self.append()  # into the same commit, if it comes to that
        self.rest()
        return deed.__name__


@pytest.mark.parametrize("limits", [TIGHT, WIDE], ids=["tight", "wide"])
@pytest.mark.parametrize("seed", range(6))
def test_what_is_counted_is_what_is_there(tmp_path: Path, seed: int, limits: Limits) -> None:
    mill = Mill(tmp_path / "outbox.db", random.Random(seed), limits)
    for number in range(STEPS):
        deed = mill.step()
        writer = mill.outbox._writer
        with closing(database.open_reader(mill.path)) as db:
            counts = [
                db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("pending", "parked", "kept")
            ]
            assert (writer.used, writer._standing) == (ledger.total(db), ledger.standing(db)), (number, deed)
            assert [writer.pending, writer.parked, writer.kept] == counts, (number, deed)
        assert writer.used <= limits.max_bytes, (number, deed)
    mill.outbox.close()
