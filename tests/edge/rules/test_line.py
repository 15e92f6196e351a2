from __future__ import annotations

import pytest

from contract.rules import LineCrossing, WrongWay
from edge.rules.line import line_crossing, wrong_way
from tests.edge.rules.paths import LOOK_S, gone, play, still, straight, track

LEVEL = ((0.2, 0.5), (0.8, 0.5))
UPRIGHT = ((0.5, 0.2), (0.5, 0.8))


def crossing(direction="any", line=LEVEL, labels=("person",)):
    return line_crossing(LineCrossing(kind="line_crossing", line="l", direction=direction, labels=labels), line)


DOWN = straight((0.5, 0.3), (0.5, 0.7), 11)
UP = DOWN[::-1]

ROWS = {
    "down through the line": (DOWN, "any", 1),
    "down counts as down": (DOWN, "down", 1),
    "down is not up": (DOWN, "up", 0),
    "up counts as up": (UP, "up", 1),
    "slanted path": (straight((0.3, 0.3), (0.7, 0.7), 11), "down", 1),
    "touches the line and goes back": (
        [*straight((0.5, 0.3), (0.5, 0.5), 6), *straight((0.5, 0.48), (0.5, 0.3), 6)], "any", 0,
    ),
    "walks along the line": (straight((0.25, 0.5), (0.75, 0.5), 20), "any", 0),
    "jitters on the line": ([(0.5, 0.497 + 0.006 * (i % 2)) for i in range(30)], "any", 0),
    "not supported: turns back within a hair of the line, on the other side": (
        [*straight((0.5, 0.3), (0.5, 0.51), 8), *straight((0.5, 0.5), (0.5, 0.3), 8)], "any", 0,
    ),
    "not supported: crosses and is never seen again before it is clear of the line": (
        [*straight((0.5, 0.3), (0.5, 0.508), 8), *gone(3)], "any", 0,
    ),
    "jitters wider than the line's margin, near it": ([(0.5, 0.49 + 0.013 * (i % 2)) for i in range(30)], "any", 0),
    "back and forth counts each way": ([*DOWN, *UP], "any", 2),
    "back and forth, one direction": ([*DOWN, *UP, *DOWN], "down", 2),
    "crosses between two looks": ([(0.5, 0.3), (0.5, 0.3), (0.5, 0.75), (0.5, 0.8)], "down", 1),
    "crosses at the very end": ([*still((0.5, 0.4), 1), (0.5, 0.53), *gone(2)], "down", 1),
    "a single look finds it far beyond the line": (
        [*still((0.5, 0.45), 1), (0.5, 0.7), *still((0.5, 0.45), 1)], "any", 0,
    ),
    "and again and again": ([(0.5, 0.55 if i % 3 == 2 else 0.45) for i in range(30)], "any", 0),
    "starts on the line, goes down": (straight((0.5, 0.5), (0.5, 0.7), 8), "any", 0),
    "starts just above, goes down": (straight((0.5, 0.47), (0.5, 0.7), 8), "down", 1),
    "unseen while crossing": ([*straight((0.5, 0.3), (0.5, 0.45), 4), None, None, (0.5, 0.6), (0.5, 0.65)], "down", 1),
    "passes beside the line's end": (straight((0.9, 0.3), (0.9, 0.7), 11), "any", 0),
    "passes just inside the line's end": (straight((0.79, 0.3), (0.79, 0.7), 11), "down", 1),
    "crosses at the line's very end, inside": (straight((0.7999, 0.3), (0.7999, 0.7), 11), "any", 1),
    "goes through the line's very end, beyond": (straight((0.8001, 0.3), (0.8001, 0.7), 11), "any", 0),
    "crosses between its last two looks": ([*still((0.5, 0.3), 1), (0.5, 0.75), *gone(3)], "down", 1),
    "stands still exactly on the line, then goes on": (
        [*straight((0.5, 0.3), (0.5, 0.5), 6), *still((0.5, 0.5), 3), *straight((0.5, 0.55), (0.5, 0.7), 4)], "any", 1,
    ),
    "stands still exactly on the line, then goes back": (
        [*straight((0.5, 0.3), (0.5, 0.5), 6), *still((0.5, 0.5), 3), *straight((0.5, 0.45), (0.5, 0.3), 4)], "any", 0,
    ),
    "starts exactly on the line, goes up": (straight((0.5, 0.5), (0.5, 0.3), 8), "any", 0),
    "starts on the line, goes down, comes back up": (
        [*straight((0.5, 0.5), (0.5, 0.7), 8), *straight((0.5, 0.7), (0.5, 0.3), 8)], "any", 1,
    ),
    "trembles on the line, then goes through": (
        [*straight((0.5, 0.3), (0.5, 0.49), 5), *[(0.5, 0.495 + 0.01 * (i % 2)) for i in range(9)],
         *straight((0.5, 0.55), (0.5, 0.7), 4)], "any", 1,
    ),
    "trembles on the line, then goes back": (
        [*straight((0.5, 0.3), (0.5, 0.49), 5), *[(0.5, 0.495 + 0.01 * (i % 2)) for i in range(9)],
         *straight((0.5, 0.45), (0.5, 0.3), 4)], "any", 0,
    ),
    "along the line and away past its end": (
        [(0.5, 0.45), *straight((0.6, 0.495), (0.9, 0.495), 8), *straight((0.9, 0.505), (0.9, 0.7), 5)], "any", 0,
    ),
    "over the line, along it, away past its end": (
        [(0.5, 0.45), *straight((0.6, 0.505), (0.9, 0.505), 8), *straight((0.9, 0.55), (0.9, 0.7), 5)], "any", 1,
    ),
    "back and forth within the cooldown counts once each way": (
        [(0.5, 0.45 if i // 2 % 2 else 0.55) for i in range(11)], "any", 2,
    ),
    "back and forth for longer counts again": ([(0.5, 0.45 if i // 6 % 2 else 0.55) for i in range(30)], "any", 4),
    # A crossing back over the line after a way round its end.
    "not supported: what goes round the end and back over is one crossing, not none": (
        [
            *straight((0.7, 0.3), (0.9, 0.5), 6),
            *straight((0.9, 0.55), (0.7, 0.7), 6),
            *straight((0.7, 0.65), (0.7, 0.3), 8),
        ],
        "any",
        1,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("path", "direction", "times"), ROWS.values(), ids=ROWS)
def test_line_crossing(path, direction, times):
    said = play(crossing(direction), {1: path})
    assert [what for what, _, _ in said] == ["passed"] * times


def test_left_and_right_of_an_upright_line():
    path = straight((0.3, 0.5), (0.7, 0.5), 11)
    assert len(play(crossing("right", UPRIGHT), {1: path})) == 1
    assert play(crossing("left", UPRIGHT), {1: path}) == []


def test_the_order_of_the_ends_does_not_matter():
    assert len(play(crossing("down", LEVEL[::-1]), {1: DOWN})) == 1


def test_two_at_once_are_two_events():
    other = [(x + 0.2, y) for x, y in DOWN]
    assert [key for _, key, _ in play(crossing(), {1: DOWN, 2: other})] == [1, 2]


def test_other_labels_do_not_count():
    assert play(crossing(), {1: DOWN}, labels={1: "dog"}) == []
    assert len(play(crossing(labels="any"), {1: DOWN}, labels={1: "dog"})) == 1


def test_what_crossed_before_it_was_confirmed_counts_when_it_is():
    crossed_at = 6
    said = play(crossing(), {1: DOWN}, confirmed_from=9)
    assert said == [("passed", 1, round(9 * LOOK_S, 3))]
    assert play(crossing(), {1: DOWN}) == [("passed", 1, round(crossed_at * LOOK_S, 3))]


@pytest.mark.parametrize(("confirmed_from", "times"), [(0, 1), (5, 0)], ids=["known before", "a stranger until then"])
def test_who_is_never_seen_again_after_crossing(confirmed_from, times):
    """The look that finds it beyond the line is the sixth and last; a stranger may be two objects taken for one."""
    path = [*still((0.5, 0.4), 1), (0.5, 0.7), *gone(3)]
    assert len(play(crossing(), {1: path}, confirmed_from=confirmed_from)) == times


def test_never_confirmed_never_triggers():
    assert play(crossing(), {1: DOWN}, confirmed_from=1000) == []


@pytest.mark.parametrize(("path", "times"), [(DOWN, 1), (UP, 0)], ids=["against", "with"])
def test_wrong_way(path, times):
    rule = wrong_way(WrongWay(kind="wrong_way", line="l", allowed="up", labels=("person",)), LEVEL)
    assert len(play(rule, {1: path})) == times


def test_forgets_tracks_that_are_gone():
    rule = crossing()
    for number in range(500):
        rule.step(number * LOOK_S, [track(number, number * LOOK_S, (0.5, 0.3))])
    assert len(rule._passages) == 1


def test_a_track_number_that_comes_back_begins_anew():
    """Where it was in its former life says nothing about a way over the line."""
    assert play(crossing(), {1: [*still((0.5, 0.3), 1), *gone(4), *still((0.5, 0.7), 1)]}, keep_looks=2) == []


@pytest.mark.parametrize(
    "size", [(0.0, 0.0), (0.1, 0.0), (0.0, 0.2), (1.0, 1.0)], ids=["point", "flat", "thin", "as large as the picture"]
)
def test_any_size_crosses(size):
    assert len(play(crossing(), {1: DOWN}, sizes={1: size})) == 1


@pytest.mark.parametrize("y", [0.0, 1.0], ids=["top", "bottom"])
def test_not_supported_a_line_on_the_border_of_the_picture(y):
    line = ((0.0, y), (1.0, y))
    assert play(crossing(line=line), {1: straight((0.5, 0.5), (0.5, y), 8)}) == []
    assert play(crossing(line=line), {1: straight((0.5, y), (0.5, 0.5), 8)}) == []


def test_cooldown_is_of_one_object_and_one_rule():
    hither = [(0.5, 0.45 if i // 2 % 2 else 0.55) for i in range(10)]
    thither = [(x + 0.2, y) for x, y in hither]
    assert sorted(key for _, key, _ in play(crossing(), {1: hither, 2: thither})) == [1, 1, 2, 2]
    assert len(play(crossing(), {1: hither})) == 2


def test_without_cooldown_every_crossing_counts():
    rule = line_crossing(LineCrossing(kind="line_crossing", line="l", cooldown_s=0.0), LEVEL)
    assert len(play(rule, {1: [(0.5, 0.45 if i // 2 % 2 else 0.55) for i in range(20)]})) == 9


def test_clear_forgets_the_way_and_the_cooldown():
    rule = crossing()
    assert len(play(rule, {1: DOWN})) == 1
    assert rule.clear(2.2) == []
    assert len(play(rule, {1: DOWN})) == 1
    rule.clear(2.2)
    assert rule.step(2.4, [track(1, 2.4, (0.5, 0.3))]) == []


def test_what_the_last_look_before_a_blindness_found_beyond_the_line_has_crossed():
    rule = crossing()
    path = [*still((0.5, 0.3), 1), (0.5, 0.7)]
    assert play(rule, {1: path}) == []
    assert [(signal.what, signal.key, signal.at) for signal in rule.clear(1.2)] == [("passed", 1, 1.0)]
    assert rule.clear(1.2) == []
