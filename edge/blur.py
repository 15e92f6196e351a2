"""Hides people in a picture for good. Pure.

What is written over a person is made of a handful of colours (at most CELLS a side), so nothing of a face, of clothes
or of a gait is left to be brought back.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import cv2
import numpy as np

from edge.types import Box, Detections, Image, Track

PERSON = "person"
GROW = 0.1  # of the box, on each side: a model cuts off hands and hair
CELLS = 6  # colours along the longer side of a box
MIN_CELL = 4  # pixels


def people(detections: Detections, class_names: Sequence[str], tracks: Sequence[Track] = ()) -> list[Box]:
    """Boxes of everybody in a look: every detection of a person, however weak or overruled, and where a followed one
    was last seen.

    A model that has no class `person` may call people anything, so all that it sees counts.
    """
    found = [
        (left, top, right, bottom)
        for boxes, classes in ((detections.boxes, detections.classes), detections.overruled)
        for (left, top, right, bottom), kind in zip(boxes.tolist(), classes, strict=True)
        if is_person(class_names[kind], class_names)
    ]
    return found + [track.box for track in tracks if is_person(track.label, class_names)]


def is_person(label: str, class_names: Sequence[str]) -> bool:
    return label == PERSON or PERSON not in class_names


def hide(image: Image, boxes: Iterable[Box], grow: float = GROW) -> None:
    """Overwrite the `boxes` (relative), grown by `grow` of their size on each side, in place."""
    height, width = image.shape[:2]
    for left, top, right, bottom in boxes:
        dx, dy = grow * (right - left), grow * (bottom - top)
        x0, x1 = max(0, math.floor((left - dx) * width)), min(width, math.ceil((right + dx) * width))
        y0, y1 = max(0, math.floor((top - dy) * height)), min(height, math.ceil((bottom + dy) * height))
        if x0 < x1 and y0 < y1:
            image[y0:y1, x0:x1] = _hidden(image[y0:y1, x0:x1])


def _hidden(part: Image) -> Image:
    height, width = part.shape[:2]
    cell = max(MIN_CELL, -(-max(width, height) // CELLS))
    few = cv2.resize(part, (-(-width // cell), -(-height // cell)), interpolation=cv2.INTER_AREA)
    # Soft between the cells, which is kinder to the eye; it holds no more than they do.
    return np.asarray(cv2.resize(few, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
