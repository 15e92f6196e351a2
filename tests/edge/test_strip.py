from __future__ import annotations

import pytest

from edge import strip
from edge.draw import TONES
from edge.strip import Cell
from tests.edge.test_draw import near


def test_the_strip_is_as_high_as_it_says():
    for width, count in ((640, 0), (640, 1), (640, 7), (1280, 16), (64, 5)):
        cells = [Cell("waiting", "a-rule-with-a-name-that-is-far-too-long", "x", 0.5)] * count
        image = strip.draw(width, "00:01.0  gate-1", "5.0 looks/s", cells)
        assert image.shape == (strip.height(width, count), width, 3)
        assert image.shape[0] % 2 == 0


@pytest.mark.parametrize("tone", ["armed", "waiting"])
@pytest.mark.parametrize(("share", "wide"), [(0.0, 0.0), (0.25, 0.25), (1.0, 1.0), (7.0, 1.0)])
def test_a_bar_shows_how_long_a_rule_has_waited(tone, share, wide):
    def filled(share: float) -> int:
        cell = Cell(tone, "", "", share)
        return near(strip.draw(640, "", "", [cell])[20:, 25:], TONES[tone], 12)

    assert filled(share) / filled(1.0) == pytest.approx(wide, abs=0.06)
