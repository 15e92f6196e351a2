from __future__ import annotations

import numpy as np
import pytest

from edge import draw, why
from edge.draw import TONES, Canvas
from edge.rules.base import RuleState
from edge.types import Step, Track
from tests.edge.drafts import CAMERA, draft

SIZE = (360, 640)


def blank(size=SIZE) -> np.ndarray:
    return np.full((*size, 3), 90, np.uint8)


def touched(image) -> np.ndarray:
    """(height, width) bool."""
    return (image != 90).any(axis=2)


def bounds(image) -> tuple[float, float, float, float]:
    ys, xs = np.nonzero(touched(image))
    height, width = image.shape[:2]
    return xs.min() / width, ys.min() / height, (xs.max() + 1) / width, (ys.max() + 1) / height


def near(image, colour, reach=40) -> int:
    return int((np.abs(image.astype(int) - colour).max(axis=2) < reach).sum())


def track(**more) -> Track:
    return Track(**({"id": 3, "label": "person", "box": (0.4, 0.3, 0.5, 0.7), "score": 0.8, "at": 5.0,
                     "first_at": 0.0, "confirmed": True} | more))  # fmt: skip


def test_a_box_is_drawn_where_the_object_is():
    image = blank()
    Canvas(image).box((0.4, 0.3, 0.5, 0.7), draw.FOLLOWED)
    assert bounds(image) == pytest.approx((0.4, 0.3, 0.5, 0.7), abs=0.006)
    assert not touched(image)[120:240, 265:310].any()  # only its outline


@pytest.mark.parametrize("tone", list(TONES), ids=list(TONES))
def test_a_zone_is_outlined_in_its_tone(tone):
    image = blank()
    Canvas(image).zone("lawn", CAMERA.zones["lawn"], tone)
    assert near(image, TONES[tone]) > 500
    assert not touched(image)[:150].any()


def test_an_open_zone_that_flashes_shows_more():
    plain, flashing = blank(), blank()
    Canvas(plain).zone("lawn", CAMERA.zones["lawn"], "open")
    Canvas(flashing).zone("lawn", CAMERA.zones["lawn"], "open", flash=True)
    assert near(flashing, TONES["open"]) > 1.5 * near(plain, TONES["open"])


@pytest.mark.parametrize(
    ("directions", "above", "below"),
    [({"up"}, True, False), ({"down"}, False, True), ({None, "any"}, False, False), ({"up", "down"}, True, True)],
    ids=["up", "down", "none", "both"],
)
def test_an_arrow_tells_the_way(directions, above, below):
    image = blank()
    Canvas(image).line("gate", ((0.2, 0.5), (0.8, 0.5)), "armed", directions=directions)
    middle = touched(image)[:, 300:340].any(axis=1)
    assert (middle[150:170].any(), middle[190:210].any()) == (above, below)


def test_states_of_a_track_look_different():
    seen, unseen, tentative = blank(), blank(), blank()
    Canvas(seen).track(track(), 5.0)
    Canvas(unseen).track(track(at=4.0), 5.0)
    Canvas(tentative).track(track(confirmed=False), 5.0)
    assert near(seen, draw.FOLLOWED, 60) > 3 * near(unseen, draw.FOLLOWED, 60)
    outline = touched(tentative)[108, 256:320]
    assert 0.3 < outline.mean() < 0.8  # dashes
    assert not touched(tentative)[:100].any()  # and no words


def test_a_path_is_drawn_through_its_steps():
    image = blank()
    Canvas(image).path([Step(0, 0.2, 0.2), Step(1, 0.8, 0.2)])
    assert touched(image)[70:74, 130:510].any(axis=0).all()


@pytest.mark.parametrize(
    "shape",
    [
        lambda canvas: canvas.box((-0.5, -0.5, 1.5, 1.5), draw.FOLLOWED, words="x" * 300),
        lambda canvas: canvas.box((2.0, 2.0, 2.0, 2.0), draw.FOLLOWED, share=0.3),
        lambda canvas: canvas.zone("z", ((0, 0), (1, 0), (1, 1)), "open", flash=True),
        lambda canvas: canvas.mask("m", ((0, 0), (1, 0), (1, 1))),
        lambda canvas: canvas.path([Step(0, 9.0, 9.0), Step(1, -9.0, 0.0)]),
        lambda canvas: canvas.regions([(0, 0, 1, 1), (0.5, 0.5, 0.5, 0.5)], bright=True),
        lambda canvas: canvas.notes([("event " * 60, "open")] * 40),
        lambda canvas: canvas.caption("event " * 60, "open"),
        lambda canvas: canvas.track(track(label="人员"), 5.0),
    ],
    ids=[
        "larger than the picture",
        "outside",
        "zone",
        "mask",
        "path",
        "regions",
        "too many notes",
        "long caption",
        "not ASCII",
    ],
)
@pytest.mark.parametrize("size", [SIZE, (8, 8), (1, 500)], ids=["picture", "stamp", "thread"])
def test_nothing_that_is_drawn_breaks(shape, size):
    canvas = Canvas(blank(size))
    shape(canvas)
    canvas.labels()


@pytest.mark.parametrize(
    ("state", "tone"),
    [
        (("dwell", False, (), 0.0), "off"),
        (("dwell", True, (), 0.0), "armed"),
        (("dwell", True, (), 0.74), "armed"),
        (("dwell", True, (), 0.76), "waiting"),
        (("flow", True, (), 0.99), "armed"),
        (("dwell", True, (3,), 0.99), "open"),
    ],
    ids=["off", "armed", "far from firing", "about to fire", "merely counts", "open"],
)
def test_tone(state, tone):
    assert draw.tone_of(RuleState("r", *state)) == tone


def test_why_draws_shape_path_box_and_words():
    image = blank()
    why.draw(image, why.of(draft(), CAMERA, "m"))
    assert near(image, TONES["armed"]) > 300
    assert near(image, TONES["open"]) > 100
    assert near(image, draw.FOLLOWED) > 30
    bare = blank()
    why.draw(bare, why.of(draft(rule="out", path=(), box=None, label=None, track=None), CAMERA, "m"), words=False)
    assert touched(bare)[140:150].any()
    assert not touched(bare)[200:].any()


def test_the_caption_of_a_still_covers_no_box():
    """Somebody stands at the left of the foot, where the caption else is."""
    plain, captioned = blank(), blank()
    facts = why.of(draft(box=(0.0, 0.5, 0.2, 1.0), path=()), CAMERA, "m")
    why.draw(plain, facts, words=False)
    why.draw(captioned, facts)
    changed = (plain != captioned).any(axis=2)
    assert changed.sum() > 2000
    assert not changed[181:, :128].any()


@pytest.mark.parametrize(
    ("what", "words"),
    [
        (("person", 3, None, "lawn"), "r: k, person #3 @ lawn"),
        (("person", 3, 2, "lawn"), "r: k, 2 x person @ lawn"),
        ((None, None, 0, "desk"), "r: k, 0 @ desk"),
        ((None, None, None, None), "r: k"),
    ],
)
def test_said(what, words):
    assert why.said("r", "k", *what) == words
