from __future__ import annotations

import pytest

from contract.rules import Flow as FlowConfig
from edge.rules.flow import Flow
from tests.edge.rules.paths import LOOK_S, signals, still, straight, track

LEVEL = ((0.2, 0.5), (0.8, 0.5))
DOWN = straight((0.5, 0.3), (0.5, 0.7), 11)  # crosses at 1.2 s
UP = DOWN[::-1]


def flow(**more):
    return Flow(FlowConfig(kind="flow", line="l", **({"labels": ["person", "dog"], "every_s": 10.0} | more)), LEVEL)


def later(path, seconds):
    return [None] * round(seconds / LOOK_S) + path


def told(rule, paths, **more):
    return [(s.label, s.count, s.since, round(s.at, 3)) for s in signals(rule, paths, **more)]


WATCHED = {9: still((0.9, 0.9), 21)}  # somebody stands elsewhere until 20.8 s

ROWS = {
    "nothing crossed": ({}, [(None, 0, 0.0, 10.0), (None, 0, 10.0, 20.0)]),
    "one": ({1: DOWN}, [("person", 1, 0.0, 10.0), (None, 0, 10.0, 20.0)]),
    "in the second interval": ({1: later(DOWN, 11)}, [(None, 0, 0.0, 10.0), ("person", 1, 10.0, 20.0)]),
    "back and forth counts twice": ({1: [*DOWN, *UP]}, [("person", 2, 0.0, 10.0), (None, 0, 10.0, 20.0)]),
    "two at once": ({1: DOWN, 2: DOWN}, [("person", 2, 0.0, 10.0), (None, 0, 10.0, 20.0)]),
    "two labels, two records": (
        {1: DOWN, 3: DOWN, 2: DOWN}, [("dog", 1, 0.0, 10.0), ("person", 2, 0.0, 10.0), (None, 0, 10.0, 20.0)],
    ),
    "the look that ends an interval counts for the next": (
        {1: later(DOWN, 8.8)}, [(None, 0, 0.0, 10.0), ("person", 1, 10.0, 20.0)],
    ),
    "passes beside the line": ({1: [(x + 0.4, y) for x, y in DOWN]}, [(None, 0, 0.0, 10.0), (None, 0, 10.0, 20.0)]),
    "not supported: an object whose track breaks on each side of the line is not counted": (
        {1: DOWN[:5], 2: later(DOWN[6:], 1.2)}, [(None, 0, 0.0, 10.0), (None, 0, 10.0, 20.0)],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("paths", "expected"), ROWS.values(), ids=ROWS)
def test_flow(paths, expected):
    assert told(flow(), {**paths, **WATCHED}, labels={3: "dog"}) == expected


@pytest.mark.parametrize(("direction", "count"), [("down", 2), ("up", 1), ("any", 3)])
def test_direction(direction, count):
    paths = {1: [*DOWN, *UP, *DOWN], **WATCHED}
    assert told(flow(direction=direction), paths)[0][:2] == ("person", count)


def test_any_object_is_counted_as_an_object():
    found = told(flow(labels="any"), {1: DOWN, 3: DOWN, **WATCHED}, labels={3: "cell phone"})
    assert found[0] == ("object", 2, 0.0, 10.0)


def test_what_crossed_before_it_was_confirmed_counts():
    assert told(flow(), {1: DOWN, **WATCHED}, confirmed_from=9)[0] == ("person", 1, 0.0, 10.0)
    assert told(flow(), {1: DOWN, **WATCHED}, confirmed_from=1000)[0] == (None, 0, 0.0, 10.0)


def test_an_interval_that_ends_early_is_told_with_what_it_had():
    rule = flow()
    signals(rule, {1: DOWN})
    assert [(s.what, s.label, s.count, s.since, s.at) for s in rule.clear(3.0)] == [("passed", "person", 1, 0.0, 3.0)]
    assert rule.clear(3.2) == []


def test_an_interval_that_ends_early_and_had_nothing_is_not_told():
    rule = flow()
    rule.step(0.0, [])
    assert rule.clear(3.0) == []


def test_intervals_without_a_look_are_not_told():
    rule = flow()
    found = [s for at in (0.0, 5.0, 34.0, 40.0) for s in rule.step(at, [])]
    assert [(s.since, s.at) for s in found] == [(0.0, 10.0), (30.0, 40.0)]


def test_waiting_is_the_share_of_the_interval():
    rule = flow()
    assert rule.waiting(0.0) == 0.0
    rule.step(0.0, [])
    assert rule.waiting(2.5) == 0.25


def test_forgets_tracks_that_are_gone():
    rule = flow()
    for number in range(500):
        rule.step(number * LOOK_S, [track(number, number * LOOK_S, (0.5, 0.3))])
    assert len(rule._passages) == 1
