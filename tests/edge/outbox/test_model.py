"""Random sequences of appends, settlements, crashes and restarts against a model of a few dicts."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from contract.heartbeat import Span
from edge.outbox import Limits, Outbox, Refusal
from tests.edge.records import draft

Key = tuple[int, int]


class OutboxModel(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp())
        self.lives = 0
        self.now = 1_700_000_000_000
        self.pending: dict[Key, UUID] = {}
        self.parked: list[Key] = []
        self.kept: dict[Key, UUID] = {}
        self.given: set[Key] = set()
        self.outbox = self.start(self.home / "0")

    def start(self, directory: Path) -> Outbox:
        return Outbox(directory / "outbox.db", "edge-1", now_ms=lambda: self.now, limits=Limits(delay=0))

    @rule(count=st.integers(1, 8))
    def append(self, count: int) -> None:
        for future in [self.outbox.append(draft()) for _ in range(count)]:
            record = future.result(5)
            key = (record.epoch, record.seq)
            assert key > max(self.given, default=(0, 0))
            self.given.add(key)
            self.pending[key] = record.event_id

    @precondition(lambda self: self.pending)
    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        epoch = min(self.pending)[0]
        seqs = [seq for of, seq in self.pending if of == epoch]
        fates = data.draw(
            st.lists(st.sampled_from(["stored", "refused", "kept"]), min_size=len(seqs), max_size=len(seqs))
        )
        stored = [seq for seq, fate in zip(seqs, fates, strict=True) if fate == "stored"]
        refused = [seq for seq, fate in zip(seqs, fates, strict=True) if fate == "refused"]
        self.outbox.settle(epoch, stored, [Refusal(seq, "invalid", "") for seq in refused]).result(5)
        self.kept |= {(epoch, seq): self.pending[epoch, seq] for seq in stored}
        for seq in stored + refused:
            del self.pending[epoch, seq]
        self.parked += [(epoch, seq) for seq in refused]

    @precondition(lambda self: self.given)
    @rule(data=st.data())
    def central_misses(self, data: st.DataObject) -> None:
        epoch = data.draw(st.sampled_from(sorted({epoch for epoch, _ in self.given})))
        first, more = data.draw(st.integers(1, 30)), data.draw(st.integers(0, 30))
        span = [(epoch, seq) for seq in range(first, first + more + 1)]
        accounted = self.outbox.account([Span(epoch=epoch, first=first, last=first + more)]).result(5)
        back = {key: self.kept.pop(key) for key in span if key in self.kept}
        self.pending |= back
        assert accounted.back == len(back)
        lost = {(one.epoch, seq): one.reason for one in accounted.lost for seq in range(one.first, one.last + 1)}
        assert lost == {key: "parked" if key in self.parked else "gone" for key in span if key not in self.pending}

    @rule(minutes=st.integers(-60, 60))
    def clock_jumps(self, minutes: int) -> None:
        self.now += minutes * 60_000

    @rule()
    def restart(self) -> None:
        epoch = self.outbox.status().epoch
        self.outbox.close()
        self.outbox = self.start(self.home / str(self.lives))
        assert self.outbox.status().epoch > epoch

    @rule()
    def crash(self) -> None:
        """The files as they lie on the disk while the process runs are what kill -9 leaves."""
        epoch = self.outbox.status().epoch
        before, after = self.home / str(self.lives), self.home / str(self.lives + 1)
        shutil.copytree(before, after)
        self.outbox.close()
        shutil.rmtree(before)
        self.lives += 1
        self.outbox = self.start(after)
        assert self.outbox.status().epoch > epoch

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        first = min(self.pending, default=(0, 0))[0]
        found = [((r.epoch, r.seq), r.event_id) for r in self.outbox.pending()]
        assert found == sorted((key, event) for key, event in self.pending.items() if key[0] == first)
        assert [(p.epoch, p.seq) for p in self.outbox.parked(10_000)] == self.parked
        status = self.outbox.status()
        assert (status.pending, status.parked) == (len(self.pending), len(self.parked))
        assert status.kept == len(self.kept)
        last = {epoch: max(seq for of, seq in self.given if of == epoch) for epoch, _ in self.given}
        told = {each.epoch: each.last for each in self.outbox.numbers()}
        assert list(told) == sorted(told)
        assert {epoch: number for epoch, number in told.items() if number} == dict(sorted(last.items())[-len(told) :])

    def teardown(self) -> None:
        self.outbox.close()
        shutil.rmtree(self.home)


OutboxModel.TestCase.settings = settings(
    max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestOutboxModel = OutboxModel.TestCase
