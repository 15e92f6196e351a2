from __future__ import annotations

import numpy as np
import pytest

from contract import parse
from edge.reach import Reach
from edge.regions import ENOUGH, MOST, STIRS, plan
from edge.track.tracker import Outlook, Sought
from edge.types import WHOLE

SIZE = (640.0, 360.0)
STILL = np.zeros((108, 192), np.uint8)


def moving(*boxes):
    """A mask in which all of the relative boxes moves."""
    mask = STILL.copy()
    for left, top, right, bottom in boxes:
        mask[round(top * 108) : round(bottom * 108), round(left * 192) : round(right * 192)] = 1
    return mask


def sought(*boxes, spread=0.0):
    return Outlook([Sought(box, spread, box) for box in boxes], [])


def settled(*boxes):
    return Outlook([], list(boxes))


def around(box, pixels):
    """`box` with so many pixels more on each side."""
    across, down = pixels / SIZE[0], pixels / SIZE[1]
    grown = (box[0] - across, box[1] - down, box[2] + across, box[3] + down)
    return tuple(min(1.0, max(0.0, value)) for value in grown)


PERSON = (0.5, 0.5, 0.55, 0.7)  # 32x72 pixels
FAR = (0.1, 0.1, 0.11, 0.14)  # 6x14
CAR = (0.2, 0.2, 0.7, 0.6)  # 320x144
CORNER = (0.0, 0.0, 0.05, 0.2)


@pytest.mark.parametrize(
    ("mask", "outlook", "cut", "want"),
    [
        pytest.param(STILL, sought(), (), [], id="nothing moves, nobody is there"),
        pytest.param(STILL, settled(PERSON), (), [], id="all is at rest"),
        pytest.param(STILL, sought(PERSON), (), [(around(PERSON, 0.5 * 72), 1.0)], id="who moves, with context"),
        pytest.param(STILL, sought(FAR), (), [(around(FAR, 24), 1.0)], id="least around what is small"),
        pytest.param(STILL, sought(CORNER), (), [(around(CORNER, 0.5 * 72), 1.0)], id="no farther than the picture"),
        pytest.param(STILL, sought(CAR), (), [(around(CAR, 0.5 * 320), 200 / 320)], id="what is large, smaller"),
        pytest.param(
            STILL, sought((0.5, 0.5, 0.53, 0.6), spread=0.1), (), [((0.4, 0.4, 0.63, 0.7), 1.0)], id="may be far off"
        ),
        pytest.param(moving(PERSON), settled(PERSON), (), [(around(PERSON, 0.5 * 72), 1.0)], id="at rest, but stirs"),
        pytest.param(moving((0.5, 0.5, 0.51, 0.52)), settled(PERSON), (), None, id="a leaf before it is other motion"),
        pytest.param(STILL, sought(), (PERSON,), [(around(PERSON, 0.5 * 72), 1.0)], id="seen in part before"),
        pytest.param(
            moving(PERSON), sought(PERSON), (), [(around(PERSON, 0.5 * 72), 1.0)], id="an object explains its motion"
        ),
        pytest.param(
            moving((0.3, 0.3, 0.5, 0.6)), sought(), (), [((0.2, 0.12, 0.6, 0.78), 1.0)], id="unknown: at full scale"
        ),
        pytest.param(STILL, sought((0, 0, 1, 0.9)), (), [(WHOLE.box, 0.3125)], id="one that fills the picture"),
        pytest.param(STILL, sought((1.1, 0.2, 1.2, 0.4)), (), [], id="gone from the picture"),
        pytest.param(
            STILL, sought(FAR, (0.8, 0.8, 0.81, 0.84)), (),
            [(around(FAR, 24), 1.0), (around((0.8, 0.8, 0.81, 0.84), 24), 1.0)], id="two apart",
        ),
        pytest.param(
            STILL, sought(PERSON, (0.56, 0.5, 0.61, 0.7)), (),
            [(around((0.5, 0.5, 0.61, 0.7), 0.5 * 72), 1.0)], id="two together",
        ),
    ],
)  # fmt: skip
def test_plan(mask, outlook, cut, want):
    made = plan(mask, outlook, SIZE, cut)
    if want is None:  # somewhere around it, small
        assert made is not None
        assert sum(region.area for region in made) < 0.02
        return
    assert made is not None
    assert [region.scale for region in made] == [pytest.approx(scale) for _, scale in want]
    for region, (box, _) in zip(made, want, strict=True):
        assert region.box == pytest.approx(box, abs=0.02)


LOWER_HALF = Reach(
    parse.camera(
        """
{id: yard, tier: 2, pilot: school, site: s1, purpose: a test of plans, source: {url: "rtsp://192.0.2.1/"},
 zones: {z: [[0, 0.5], [1, 0.5], [1, 1], [0, 1]]}, rules: {r: {kind: intrusion, zone: z}}}"""
    )
)
ABOVE, NEAR, THERE = (0.5, 0.05, 0.52, 0.1), (0.5, 0.4, 0.52, 0.45), (0.5, 0.6, 0.52, 0.65)  # 18 pixels high


@pytest.mark.parametrize(
    ("mask", "outlook", "cut", "parts"),
    [
        pytest.param(STILL, Outlook([Sought(ABOVE, 0.0, ABOVE)], []), (), 0, id="who stays far"),
        pytest.param(STILL, Outlook([Sought(ABOVE, 0.0, (0.5, 0.05, 0.52, 0.6))], []), (), 1, id="may be there soon"),
        pytest.param(STILL, Outlook([Sought(THERE, 0.0, THERE)], []), (), 1, id="who is there"),
        pytest.param(moving(ABOVE), sought(), (), 0, id="motion far off"),
        pytest.param(moving(NEAR), sought(), (), 1, id="motion not far off: nothing is known of its speed"),
        pytest.param(moving(ABOVE), settled(ABOVE), (), 1, id="one at rest who stirs, even far off"),
        pytest.param(STILL, sought(), (ABOVE,), 0, id="seen in part far off"),
        pytest.param(STILL, sought(), (NEAR,), 1, id="seen in part not far off"),
    ],
)
def test_between_looks_at_all_only_what_may_soon_matter_is_shown(mask, outlook, cut, parts):
    assert len(plan(mask, outlook, SIZE, cut)) == 1
    assert len(plan(mask, outlook, SIZE, cut, LOWER_HALF.holds)) == parts


def test_a_small_object_beside_a_large_one_keeps_its_pixels():
    large, small = plan(STILL, sought(CAR, (0.45, 0.45, 0.48, 0.52)), SIZE)
    assert large.scale == pytest.approx(200 / 320)
    assert small.scale == 1.0
    (both,) = plan(STILL, sought((0.2, 0.2, 0.6, 0.6), (0.4, 0.4, 0.55, 0.7)), SIZE)
    assert both.scale == pytest.approx(200 / 256)


def test_noise_on_a_settled_object_is_no_reason_to_look():
    mask = STILL.copy()
    mask[60, 100] = 1  # of some 240 cells
    assert np.count_nonzero(mask) < STIRS * 240
    regions = plan(mask, settled(PERSON), SIZE)
    assert regions is not None
    assert all(region.area < 0.02 for region in regions)


def test_too_many_parts_are_one_look_at_the_whole():
    spots = [(x / 10, y / 6, x / 10 + 0.01, y / 6 + 0.01) for x in range(10) for y in range(6)]
    assert plan(STILL, sought(*spots[:4]), SIZE) is not None
    assert len(spots) > MOST
    assert plan(STILL, sought(*spots), SIZE) is None


def test_motion_all_over_is_one_look_at_the_whole():
    assert plan(moving((0, 0, 1, 1)), sought(), SIZE) is None
    chance = np.random.default_rng(1)
    assert plan((chance.random((108, 192)) < 0.05).astype(np.uint8), sought(), SIZE) is None


def test_parts_never_come_to_more_than_enough():
    chance = np.random.default_rng(2)
    for _ in range(200):
        boxes = [(x, y, x + 0.05, y + 0.2) for x, y in chance.random((chance.integers(1, 30), 2)) * 0.9]
        regions = plan(STILL, sought(*boxes), SIZE)
        if regions is not None:
            assert sum(region.area for region in regions) <= ENOUGH
            assert len(regions) <= MOST
            for left, top, right, bottom in boxes:
                assert any(
                    r.box[0] <= left and r.box[1] <= top and r.box[2] >= min(right, 1) and r.box[3] >= min(bottom, 1)
                    for r in regions
                )
