"""What the YOLO detectors share, over a network that does as it is told."""

from __future__ import annotations

import numpy as np
import pytest

from edge.detect.card import load_card
from edge.detect.session import Head, YoloDetector
from edge.detect.shipped import models_dir
from edge.detect.yolo import Floats
from edge.errors import BackendError


class Places(YoloDetector):
    """Notes which places are taken, and breaks on pictures of one brightness."""

    def __init__(self, at_once: int) -> None:
        super().__init__(load_card(models_dir() / "yolov8n" / "card.yaml"), size=64, at_once=at_once)
        self.taken: set[int] = set()
        self.most = 0

    def _start(self, place: int, blob: Floats, /) -> Head:
        assert place not in self.taken
        self.taken.add(place)
        self.most = max(self.most, len(self.taken))
        before = blob.copy()

        def head() -> Floats:
            self.taken.remove(place)
            assert (blob == before).all()
            if blob[0, 0, 0, 0] == 1:
                raise BackendError("broken")
            # one box, as high as the picture is bright
            made = np.zeros((1, 84, 1), np.float32)
            made[0, :5, 0] = 32, 32, 32, 64 * blob[0, 0, 0, 0], 0.9
            return made

        return head

    def _release(self) -> None:
        pass


def heights(detector: Places, *brightness: int) -> list[float]:
    shown = [np.full((64, 64, 3), each, np.uint8) for each in brightness]
    found = detector.detect(shown[:2], shown[2:])
    return [float(each.boxes[0, 3] - each.boxes[0, 1]) for each in found]


@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_so_many_are_under_way_and_answers_come_in_order(at_once: int) -> None:
    detector = Places(at_once)
    shown = (51, 102, 153, 204, 25)
    assert heights(detector, *shown) == pytest.approx([each / 255 for each in shown], abs=1e-5)
    assert (detector.most, detector.taken) == (at_once, set())


@pytest.mark.parametrize("place", range(5))
def test_a_fault_leaves_no_place_taken(place: int) -> None:
    detector = Places(2)
    shown = [51, 102, 153, 204, 25]
    shown[place] = 255
    with pytest.raises(BackendError):
        heights(detector, *shown)
    assert detector.taken == set()
    assert heights(detector, 51) == pytest.approx([0.2], abs=1e-5)
