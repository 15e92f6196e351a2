"""A real clip, and what is told when its pictures are spoilt from 10 s to 22 s."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest

from contract.camera import View
from edge import mask
from edge.view.camera import ADOPT_S, CameraView
from tests.edge.frames import sample, small
from tests.edge.view.pictures import (
    QUICK,
    Shot,
    blurred,
    covered,
    dimmed,
    encoded,
    lamps,
    noisy,
    passing,
    said,
    shifted,
    shots,
    spoilt,
    turned,
)
from vedette.demo.run import CLIP

ONSET, END = 10.0, 22.0
FILM = shots(CLIP)


def told(signals):
    return [(what, kind) for what, kind, _ in signals if what != "blinded"]


SPOILT = {
    "lights out": (dimmed(0.03), "dark"),
    "lens cap": (dimmed(0.0), "dark"),
    "hand": (covered(1.5, 120), "covered"),
    "spray paint": (covered(1.5, 230), "covered"),
    "black bag over most of it": (covered(0.8, 40), "covered"),
    "over six tenths": (covered(0.6, 120), "covered"),
    "out of focus": (blurred(0.01), "blurred"),
    "far out of focus": (blurred(0.03), "blurred"),
    "out of focus, noisy": (lambda image: noisy(5)(blurred(0.01)(image)), "blurred"),
    "turned aside by a twentieth": (shifted(0.05), "moved"),
    "turned aside by a third": (shifted(0.33), "moved"),
    "tilted": (turned(5), "moved"),
    "zoomed": (turned(0, 1.3), "moved"),
    "elsewhere": (lambda image: image[:, ::-1], "moved"),
    "elsewhere, darker": (lambda image: dimmed(0.4)(image[:, ::-1]), "moved"),
}


@pytest.mark.parametrize(("how", "kind"), SPOILT.values(), ids=SPOILT)
def test_told_once_and_in_time(how, kind):
    signals = said(spoilt(FILM, how, ONSET, END))
    assert told(signals) == [("opened", kind), ("closed", kind)]
    (opened,) = (at for what, _, at in signals if what == "opened")
    (closed,) = (at for what, _, at in signals if what == "closed")
    assert opened == pytest.approx(ONSET + 5.0, abs=0.3)
    assert closed == pytest.approx(END, abs=0.3)
    blinded = [at for what, _, at in signals if what == "blinded"]
    expected = [ONSET + 5.0, END + 2.0] if kind == "moved" else [ONSET + 1.0]
    assert blinded == pytest.approx(expected, abs=0.3)


HARMLESS = {
    "noise": noisy(20),
    "brighter": lambda image: np.clip(image * 1.3, 0, 255).astype(np.uint8),
    "darker": dimmed(0.7, 0),
    "dusk": dimmed(0.3, 4),
    "night, still to be seen": dimmed(0.1),
    "deeper shadows": lamps(2.0),
    "lighter shadows": lamps(0.5),
    "slightly soft": blurred(0.005),
    "a hand over a third": covered(0.33, 120),
}


@pytest.mark.parametrize("how", HARMLESS.values(), ids=HARMLESS)
def test_harmless(how):
    assert said(spoilt(FILM, how, ONSET, END)) == []
    assert said(spoilt(FILM, how, 0.0)) == []


def test_what_passes_close_to_the_lens_blinds_but_is_not_told():
    signals = said(passing(FILM, ONSET, 3.0))
    assert told(signals) == []


def test_a_short_fault_is_not_told_but_blinds():
    signals = said(spoilt(FILM, covered(1.5, 120), ONSET, ONSET + 3))
    assert [(what, kind) for what, kind, _ in signals] == [("blinded", "covered")]


def test_a_kind_that_is_null_blinds_all_the_same():
    signals = said(spoilt(FILM, dimmed(0.0), ONSET, END), QUICK.model_copy(update={"dark": None}))
    assert [(what, kind) for what, kind, _ in signals] == [("blinded", "dark")]


def test_blind_while_it_lasts():
    view = CameraView(QUICK)
    blind = []
    for shot in spoilt(FILM, dimmed(0.0), ONSET, END):
        view.step(shot.at, sample(shot.image), small(shot.image), shot.fresh)
        blind.append((shot.at, view.blind, view.faults))
    changes = [(b[0], b[1]) for a, b in pairwise(blind) if a[1] != b[1]]
    assert [is_blind for _, is_blind in changes] == [True, False]
    assert [at for at, _ in changes] == pytest.approx([ONSET + 1, END + 1], abs=0.3)
    assert {faults for _, is_blind, faults in blind if is_blind} == {("dark",)}


def again(film, times):
    """The clip forwards and backwards, so that nothing in it jumps."""
    step = film[1].at - film[0].at
    for turn in range(times):
        for index, shot in enumerate(film if turn % 2 == 0 else film[::-1]):
            yield Shot((turn * len(film) + index) * step, shot.image, shot.fresh)


def test_where_it_has_looked_for_long_is_where_it_looks():
    slow = again(FILM[::10], 30)  # a picture in 2 s, to be quick
    signals = said(spoilt(slow, shifted(0.2), 100.0), View())
    assert [what for what, _, _ in signals] == ["blinded", "opened", "closed"]
    assert signals[1][2] == pytest.approx(105, abs=4)
    assert signals[2][2] == pytest.approx(100 + ADOPT_S, abs=4)


def test_a_lens_that_nobody_cleans_does_not_silence_the_rules_for_good():
    view = CameraView(View())
    slow = again(FILM[::10], 30)
    blind_at = {}
    for shot in spoilt(slow, blurred(0.03), 100.0):
        view.step(shot.at, sample(shot.image), small(shot.image), shot.fresh)
        blind_at[shot.at] = view.blind
        if shot.at > 100 + ADOPT_S + 60:
            break
    assert all(blind for at, blind in blind_at.items() if 110 < at < 100 + ADOPT_S - 10)
    assert not any(blind for at, blind in blind_at.items() if at > 100 + ADOPT_S + 10)
    assert view.faults == ("blurred",)


def test_another_resolution_is_another_beginning():
    smaller = spoilt(FILM, lambda image: cv2.resize(image, (320, 240)), ONSET, END)  # also of another shape
    assert said(smaller) == []


def test_what_lies_under_a_mask_tells_nothing():
    half = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))

    def how(image):
        image = image.copy()
        mask.paint(image, [half])
        return image

    masked = [shot._replace(image=how(shot.image)) for shot in FILM]
    assert said(masked, masks=(half,)) == []
    elsewhere = spoilt(masked, lambda image: how(image[::-1].copy()), ONSET, END)
    assert told(said(elsewhere, masks=(half,))) == [("opened", "moved"), ("closed", "moved")]


# --- frozen


def held(film, since, until):
    """The same picture over and over."""
    kept = next(shot for shot in film if shot.at >= since).image
    return [shot._replace(image=kept) if since <= shot.at < until else shot for shot in film]


def test_a_frozen_sensor_whose_pictures_are_coded_on(tmp_path):
    film = held(FILM, ONSET, END)
    coded = shots(encoded((shot.image for shot in film), tmp_path / "frozen.mp4", g="10", crf="28"))
    signals = said(coded)
    assert told(signals) == [("opened", "frozen"), ("closed", "frozen")]
    assert [at for what, _, at in signals if what != "blinded"] == pytest.approx([ONSET + 5, END], abs=2.0)


def test_a_clock_written_into_a_frozen_picture_does_not_hide_it():
    def ticking():
        for index, shot in enumerate(held(FILM, ONSET, END)):
            image = shot.image.copy()
            image[4:24, 4:104] = np.random.default_rng(index).integers(0, 255, (20, 100, 3))
            yield Shot(shot.at, image, index % 5 == 0)

    assert told(said(ticking())) == [("opened", "frozen"), ("closed", "frozen")]


def test_no_key_frame_no_proof():
    still = [shot._replace(fresh=False) for shot in held(FILM, ONSET, END)]
    assert said(still) == []
