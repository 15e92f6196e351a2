"""A small stage: actors walk, the tracker and the rules of a camera file watch them as if a model had seen them.

What the model would see of an actor trembles, is missed now and then, is weak now and then and, where it is like that
in pictures, called by another name. Chance is drawn from the scenario's name, so a run can be repeated.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from contract.camera import Camera
from edge.detect.card import load_card
from edge.detect.shipped import models_dir
from edge.ids import uuid7
from edge.pipeline import Analyst
from edge.types import Detections

CARD = load_card(models_dir() / "yolov8n" / "card.yaml")
SHANGHAI = ZoneInfo("Asia/Shanghai")
MONDAY_NOON = "2026-03-16 12:00"
VISIBLE = 0.3  # of a box must be in the picture for the model to see it
OTHER_NAME = 0.1  # of the looks give an actor its other name


@dataclass(frozen=True, slots=True)
class Actor:
    """`way`: (second, x, y) of the middle of the lower edge, straight and even between; there from first to last."""

    label: str
    size: tuple[float, float]
    way: Sequence[tuple[float, float, float]]
    also: str | None = None
    missed: float = 0.07  # of the looks do not find it

    def at(self, second: float) -> tuple[float, float] | None:
        if not self.way[0][0] <= second <= self.way[-1][0]:
            return None
        times, xs, ys = zip(*self.way, strict=True)
        return float(np.interp(second, times, xs)), float(np.interp(second, times, ys))


class Fired(NamedTuple):
    rule: str
    at: float  # seconds from the scenario's start
    label: str | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """What happens, and the events that must come of it, in order of time, and no other.

    `near`: a rule that nearly fires, with a change of its keys under which it would. Without such a proof a silence
    says nothing: it may as well be that nobody saw the actors.
    """

    says: str
    actors: Sequence[Actor]
    seconds: float
    fires: Sequence[tuple[str, float]] = ()
    near: tuple[str, dict[str, object]] | None = None
    starts: str = MONDAY_NOON  # in Shanghai


class Pace(NamedTuple):
    """Looks a second while something moves and for 3 s after; `quiet_s` apart where nothing does, as the gate has it."""

    rate: float
    quiet_s: float


PACES = {"5 a second": Pace(5, 0.2), "2 a second": Pace(2, 0.5), "5 a second, gated": Pace(5, 2.0)}
AWAKE_S = 3.0


def play(camera: Camera, scenario: Scenario, pace: Pace, seed: int = 0) -> list[Fired]:
    """The events that open, in order of time."""
    chance = random.Random(f"{scenario.says} {pace} {seed}")
    start_ms = round(datetime.fromisoformat(scenario.starts).replace(tzinfo=SHANGHAI).timestamp() * 1000)
    numbers = count()
    analyst = Analyst(
        camera, CARD.classes, CARD.thresholds.confidence,
        lambda at: start_ms + round(at * 1000), lambda ms: uuid7(ms, next(numbers)),
    )  # fmt: skip
    fired: dict[object, Fired] = {}
    for at in looks(scenario, pace):
        for draft in analyst.look(at, seen(scenario.actors, at, chance)):
            opened = Fired(draft.rule, (draft.opened_at - start_ms) / 1000, draft.label, draft.count)
            fired.setdefault(draft.event_id, opened)
    return sorted(fired.values(), key=lambda event: event.at)


def looks(scenario: Scenario, pace: Pace) -> Iterator[float]:
    last, awake_until, before = -pace.quiet_s, AWAKE_S, None
    for index in range(int(scenario.seconds * pace.rate) + 1):
        at = index / pace.rate
        places = [actor.at(at) for actor in scenario.actors]
        if places != before:
            awake_until, before = at + AWAKE_S, places
        if at <= awake_until or at - last >= pace.quiet_s - 1e-9:
            last = at
            yield at


def seen(actors: Sequence[Actor], second: float, chance: random.Random) -> Detections:
    """What a model might see of them."""
    found = []
    for actor in actors:
        place = actor.at(second)
        if place is None or chance.random() < actor.missed:
            continue
        width, height = (side * chance.gauss(1, 0.03) for side in actor.size)
        x, y = place[0] + chance.gauss(0, 0.02) * width, place[1] + chance.gauss(0, 0.02) * height
        whole = np.array([x - width / 2, y - height, x + width / 2, y])
        box = whole.clip(0, 1)
        if (box[2] - box[0]) * (box[3] - box[1]) < VISIBLE * width * height:
            continue
        name = actor.also if actor.also and chance.random() < OTHER_NAME else actor.label
        found.append((box, min(max(chance.gauss(0.65, 0.15), 0.12), 0.95), CARD.classes.index(name)))
    chance.shuffle(found)
    return Detections(
        np.array([box for box, _, _ in found], np.float32).reshape(-1, 4),
        np.array([score for _, score, _ in found], np.float32),
        np.array([kind for _, _, kind in found], np.int32),
    )
