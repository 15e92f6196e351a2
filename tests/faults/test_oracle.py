"""The judge itself: it must be able to say guilty."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.faults import table
from tests.faults.oracle import LOG, Diary, Key, Verdict, judge, p99, report

ACKED = "offer a\nack 7 1 a\noffer b\nack 7 2 b\noffer c\n"
SOUND: list[tuple[Key, str]] = [((7, 1), "a"), ((7, 2), "b")]


def diary(tmp_path: Path, text: str = ACKED + "end 12.5 0\n") -> Diary:
    (tmp_path / "log").write_text(text)
    return Diary.read(tmp_path / "log")


@pytest.mark.parametrize(
    ("stored", "found"),
    [
        pytest.param(SOUND, (0, 0, 0, 0), id="sound"),
        pytest.param([*SOUND, ((7, 3), "c")], (0, 0, 0, 0), id="offered, not acknowledged, arrived: allowed"),
        pytest.param(SOUND[:1], (1, 0, 0, 0), id="lost at the end"),
        pytest.param(SOUND[1:], (1, 0, 0, 1), id="lost at the beginning: also a gap"),
        pytest.param([*SOUND, ((8, 1), "b")], (0, 1, 0, 0), id="twice"),
        pytest.param([*SOUND, ((7, 3), "x")], (0, 0, 1, 0), id="never offered"),
        pytest.param([SOUND[0], ((7, 2), "c")], (1, 0, 0, 0), id="another event under its number"),
        pytest.param([*SOUND, ((9, 4), "c")], (0, 0, 0, 3), id="a gap below what was never acknowledged"),
    ],
)
def test_verdicts(tmp_path: Path, stored: list[tuple[Key, str]], found: tuple[int, ...]) -> None:
    verdict = judge(diary(tmp_path), stored, healed=12.0)
    assert (verdict.lost, verdict.dup, verdict.invented, verdict.undeclared) == found
    assert verdict.clean == (found == (0, 0, 0, 0))
    assert (verdict.n, verdict.events, verdict.recovered) == (1, 2, (0.5,))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(ACKED, id="not emptied"),
        pytest.param(ACKED + "end 12.5 0\noffer d\n", id="emptied, then more"),
        pytest.param(ACKED + "end 12.5 1\n", id="a sound record parked"),
        pytest.param("ack 7 1 a\nack 7 1 b\nend 12.5 0\n", id="a number given twice"),
    ],
)
def test_what_cannot_be_judged(tmp_path: Path, text: str) -> None:
    with pytest.raises(AssertionError):
        judge(diary(tmp_path, text), SOUND)


def test_p99_is_the_nearest_rank() -> None:
    assert p99([]) is None
    assert p99([3, 1, 2]) == 3
    assert p99(list(range(1, 201))) == 198


def test_a_report_is_a_line_of_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LOG, str(tmp_path / "lines"))
    report("edge-kill", 3, Verdict(1, 200, recovered=(0.25,)) + Verdict(1, 100, lost=2), tried=4)
    [line] = table.read(tmp_path / "lines")
    assert line == json.loads(
        '{"test": "edge-kill", "seed": 3, "n": 2, "events": 300, "lost": 2, "dup": 0, "invented": 0, "undeclared": 0,'
        ' "t_recover_p99": 0.25, "tried": 4}'
    )
    rows = table.table([line]).splitlines()
    assert len(rows) == 2 + len(table.TESTS)
    [row] = [row for row in rows if "| edge-kill |" in row]
    assert "| 2 | 300 | **2** | 0 | 0 | 0 | 0.25 | tried 4 |" in row
    assert all("not measured" in other for other in rows[2:] if other != row)


def test_a_test_without_a_row_is_refused() -> None:
    with pytest.raises(AssertionError, match="no row"):
        report("something-new", 0, Verdict())
