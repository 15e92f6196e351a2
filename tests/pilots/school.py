"""Scenes of camera_configs/school.yaml."""

from __future__ import annotations

from tests.pilots.scenario import Actor, Fired, Scenario

CHILD = (0.035, 0.13)  # as tall as people are at the gate, far away
ADULT = (0.05, 0.18)  # in the yard
BAG = (0.025, 0.035)
WALKER = Actor("person", ADULT, [(2, 0.0, 0.75), (12, 0.5, 0.75), (22, 1.0, 0.75)])
CAR = Actor("car", (0.18, 0.20), [(3, 0.5, 0.50), (8, 0.5, 0.80), (20, 0.5, 0.80)], also="truck")
IN_FRONT = [(0.38 + 0.04 * place, 0.40 + 0.06 * row) for row in range(3) for place in range(7)]
LAID_DOWN = Actor("handbag", BAG, [(6, 0.5, 0.50), (150, 0.5, 0.50)], also="backpack", missed=0.2)


def crowd(people: int, until: float) -> list[Actor]:
    """They come from both sides, one each 0.7 s, and go together."""
    return [
        Actor("person", CHILD, [(come, side, y), (come + 6, x, y), (until, x, y), (until + 5, side, y)], missed=0.1)
        for number, (x, y) in enumerate(IN_FRONT[:people])
        for come, side in [(1 + 0.7 * number, 0.2 if x < 0.5 else 0.8)]
    ]


SCENARIOS = [
    Scenario("somebody walks through at night", [WALKER], 30, [Fired("somebody-after-hours", 4)],
             starts="2026-03-16 22:00"),
    Scenario("on a Saturday afternoon", [WALKER], 30, [Fired("somebody-after-hours", 4)], starts="2026-03-21 15:00"),
    Scenario("before dawn on a Monday", [WALKER], 30, [Fired("somebody-after-hours", 4)], starts="2026-03-16 03:00"),
    Scenario("on a Thursday morning that is a holiday", [WALKER], 30, [Fired("somebody-after-hours", 4)],
             starts="2026-10-01 10:00"),
    Scenario("is still there when it closes", [WALKER], 30, [Fired("somebody-after-hours", 11)],
             starts="2026-03-16 18:29:50"),
    Scenario("just before closing time", [WALKER], 30, near=("somebody-after-hours", {"schedule": None}),
             starts="2026-03-16 18:29"),
    Scenario("on a Saturday that is worked", [WALKER], 30, near=("somebody-after-hours", {"schedule": None}),
             starts="2026-10-10 15:00"),

    Scenario("a car drives in during lessons", [CAR, WALKER], 30, [Fired("vehicle-in-the-yard", 5)]),
    Scenario("a delivery in the morning before", [CAR], 30, near=("vehicle-in-the-yard", {"schedule": None}),
             starts="2026-03-16 06:40"),

    Scenario("twenty press at the gate", crowd(20, 45), 60, [Fired("crush-at-the-gate", 22)]),
    Scenario("twelve wait at the gate", crowd(12, 45), 60, near=("crush-at-the-gate", {"at_least": 10})),
    Scenario("twenty, but they go on at once", crowd(20, 16), 40, near=("crush-at-the-gate", {"for_s": 1})),

    Scenario(
        "a bag is put down and left",
        [LAID_DOWN, Actor("person", CHILD, [(0, 0.3, 0.52), (5, 0.48, 0.52), (8, 0.48, 0.52), (14, 0.9, 0.52)])],
        150, [Fired("bag-at-the-gate", 130)],
    ),
    Scenario(
        "a mother puts her bag down and stands beside it",
        [LAID_DOWN, Actor("person", CHILD, [(0, 0.3, 0.52), (5, 0.44, 0.52), (150, 0.44, 0.52)])],
        150, near=("bag-at-the-gate", {"near": 0.1}),
    ),
    Scenario(
        "a bag is left for a minute and fetched",
        [
            Actor("handbag", BAG, [(6, 0.5, 0.50), (80, 0.5, 0.50)], also="backpack", missed=0.2),
            Actor("person", CHILD, [(0, 0.3, 0.52), (5, 0.48, 0.52), (8, 0.48, 0.52), (14, 0.9, 0.52), (68, 0.9, 0.52),
                                    (74, 0.52, 0.52), (80, 0.52, 0.52), (88, 0.9, 0.52)]),
        ],
        150, near=("bag-at-the-gate", {"for_s": 40}),
    ),
]  # fmt: skip
