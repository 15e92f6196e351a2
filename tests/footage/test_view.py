"""Real clips, as they are and degraded: nothing is wrong with the cameras' sight, and nothing is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.footage import FOLDER, NAMES
from tests.edge.view.pictures import QUICK, Shot, dimmed, encoded, noisy, passing, said, shots, spoilt
from vedette.demo.run import CLIP

CLIPS = {"demo": CLIP, **{name: FOLDER / f"{name}.mp4" for name in NAMES}}
SECONDS = 30.0


@pytest.fixture(params=CLIPS)
def clip(request) -> Path:
    path = CLIPS[request.param]
    if not path.is_file():
        pytest.skip(f"{request.param} lies in ../shared/footage, not here")
    return path


def bright(image):
    return np.clip(image * 1.3, 0, 255).astype(np.uint8)


DEGRADED: dict[str, Callable[[tuple[Shot, ...]], Iterable[Shot]]] = {
    "noise": lambda film: spoilt(film, noisy(15), 0.0),
    "suddenly brighter": lambda film: spoilt(film, bright, 12.0),
    "suddenly darker": lambda film: spoilt(film, dimmed(0.7, 0), 12.0),
    "a van close to the lens": lambda film: passing(film, 12.0, 3.0),
    "half the pictures": lambda film: film[::2],
}


def test_as_it_is(clip):
    assert said(shots(clip)) == []


@pytest.mark.parametrize("how", DEGRADED.values(), ids=DEGRADED)
def test_degraded(clip, how):
    """Blind for a moment behind a van, but nothing that is told."""
    assert {what for what, _, _ in said(how(shots(clip, SECONDS)))} <= {"blinded"}


@pytest.mark.parametrize(("width", "crf"), [(640, 40), (384, 48)], ids=["360p, crf 40", "crf 48"])
def test_at_a_very_low_bit_rate(clip, width, crf, tmp_path):
    """A key frame in 10 s: in between, most of the picture is sent as before."""
    film = shots(clip, SECONDS, 640)
    size = (width, round(width * 9 / 32) * 2)
    pictures = (cv2.resize(shot.image, size) for shot in film)
    path = encoded(pictures, tmp_path / "low.mp4", g="50", crf=str(crf), sc_threshold="0")
    assert said(shots(path)) == []


def test_an_empty_room_at_a_very_low_bit_rate_is_not_frozen(tmp_path):
    """The first seconds of reception, where nobody is: for a whole group of pictures not a bit changes."""
    if not CLIPS["reception"].is_file():
        pytest.skip("reception lies in ../shared/footage, not here")
    empty = shots(CLIPS["reception"], 5.0, 640)
    pictures = [shot.image for shot in (*empty, *empty[::-1]) * 5]
    low = shots(encoded(pictures, tmp_path / "room.mp4", g="50", crf="44", sc_threshold="0"), width=640)
    equal = [np.array_equal(a.image, b.image) for a, b in pairwise(low)]
    assert np.mean(equal) > 0.5
    assert said(low, QUICK) == []
    assert said([shot._replace(image=low[10].image) for shot in low], QUICK)[-1][:2] == ("opened", "frozen")
