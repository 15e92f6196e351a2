from __future__ import annotations

import re
from pathlib import Path

from contract.camera import View
from edge.ids import uuid7
from edge.view import KINDS, ViewEvents, ViewSignal


def events():
    return ViewEvents("alarm", lambda at: round(at * 1000), lambda ms: uuid7(ms, ms))


def test_opening_and_closing_carry_one_id():
    one = events()
    (opened,) = one.step(12.5, ViewSignal("opened", "dark", 12.0))
    (closed,) = one.step(23.0, ViewSignal("closed", "dark", 20.0))
    assert (opened.rule, opened.kind, opened.state, opened.opened_at, opened.severity) == (
        "view", "dark", "open", 12_000, "alarm",
    )  # fmt: skip
    assert (closed.event_id, closed.state, closed.closed_at) == (opened.event_id, "closed", 20_000)
    assert (opened.at, closed.at) == (12_500, 23_000)
    assert (opened.zone, opened.label, opened.count, opened.confidence, opened.box, opened.track) == (None,) * 6


def test_over_before_it_was_told_closes_when_it_opened():
    one = events()
    one.step(15.0, ViewSignal("opened", "offline", 15.0))
    assert one.step(16.0, ViewSignal("closed", "offline", 10.0))[0].closed_at == 15_000


def test_what_was_never_opened_does_not_close():
    assert events().step(1.0, ViewSignal("closed", "dark", 1.0)) == []


def test_the_end_closes_all():
    one = events()
    for kind in ("dark", "offline"):
        one.step(1.0, ViewSignal("opened", kind, 1.0))
    assert {draft.kind for draft in one.close(5.0)} == {"dark", "offline"}
    assert one.close(6.0) == []


def test_times_of_the_document_are_the_defaults():
    page = (Path(__file__).parents[3] / "docs" / "view.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([\d.]+) s \| ([\d.]+) s \|$", page, re.MULTILINE)
    told = {kind: getattr(View(), kind) for kind in KINDS}
    assert {kind: (float(a), float(b)) for kind, a, b in rows} == {
        kind: (lasting.for_s, lasting.recover_s) for kind, lasting in told.items()
    }
