"""Scenes of camera_configs/traffic.yaml."""

from __future__ import annotations

from tests.pilots.scenario import Actor, Fired, Scenario

CAR = (0.08, 0.09)
FAR = (0.05, 0.055)  # at the exit
PERSON = (0.025, 0.09)


def passing(start: float, x: float = 0.40, label: str = "car") -> Actor:
    """Through the whole view, with the traffic."""
    return Actor(label, CAR, [(start, x, 1.05), (start + 7, 0.44, 0.22)])


def halting(come: float, x: float, y: float, go: float, size: tuple[float, float] = CAR) -> Actor:
    """Drives up to (x, y), stands there, drives on."""
    way = [(come, x, 1.05), (come + 5, x, y), (go, x, y), (go + 4, x, 0.15)]
    return Actor("car", size, way, also="truck")


def column(speed: float, seconds: float) -> list[Actor]:
    """Three lanes full of cars that roll at `speed` in the picture; whoever is through is followed by another."""
    gap = 0.16
    cars = []
    for x in (0.38, 0.47, 0.56):
        first = -0.75 / speed
        for number in range(int((seconds - first) * speed / gap)):
            start = first + number * gap / speed
            cars.append(Actor("car", CAR, [(start, x, 1.05), (start + 0.85 / speed, x, 0.20)], also="truck"))
    return cars


JAM = [(x, y) for y in (0.52, 0.64, 0.76, 0.88) for x in (0.33, 0.45, 0.57)]
AT_THE_LIGHTS = [(0.38, 0.31), (0.46, 0.31), (0.54, 0.31), (0.36, 0.40), (0.46, 0.40)]
SHOULDER = (0.772, 0.60)


def jam(first: float, until: float, cars: int = 12) -> list[Actor]:
    return [halting(first + 0.8 * number, x, y, until + number) for number, (x, y) in enumerate(JAM[:cars])]


def lights(until: float) -> list[Actor]:
    return [halting(1 + 2 * n, x, y, until + n, FAR) for n, (x, y) in enumerate(AT_THE_LIGHTS)]


SCENARIOS = [
    Scenario(
        "one comes down among those that go up",
        [passing(0), passing(3, 0.30), passing(9), Actor("car", CAR, [(2, 0.55, 0.24), (10, 0.62, 1.10)])],
        15, [Fired("wrong-way", 5.4)],
    ),
    Scenario("all go up", [passing(start) for start in (0, 3, 6)], 15, near=("wrong-way", {"allowed": "down"})),

    Scenario(
        "one pulls over and stays",
        [passing(2), passing(20), Actor("car", CAR, [(0, 0.6, 1.05), (6, *SHOULDER), (40, *SHOULDER)], also="truck")],
        40, [Fired("stopped-on-the-shoulder", 25)],
    ),
    Scenario(
        "one pulls over and goes on",
        [Actor("car", CAR, [(0, 0.6, 1.05), (6, *SHOULDER), (14, *SHOULDER), (20, 0.56, 0.2)], also="truck")],
        40, near=("stopped-on-the-shoulder", {"for_s": 6}),
    ),

    Scenario(
        "one breaks down in a lane, others pass",
        [halting(1, 0.55, 0.6, 230), *(passing(start, 0.34) for start in range(10, 200, 20))],
        200, [Fired("stopped-in-a-lane", 181)],
    ),
    Scenario("one stops in a lane for a while", [halting(1, 0.55, 0.6, 120)], 200,
             near=("stopped-in-a-lane", {"for_s": 90})),

    Scenario("somebody walks across", [Actor("person", PERSON, [(1, 0.95, 0.7), (16, 0.05, 0.7)]), passing(2)], 20,
             [Fired("person-on-the-carriageway", 5.3)]),
    Scenario("a road worker walks along the shoulder",
             [Actor("person", PERSON, [(1, 0.93, 0.95), (20, 0.70, 0.35)]), passing(2)], 22,
             near=("person-on-the-carriageway", {"zone": "shoulder"})),

    Scenario("a queue that the lights do not clear", lights(140), 150, [Fired("queue-at-the-exit", 103)]),
    Scenario("a queue of one red phase", lights(70), 150, near=("queue-at-the-exit", {"for_s": 40})),

    Scenario("nothing moves any more", jam(1, 100), 120, [Fired("jam", 57)]),
    Scenario("slow, but it flows", column(0.035, 80), 80, near=("jam", {"slower_than": 0.8})),
    Scenario("all stand for half a minute", jam(1, 42), 80, near=("jam", {"for_s": 15})),
    Scenario("eight stand", jam(1, 100, cars=8), 120, near=("jam", {"at_least": 6})),

    Scenario(
        "nine in five minutes",
        [*(passing(start) for start in range(5, 285, 40)), passing(60, 0.30, "truck"), passing(200, 0.30, "bus")],
        303, [Fired("flow-north", 0, "bus", 1), Fired("flow-north", 0, "car", 7), Fired("flow-north", 0, "truck", 1)],
    ),
    Scenario(
        "none in five minutes, and a worker on the shoulder",
        [Actor("person", PERSON, [(1, 0.93, 0.95), (20, 0.70, 0.35)])],
        303, [Fired("flow-north", 0, None, 0)], near=("flow-north", {"labels": ["person"]}),
    ),
]  # fmt: skip
