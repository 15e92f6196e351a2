from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from edge.cli import app
from edge.errors import OutboxError
from edge.outbox import Outbox, Refusal
from edge.outbox.check import check
from tests.edge.records import draft

NOW = 1_700_000_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "outbox.db"
    with Outbox(path, "edge-1", now_ms=lambda: NOW) as outbox:
        for future in [outbox.append(draft()) for _ in range(100)]:
            future.result(5)
        outbox.settle(NOW, [1, 2], [Refusal(3, "invalid", "")]).result(5)
    return path


def test_a_sound_file(path: Path) -> None:
    before = path.read_bytes()
    report = check(path)
    assert report.faults == ()
    assert (report.edge_id, report.epoch, report.last_seq, report.clean) == ("edge-1", NOW, 100, True)
    assert report.readable == {NOW: (97, 4, 100)}
    assert report.parked == {"invalid": 1}
    assert path.read_bytes() == before


def test_while_the_edge_runs(path: Path) -> None:
    with Outbox(path, "edge-1", now_ms=lambda: NOW) as outbox:
        outbox.append(draft()).result(5)
        report = check(path)
        assert report.readable == {NOW: (97, 4, 100), NOW + 1: (1, 1, 1)}
        assert (report.faults, report.clean) == ((), False)
        outbox.append(draft()).result(5)


def test_a_damaged_row_is_counted(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("UPDATE pending SET body = x'80' WHERE seq = 50")
    report = check(path)
    assert report.damaged == 1
    assert report.readable == {NOW: (96, 4, 100)}
    assert "SHA-256" in report.faults[0]


@pytest.mark.parametrize("keep", [0.4, 0.9])
def test_a_cut_file_says_so(path: Path, keep: float) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    assert check(path).faults


def test_the_command_says_it_too(path: Path) -> None:
    sound = CliRunner().invoke(app, ["outbox", "check", str(path.parent)])
    assert sound.exit_code == 0
    assert f"pending: 97 of epoch {NOW}, numbers 4 to 100" in sound.output
    assert "parked: 1 (invalid)" in sound.output
    path.write_bytes(path.read_bytes()[:9000])
    assert CliRunner().invoke(app, ["outbox", "check", str(path)]).exit_code == 1


def test_an_outbox_in_which_nothing_waits(tmp_path: Path) -> None:
    with Outbox(tmp_path / "outbox.db", "edge-1", now_ms=lambda: NOW):
        pass
    assert "nothing waits" in CliRunner().invoke(app, ["outbox", "check", str(tmp_path)]).output


def test_no_outbox_at_all(tmp_path: Path) -> None:
    with pytest.raises(OutboxError):
        check(tmp_path / "outbox.db")
    (tmp_path / "outbox.db").write_text("not a database, by far" * 50)
    assert check(tmp_path / "outbox.db").faults
