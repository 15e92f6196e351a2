from __future__ import annotations

import pytest

from edge.load import Counts, Load


def played(seconds, *, rate=5.0, lag=0.1):
    """(status, change) after each second; `seconds`: (made, missed) looks in it."""
    load = Load({"a": rate})
    made = missed = 0
    load.step(0.0, {"a": Counts(0, 0)})
    after = []
    for at, (more, lost) in enumerate(seconds, start=1):
        made, missed = made + more, missed + lost
        for _ in range(more):
            load.looked(at, lag)
        change = load.step(float(at), {"a": Counts(made, missed)})
        after.append((load.status, change))
    return after


def changes(after):
    return [(at, change) for at, (_, change) in enumerate(after, start=1) if change]


def test_an_edge_that_keeps_up():
    after = played([(5, 0)] * 30)
    assert changes(after) == []
    status = after[-1][0]
    assert (status.made, status.wanted, status.degraded) == (5.0, 5.0, False)
    assert status.lag_p95 == 0.1


@pytest.mark.parametrize(
    ("seconds", "want"),
    [
        pytest.param([(3, 2)] * 30, [(10, "began")], id="from the start: after a window"),
        pytest.param([(5, 0)] * 20 + [(0, 5)] * 5, [(22, "began")], id="when a tenth of a window is lost"),
        pytest.param([(5, 0)] * 20 + [(0, 5)] + [(5, 0)] * 20, [], id="a single second is not enough"),
        pytest.param([(3, 2)] * 20 + [(5, 0)] * 20, [(10, "began"), (30, "ended")], id="it ends by itself"),
        pytest.param(([(4, 1)] + [(5, 0)] * 2) * 15, [], id="to and fro about the limit"),
        pytest.param([(3, 2)] * 15 + ([(4, 1)] + [(5, 0)] * 3) * 8, [(10, "began")], id="almost well is not well"),
        pytest.param([(0, 0)] * 30, [], id="nobody wants anything"),
        pytest.param([(3, 2)] * 20 + [(0, 0)] * 20, [(10, "began"), (30, "ended")], id="nobody wants anything more"),
    ],
)
def test_degraded(seconds, want):
    assert changes(played(seconds)) == want


def test_what_networks_being_made_ready_cost_is_no_overload():
    load = Load({"a": 5.0})
    load.step(0.0, {"a": Counts(0, 0)})
    load.step(9.0, {"a": Counts(20, 25)})
    load.restart()
    for at in range(10, 30):
        assert load.step(float(at), {"a": Counts(5 * at, 25)}) is None
    assert load.status.made == load.status.wanted == 5.0


def test_a_restart_ends_no_overload_that_goes_on():
    load = Load({"a": 5.0})
    load.step(0.0, {"a": Counts(0, 0)})
    assert load.step(10.0, {"a": Counts(30, 20)}) == "began"
    load.restart()
    assert load.step(11.0, {"a": Counts(33, 22)}) is None
    assert load.status.degraded


def test_a_camera_that_asks_in_vain_wants_no_more_than_its_budget():
    status = played([(3, 7)] * 20)[-1][0]
    assert (status.made, status.wanted) == (3.0, 5.0)


def test_what_was_made_beyond_the_budget_was_wanted():
    status = played([(8, 0)] * 3)[-1][0]
    assert (status.made, status.wanted) == (8.0, 8.0)


def test_cameras_add_up():
    load = Load({"a": 5.0, "b": 2.0})
    load.step(0.0, {"a": Counts(0, 0), "b": Counts(0, 0)})
    load.step(10.0, {"a": Counts(25, 75), "b": Counts(20, 0)})
    assert (load.status.made, load.status.wanted, load.status.degraded) == (4.5, 7.0, True)


def test_lag_is_of_the_last_seconds():
    load = Load({"a": 5.0})
    for at in range(40):
        load.looked(float(at), 0.9 if at < 20 else 0.1 + at / 1000)
        load.step(float(at), {"a": Counts(at, 0)})
    assert load.status.lag_p95 == pytest.approx(0.139)
    load.step(100.0, {"a": Counts(40, 0)})
    assert load.status.lag_p95 is None


def test_it_is_looked_at_once_a_second():
    load = Load({"a": 5.0})
    for i in range(1000):
        load.step(i / 100, {"a": Counts(i, 0)})
    assert len(load._samples) <= 11


def test_time_that_goes_back_is_no_crash():
    load = Load({"a": 5.0})
    for at in (10.0, 11.0, 2.0, 3.0):
        load.step(at, {"a": Counts(1, 1)})
