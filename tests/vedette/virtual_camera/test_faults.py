import pytest

from vedette.virtual_camera import (
    ClockSkew,
    FaultError,
    Freeze,
    Garbage,
    Kick,
    Loss,
    Mute,
    Noise,
    Refuse,
    Resolution,
    Status,
    load_clip,
)
from vedette.virtual_camera.faults import Planned, parse_plan


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("freeze@20", Planned(Freeze(), 20)),
        ("freeze@2.5:0.5", Planned(Freeze(), 2.5, 0.5)),
        ("gate/mute@0", Planned(Mute(), 0, None, "gate")),
        ("yard/gate/refuse@0", Planned(Refuse(), 0, None, "yard/gate")),
        ("freeze=reports@1", Planned(Freeze(reports=True), 1)),
        ("kick@3", Planned(Kick(), 3)),
        ("kick=reset@3", Planned(Kick(reset=True), 3)),
        ("noise=3@1:2", Planned(Noise(3), 1, 2)),
        ("garbage@1", Planned(Garbage(0), 1)),
        ("garbage=7@1:2", Planned(Garbage(7), 1, 2)),
        ("loss@1", Planned(Loss(10), 1)),
        ("gate/loss=50@0:9", Planned(Loss(50), 0, 9, "gate")),
        ("clock-skew=-30.5@0", Planned(ClockSkew(-30.5), 0)),
        ("401@5", Planned(Status(401), 5)),
        ("503@5:1", Planned(Status(503), 5, 1)),
    ],
)
def test_plans(text, want):
    assert parse_plan(text) == want


def test_a_resolution_names_its_clip(clips):
    planned = parse_plan(f"gate/resolution={clips['big']}@4")
    assert planned == Planned(Resolution(load_clip(clips["big"])), 4, None, "gate")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no fault"),
        ("freeze", "is no fault"),
        ("freeze@", "is no fault"),
        ("freeze@-1", "is no fault"),
        ("melt@1", "is no fault"),
        ("500@1", "is no fault"),
        ("loss=x@1", "the value is no number"),
        ("loss=0@1", "every >= 1"),
        ("freeze=solid@1", "means nothing here"),
        ("kick@1:2", "a kick has no duration"),
        ("resolution=/no/such/clip@1", "cannot be read"),
        ("resolution@1", "cannot be read"),
    ],
)
def test_what_is_no_plan_says_why(text, message):
    with pytest.raises(FaultError, match=message) as caught:
        parse_plan(text)
    assert caught.value.hint or message not in ("is no fault", "cannot be read")


@pytest.mark.parametrize("make", [lambda: Status(200), lambda: Loss(0)], ids=["status 200", "loss of every 0th"])
def test_values_that_mean_nothing_are_refused(make):
    with pytest.raises(FaultError):
        make()
