"""Scenes of camera_configs/kitchen.yaml."""

from __future__ import annotations

from tests.pilots.scenario import Actor, Fired, Scenario

PERSON = (0.09, 0.35)
CAT = (0.07, 0.06)
AT_THE_STOVE, AWAY = (0.35, 0.70), (0.62, 0.85)
COOK = Actor("person", PERSON, [(0, *AT_THE_STOVE), (300, *AT_THE_STOVE)], missed=0.15)  # often behind steam
THROUGH = Actor("person", PERSON, [(1, 0.05, 0.9), (12, 0.62, 0.9), (14, 0.62, 0.9)])
INTO_THE_ROOM = Actor("person", PERSON, [(1, 0.62, 0.9), (6, 0.85, 0.8), (20, 0.85, 0.8)])


def away(since: float, until: float) -> Actor:
    """A cook who leaves the stove, but not the kitchen."""
    way = [(0, *AT_THE_STOVE), (since, *AT_THE_STOVE), (since + 3, *AWAY), (until - 3, *AWAY), (until, *AT_THE_STOVE)]
    return Actor("person", PERSON, [*way, (until + 60, *AT_THE_STOVE)], missed=0.15)


SCENARIOS = [
    Scenario("the cook leaves the stove", [away(15, 220)], 240, [Fired("stove-unwatched", 197)]),
    Scenario("the cook leaves for a minute", [away(15, 75)], 130, near=("stove-unwatched", {"for_s": 45})),
    Scenario("two cooks take turns", [away(15, 200), Actor("person", PERSON, [
        (60, 0.0, 0.95), (66, *AT_THE_STOVE), (210, *AT_THE_STOVE)])], 215, near=("stove-unwatched", {"for_s": 40})),
    Scenario("nobody cooks in the afternoon", [away(15, 220)], 240, near=("stove-unwatched", {"schedule": None}),
             starts="2026-03-16 14:40"),
    Scenario("nobody cooks at Qingming", [], 240, near=("stove-unwatched", {"schedule": None}),
             starts="2026-04-06 10:00"),

    Scenario("a cat runs through", [Actor("cat", CAT, [(2, 0.02, 0.9), (7, 0.68, 0.6)], also="dog")], 12,
             [Fired("animal-in-the-kitchen", 4)], starts="2026-03-16 22:00"),
    Scenario("a cook who looks like a dog now and then", [Actor("person", PERSON, COOK.way, also="dog")], 60,
             near=("animal-in-the-kitchen", {"labels": ["person"]})),
    Scenario("a cat looks in and goes", [Actor("cat", CAT, [(2, 0.02, 0.9), (3.2, 0.02, 0.9)], missed=0)], 12,
             near=("animal-in-the-kitchen", {"for_s": 0.1}), starts="2026-03-16 22:00"),

    Scenario("somebody at night", [THROUGH], 20, [Fired("somebody-after-hours", 3.3)], starts="2026-03-16 23:00"),
    Scenario("somebody before dawn on a Monday", [THROUGH], 20, [Fired("somebody-after-hours", 3.3)],
             starts="2026-03-16 03:00"),
    Scenario("somebody in the Spring Festival", [THROUGH], 20, [Fired("somebody-after-hours", 3.3)],
             starts="2026-02-18 12:30"),
    Scenario("somebody cleans up before closing", [THROUGH], 20, near=("somebody-after-hours", {"schedule": None}),
             starts="2026-03-16 19:40"),
    Scenario("somebody on a Saturday that is worked", [THROUGH], 20, starts="2026-05-09 15:00",
             near=("somebody-after-hours", {"schedule": None})),

    Scenario("somebody goes in while the lamps are on", [INTO_THE_ROOM], 25,
             [Fired("somebody-in-the-cold-dish-room", 4.2)], starts="2026-03-16 14:10"),
    Scenario("somebody works in there before", [INTO_THE_ROOM], 25, starts="2026-03-16 13:40",
             near=("somebody-in-the-cold-dish-room", {"schedule": None})),
    Scenario("somebody walks past it", [THROUGH], 20, starts="2026-03-16 14:10",
             near=("somebody-in-the-cold-dish-room", {"zone": "kitchen"})),
]  # fmt: skip
