"""Privacy masks: painted black in place, before the gate, the model or anything else sees a pixel."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from contract.section import Polygon
from edge.types import Grey, Image, Sample

_FRACTION_BITS = 4  # cv2 takes corners as fixed-point numbers


def paint(image: Image | Grey | Sample, masks: Iterable[Polygon]) -> None:
    """Blacken every pixel that a mask touches, also in part. Corners are relative, so any resolution fits."""
    height, width = image.shape[:2]
    for polygon in masks:
        corners = np.array(polygon, np.float64) * (width, height) - 0.5
        fixed = np.round(corners * (1 << _FRACTION_BITS)).astype(np.int32)
        cv2.fillPoly(image, [fixed], (0, 0, 0), shift=_FRACTION_BITS)
        # fillPoly decides by pixel centres on some edges; the outline makes sure of the partly covered ones.
        cv2.polylines(image, [fixed], True, (0, 0, 0), thickness=2, shift=_FRACTION_BITS)
