from __future__ import annotations

from itertools import pairwise

import pytest

from edge.types import Step
from tests.edge.rules.engines import IN, NOON, OUT, camera, engine, steps
from tests.edge.rules.paths import track


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
    rules = engine(text=camera(["over: {kind: line_crossing, line: middle, labels: any}"]))
    drafts = []
    for look, point in enumerate([OUT, OUT, IN, IN]):
        drafts += rules.step(look * 0.2, [track(1, look * 0.2, point, label="cell phone")])
    assert [draft.label for draft in drafts] == ["object"]


def test_severity_is_the_rules():
    text = camera(["a: {kind: intrusion, zone: yard, severity: alarm}", "b: {kind: intrusion, zone: yard}"])
    drafts = steps(engine(text=text), [IN] * 4 + [OUT] * 12)
    assert [(d.rule, d.state, d.severity) for d in drafts] == [
        ("a", "open", "alarm"), ("b", "open", "warning"), ("a", "closed", "alarm"), ("b", "closed", "warning"),
    ]  # fmt: skip


def test_a_count_of_an_interval_is_one_record_from_its_begin_to_its_end():
    rules = engine(text=camera(["count: {kind: flow, line: middle, labels: [person], every_s: 10}"]))
    drafts = steps(rules, [OUT] * 5 + [IN] * 100)
    assert [(d.kind, d.state, d.label, d.count, d.zone, d.track) for d in drafts] == [
        ("flow", "closed", "person", 1, "middle", None),
        ("flow", "closed", None, 0, "middle", None),
    ]
    first, second = drafts
    assert (first.opened_at, first.closed_at, first.at) == (NOON, NOON + 10_000, NOON + 10_000)
    assert second.opened_at == first.closed_at
    assert first.event_id != second.event_id


def test_the_unfinished_interval_is_told_when_the_schedule_ends():
    text = camera(["count: {kind: flow, line: middle, labels: [person], every_s: 60, schedule: night}"])
    rules = engine(NOON + 18 * 3600_000 - 3000, text)  # three seconds before 06:00
    (draft,) = steps(rules, [OUT] * 5 + [IN] * 30)
    assert (draft.count, draft.opened_at, draft.closed_at) == (1, NOON + 18 * 3600_000 - 3000, NOON + 18 * 3600_000)


@pytest.mark.parametrize(
    "rule",
    [
        "{kind: congestion, zone: yard, at_least: 1, for_s: 1, labels: [person]}",
        "{kind: abandoned, zone: yard, for_s: 1, labels: [suitcase]}",
    ],
)
def test_the_new_kinds_are_built(rule):
    rules = engine(text=camera([f"r: {rule}"]))
    drafts = []
    for look in range(20):
        at, path = look * 0.2, tuple(Step(n * 0.2, *IN) for n in range(look + 1))
        drafts += rules.step(at, [track(1, at, IN, label="suitcase" if "abandoned" in rule else "person", path=path)])
    assert [d.state for d in drafts] == ["open"]
    assert NOON + 1000 * drafts[0].path[-1].at == pytest.approx(drafts[0].opened_at)  # its path until it opened


# --- time


def test_a_look_of_an_earlier_moment_neither_fires_nor_closes():
    rules = engine()
    assert [d.state for d in steps(rules, [IN] * 6) if d.rule == "inside"] == ["open"]
    assert rules.step(0.5, [track(1, 0.5, OUT)]) == []
    assert steps(rules, [IN] * 3, first=1.2) == []


@pytest.mark.parametrize("back_s", [5.0, 20.0, 1000.0])
def test_a_clock_that_begins_anew_closes_what_is_open_and_goes_on(back_s):
    rules = engine()
    steps(rules, [IN] * 6, first=back_s)
    drafts = [d for d in steps(rules, [IN] * 6, first=0.0) if d.rule == "inside"]
    assert [d.state for d in drafts] == ["closed", "open"]
    assert drafts[0].event_id != drafts[1].event_id
    assert drafts[0].closed_at >= drafts[0].opened_at


def test_a_clock_that_begins_anew_is_no_endless_storm():
    rules = engine(text=camera(STORMY[:1], STORM))
    crowd(rules, 10, first=1000.0)
    assert "open" in {d.state for d in crowd(rules, 1, first=0.0) if d.kind == "intrusion"}


def test_after_a_time_without_looks_nothing_is_claimed_of_it():
    """It is not known who was there; neither absence nor dwell counts it."""
    rules = engine(
        text=camera(["empty: {kind: absence, zone: yard, for_s: 60}", "stay: {kind: dwell, zone: yard, for_s: 60}"])
    )
    assert steps(rules, [IN] * 5) == []
    assert steps(rules, [IN] * 5, first=300.0) == []
    assert steps(rules, [None] * 5, first=600.0) == []
    assert [d.rule for look in range(31) for d in rules.step(602.0 + 2 * look, [])] == ["empty"]


def test_an_event_is_closed_at_the_last_look_before_the_gap():
    rules = engine(text=camera(["inside: {kind: intrusion, zone: yard}"]))
    steps(rules, [IN] * 6)
    (closed,) = rules.step(300.0, [])
    assert closed.closed_at == NOON + 1000


def test_looks_as_seldom_as_the_camera_file_wants_are_no_gap():
    rules = engine(text=camera(["empty: {kind: absence, zone: yard, for_s: 100}"], "detect: {rate: 0.02}\n"))
    assert [d.state for look in range(4) for d in rules.step(45.0 * look, [])] == ["open"]


# --- storms


STORMY = [
    "busy: {kind: intrusion, zone: yard, severity: alarm, for_s: 0}",
    "calm: {kind: dwell, zone: yard, for_s: 3000}",
]
STORM = "storm: {events: 5, per_s: 10}\n"


def crowd(rules, seconds, first=0.0):
    """Somebody new in each look, five a second, each gone after the look."""
    drafts = []
    for look in range(round(seconds * 5)):
        at = first + look * 0.2
        drafts += rules.step(at, [track(round(at * 5), at, IN)])
    return drafts


def test_a_storm_is_told_once_and_counted():
    rules = engine(text=camera(STORMY, STORM))
    drafts = crowd(rules, 25) + [d for second in range(20) for d in rules.step(25.0 + second, [])]
    single = [d for d in drafts if d.kind == "intrusion"]
    assert len([d for d in single if d.state == "open"]) == 5
    assert {d.event_id for d in single if d.state == "open"} == {d.event_id for d in single if d.state == "closed"}
    storm = [d for d in drafts if d.kind == "storm"]
    assert [d.state for d in storm] == ["open", "update", "update", "update", "closed"]
    assert [d.count for d in storm] == [1, 51, 101, 120, 120]
    assert rules.swallowed == {"busy": 120}
    assert len({d.event_id for d in storm}) == 1
    assert {(d.rule, d.severity, d.zone, d.label, d.box, d.track) for d in storm} == {
        ("busy", "alarm", "yard", None, None, None)
    }
    assert storm[0].opened_at == NOON + 1000
    assert storm[-1].closed_at == storm[-1].at == NOON + 34_000, "fewer than five in the ten seconds before"
    assert all(before.at <= after.at for before, after in pairwise(storm))


def test_other_rules_are_told_through_a_storm():
    text = camera([STORMY[0], "over: {kind: line_crossing, line: middle}"], STORM)
    rules = engine(text=text)
    crowd(rules, 5)
    assert [d.rule for d in steps(rules, [OUT, IN, IN], first=5.0) if d.kind != "intrusion"] == ["over"]


def test_counts_of_intervals_are_no_storm():
    text = camera(
        ["count: {kind: flow, line: middle, labels: [person], every_s: 10}"], "storm: {events: 1, per_s: 3600}\n"
    )
    rules = engine(text=text)
    assert {d.kind for d in steps(rules, [OUT] * 600)} == {"flow"}
    assert rules.swallowed == {}


def test_crossings_storm_too():
    text = camera(["over: {kind: line_crossing, line: middle, cooldown_s: 0}"], STORM)
    drafts = steps(engine(text=text), [OUT, OUT, IN, IN] * 10)
    assert [d.kind for d in drafts] == ["line_crossing"] * 5 + ["storm"]


def test_clear_closes_a_storm():
    rules = engine(text=camera(STORMY, STORM))
    crowd(rules, 5)
    drafts = rules.clear(5.0)
    assert [(d.kind, d.state, d.count) for d in drafts][-1] == ("storm", "closed", 20)
    assert rules.clear(5.2) == []


def test_what_begins_a_storm_at_the_very_end_is_counted():
    text = camera(["over: {kind: line_crossing, line: middle, cooldown_s: 0}"], "storm: {events: 1, per_s: 60}\n")
    rules = engine(text=text)
    told = steps(rules, [OUT, OUT, IN, IN, IN, OUT]) + rules.clear(1.0)
    assert [(d.kind, d.state, d.count) for d in told] == [
        ("line_crossing", "closed", None), ("storm", "closed", 1),
    ]  # fmt: skip


# --- states, for those who ask why


def test_states():
    text = camera([
        "stay: {kind: dwell, zone: yard, for_s: 2}", "inside: {kind: intrusion, zone: yard}",
        "at-night: {kind: intrusion, zone: yard, schedule: night}",
    ])  # fmt: skip
    rules = engine(text=text)
    steps(rules, [IN] * 6)
    assert [(s.name, s.kind, s.armed, s.open, round(s.waiting, 2)) for s in rules.states(1.0)] == [
        ("stay", "dwell", True, (), 0.5),
        ("inside", "intrusion", True, (1,), 0.0),
        ("at-night", "intrusion", False, (), 0.0),
    ]
