from __future__ import annotations

from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from central.web import view
from central.web.texts import texts

AT = 1_900_000_000_000  # 2030-03-17 17:46:40 UTC


BEHIND = {"clock_offset": 90_000, "corrected": {"opened_at": AT + 90_000, "at": AT, "closed_at": AT + 155_000}}
DEGRADED = {"kind": "degraded", "rule": "load", "zone": None, "label": None, "count": 37, "of": 60}
FLOW = {"kind": "flow", "label": "car", "count": 12, "closed_at": AT + 300_000}


def event(**given: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "event_id": "0", "tier": 1, "kind": "intrusion", "newer_kind": False, "severity": "warning",
        "rule": "after-hours", "zone": "yard",
        "label": "person", "count": 1, "of": None, "confidence": 0.874,
        "site": "s", "camera_id": "c", "pilot": "school", "state": "closed",
        "opened_at": AT, "at": AT, "closed_at": AT + 65_000, "delay": 0, "late": False,
        "decision": None, "clock_offset": 0, "corrected": None,
    }  # fmt: skip
    return values | given


@pytest.mark.parametrize(
    ("given", "field", "text"),
    [
        pytest.param({}, "time", "01:46:40", id="in the browser's zone"),
        pytest.param({}, "utc", "2030-03-17 17:46:40.000 UTC", id="and in UTC"),
        pytest.param(BEHIND, "time", "01:48:10", id="put right where the edge's clock is wrong"),
        pytest.param(
            BEHIND,
            "utc",
            "2030-03-17 17:48:10.000 UTC\n边缘设备时钟慢 1:30，其记录时间为 2030-03-17 17:46:40.000 UTC",
            id="with what it said",
        ),
        pytest.param(BEHIND, "duration", "1:05", id="a wrong clock lasts as long"),
        pytest.param(BEHIND, "clock", True, id="a wrong clock is marked"),
        pytest.param({}, "clock", False, id="a right one is not"),
        pytest.param({}, "day", "", id="today needs no day"),
        pytest.param({"opened_at": AT - 86_400_000}, "day", "03-17", id="yesterday does"),
        pytest.param({}, "duration", "1:05", id="closed: how long it lasted"),
        pytest.param({"state": "open", "closed_at": None}, "duration", "1:00:00", id="open: how long it has lasted"),
        pytest.param({"state": "update", "closed_at": None}, "state", "open", id="updated is still open"),
        pytest.param({"kind": "line_crossing"}, "kind", "越线", id="kind by name"),
        pytest.param({"kind": "smoke_plume", "newer_kind": True}, "kind", "smoke_plume", id="newer kind as it is"),
        pytest.param({"pilot": "harbour"}, "camera", "c · harbour", id="pilot without a name"),
        pytest.param({"label": "traffic light"}, "object", "信号灯", id="label by name"),
        pytest.param({"label": "forklift", "count": 3}, "object", "forklift × 3", id="label without a name, counted"),
        pytest.param({"label": None, "count": None}, "object", "–", id="about no object"),
        pytest.param({"label": None, "count": 14}, "object", "× 14", id="only counted"),
        pytest.param({}, "confidence", "87 %", id="confidence"),
        pytest.param({"confidence": None}, "confidence", "", id="no confidence"),
        pytest.param({}, "about", "after-hours · yard", id="rule and zone"),
        pytest.param({"zone": None}, "about", "after-hours", id="no zone"),
        pytest.param({"severity": "alarm"}, "severity_text", "报警", id="severity in words"),
        pytest.param({}, "sort", "", id="something that happened"),
        pytest.param({"kind": "covered", "rule": "view"}, "sort", "camera", id="a fault of the camera"),
        pytest.param({"kind": "covered", "rule": "view"}, "about", "摄像机故障", id="is called one"),
        pytest.param({"rule": "view"}, "sort", "", id="a rule that somebody named view is no fault"),
        pytest.param(
            {"kind": "storm", "label": None, "count": 143},
            "about",
            "143 条未单独列出：after-hours · yard",
            id="a storm",
        ),
        pytest.param({"kind": "storm", "label": None, "count": None}, "about", "after-hours · yard", id="not counted"),
        pytest.param(DEGRADED, "sort", "edge", id="a fault of the edge"),
        pytest.param(DEGRADED, "kind", "前端设备过载", id="is called overloaded"),
        pytest.param(DEGRADED, "about", "每秒检测 37 次，应为 60 次", id="and by how much"),
        pytest.param(DEGRADED | {"of": None}, "about", "load", id="unless it did not say"),
        pytest.param(FLOW, "about", "5 分钟内小汽车 × 12 通过 yard", id="a flow"),
        pytest.param(FLOW | {"label": None, "count": 0}, "about", "5 分钟内无目标通过 yard", id="nothing crossed"),
        pytest.param(FLOW | {"zone": None}, "about", "after-hours", id="a flow across no line"),
        pytest.param(
            FLOW | {"state": "open", "closed_at": None}, "about", "after-hours · yard", id="an unfinished flow"
        ),
        pytest.param({"late": True, "delay": 725_000}, "late", "迟到 12:05", id="late"),
        pytest.param({"delay": 725_000}, "late", "", id="not late by central's word"),
        pytest.param({}, "decision_text", "待处置", id="undecided"),
        pytest.param(
            {"decision": {"decision": "test", "by": "li", "at": AT, "note": ""}}, "decided", "li 01:46", id="decided"
        ),
        pytest.param({"opened_at": 253_402_300_799_999}, "time", "08:00:00", id="a mad clock"),
    ],
)
def test_row(given: dict[str, Any], field: str, text: str) -> None:
    row = view.row(event(**given), texts("zh-CN"), AT + 3_600_000, ZoneInfo("Asia/Shanghai"))
    assert getattr(row, field) == text


@pytest.mark.parametrize(
    ("millis", "text"),
    [(0, "0:00"), (999, "0:00"), (59_000, "0:59"), (3_599_999, "59:59"), (3_600_000, "1:00:00"), (-5, "0:00")],
)
def test_duration(millis: int, text: str) -> None:
    assert view.duration(millis) == text


@pytest.mark.parametrize(
    ("given", "text"),
    [
        pytest.param({"kind": "storm", "label": None, "count": 1}, "1 event of after-hours · yard", id="one"),
        pytest.param({"kind": "storm", "label": None, "count": 143}, "143 events of after-hours · yard", id="many"),
        pytest.param(DEGRADED, "37 of 60 looks a second", id="degraded"),
        pytest.param(FLOW, "Car × 12 crossed yard in 5 min", id="flow"),
        pytest.param(FLOW | {"count": 1}, "Car crossed yard in 5 min", id="one crossed"),
        pytest.param(FLOW | {"label": None, "count": 0}, "Nothing crossed yard in 5 min", id="none crossed"),
    ],
)
def test_sentences_in_english(given: dict[str, Any], text: str) -> None:
    assert view.row(event(**given), texts("en"), AT + 3_600_000, UTC).about == text


@pytest.mark.parametrize(
    ("millis", "text"),
    [
        (0, "0 s"),
        (29_999, "30 s"),
        (59_500, "1 min"),
        (300_000, "5 min"),
        (253_000, "4 min 13 s"),
        (5_400_000, "1 h 30 min"),
        (86_400_000, "24 h"),
    ],
)
def test_span(millis: int, text: str) -> None:
    assert view.span(millis, texts("en")) == text


@pytest.mark.parametrize(
    "cookie", [None, "", "Nowhere/Land", "../../etc/passwd", "/etc/passwd", "x" * 99, "\x00", "Asia"]
)
def test_a_zone_that_is_none_is_utc(cookie: str | None) -> None:
    assert view.zone_of(cookie) is UTC
