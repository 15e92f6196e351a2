from __future__ import annotations

import numpy as np
import pytest

from edge.detect import inputs
from edge.detect.card import Input
from edge.detect.inputs import Inputs
from edge.detect.yolo import Letterbox

SPEC = Input(layout="NCHW", colour="RGB", scale=1 / 255, stride=32, size=640)
RED = (0, 0, 255)  # in BGR


def test_pixels_land_where_the_letterbox_says() -> None:
    image = np.zeros((90, 200, 3), np.uint8)
    image[40:60, 100:140] = RED
    box = Letterbox.fit(200, 90, size=320, stride=32)  # 144 rows in 160
    canvas = Inputs(SPEC).letterboxed(image, box)
    assert canvas.shape == (160, 320, 3)
    assert (canvas[:8] == 114).all()
    assert (canvas[-8:] == 114).all()
    assert (canvas[8:-8, :10] == 0).all()
    inside = canvas[8 + 64 + 2 : 8 + 96 - 2, 160 + 2 : 224 - 2]  # 1.6 pixels for one
    assert (inside == RED).all()
    assert (canvas == RED).all(axis=2).sum() == pytest.approx(inside.size / 3, rel=0.3)


def test_the_picture_is_left_alone() -> None:
    image = np.full((64, 64, 3), 7, np.uint8)
    Inputs(SPEC).of(image, Letterbox.fit(64, 64, size=128, stride=32))
    Inputs(SPEC).of(image, Letterbox.fit(64, 64, size=64, stride=32))
    assert (image == 7).all()


def test_colours_and_scale_are_the_card_s() -> None:
    image = np.zeros((32, 64, 3), np.uint8)
    image[..., 0], image[..., 2] = 51, 255
    box = Letterbox.fit(64, 32, size=64, stride=32)
    rgb = Inputs(SPEC).of(image, box)
    assert (rgb.shape, rgb.dtype) == ((1, 3, 32, 64), np.dtype(np.float32))
    np.testing.assert_allclose(rgb[0, :, 0, 0], [1, 0, 0.2], atol=1e-6)
    bgr = Inputs(SPEC.model_copy(update={"colour": "BGR"})).of(image, box)
    np.testing.assert_allclose(bgr[0, :, 0, 0], [0.2, 0, 1], atol=1e-6)


def test_memory_is_kept_and_nothing_of_the_picture_before_is_left_in_it() -> None:
    kept = Inputs(SPEC)
    wide, high = (Letterbox.fit(w, h, size=64, stride=32) for w, h in ((60, 20), (20, 60)))
    white, black = (np.full((h, w, 3), value, np.uint8) for (h, w), value in (((20, 60), 255), ((20, 60), 0)))
    first = kept.of(white, wide)
    kept.of(white.transpose(1, 0, 2), high)
    again = kept.of(black, wide)
    assert again is first
    np.testing.assert_array_equal(again, Inputs(SPEC).of(black, wide))


def test_odd_shapes_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "KEPT", 3)
    kept = Inputs(SPEC)
    for width in range(1, 320, 20):
        kept.of(np.zeros((320, width, 3), np.uint8), Letterbox.fit(width, 320, size=320, stride=32))
        assert len(kept._blobs) <= 3
        assert len(kept._padded) <= 3
