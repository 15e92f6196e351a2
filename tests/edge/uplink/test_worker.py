from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner

from contract import wire
from contract.heartbeat import HeartbeatAnswer, Lost, Numbers, Span
from edge.clock import SystemClock
from edge.errors import OutboxFull
from edge.outbox import Outbox
from edge.outbox.ledger import Accounted
from edge.outbox_cli import app as outbox_cli
from edge.uplink import Answered, Cap, Client, Pace, Uplink
from edge.uplink.worker import ALARMS, PARKED_IN_A_ROW, State
from tests.edge.records import draft
from tests.edge.uplink import central as fake
from tests.edge.uplink.central import Act, FakeCentral
from tests.waiting import wait_until

TOKEN = "s3cr3t-t0k3n"
QUICK = Pace(first=0.01, cap=0.02, refused=0.02)
NOW = 1_700_000_000_000


class Line:
    """An outbox and an uplink to a fake central."""

    def __init__(self, path: Path, central: FakeCentral) -> None:
        self.central = central
        self.outbox = Outbox(path, "edge-1", now_ms=lambda: NOW)
        self.uplink = self.new_uplink()

    def new_uplink(self, pace: Pace = QUICK) -> Uplink:
        clock = SystemClock()
        client = Client(self.central.url, TOKEN, clock, read_timeout=0.3)
        return Uplink(self.outbox, client, clock, pace=pace)

    def append(self, count: int) -> None:
        for future in [self.outbox.append(draft()) for _ in range(count)]:
            future.result(5)

    def drained(self) -> None:
        wait_until(lambda: self.outbox.status().pending == 0 and self.uplink.status().state == "idle")

    def seqs(self) -> list[int]:
        return sorted(seq for _, seq in self.central.rows)


@pytest.fixture
def line(tmp_path: Path, central: FakeCentral) -> Iterator[Line]:
    line = Line(tmp_path / "outbox.db", central)
    yield line
    assert line.uplink.stop()
    line.outbox.close()


def test_delivers_in_order_and_lets_go(line: Line) -> None:
    line.append(3)
    line.uplink.start()
    line.drained()
    line.append(2)  # woken by the commit
    line.drained()
    assert line.seqs() == [1, 2, 3, 4, 5]
    assert [seq for batch in line.central.batches for seq in batch] == [1, 2, 3, 4, 5]
    status = line.uplink.status()
    assert status.outcomes == {"stored": 5, "duplicate": 0, "refused": 0}
    assert status.last_success_age is not None
    assert status.sent_bytes > 0


def test_long_backlog_goes_in_batches(line: Line) -> None:
    line.append(1200)
    line.uplink.start()
    line.drained()
    assert [len(batch) for batch in line.central.batches] == [500, 500, 200]


@pytest.mark.parametrize(
    ("act", "kind"),
    [
        (fake.status(500), "busy"),
        (fake.status(503, Retry_After="0"), "busy"),
        (fake.status(401), "401"),
        (fake.status(403), "403"),
        (fake.status(404), "404"),
        (fake.cut, "broken"),
        (fake.hang, "timeout"),
        (fake.garbage, "answer"),
    ],
    ids=["500", "503", "401", "403", "404", "cut", "hang", "garbage"],
)
def test_troubles_are_retried_until_they_pass(line: Line, act: Act, kind: str) -> None:
    line.central.script.extend([act] * 3)
    line.append(2)
    line.uplink.start()
    line.drained()
    assert line.central.outcomes == ["stored", "stored"]
    status = line.uplink.status()
    assert status.faults == {kind: 3}
    assert (status.fault, status.hint) == ("", "")
    assert line.outbox.status().parked == 0


def test_swallowed_answer_leads_to_a_duplicate_not_to_a_loss(line: Line) -> None:
    line.central.script.append(fake.swallow)
    line.append(2)
    line.uplink.start()
    line.drained()
    assert line.central.outcomes == ["stored", "stored", "duplicate", "duplicate"]
    assert line.seqs() == [1, 2]


@pytest.mark.parametrize("act", [fake.too_few, fake.wrong_order, fake.another_epoch], ids=lambda act: act.__name__)
def test_answer_that_does_not_fit_deletes_nothing(line: Line, act: Act) -> None:
    blocked = threading.Event()

    def wait(handler: fake.Handler) -> None:
        blocked.wait(10)
        fake.ok(handler)

    line.central.script.extend([act, wait])
    line.append(3)
    line.uplink.start()
    wait_until(lambda: len(line.central.batches) == 2)
    assert [r.seq for r in line.outbox.pending()] == [1, 2, 3]
    blocked.set()
    line.drained()
    assert line.uplink.status().faults["misfit"] == 1


@pytest.mark.parametrize(("status", "code"), [(400, "unreadable"), (422, "unreadable"), (413, "too-large")])
def test_poison_is_found_by_halving_and_parked_alone(line: Line, status: int, code: str) -> None:
    line.central.poison, line.central.poison_status = {37, 38, 90}, status
    line.append(100)
    line.uplink.start()
    line.drained()
    assert line.seqs() == sorted(set(range(1, 101)) - {37, 38, 90})
    assert [(p.seq, p.code) for p in line.outbox.parked()] == [(37, code), (38, code), (90, code)]
    assert len(line.central.batches) < 40
    assert line.uplink.status().outcomes == {"stored": 97, "duplicate": 0, "refused": 3}


def test_batch_too_large_only_as_a_whole_is_halved_and_nothing_parked(line: Line) -> None:
    def few(handler: fake.Handler) -> None:
        if len(handler.batch.records) > 10:
            handler.reply(413)
        else:
            fake.ok(handler)

    line.central.script.extend([few] * 100)
    line.append(100)
    line.uplink.start()
    line.drained()
    assert line.seqs() == list(range(1, 101))
    assert line.outbox.status().parked == 0


def test_a_central_that_reads_nothing_does_not_get_everything_parked(line: Line) -> None:
    line.central.script.extend([fake.status(400)] * 1000)
    line.append(30)
    line.uplink = line.new_uplink(Pace(first=0.01, cap=0.02, refused=3600))
    line.uplink.start()
    wait_until(lambda: line.uplink.status().state == "refused")
    assert line.outbox.status().parked == PARKED_IN_A_ROW
    assert line.outbox.status().pending == 30 - PARKED_IN_A_ROW


def test_refused_record_is_parked_with_centrals_reason(line: Line) -> None:
    line.central.refuse = {2}
    line.append(3)
    line.uplink.start()
    line.drained()
    assert line.seqs() == [1, 3]
    assert [(p.seq, p.code, p.reason) for p in line.outbox.parked()] == [(2, "invalid", "no such camera")]


@pytest.mark.parametrize(
    ("act", "state"),
    [
        (fake.status(401), "token refused"),
        (fake.status(404), "refused"),
        (fake.status(503, Retry_After="600"), "unreachable"),
    ],
    ids=["401", "404", "503 with Retry-After"],
)
def test_waits_long_says_why_and_stops_at_once(line: Line, act: Act, state: State) -> None:
    line.central.script.extend([act] * 5)
    line.uplink = line.new_uplink(Pace(first=0.01, cap=0.01, refused=3600))
    with structlog.testing.capture_logs() as logs:
        line.append(1)
        line.uplink.start()
        wait_until(lambda: line.uplink.status().state == state)
        line.append(1)
        assert line.uplink.stop(5)
    assert len(line.central.batches) == 1
    assert line.uplink.status().state == "stopped"
    assert line.uplink.status().hint
    (entry,) = (entry for entry in logs if entry["event"] == "uplink fault")
    assert entry["state"] == state
    assert TOKEN not in repr(logs)


def test_many_faults_make_one_line_and_one_of_recovery(line: Line) -> None:
    line.central.script.extend([fake.status(500)] * 20)
    with structlog.testing.capture_logs() as logs:
        line.append(1)
        line.uplink.start()
        line.drained()
    assert [entry["event"] for entry in logs] == ["uplink fault", "uplink works again"]
    assert logs[1]["faults"] == 20


def test_stop_breaks_off_a_request_in_flight(line: Line) -> None:
    reached = threading.Event()

    def hang(handler: fake.Handler) -> None:
        reached.set()
        fake.hang(handler)

    line.central.script.append(hang)
    clock = SystemClock()
    line.uplink = Uplink(line.outbox, Client(line.central.url, TOKEN, clock, read_timeout=60), clock)
    line.append(1)
    line.uplink.start()
    assert reached.wait(5)
    assert line.uplink.stop(2)
    assert line.outbox.status().pending == 1


def test_stop_without_start_and_twice(line: Line) -> None:
    assert line.uplink.stop()
    assert line.uplink.stop()


def test_clock_offset_goes_into_later_records(line: Line) -> None:
    clock = SystemClock()
    line.central.now = clock.utc_ms(clock.now()) + 90_000
    line.uplink.start()
    line.append(1)
    line.drained()
    offset = line.outbox.clock_offset
    assert offset is not None
    assert abs(offset - 90_000) < 5000
    assert line.outbox.append(draft()).result(5).clock_offset == offset


def test_offset_stays_while_the_new_measure_allows_it(line: Line) -> None:
    """Else every batch would have a value of its own, and none a better one."""
    line.outbox.clock_offset = 5

    class Sender:
        offsets = iter([(9, 20), (400, 20)])

        def send(self, records: list[object]) -> object:
            answers = [wire.RecordAnswer(record.seq, "stored") for record in records]  # type: ignore[attr-defined]
            return Answered(wire.BatchAnswer(1, NOW, answers), 10, *next(self.offsets))

        def beat(self, _: object) -> object:
            return Answered(HeartbeatAnswer(central_epoch=1, now=NOW, missing=[]), 10, 6, 20)

        def abort(self) -> None: ...
        def close(self) -> None: ...

    line.uplink.stop()
    line.uplink = Uplink(line.outbox, Sender(), SystemClock())  # type: ignore[arg-type]
    line.uplink.start()
    line.append(1)
    line.drained()
    assert line.outbox.clock_offset == 5
    line.append(1)
    line.drained()
    assert line.outbox.clock_offset == 400


def test_new_epoch_is_sent_in_a_batch_of_its_own(tmp_path: Path, central: FakeCentral) -> None:
    path = tmp_path / "outbox.db"
    with Outbox(path, "edge-1", now_ms=lambda: NOW) as outbox:
        outbox.append(draft()).result(5)
    (tmp_path / "copy").mkdir()
    line = Line(path, central)
    line.append(1)
    for name in ("outbox.db", "outbox.db-wal"):  # as a crash would leave it
        (tmp_path / "copy" / name).write_bytes((tmp_path / name).read_bytes())
    line.uplink.stop()
    line.outbox.close()
    line = Line(tmp_path / "copy" / "outbox.db", central)
    line.append(1)
    line.uplink.start()
    line.drained()
    assert line.uplink.stop()
    line.outbox.close()
    assert list(central.rows) == [(NOW, 1), (NOW + 1, 1), (NOW + 2, 1)]
    assert len(central.batches) == 3


def test_at_the_start_central_is_told_the_numbers_before_anything_happened(line: Line) -> None:
    line.uplink.start()
    wait_until(lambda: line.uplink.status().heartbeats == 1)
    (beat,) = line.central.beats
    assert (beat.edge_id, beat.epochs, beat.waiting, beat.lost) == ("edge-1", [Numbers(epoch=NOW, last=0)], 0, [])
    status = line.uplink.status()
    assert status.last_success_age is not None
    assert status.state == "idle"


@pytest.mark.parametrize("code", [401, 403])
def test_a_wrong_token_shows_before_the_first_record(line: Line, code: int) -> None:
    line.central.beat_status = code
    line.uplink.start()
    wait_until(lambda: line.uplink.status().state == "token refused")
    assert line.uplink.status().hint
    line.central.beat_status = 200
    wait_until(lambda: line.uplink.status().state == "idle")


def test_a_central_that_knows_no_heartbeat_gets_records_all_the_same(line: Line) -> None:
    line.central.beat_status = 404
    line.uplink.start()
    wait_until(lambda: len(line.central.beats) == 1)
    line.append(2)
    line.drained()
    assert line.seqs() == [1, 2]
    assert len(line.central.beats) == 1


def test_what_central_lacks_is_sent_again_and_the_rest_declared_lost(line: Line) -> None:
    """Central was restored from a copy of before."""
    line.append(3)
    line.uplink.start()
    line.drained()
    assert line.uplink.stop()
    line.central.rows.clear()
    line.central.missing = [Span(epoch=NOW, first=1, last=3), Span(epoch=NOW, first=4, last=5)]
    line.uplink = line.new_uplink()
    line.uplink.start()
    wait_until(lambda: line.seqs() == [1, 2, 3])
    wait_until(lambda: not line.central.missing[1:])
    assert line.central.beats[-1].lost == [Lost(epoch=NOW, first=4, last=5, reason="gone")]
    assert line.outbox.status().resent == 3


def test_nothing_is_declared_lost_while_a_damaged_file_is_aside(line: Line, tmp_path: Path) -> None:
    (tmp_path / "outbox.db.damaged-1").touch()
    line.central.missing = [Span(epoch=NOW, first=1, last=3)]
    line.uplink.start()
    wait_until(lambda: line.uplink.status().missing == 3)
    assert line.uplink._lost == []


def test_while_much_waits_a_heartbeat_waits_for_a_few_seconds_only(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.uplink.worker.LATE_S", 0.05)
    line.central.script.extend([fake.status(500)] * 20)
    line.append(2)
    line.uplink.start()
    wait_until(lambda: bool(line.central.beats))
    assert line.central.beats[0].waiting == 2
    line.drained()


@pytest.mark.parametrize("fault", ["central", "outbox"])
def test_a_heartbeat_that_never_works_holds_up_no_records(
    line: Line, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr("edge.uplink.worker.LATE_S", 0.0)
    if fault == "central":
        line.central.beat_status = 500
    else:
        failed: Future[Accounted] = Future()
        failed.set_exception(OutboxFull("the disk is full"))
        monkeypatch.setattr(line.outbox, "account", lambda _: failed)
    line.append(1200)
    line.uplink.start()
    wait_until(lambda: line.outbox.status().pending == 0)
    assert line.central.beats, "it was tried"


def test_nothing_is_declared_lost_where_a_file_is_put_aside_meanwhile(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = line.outbox.account

    def damaged(missing: Sequence[Span]) -> Future[Accounted]:
        (tmp_path / "outbox.db.damaged-1").touch()
        return account(missing)

    monkeypatch.setattr(line.outbox, "account", damaged)
    line.central.missing = [Span(epoch=NOW, first=1, last=3)]
    line.uplink.start()
    wait_until(lambda: line.uplink.status().missing == 3)
    assert line.uplink._lost == []


def test_new_alarms_overtake_what_waits_and_all_comes_once(line: Line) -> None:
    """Two batches of alarms' worth, so that both ways take turns."""
    for future in [line.outbox.append(draft(severity="info")) for _ in range(900)]:
        future.result(5)
    for future in [line.outbox.append(draft(severity="alarm")) for _ in range(ALARMS + 50)]:
        future.result(5)
    for future in [line.outbox.append(draft(severity="info")) for _ in range(950)]:
        future.result(5)
    line.uplink.start()
    line.drained()
    firsts = [(batch[0], batch[-1]) for batch in line.central.batches]
    assert firsts == [(951, 1050), (1, 500), (901, 950), (501, 1150), (1151, 1650), (1651, 2000)]
    assert line.central.outcomes == ["stored"] * 2000


def test_an_unreadable_alarm_is_parked_alone_and_stops_nobody(line: Line) -> None:
    for future in [line.outbox.append(draft(severity="info")) for _ in range(1500)]:
        future.result(5)
    for future in [line.outbox.append(draft(severity="alarm")) for _ in range(60)]:
        future.result(5)
    line.central.poison = {20, 1503, 1530}
    line.uplink.start()
    line.drained()
    assert line.seqs() == sorted(set(range(1, 1561)) - line.central.poison)
    assert sorted(parked.seq for parked in line.outbox.parked()) == [20, 1503, 1530]
    assert line.central.outcomes == ["stored"] * 1557


def test_alarms_of_before_the_last_start_overtake_in_batches_of_their_own(line: Line, tmp_path: Path) -> None:
    line.append(1100)
    line.outbox.append(draft(severity="alarm")).result(5)
    line.uplink.stop()
    line.outbox.close()
    line.outbox = Outbox(tmp_path / "outbox.db", "edge-1", now_ms=lambda: NOW)
    line.outbox.append(draft(severity="alarm")).result(5)
    line.uplink = line.new_uplink()
    line.uplink.start()
    line.drained()
    assert [batch[-1] for batch in line.central.batches] == [1, 500, 1101, 1000, 1100]


def test_a_cap_holds_at_the_server_and_heartbeats_pass(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.uplink.worker.BEAT_S", 0.25)
    rate = 8000  # 64 kbit/s
    cap, clock = Cap(rate), SystemClock()
    for future in [line.outbox.append(draft()) for _ in range(4000)]:
        future.result(5)
    line.uplink = Uplink(line.outbox, Client(line.central.url, TOKEN, clock, cap=cap), clock, cap=cap)
    line.uplink.start()
    wait_until(lambda: line.outbox.waiting == 0, 30)
    status = line.uplink.status()
    arrived, biggest = line.central.arrived, max(size for _, size in line.central.arrived)
    seconds = arrived[-1][0] - arrived[0][0]
    measured = sum(size for _, size in arrived[:-1]) / seconds
    print(f"{measured:.0f} bytes/s in {seconds:.1f} s, {len(line.central.batches)} batches, of {biggest} bytes at most")
    assert seconds > 2, "else it measures nothing"
    for index, (begun, _) in enumerate(arrived):
        total = 0
        for at, size in arrived[index:]:
            total += size
            assert total <= rate * (at - begun + 1) * 1.02 + biggest, "a second's worth and a request more"
    assert sum(size for _, size in arrived[:-1]) > rate * seconds * 0.9, "what there is is used"
    assert len(line.central.beats) >= seconds, "they do not wait"
    assert (status.cap, status.capped) == (rate, False)
    assert 1 <= status.capped_batches < len(line.central.batches)
    assert status.capped_s > seconds / 2
    assert line.central.outcomes == ["stored"] * 4000


def test_heartbeats_leave_records_half_of_a_cap(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each takes 0.3 s of this cap: as often as they come they would take all of it, and more each time."""
    monkeypatch.setattr("edge.uplink.worker.BEAT_S", 0.1)
    monkeypatch.setattr("edge.uplink.worker.SOON_S", 0.01)
    cap, clock = Cap(2000), SystemClock()
    line.uplink = Uplink(line.outbox, Client(line.central.url, TOKEN, clock, cap=cap), clock, cap=cap)
    line.uplink.start()
    wait_until(lambda: len(line.central.beats) > 10 or cap.wait(clock.now()) > 0)
    line.append(5)
    wait_until(lambda: line.outbox.waiting == 0, 10)
    assert line.central.outcomes == ["stored"] * 5


def test_a_cap_does_not_hold_up_the_end(line: Line) -> None:
    cap, clock = Cap(1), SystemClock()
    line.uplink = Uplink(line.outbox, Client(line.central.url, TOKEN, clock, cap=cap), clock, cap=cap)
    line.append(1)
    line.uplink.start()
    wait_until(lambda: line.outbox.waiting == 0)
    line.append(1)
    wait_until(lambda: line.uplink.status().capped)
    assert line.uplink.stop(2)
    assert line.central.batches == [[1]], "which has spent the cap for some minutes"


def test_parked_records_are_sent_again_on_demand_while_the_edge_runs(line: Line, tmp_path: Path) -> None:
    line.central.refuse = {2, 3}
    line.append(3)
    line.uplink.start()
    line.drained()
    assert [parked.seq for parked in line.outbox.parked()] == [2, 3]
    line.central.refuse = {3}  # central was brought up to date
    done = CliRunner().invoke(outbox_cli, ["retry", str(tmp_path), "--all"])
    assert done.exit_code == 0, done.output
    assert "the running edge has taken it up" in done.output
    wait_until(lambda: line.seqs() == [1, 2])
    line.drained()
    assert [(parked.seq, parked.code) for parked in line.outbox.parked()] == [(3, "invalid")], "refused once more"
    assert line.central.outcomes == ["stored", "refused", "refused", "stored", "refused"]


def test_a_request_that_cannot_be_done_holds_up_no_records(line: Line, tmp_path: Path) -> None:
    (tmp_path / "outbox.db.retry-1").mkdir()  # cannot be deleted as a file
    line.append(2)
    line.uplink.start()
    line.drained()
    assert line.seqs() == [1, 2]
    assert line.uplink.status().faults == {}
