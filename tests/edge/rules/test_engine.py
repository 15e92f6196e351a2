from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from contract import parse
from edge.ids import uuid7
from edge.rules.engine import RuleEngine
from tests.edge.rules.paths import track

TEXT = """
id: yard
tier: 2
pilot: school
site: s1
purpose: a test of the engine
source: {url: "rtsp://192.0.2.1/"}
zones: {yard: [[0, 0.5], [1, 0.5], [1, 1], [0, 1]]}
lines: {middle: [[0, 0.5], [1, 0.5]]}
schedules:
  night: {time_zone: Asia/Shanghai, windows: [{start: "19:00", end: "06:00"}]}
rules:
  inside: {kind: intrusion, zone: yard}
  at-night: {kind: intrusion, zone: yard, schedule: night}
  over: {kind: line_crossing, line: middle}
  empty: {kind: absence, zone: yard, for_s: 1}
"""
NOON = int(datetime(2026, 11, 16, 12, 0, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp() * 1000)
IN, OUT = (0.5, 0.7), (0.5, 0.3)


def engine(start_ms=NOON):
    counter = iter(range(10_000))
    return RuleEngine(parse.camera(TEXT), lambda at: start_ms + round(at * 1000), lambda ms: uuid7(ms, next(counter)))


def steps(rules, points, first=0.0):
    drafts = []
    for look, point in enumerate(points):
        at = first + look * 0.2
        drafts += rules.step(at, [track(1, at, point)] if point else [])
    return drafts


def test_an_event_opens_and_closes_under_one_id():
    drafts = [d for d in steps(engine(), [IN] * 6 + [OUT] * 12) if d.rule == "inside"]
    opened, closed = drafts
    assert (opened.state, closed.state) == ("open", "closed")
    assert opened.event_id == closed.event_id
    assert opened.opened_at == closed.opened_at == NOON + 400
    assert closed.closed_at == NOON + 1000, "last seen inside"
    assert closed.at == NOON + 2600, "told when that was certain"
    assert (opened.label, opened.track, opened.zone, opened.kind) == ("person", 1, "yard", "intrusion")
    assert opened.box is not None
    assert opened.confidence == 0.9


def test_a_crossing_is_one_record_that_is_closed_at_once():
    (draft,) = [d for d in steps(engine(), [OUT, OUT, IN, IN]) if d.rule == "over"]
    assert (draft.state, draft.closed_at, draft.zone) == ("closed", draft.opened_at, "middle")


def test_absence_is_about_no_object():
    (draft,) = [d for d in steps(engine(), [None] * 8) if d.rule == "empty"]
    assert (draft.label, draft.track, draft.box, draft.confidence, draft.count) == (None, None, None, None, 0)


def test_a_rule_outside_its_schedule_is_silent_and_arms_by_itself():
    rules = engine(NOON + 7 * 3600_000 - 2000)  # two seconds before 19:00
    drafts = [d for d in steps(rules, [IN] * 20) if d.rule == "at-night"]
    assert [d.opened_at for d in drafts] == [NOON + 7 * 3600_000 + 400]


def test_a_rule_that_is_disarmed_closes_what_it_had_open():
    rules = engine(NOON + 18 * 3600_000 - 2000)  # two seconds before 06:00
    drafts = [d for d in steps(rules, [IN] * 20) if d.rule == "at-night"]
    assert [d.state for d in drafts] == ["open", "closed"]
    assert drafts[0].event_id == drafts[1].event_id


def test_clear_closes_everything_and_only_once():
    rules = engine()
    steps(rules, [IN] * 6)
    assert [(d.rule, d.state) for d in rules.clear(1.2)] == [("inside", "closed")]
    assert rules.clear(1.4) == []


def test_a_closing_never_lies_before_its_opening():
    rules = engine()
    steps(rules, [IN] * 3)
    (closed,) = rules.clear(0.0)
    assert closed.closed_at == closed.opened_at


def test_a_rule_for_any_object_does_not_repeat_the_models_guess():
    text = TEXT.replace(
        "over: {kind: line_crossing, line: middle}", "over: {kind: line_crossing, line: middle, labels: any}"
    )
    rules = RuleEngine(parse.camera(text), lambda at: NOON + round(at * 1000), lambda ms: uuid7(ms, 0))
    drafts = [draft for look, point in enumerate([OUT, OUT, IN, IN]) for draft in rules.step(
        look * 0.2, [track(1, look * 0.2, point, label="cell phone")]
    )]  # fmt: skip
    assert [draft.label for draft in drafts if draft.rule == "over"] == ["object"]
