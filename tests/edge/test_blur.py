from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from edge import blur
from edge.types import Detections, Overruled, Track

SIZE = (360, 640)


def textured() -> np.ndarray:
    """Detail everywhere, as fine as a picture can hold."""
    return np.random.default_rng(4).integers(0, 255, (*SIZE, 3), np.uint8)


def detail(image: np.ndarray, box: tuple[float, float, float, float]) -> float:
    """Mean energy of the second derivative: what is left of edges."""
    left, top, right, bottom = box
    part = image[round(top * SIZE[0]) : round(bottom * SIZE[0]), round(left * SIZE[1]) : round(right * SIZE[1])]
    return float(np.abs(cv2.Laplacian(cv2.cvtColor(part, cv2.COLOR_BGR2GRAY), cv2.CV_64F)).mean())


@pytest.mark.parametrize(
    "box",
    [(0.4, 0.2, 0.55, 0.8), (0.0, 0.0, 0.05, 0.1), (0.9, 0.5, 1.0, 1.0), (0.0, 0.0, 1.0, 1.0), (0.5, 0.5, 0.51, 0.52)],
    ids=["somebody", "in a corner", "half out", "all of the picture", "tiny"],
)
def test_no_detail_is_left_in_a_box(box):
    image = textured()
    before = detail(image, box)
    blur.hide(image, [box])
    assert detail(image, box) < 0.03 * before


def test_what_is_left_is_a_handful_of_colours():
    """However sharp the picture was, two of the same cells give the same result: the rest cannot be brought back."""
    box = (0.25, 0.25, 0.75, 0.75)
    fine = textured()
    coarse = fine.copy()
    part = coarse[90:270, 160:480]
    shuffled = part.reshape(180, 320, 3).copy()
    for y in range(0, 180, 6):  # pixels change places within small blocks, so that every cell keeps its mean
        for x in range(0, 320, 8):
            shuffled[y : y + 6, x : x + 8] = shuffled[y : y + 6, x : x + 8][::-1, ::-1]
    part[:] = shuffled
    assert np.abs(coarse[90:270, 160:480].astype(int) - fine[90:270, 160:480]).mean() > 50
    for image in (fine, coarse):
        blur.hide(image, [box])
    assert np.abs(coarse[100:260, 170:470].astype(int) - fine[100:260, 170:470]).max() <= 12


def test_a_box_is_grown_and_the_rest_stays():
    image, before = textured(), textured()
    blur.hide(image, [(0.5, 0.5, 0.6, 0.7)])
    changed = np.argwhere((image != before).any(axis=2))
    assert changed.min(axis=0) / SIZE == pytest.approx([0.48, 0.49], abs=0.005)
    assert (changed.max(axis=0) + 1) / SIZE == pytest.approx([0.72, 0.61], abs=0.005)


@pytest.mark.parametrize("box", [(1.2, 0.1, 1.4, 0.5), (0.3, 0.3, 0.3, 0.3)], ids=["outside", "without extent"])
def test_a_box_that_shows_nothing_changes_little(box):
    image, before = textured(), textured()
    blur.hide(image, [box])
    assert (image != before).any(axis=2).sum() <= 1


def seen(*labels: str) -> tuple[Detections, tuple[str, ...]]:
    names = tuple(dict.fromkeys(labels))
    count = len(labels)
    boxes = np.array([[0.1 * i, 0.1, 0.1 * i + 0.05, 0.2] for i in range(count)], np.float32)
    return Detections(
        boxes, np.full(count, 0.11, np.float32), np.array([names.index(x) for x in labels], np.int32)
    ), names


def track(label: str) -> Track:
    return Track(1, label, (0.8, 0.8, 0.9, 0.9), 0.5, 0.0, 0.0, True)


@pytest.mark.parametrize(
    ("labels", "tracked", "count"),
    [
        (("person", "car", "person"), (), 2),
        (("car",), (), 1),
        (("worker", "car"), (), 2),
        (("person", "car"), ("person",), 2),
        (("person", "car"), ("car",), 1),
    ],
    ids=["weak ones too", "no class person: everything", "the same", "followed but unseen", "other tracks stay"],
)
def test_who_is_hidden(labels, tracked, count):
    detections, names = seen(*labels)
    assert len(blur.people(detections, names, [track(label) for label in tracked])) == count


def test_a_person_whom_the_model_took_for_a_dog_is_hidden():
    dog, names = seen("dog", "person")
    taken = Overruled(np.array([[0.1, 0.1, 0.2, 0.4]], np.float32), np.array([1], np.int32))
    only_dog = replace(dog.only(np.array([True, False])), overruled=taken)
    assert blur.people(only_dog, names) == [pytest.approx((0.1, 0.1, 0.2, 0.4))]
