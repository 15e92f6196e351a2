"""Whatever a tracker hands over: the engine stands, and its events open and close in pairs."""

from __future__ import annotations

import math
import random
import time
from collections import deque
from dataclasses import replace
from itertools import count

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from contract import parse
from contract.event import EventRecord
from edge.records import complete
from edge.rules.engine import Draft
from edge.types import Step, Track
from tests.edge.rules.engines import IN, NOON, TEXT, camera, engine
from tests.edge.rules.paths import track

ALL = [
    "intrusion: {kind: intrusion, zone: yard, leave_s: 0.5}",
    "night: {kind: intrusion, zone: yard, schedule: night}",
    "dwell: {kind: dwell, zone: yard, for_s: 1, leave_s: 0.5, cooldown_s: 1}",
    "occupancy: {kind: occupancy, zone: yard, at_least: 2, for_s: 0.5, leave_s: 0.5, recover_s: 0.5}",
    "absence: {kind: absence, zone: yard, for_s: 1, leave_s: 0.5, recover_s: 0}",
    "congestion: {kind: congestion, zone: yard, labels: any, at_least: 2, for_s: 0.5, recover_s: 0.5, leave_s: 0.5}",
    "abandoned: {kind: abandoned, zone: yard, labels: any, for_s: 1, leave_s: 0.5, cooldown_s: 0}",
    "over: {kind: line_crossing, line: middle, labels: any, cooldown_s: 0}",
    "against: {kind: wrong_way, line: middle, allowed: up}",
    "flow: {kind: flow, line: middle, labels: any, every_s: 10}",
]


@pytest.mark.parametrize(
    "box",
    [
        pytest.param((0.5, 0.7, 0.5, 0.7), id="no size"),
        pytest.param((1.5, 0.7, 1.6, 0.9), id="beside the picture"),
        pytest.param((0.4, 1.2, 0.5, 1.4), id="below the picture"),
        pytest.param((-5.0, -5.0, 6.0, 6.0), id="larger than the picture"),
        pytest.param((0.6, 0.9, 0.4, 0.7), id="reversed"),
        pytest.param((math.nan,) * 4, id="not numbers"),
        pytest.param((-math.inf, -math.inf, math.inf, math.inf), id="endless"),
    ],
)
def test_odd_boxes_harm_nothing(box):
    rules = engine(text=camera(ALL))
    for look in range(30):
        at = look * 0.2
        odd = replace(track(2, at, IN, label="suitcase"), box=box)
        drafts = rules.step(
            at, [track(1, at, IN), odd, replace(odd, id=3, label="car"), replace(odd, id=4, label="person")]
        )
        for draft in drafts:
            assert draft.box is None or all(map(math.isfinite, draft.box))
    rules.clear(6.0)


def test_thousands_of_tracks_are_looked_at_in_time():
    rules = engine(text=camera(ALL))
    chance = random.Random(1)
    labels = ["person", "car", "suitcase"]
    began = time.process_time()
    for look in range(3):
        at = look * 0.2
        rules.step(at, [track(n, at, (chance.random(), chance.random()), label=labels[n % 3]) for n in range(3000)])
    assert time.process_time() - began < 20


sides = st.sampled_from([0.0, 0.3, 0.49, 0.5, 0.51, 0.7, 1.0, 1.2])
seen = st.builds(
    lambda number, x, y, label, size, confirmed: (number, (x, y), label, size, confirmed),
    st.integers(1, 5), sides, sides, st.sampled_from(["person", "car", "suitcase"]),
    st.sampled_from([(0.0, 0.0), (0.1, 0.2), (1.0, 1.0)]), st.booleans(),
)  # fmt: skip
looks = st.lists(
    st.tuples(st.sampled_from([0.2, 0.2, 1.0, -0.3, 20.0, 100.0, -50.0]), st.lists(seen, max_size=6), st.booleans()),
    max_size=60,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(looks, st.sampled_from([2, 60]))
def test_whatever_comes_events_open_and_close_in_pairs(looks, cap):
    """Whoever is seen, wherever, under whatever number, with whatever clock."""
    rules = engine(NOON + 7 * 3600_000 - 5000, camera(ALL, f"storm: {{events: {cap}, per_s: 5}}\n"))
    open_, told, at = {}, set(), 0.0

    def take(drafts):
        for draft in drafts:
            record = complete(draft, CAMERA, "m")(edge_id="e", epoch=0, seq=1, clock_offset=None)
            msgspec.convert(msgspec.to_builtins(record), EventRecord)  # central takes it
            thing = (draft.rule, draft.kind)
            if draft.state == "closed" and draft.event_id in open_:
                assert open_.pop(draft.event_id) == thing
            elif draft.state == "update":
                assert open_[draft.event_id] == thing
            else:
                assert draft.event_id not in told, "opened twice"
                if draft.state == "open":
                    open_[draft.event_id] = thing
                else:
                    assert draft.kind in ("line_crossing", "wrong_way", "flow"), "closed what was not open"
                told.add(draft.event_id)
        for rule in ("occupancy", "absence", "congestion"):
            assert list(open_.values()).count((rule, rule)) <= 1

    for step, found, blind in looks:
        at += step
        tracks = []  # a number may even stand twice
        for number, point, label, size, confirmed in found:
            path = (Step(at - 2, *point), Step(at, *point))
            tracks.append(track(number, at, point, label=label, size=size, confirmed=confirmed, path=path))
        take(rules.step(at, tracks))
        for state in rules.states(at):
            assert 0 <= state.waiting <= 1
            assert len(set(state.open)) == len(state.open)
        if blind and step == 1.0:
            take(rules.clear(at))
            assert open_ == {}
    take(rules.clear(at))
    assert open_ == {}
    assert rules.clear(at) == []


CAMERA = parse.camera(TEXT)


def test_an_hour_of_strangers_leaves_nothing_behind():
    rules = engine(text=camera(ALL))
    chance = random.Random(7)
    numbers, alive, sizes = count(1), [], []
    for look in range(2 * 3600):
        at = look * 0.5
        alive = [entry for entry in alive if chance.random() > 0.1]
        while len(alive) < 4:
            alive.append((next(numbers), chance.choice(["person", "car", "suitcase"])))
        rules.step(at, [track(n, at, (chance.random(), chance.random()), label=label) for n, label in alive])
        if look % 1000 == 999:
            sizes.append(held(rules))
    assert next(numbers) > 2000
    assert max(sizes) - min(sizes) < 100, sizes


def held(thing, seen=None):
    """How many entries the containers below an object hold."""
    seen = set() if seen is None else seen
    if id(thing) in seen or isinstance(thing, (str, int, float, Track, Draft, BaseModel)):
        return 0
    seen.add(id(thing))
    inner = list(thing.values()) if isinstance(thing, dict) else list(thing) if isinstance(thing, (list, deque)) else []
    inner += [getattr(thing, name) for name in getattr(type(thing), "__slots__", ()) if hasattr(thing, name)]
    inner += list(getattr(thing, "__dict__", {}).values())
    return (len(thing) if isinstance(thing, (dict, list, deque)) else 0) + sum(held(entry, seen) for entry in inner)
