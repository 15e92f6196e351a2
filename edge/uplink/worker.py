"""The way from outbox to central: take a batch, send it, settle what central answered; for ever.

Contract
--------
- One batch is in flight. The next is taken only after the last was settled or has failed, so nothing is sent twice but
  after a fault, and records arrive in order; only alarms overtake:
- While more waits than a batch holds, every other batch is of the newest alarms. So an alarm waits for two batches at
  most, and what is older goes on all the same. Central puts them in order by (epoch, seq).
- Nothing leaves the outbox but by central's word on that very record: stored or duplicate -> deleted, refused -> parked
  with central's code. An answer that does not fit the batch changes nothing.
- Where bytes a second are capped, batches wait for their turn, and are small, so that a new alarm does not wait long;
  heartbeats do not wait, but count, and come less often where they would take more than half.
- Faults of the way (no connection, 5xx, 408, 425, 429, an unreadable answer) are retried for ever, with back-off.
- 401 and 403, and refusals that say nothing about records (404, ...), are retried slowly: hammering does not help.
- A batch that central cannot read (400, 413, 415, 422) is halved until the poison record stands alone; that one is
  parked ("unreadable", 413: "too-large") and the others go on at once. Past PARKED_IN_A_ROW such records with none
  accepted between, records are not the trouble: the uplink then slows down, so that nothing is parked wholesale.
- What a person asked for beside the outbox (parked records to be sent again) is done between two batches.
- A crash or stop between answer and settling sends the batch again; central calls it duplicate.
- At the start and every BEAT_S central is told which numbers were given, and says which of them it lacks: those are
  sent again, come anyway, or are declared lost with the next heartbeat. (Not while a damaged file is aside: they may be
  in it.) Records go first, but no heartbeat waits for them longer than LATE_S. A central that knows none, or at which
  they fail, gets records all the same.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

import structlog

from contract.event import EventRecord
from contract.heartbeat import Heartbeat, HeartbeatAnswer, Lost
from contract.wire import BatchAnswer, RecordAnswer
from edge.clock import Clock
from edge.errors import OutboxError, UplinkRefused, UplinkUnreachable
from edge.outbox import Outbox, Refusal
from edge.retry import Backoff, FaultDigest
from edge.uplink.cap import Cap
from edge.uplink.client import HEAD, Answered

log = structlog.get_logger(__name__)

State: TypeAlias = Literal["idle", "sending", "unreachable", "token refused", "refused", "outbox fault", "stopped"]

BATCH_RECORDS = 500
BATCH_BYTES = 512 << 10  # of records as kept; on the wire it is about a tenth
CAPPED_S = 10  # seconds' worth of the cap in a batch, of records as kept: about one second on the wire
ALARMS = 100  # of them in a batch that overtakes: each may leave a gap of its own at central until the others are there
PARKED_IN_A_ROW = 10
BEAT_S = 30.0  # between two heartbeats; up to a fifth less, so that a thousand edges do not beat together
LATE_S = 5.0
SOON_S = 1.0  # until the next where something is to be declared; and between two looks while the cap holds a batch
REQUESTS_S = 2.0  # between two looks for what a person asked for
UNKNOWN_S = 3600.0  # until it is tried again with a central that knows none
_UNREADABLE = frozenset((400, 413, 415, 422))


class Sender(Protocol):
    def send(self, records: Sequence[EventRecord]) -> Answered[BatchAnswer]: ...
    def beat(self, beat: Heartbeat) -> Answered[HeartbeatAnswer]: ...
    def abort(self) -> None: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds. Full jitter: the first wait is anything up to `first`, later ones up to `cap`."""

    first: float = 1.0
    cap: float = 60.0
    refused: float = 60.0  # after 401, 403, 404 ...; plus up to as much again


@dataclass(frozen=True, slots=True)
class UplinkStatus:
    state: State
    fault: str  # the last fault's message; empty after a success
    hint: str
    last_success_age: float | None  # seconds
    batches: int
    sent_bytes: int
    outcomes: Mapping[str, int]  # records since start: stored, duplicate, refused
    faults: Mapping[str, int]  # requests since start, by kind
    clock_offset: int | None  # ms
    heartbeats: int  # answered, since start
    missing: int  # numbers that central lacked when it last answered one
    cap: int  # bytes a second that may be sent; 0: any number
    capped: bool  # a batch waits now because of it
    capped_batches: int  # that had to wait, since start
    capped_s: float  # for so many seconds, all together


class Uplink:
    """A thread between an outbox and a sender. It closes the sender; the outbox stays open."""

    def __init__(
        self,
        outbox: Outbox,
        sender: Sender,
        clock: Clock,
        *,
        pace: Pace | None = None,
        cap: Cap | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`cap` is the sender's too, which spends it."""
        self._outbox = outbox
        self._sender = sender
        self._clock = clock
        self._pace = pace or Pace()
        self._chance = chance
        self._cap = cap or Cap()
        self._batch_bytes = min(BATCH_BYTES, self._cap.rate * CAPPED_S or BATCH_BYTES)
        self._capped_since: float | None = None
        self._capped_batches, self._capped_s = 0, 0.0
        self._backoff = Backoff(self._pace.first, self._pace.cap)
        self._digest = FaultDigest()
        self._work = threading.Event()
        self._stopping = threading.Event()
        self._limit = BATCH_RECORDS
        self._alarms_next = True
        self._suspect: tuple[int, int] | None = None  # last (epoch, seq) of the smallest batch found unreadable
        self._parked_in_a_row = 0
        self._beat_due = clock.now()
        self._requests_due = clock.now()
        self._beat_failed = False  # records go before the next: a heartbeat that never works must not hold them up
        self._lost: list[Lost] = []  # to be declared
        self._heartbeats = self._missing = 0
        self._state: State = "idle"
        self._fault = self._hint = ""
        self._last_success: float | None = None
        self._batches = self._sent_bytes = 0
        self._outcomes: Counter[str] = Counter(stored=0, duplicate=0, refused=0)
        self._faults: Counter[str] = Counter()
        self._thread = threading.Thread(target=self._run, name="uplink", daemon=True)

    def start(self) -> None:
        self._outbox.on_commit(self._work.set)
        self._thread.start()

    def stop(self, timeout: float = 4.0) -> bool:
        """End, breaking off a request in flight. False where the thread does not end in time (a hanging name server):
        it then holds nothing that is not in the outbox. Idempotent."""
        self._stopping.set()
        self._work.set()
        self._sender.abort()
        if self._thread.ident is None:
            self._sender.close()
        else:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def status(self) -> UplinkStatus:
        last = self._last_success
        return UplinkStatus(
            state=self._state,
            fault=self._fault,
            hint=self._hint,
            last_success_age=None if last is None else self._clock.now() - last,
            batches=self._batches,
            sent_bytes=self._sent_bytes,
            outcomes=dict(self._outcomes),
            faults=dict(self._faults),
            clock_offset=self._outbox.clock_offset,
            heartbeats=self._heartbeats,
            missing=self._missing,
            cap=self._cap.rate,
            capped=self._capped_since is not None,
            capped_batches=self._capped_batches,
            capped_s=self._capped_s,
        )

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                if wait := self._round():
                    self._stopping.wait(wait)
        finally:
            self._state = "stopped"
            self._sender.close()

    def _round(self) -> float:
        """Send one batch, or wait for one; the seconds to pause before the next."""
        try:
            if self._clock.now() >= self._requests_due:
                self._requests_due = self._clock.now() + REQUESTS_S
                self._outbox.take_up_requests()
            self._work.clear()  # before the look, so that no commit is slept through
            records = self._take()
            held = self._held(bool(records))
            first = records and not held
            if not (records and self._beat_failed) and self._clock.now() >= self._beat_due + (LATE_S if first else 0.0):
                self._beat_failed = True
                self._beat()
                self._beat_failed = False
            elif held:
                self._stopping.wait(min(held, SOON_S))  # then look again: a heartbeat may be due, a newer alarm there
            elif not records:
                if not self._stopping.is_set():
                    self._work.wait(max(0.0, min(self._beat_due, self._requests_due) - self._clock.now()))
            else:
                self._deliver(records)
                if self._beat_failed:  # it was the heartbeat alone: it waits for records as any other
                    self._beat_failed, self._beat_due = False, self._clock.now()
            return 0.0
        except UplinkUnreachable as error:
            return self._failed("unreachable", error.kind, error, self._backoff.next(self._chance(), error.retry_after))
        except UplinkRefused as error:
            state: State = "token refused" if error.status in (401, 403) else "refused"
            return self._failed(state, str(error.status), error, self._pace.refused * (1 + self._chance()))
        except OutboxError as error:
            return self._failed("outbox fault", "outbox", error, self._backoff.next(self._chance()))
        except Exception as error:
            log.exception("uplink fault")
            return self._failed(
                "unreachable", "bug", OutboxError(str(error)), self._pace.refused * (1 + self._chance())
            )

    def _held(self, waiting: bool) -> float:
        """Seconds until the cap lets a batch go, as far as there is one `waiting`; also counts them."""
        now = self._clock.now()
        held = self._cap.wait(now) if waiting else 0.0
        if held and self._capped_since is None:
            self._capped_since = now
            self._capped_batches += 1
        elif not held and self._capped_since is not None:
            self._capped_s += now - self._capped_since
            self._capped_since = None
        return held

    def _take(self) -> list[EventRecord]:
        """The next batch. A failed one is taken again, or what has become of it."""
        records = self._outbox.pending(self._limit, self._batch_bytes)
        if self._alarms_next and self._outbox.waiting > len(records):
            if alarms := self._outbox.alarms(min(self._limit, ALARMS), self._batch_bytes):
                return alarms
            self._alarms_next = False
        return records

    def _beat(self) -> None:
        status = self._outbox.status()
        beat = Heartbeat(
            edge_id=self._outbox.edge_id, epochs=self._outbox.numbers(), waiting=status.pending, lost=self._lost
        )
        try:
            answered = self._sender.beat(beat)
        except UplinkRefused as error:
            if error.status in (401, 403):
                raise
            self._beat_due = self._clock.now() + UNKNOWN_S
            log.warning("central takes no heartbeat", status=error.status, hint=error.hint, retry_s=UNKNOWN_S)
            return
        missing = answered.answer.missing
        accounted = self._outbox.account(missing).result()
        if accounted.back:
            log.warning("central lacks what it had: sent again", records=accounted.back)
        # Before and after: a file may have been put aside, or brought back, in between.
        aside = status.quarantined or self._outbox.status().quarantined
        declared, self._lost = self._lost, [] if aside else accounted.lost
        self._missing = sum(span.last - span.first + 1 for span in missing)
        self._heartbeats += 1
        wait = SOON_S if self._lost and self._lost != declared else BEAT_S * (1 - 0.2 * self._chance())
        half = 2 * self._cap.takes(HEAD + answered.sent_bytes)  # of the cap: the other one is for records
        self._beat_due = self._clock.now() + max(wait, half)
        self._note_answer(answered)
        if not status.pending:
            self._recovered()

    def _deliver(self, records: list[EventRecord]) -> None:
        if self._state == "idle":
            self._state = "sending"
        try:
            answered = self._sender.send(records)
        except UplinkRefused as error:
            if error.status not in _UNREADABLE:
                raise
            self._narrow(records, error)
            self._faults[str(error.status)] += 1
            return
        self._settle(records, _fitting(records, answered.answer))
        self._succeeded(records, answered)

    def _settle(self, records: list[EventRecord], answers: list[RecordAnswer]) -> None:
        stored, refused = [], []
        for record, answer in zip(records, answers, strict=True):
            if answer.outcome == "refused":
                refused.append(Refusal(record.seq, answer.code or "refused", answer.reason))
            else:
                stored.append(record.seq)
        self._outbox.settle(records[0].epoch, stored, refused).result()
        self._outcomes.update(answer.outcome for answer in answers)
        if refused:
            first = refused[0]
            log.error(
                "central refused records", count=len(refused), seq=first.seq, code=first.code, reason=first.reason
            )

    def _narrow(self, records: list[EventRecord], error: UplinkRefused) -> None:
        """Halve an unreadable batch; park the one record that is left of it."""
        last = records[-1]
        self._suspect = (last.epoch, last.seq)
        if len(records) > 1:
            self._limit = len(records) // 2
            return
        code = "too-large" if error.status == 413 else "unreadable"
        self._outbox.settle(last.epoch, refused=[Refusal(last.seq, code, str(error))]).result()
        self._outcomes["refused"] += 1
        self._parked_in_a_row += 1
        self._limit, self._suspect = BATCH_RECORDS, None
        self._alarms_next = not self._alarms_next
        log.error("record parked", epoch=last.epoch, seq=last.seq, code=code, reason=str(error))
        if self._parked_in_a_row >= PARKED_IN_A_ROW:
            raise error

    def _succeeded(self, records: list[EventRecord], answered: Answered[BatchAnswer]) -> None:
        last = records[-1]
        if self._suspect is None or (last.epoch, last.seq) >= self._suspect:
            self._limit, self._suspect = BATCH_RECORDS, None
            self._alarms_next = not self._alarms_next
        self._parked_in_a_row = 0
        self._batches += 1
        self._note_answer(answered)
        self._recovered()

    def _note_answer(self, answered: Answered[BatchAnswer] | Answered[HeartbeatAnswer]) -> None:
        self._sent_bytes += answered.sent_bytes
        self._last_success = self._clock.now()
        # An offset that the new measure allows is kept: less noise in the records, and one value a batch.
        kept = self._outbox.clock_offset
        if kept is None or abs(answered.offset - kept) > answered.uncertain + 1:
            self._outbox.clock_offset = answered.offset

    def _recovered(self) -> None:
        self._backoff.reset()
        if recovered := self._digest.success(self._clock.now()):
            log.info("uplink works again", faults=recovered.faults, seconds=round(recovered.seconds, 1))
        self._state, self._fault, self._hint = "idle", "", ""

    def _failed(
        self, state: State, kind: str, error: UplinkUnreachable | UplinkRefused | OutboxError, wait: float
    ) -> float:
        if self._stopping.is_set():
            return 0.0
        self._state, self._fault, self._hint = state, str(error), error.hint
        self._faults[kind] += 1
        if line := self._digest.fault(kind, self._clock.now()):
            log.warning(
                "uplink fault", state=state, error=str(error), hint=error.hint, times=line.count, retry_s=round(wait, 1)
            )
        return wait


def _fitting(records: list[EventRecord], answer: BatchAnswer) -> list[RecordAnswer]:
    """Answers stand in the order of the records; a refused one may lack its number. One that was meant for another
    epoch has the same numbers for other records. Raises UplinkUnreachable."""
    answers = answer.answers
    fits = (
        answer.epoch in (None, records[0].epoch)
        and len(answers) == len(records)
        and all(
            each.seq == record.seq or (each.seq is None and each.outcome == "refused")
            for record, each in zip(records, answers, strict=True)
        )
    )
    if not fits:
        raise UplinkUnreachable(
            "central's answer does not fit the batch",
            kind="misfit",
            hint="edge and central may be of different versions; nothing was deleted",
        )
    return answers
