"""Where a picture lies in the network's input, and what a YOLOv8 head says of it. Pure.

Head output (Ultralytics YOLOv8, detect): (4 + classes, anchors) float32; rows 0-3 are centre x, centre y,
width, height in pixels of the network's input, the others one score a class, already through the sigmoid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from edge.detect.card import Thresholds
from edge.types import Detections, Overruled

Floats: TypeAlias = NDArray[np.float32]

MAX_CANDIDATES = 1000  # boxes that enter suppression: bounds its time on a picture gone wrong
MAX_DETECTIONS = 300  # boxes a picture


@dataclass(frozen=True, slots=True)
class Letterbox:
    """How a picture of `source` lies in the network's input of `target`; pixels, (width, height).

    The picture is scaled to `inner` with its shape kept and laid in the middle, `left` and `top` away.
    """

    source: tuple[int, int]
    target: tuple[int, int]
    inner: tuple[int, int]
    left: int
    top: int

    @classmethod
    def fit(cls, width: int, height: int, *, size: int, stride: int) -> Letterbox:
        """The smallest rectangle of whole strides with the picture's long side at `size` pixels.

        Not a square: a 16:9 picture at 640 becomes 640x384, 40 % less to compute.
        """
        if width < 1 or height < 1:
            raise ValueError(f"want a picture of at least one pixel, got {width}x{height}")
        size = -(-size // stride) * stride
        scale = size / max(width, height)
        inner_w, inner_h = max(1, round(width * scale)), max(1, round(height * scale))
        target_w, target_h = -(-inner_w // stride) * stride, -(-inner_h // stride) * stride
        return cls(
            (width, height),
            (target_w, target_h),
            (inner_w, inner_h),
            (target_w - inner_w) // 2,
            (target_h - inner_h) // 2,
        )

    def to_relative(self, boxes: Floats) -> Floats:
        """(N, 4) left, top, right, bottom in pixels of the target -> relative to the picture, not clipped."""
        offset = np.array([self.left, self.top] * 2, np.float32)
        relative: Floats = np.divide(boxes - offset, np.array(self.inner * 2, np.float32))
        return relative


class Decoded(NamedTuple):
    """What a head says about one picture, and what was thrown away on the way there."""

    detections: Detections
    not_finite: int  # boxes with NaN or infinity: a broken model or backend
    capped: int  # boxes beyond MAX_CANDIDATES or MAX_DETECTIONS


def decode(head: Floats, box: Letterbox, thresholds: Thresholds) -> Decoded:
    """One picture's head (4 + classes, anchors) -> detections, relative, best first.

    Raises ValueError where the head has not that shape.
    """
    if head.ndim != 2 or head.shape[0] < 5:
        raise ValueError(f"want a head of (4 + classes, anchors), got {head.shape}")
    best = head[4:].max(axis=0)  # a NaN among the scores makes NaN, and no NaN passes the next line
    candidates = np.flatnonzero(best >= thresholds.weak)
    not_finite = int(np.count_nonzero(np.isnan(best)))

    xywh = head[:4, candidates]
    finite = np.isfinite(xywh).all(axis=0) & np.isfinite(best[candidates])
    not_finite += int(np.count_nonzero(~finite))
    candidates, xywh = candidates[finite], xywh[:, finite]

    centre, half = xywh[:2].T, xywh[2:].T / 2
    with np.errstate(over="ignore"):  # a box from here to infinity is clipped like any other
        boxes = box.to_relative(np.concatenate([centre - half, centre + half], axis=1)).clip(0, 1)
    seen = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])  # else nothing of it is in the picture
    candidates, boxes = candidates[seen], boxes[seen]

    scores = best[candidates].clip(0, 1)
    order = np.argsort(-scores, kind="stable")
    capped = max(0, len(order) - MAX_CANDIDATES)
    order = order[:MAX_CANDIDATES]
    candidates, boxes, scores = candidates[order], boxes[order], scores[order]
    classes = head[4:, candidates].argmax(axis=0).astype(np.int32)

    keep, overruled = suppress(boxes, classes, iou=thresholds.iou, agnostic_iou=thresholds.agnostic_iou)
    capped += max(0, len(keep) - MAX_DETECTIONS)
    keep = keep[:MAX_DETECTIONS]
    also = Overruled(boxes[overruled], classes[overruled])
    return Decoded(Detections(boxes[keep], scores[keep], classes[keep], also), not_finite, capped)


def suppress(
    boxes: Floats, classes: NDArray[np.int32], *, iou: float, agnostic_iou: float | None = None
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Greedy non-maximum suppression; (N, 4) boxes must come best first. Indices of those kept, best first, and of
    those that went because of a better one of another class.

    A box goes when it overlaps a better one by more than `iou` within its class, or by more than
    `agnostic_iou` whatever its class: the van that is both "car" and "truck" stays one vehicle.
    """
    same = classes[:, None] == classes
    beats = overlap(boxes[:, None], boxes) > np.where(same, iou, 1.0 if agnostic_iou is None else agnostic_iou)
    gone = np.zeros(len(boxes), np.bool_)
    keep: list[int] = []
    overruled: list[int] = []
    for best in range(len(boxes)):
        if not gone[best]:
            keep.append(best)
            worse = beats[best] & ~gone
            worse[: best + 1] = False
            gone |= worse
            overruled += np.flatnonzero(worse & ~same[best]).tolist()
    return np.array(keep, np.intp), np.array(overruled, np.intp)


def overlap(boxes: Floats, others: Floats) -> Floats:
    """Intersection over union of boxes (..., 4), each with its own; 0 where both have no area."""
    left, top, right, bottom = (boxes[..., side] for side in range(4))
    left_2, top_2, right_2, bottom_2 = (others[..., side] for side in range(4))
    width = np.minimum(right, right_2) - np.maximum(left, left_2)
    height = np.minimum(bottom, bottom_2) - np.maximum(top, top_2)
    inter = np.maximum(width, 0) * np.maximum(height, 0)
    union = (right - left) * (bottom - top) + (right_2 - left_2) * (bottom_2 - top_2) - inter
    shares: Floats = inter / np.maximum(union, np.finfo(np.float32).tiny)
    return shares
