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

from contract.camera import Camera, Gate
from edge.detect.card import load_card
from edge.detect.mosaic import Sight
from edge.detect.shipped import models_dir
from edge.ids import uuid7
from edge.pace import Pace
from edge.pipeline import UNSETTLED_S, Analyst
from edge.regions import Plan
from edge.types import WHOLE, Detections, Frame

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


@dataclass(frozen=True, slots=True)
class Looks:
    """At most `rate` a second, as the edge paces them; where it `sleeps`, a key frame each 2 s while nothing moves, and
    few of them looked at. It does not sleep where leaves or rain move all the time."""

    rate: float
    sleeps: bool = False


PACES = {"5 a second": Looks(5), "2 a second": Looks(2), "5 a second, asleep": Looks(5, sleeps=True)}
PICTURES_A_SECOND = 25
KEY_FRAME_S = 2.0


def play(camera: Camera, scenario: Scenario, pace: Looks, seed: int = 0) -> list[Fired]:
    """The events that open, in order of time."""
    chance = random.Random(f"{scenario.says} {pace} {seed}")
    start_ms = round(datetime.fromisoformat(scenario.starts).replace(tzinfo=SHANGHAI).timestamp() * 1000)
    numbers = count()
    rate = Pace(pace.rate)
    analyst = Analyst(
        camera, rate, CARD.classes, CARD.thresholds.confidence,
        lambda at: start_ms + round(at * 1000), lambda ms: uuid7(ms, next(numbers)),
    )  # fmt: skip
    fired: dict[object, Fired] = {}
    for at, still in times(scenario, rate, camera.gate if pace.sleeps else None):
        if still:
            drafts = analyst.rest(at)
        else:
            frame = Frame(at, lambda most: np.zeros((most, most, 3), np.uint8))
            drafts = analyst.look(frame, Plan((WHOLE,), "asked"), Sight(seen(scenario.actors, at, chance)))
        for draft in drafts:
            opened = Fired(draft.rule, (draft.opened_at - start_ms) / 1000, draft.label, draft.count)
            fired.setdefault(draft.event_id, opened)
    return sorted(fired.values(), key=lambda event: event.at)


def times(scenario: Scenario, pace: Pace, gate: Gate | None) -> Iterator[tuple[float, bool]]:
    """When it is looked at, and when only time goes on because nothing moves, as edge.pipeline.Watcher has it, with
    actors for pixels."""
    last = awake_until = told = float("-inf")
    before: object = None
    quiet = False
    for picture in range(round(scenario.seconds * PICTURES_A_SECOND) + 1):
        at = picture / PICTURES_A_SECOND
        if not pace.due(at):
            continue
        places = [actor.at(at) for actor in scenario.actors]
        if gate is not None and places != before:
            awake_until, before = at + gate.stay_awake_s, places
        was_quiet, quiet = quiet, at > awake_until
        longest = (
            0.0 if gate is None or not quiet or not was_quiet else gate.quiet_look_s if pace.settled else UNSETTLED_S
        )
        if at - last >= longest:
            last = told = at
            pace.spend()
            yield at, False
        elif at - told >= KEY_FRAME_S:
            told = at
            yield at, True


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
