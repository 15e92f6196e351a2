from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from edge.words import WHITE, Words

SIZE = (360, 640)
GREEN = (130, 200, 40)


def words() -> Words:
    return Words(np.full((*SIZE, 3), 90, np.uint8), 1.0)


def apart(rects) -> bool:
    return not any(a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3] for a, b in combinations(rects, 2))


def test_labels_stay_in_the_picture_and_off_one_another():
    found = words()
    for x in (0.0, 6.0, 621.0, 627.0):
        found.label(x, 0.0, "person #12345", GREEN)
    found.labels()
    rects = found._taken
    assert len(rects) >= 2
    assert all(min(rect) >= 0 and rect[2] <= 640 and rect[3] <= 360 for rect in rects)
    assert apart(rects)


@pytest.mark.parametrize(("may_shift", "written"), [(True, 4), (False, 2)], ids=["shapes", "objects"])
def test_names_of_shapes_that_begin_in_one_place_are_all_written(may_shift, written):
    found = words()
    for name in ("lawn", "yard", "gate", "exit"):
        found.label(100.0, 100.0, name, GREEN, may_shift=may_shift)
    found.labels()
    assert len(found._taken) == written
    assert apart(found._taken)


def test_no_line_goes_through_a_word():
    """It is drawn after the label was asked for, and before it is written."""
    plain, crossed = words(), words()
    for each in (plain, crossed):
        each.label(100.0, 100.0, "lawn", GREEN)
    crossed._image[88:92] = WHITE
    for each in (plain, crossed):
        each.labels()
    (left, _, right, _), *_ = plain._taken
    same = np.abs(plain._image[88:92, left:right].astype(int) - crossed._image[88:92, left:right])
    assert same.max() < 60  # only a quarter of the line shines through the plate


def test_a_label_stands_on_no_note():
    found = words()
    found.notes([("an event", GREEN), ("another", GREEN)])
    found.label(10.0, 340.0, "lawn", GREEN, may_shift=True)
    found.labels()
    assert len(found._taken) == 3
    assert apart(found._taken)


@pytest.mark.parametrize(
    ("boxes", "left", "low"),
    [
        ([], True, True),
        ([(0, 200, 100, 360)], False, True),
        ([(0, 200, 640, 360)], True, False),
        ([(0, 0, 640, 360)], True, True),
    ],
    ids=["nobody", "at its left", "all along the foot", "everywhere"],
)
def test_a_caption_covers_no_box_if_it_can(boxes, left, low):
    found = words()
    found.caption("keep-off-lawn: intrusion, person #3", GREEN, boxes)
    (rect,) = found._taken
    assert (rect[0] < 20, rect[3] > 340) == (left, low)
    assert low or apart([rect, *boxes])
