from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from click.testing import Result
from typer.testing import CliRunner

from contract.event import EventRecord
from edge.cli import app
from edge.outbox import Outbox, Refusal
from edge.outbox.retry import AT_ONCE, Request
from edge.outbox.store import Parked
from edge.token import VARIABLE
from tests.edge.records import draft

NOW = 1_700_000_000_000


@pytest.fixture
def data(tmp_path: Path) -> Path:
    with Outbox(tmp_path / "outbox.db", "edge-1", now_ms=lambda: NOW) as outbox:
        for future in [outbox.append(draft(state="closed", closed_at=NOW)) for _ in range(100)]:
            future.result(5)
        outbox.settle(NOW, refused=[Refusal(3, "invalid", "no such camera")]).result(5)
    return tmp_path


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["outbox", *map(str, words)])


def damage(data: Path) -> None:
    path = data / "outbox.db"
    path.write_bytes(b"\xff" * 100 + path.read_bytes()[100:])


def files(data: Path) -> dict[str, bytes]:
    """But what SQLite puts beside a file while it reads."""
    return {file.name: file.read_bytes() for file in data.iterdir() if file.name[-4:] not in ("-wal", "-shm")}


def test_status_is_a_short_look(data: Path) -> None:
    with Outbox(data / "outbox.db", "edge-1", now_ms=lambda: NOW) as outbox:
        outbox.append(draft()).result(5)
        done = run("status", data)
        assert (done.exit_code, done.output) == (
            0,
            f"parked: epoch {NOW}, number 3: invalid, no such camera\n"
            "edge edge-1, pending 100, parked 1, damaged files 0\n",
        )
    (data / "outbox.db.damaged-7").write_bytes(b"1234")
    (data / "outbox.db.salvaged-6").write_bytes(b"12")
    lines = run("status", data).output.splitlines()
    assert lines == [
        "damaged, to be salvaged: outbox.db.damaged-7, 4 bytes",
        "salvaged, kept to look at: outbox.db.salvaged-6, 2 bytes",
        f"parked: epoch {NOW}, number 3: invalid, no such camera",
        "edge edge-1, pending 100, parked 1, damaged files 1",
    ]


@pytest.mark.parametrize("command", [["status"], ["salvage"], ["retry", "--all"]], ids=lambda words: words[0])
def test_no_outbox_here(tmp_path: Path, command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    done = run(*command, tmp_path)
    assert done.exit_code == 1
    assert "there is no such file" in done.output
    assert "hint: " in done.output
    assert list(tmp_path.iterdir()) == []


def test_salvage_of_a_stopped_edge(data: Path) -> None:
    (data / "outbox.db").rename(data / "outbox.db.damaged-7")
    with Outbox(data / "outbox.db", "edge-1", now_ms=lambda: NOW + 5000):
        pass
    before = files(data)
    foreseen = run("salvage", data, "--dry-run")
    assert foreseen.exit_code == 0
    assert "would come back: 100 of epoch 1700000000000" in foreseen.output
    assert "100 records in 1 damaged file(s); nothing was changed" in foreseen.output
    assert files(data) == before

    done = run("salvage", data)
    assert done.exit_code == 0
    assert "100 records brought back from 1 file(s), of epoch 1700000000000" in done.output
    assert "pending 100, parked 0, damaged files 0" in run("status", data).output
    assert "0 records brought back from 0 file(s)\n" in run("salvage", data).output


def test_salvage_where_the_outbox_itself_is_still_damaged(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    damage(data)
    done = run("salvage", data)
    assert done.exit_code == 1
    assert "start the edge" in done.output
    (data / "token").write_text("vde_edge-1.abcdefghijklmnopqrstuvwxyz")
    (data / "token").chmod(0o600)
    assert "100 records brought back from 1 file(s)" in run("salvage", data).output


def test_salvage_beside_a_running_edge_says_who_does_it(data: Path) -> None:
    with Outbox(data / "outbox.db", "edge-1", now_ms=lambda: NOW):
        done = run("salvage", data)
        assert done.exit_code == 1
        assert "in use by process" in done.output
        assert "a running edge salvages by itself" in done.output
        assert run("salvage", data, "--dry-run").exit_code == 0


def test_a_full_outbox_keeps_the_file(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (data / "outbox.db").rename(data / "outbox.db.damaged-7")
    with Outbox(data / "outbox.db", "edge-1", now_ms=lambda: NOW + 5000):
        pass
    monkeypatch.setattr("edge.outbox.ledger.ROW", 1 << 30)
    done = run("salvage", data)
    assert done.exit_code == 1
    assert "the outbox holds its" in done.output
    assert "damaged files 1" in run("status", data).output


@pytest.mark.parametrize("words", [["--all"], ["--epoch", NOW, "--seq", 3]], ids=["all", "one"])
def test_retry_on_a_stopped_edge(data: Path, words: list[object]) -> None:
    done = run("retry", data, *words)
    assert (done.exit_code, done.output) == (0, "1 records will be sent when the edge starts; parked: 0\n")
    with Outbox(data / "outbox.db", "edge-1", now_ms=lambda: NOW) as outbox:
        assert [record.seq for record in outbox.pending()] == list(range(1, 101))
        assert (outbox.waiting, outbox.status().parked) == (100, 0)


def test_retry_of_what_is_not_parked_or_damaged(data: Path) -> None:
    assert "0 records will be sent" in run("retry", data, "--epoch", NOW, "--seq", 4).output
    with closing(sqlite3.connect(data / "outbox.db", isolation_level=None)) as db:
        db.execute("UPDATE parked SET body = x'00'")
    assert "0 records will be sent when the edge starts; parked: 1" in run("retry", data, "--all").output
    assert "number 3: damaged, the row does not match its SHA-256" in run("status", data).output


@pytest.mark.parametrize("words", [[], ["--epoch", 1], ["--all", "--epoch", 1, "--seq", 2], ["--all", "--seq", 2]])
def test_retry_asks_which(data: Path, words: list[object]) -> None:
    done = run("retry", data, *words)
    assert done.exit_code == 1
    assert "--all" in done.output


def test_retry_beside_an_edge_that_does_not_take_it_up(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.outbox_cli.TAKEN_UP_S", 0.1)
    with Outbox(data / "outbox.db", "edge-1", now_ms=lambda: NOW) as outbox:
        assert "has not taken it up yet" in run("retry", data, "--all").output
        (data / "outbox.db.retry-x").write_text("{")
        outbox.take_up_requests()
        assert (outbox.waiting, outbox.status().parked) == (100, 0)
    assert not list(data.glob("*retry*"))


@pytest.mark.parametrize(
    "request_of",
    [b'{"epoch": 1, "seq": 9223372036854775808}', b'{"epoch": 1}', b'{"seq": 3}', b'{"number": 3}', b"[]", b"\xff"],
    ids=["no number of SQLite's", "no seq", "no epoch", "another version's", "list", "text"],
)
def test_a_request_that_names_no_record_fails_no_commit(data: Path, request_of: bytes) -> None:
    with Outbox(data / "outbox.db", "edge-1", now_ms=lambda: NOW) as outbox:
        before = outbox.status().epoch
        (data / "outbox.db.retry-x").write_bytes(request_of)
        outbox.take_up_requests()
        status = outbox.status()
        assert (status.epoch, status.pending, status.parked) == (before, 99, 1), "a failed commit begins an epoch"
    assert not list(data.glob("*retry*"))
    assert run("retry", data, "--epoch", 1, "--seq", 2**63).exit_code == 2


def test_many_requests_are_taken_up_some_at_a_time(data: Path) -> None:
    for number in range(AT_ONCE + 20):
        (data / f"outbox.db.retry-{number}").write_text('{"epoch": 1, "seq": 1}')
    with Outbox(data / "outbox.db", "edge-1", now_ms=lambda: NOW) as outbox:
        outbox.take_up_requests()
        assert len(list(data.glob("*retry*"))) == 20
        outbox.take_up_requests()
    assert not list(data.glob("*retry*"))


def test_a_pipe_beside_the_outbox_is_no_request(data: Path) -> None:
    """Who opens it for reading waits for whoever writes."""
    os.mkfifo(data / "outbox.db.retry-x")
    with Outbox(data / "outbox.db", "edge-1", now_ms=lambda: NOW) as outbox:
        asking = threading.Thread(target=outbox.take_up_requests, daemon=True)
        asking.start()
        asking.join(5)
        assert not asking.is_alive()


def test_more_than_a_commit_is_retried_although_some_are_damaged(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.outbox.retry.MOST", 10)
    with Outbox(data / "outbox.db", "edge-1", now_ms=lambda: NOW) as outbox:
        outbox.settle(NOW, refused=[Refusal(seq, "invalid", "") for seq in range(10, 35)]).result(5)
    with closing(sqlite3.connect(data / "outbox.db", isolation_level=None)) as db:
        db.execute("UPDATE parked SET sha256 = x'00' WHERE seq BETWEEN 12 AND 13")
    assert "24 records will be sent when the edge starts; parked: 2" in run("retry", data, "--all").output


def test_what_salvage_sent_meanwhile_is_not_sent_again(data: Path) -> None:
    with Outbox(data / "outbox.db", "edge-1", now_ms=lambda: NOW) as outbox:
        (third,) = [record for record in map(_decoded, outbox.parked()) if record.seq == 3]
        outbox.restore([third]).result(5)
        outbox.settle(NOW, [3]).result(5)
        outbox.retry(Request())
        status = outbox.status()
        assert (status.pending, status.parked, status.kept) == (99, 0, 1)


def _decoded(parked: Parked) -> EventRecord:
    return msgspec.msgpack.decode(parked.body, type=EventRecord)
