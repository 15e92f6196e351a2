"""Scenes of camera_configs/hospital.yaml."""

from __future__ import annotations

from tests.pilots.scenario import Actor, Fired, Scenario

PERSON = (0.04, 0.15)
FAR = (0.03, 0.12)  # in the corridor and behind the desk
CLERK = Actor("person", FAR, [(0, 0.71, 0.45), (400, 0.71, 0.45)], missed=0.1)
SEATS = [(0.46 + 0.06 * seat, 0.64 + 0.10 * row) for row in range(4) for seat in range(8)]


def vehicle(label: str, until: float, also: str) -> Actor:
    return Actor(label, (0.22, 0.24), [(1, 0.0, 0.85), (5, 0.17, 0.85), (until, 0.17, 0.85), (until + 4, 0, 0.9)], also)


def waiting(people: int, until: float) -> list[Actor]:
    """They come in from the right, one a second, sit down, and go together."""
    return [
        Actor("person", PERSON, [(1 + n, 1.0, y), (6 + n, x, y), (until, x, y), (until + 5, 1.0, y)])
        for n, (x, y) in enumerate(SEATS[:people])
    ]


BED = (0.08, 0.08)
PUSHER = Actor("person", FAR, [(0, 0.44, 0.34), (5, 0.40, 0.48), (8, 0.40, 0.48), (14, 0.20, 0.40)])
PASSER = Actor("person", FAR, [(60, 0.44, 0.32), (65, 0.44, 0.56), (67, 0.30, 0.56)])

SCENARIOS = [
    Scenario("a car is left in the bay", [CLERK, vehicle("car", 215, "truck")], 225, [Fired("bay-blocked", 183)]),
    Scenario("an ambulance hands over in two minutes", [CLERK, vehicle("truck", 120, "bus")], 225,
             near=("bay-blocked", {"for_s": 100})),

    Scenario(
        "a bed is left in the corridor, somebody walks past",
        [CLERK, PUSHER, PASSER, Actor("bed", BED, [(0, 0.46, 0.34), (5, 0.46, 0.48), (150, 0.46, 0.48)], missed=0.2)],
        150, [Fired("corridor-blocked", 132)],
    ),
    Scenario(
        "somebody stands beside the chair",
        [CLERK, Actor("chair", (0.04, 0.06), [(0, 0.46, 0.48), (150, 0.46, 0.48)], missed=0.2),
         Actor("person", FAR, [(0, 0.38, 0.34), (5, 0.41, 0.48), (150, 0.41, 0.48)])],
        150, near=("corridor-blocked", {"near": 0.05}),
    ),
    Scenario(
        "a bed is left for a minute",
        [CLERK, PUSHER, Actor("bed", BED, [(0, 0.46, 0.34), (5, 0.46, 0.48), (75, 0.46, 0.48), (82, 0.46, 0.30)],
                              missed=0.2),
         Actor("person", FAR, [(64, 0.2, 0.4), (70, 0.40, 0.48), (75, 0.40, 0.48), (82, 0.40, 0.30)])],
        150, near=("corridor-blocked", {"for_s": 40}),
    ),

    Scenario("thirty wait", [CLERK, *waiting(30, 80)], 95, [Fired("waiting-room-full", 45)]),
    Scenario("twenty-two wait", [CLERK, *waiting(22, 80)], 95, near=("waiting-room-full", {"at_least": 20})),
    Scenario("thirty for a moment", [CLERK, *waiting(30, 34)], 60, near=("waiting-room-full", {"for_s": 1})),

    Scenario(
        "the clerk goes away; a visitor waits in front",
        [Actor("person", FAR, [(0, 0.71, 0.45), (20, 0.71, 0.45), (23, 0.85, 0.45)]),
         Actor("person", PERSON, [(30, 1.0, 0.62), (36, 0.71, 0.62), (170, 0.71, 0.62)])],
        170, [Fired("desk-unattended", 142)],
    ),
    Scenario(
        "the clerk is away for a minute and a half",
        [Actor("person", FAR, [(0, 0.71, 0.45), (20, 0.71, 0.45), (23, 0.85, 0.45), (110, 0.85, 0.45),
                               (113, 0.71, 0.45), (200, 0.71, 0.45)])],
        180, near=("desk-unattended", {"for_s": 60}),
    ),
    Scenario("nobody at the desk before it opens", [], 180, near=("desk-unattended", {"schedule": None}),
             starts="2026-03-16 06:50"),
    Scenario("nobody on a holiday afternoon", [], 180, near=("desk-unattended", {"schedule": None}),
             starts="2026-05-04 15:00"),
    Scenario("nobody on a Sunday afternoon that is worked", [], 150, [Fired("desk-unattended", 120)],
             starts="2026-09-20 15:00"),
]  # fmt: skip
