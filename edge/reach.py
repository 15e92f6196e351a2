"""What can soon matter to a camera's rules: what is in one of their zones or at a line, or may come there. Pure.

Who is far from all of them opens and closes no event before he has come nearer. So all of a picture in which something
moves is looked at every ALL_S, and in between what may come to a zone or line within AHEAD_S.
"""

from __future__ import annotations

import cv2
import numpy as np

from contract.camera import Camera
from contract.rules import Abandoned, LineRule, ZoneRule
from edge.types import Box, Mask, cells

ALL_S = 0.5
AHEAD_S = 0.6  # longer: looks are not quite even
LEAST_RATE = 4.0  # looks a second; of fewer, too few are left between
CELLS = 128  # a side of the picture


def everywhere(_box: Box) -> bool:
    return True


class Reach:
    """Of one camera's rules, whether they are armed or not."""

    def __init__(self, camera: Camera) -> None:
        rules = camera.rules.values()
        shapes = [camera.zones[rule.zone] for rule in rules if isinstance(rule, ZoneRule)]
        shapes += [camera.lines[rule.line] for rule in rules if isinstance(rule, LineRule)]
        self._watched: Mask = np.zeros((CELLS, CELLS), np.uint8)
        for shape in shapes:
            corners = [(np.array(shape) * CELLS).astype(np.int32).clip(0, CELLS - 1)]
            cv2.fillPoly(self._watched, corners, 1)
        # A thing is abandoned where nobody is near, in the zone or beside it.
        anywhere = not shapes or any(isinstance(rule, Abandoned) for rule in rules)
        if anywhere or camera.detect.rate < LEAST_RATE:
            self._watched.fill(1)

    def holds(self, box: Box) -> bool:
        """Whether any of `box` is watched."""
        return bool(self._watched[cells(box, self._watched.shape)].any())
