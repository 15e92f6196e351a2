"""Shows a detector parts of many pictures at once, and says what it saw in each picture.

Parts are laid onto canvases, at the scale at which the detector is shown a whole picture or a smaller one; what is
found is brought back into its own picture. What a part's border cuts, where that is not the picture's, is told apart:
half an object has the wrong box, and often the wrong name.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.detect import yolo
from edge.detect.base import Detector
from edge.detect.inputs import GREY
from edge.detect.pack import Canvas, Size, pack
from edge.types import WHOLE, Box, Detections, Image, Overruled, Region

Floats = NDArray[np.float32]

BORDER = 3.0  # pixels of the canvas; a box that comes so near to its part's border may go on beyond it
# Twentieths of the detector's side. Each costs 33 MB where a network is compiled for it (OpenVINO, YOLOv8n); twice as
# many would not make the canvases of docs/performance.md's scenes fuller.
SHAPES = ((4, 4), (6, 6), (8, 8), (10, 10), (12, 12), (16, 16), (20, 6), (20, 10), (20, 14), (20, 20))
SEEN_WHOLE = 0.5  # share of what was cut that lies in something seen whole: it is that


class Sight(NamedTuple):
    """What was seen in one picture; boxes are relative to it."""

    detections: Detections
    cut: Sequence[Box] = ()  # what was surely seen, but only in part


class Mosaic:
    """One for a detector, in its thread. Pixels since start: `shown` of pictures, and `canvas`, what they lay on."""

    def __init__(self, detector: Detector) -> None:
        self.detector = detector
        self.shown = self.canvas = 0
        self._shapes = shapes(detector.side, detector.stride)
        self._canvases: dict[tuple[Size, int], Image] = {}  # kept: see edge.detect.inputs

    def size(self, image: Image) -> tuple[float, float]:
        """(width, height) at which the detector is shown the whole of it, pixels."""
        height, width = image.shape[:2]
        scale = self.detector.side / max(width, height)
        return width * scale, height * scale

    def look(self, pictures: Sequence[tuple[Image, Sequence[Region]]]) -> list[Sight]:
        """One answer a picture, in order; one without regions is not looked at. Raises BackendError."""
        parts = [
            _Part.of(place, image, region, self.detector.side)
            for place, (image, regions) in enumerate(pictures)
            for region in regions
            if region != WHOLE
        ]
        canvases = pack([part.size for part in parts], self._shapes)
        wholes = [image for image, regions in pictures if WHOLE in regions]
        answers = self.detector.detect(wholes, self._painted(canvases, parts))
        seen_whole = iter(answers[: len(wholes)])
        found = [_Found() for _ in pictures]
        for canvas, detections in zip(canvases, answers[len(wholes) :], strict=True):
            own = _own(detections, canvas, [parts[spot.part] for spot in canvas.spots])
            for picture in {parts[spot.part].picture for spot in canvas.spots}:
                found[picture].take(detections, own, own.picture == picture)
            self.canvas += canvas.size[0] * canvas.size[1]
        self.shown += sum(part.size[0] * part.size[1] for part in parts)
        for image in wholes:
            self._count_whole(image)
        return [
            Sight(next(seen_whole)) if WHOLE in regions else each.merged(self.detector)
            for (_, regions), each in zip(pictures, found, strict=True)
        ]

    def warm(self) -> bool:
        """Show the detector a canvas of a shape that it has not seen, for what a backend does once a shape takes long
        (OpenVINO: 0.2-0.4 s); False where none is left. Raises BackendError."""
        cold = next((size for size in self._shapes if (size, 0) not in self._canvases), None)
        if cold is not None:
            self.detector.detect([], [self._blank(cold, 0)])
        return cold is not None

    def _painted(self, canvases: Sequence[Canvas], parts: Sequence[_Part]) -> list[Image]:
        images = []
        of_size = Counter[Size]()
        for canvas in canvases:
            images.append(self._blank(canvas.size, of_size[canvas.size]))
            of_size[canvas.size] += 1
            for spot in canvas.spots:
                parts[spot.part].paint(images[-1], spot.left, spot.top)
        return images

    def _blank(self, size: Size, number: int) -> Image:
        """`number`: of those of this size that are painted at the same time."""
        key = size, number
        if key not in self._canvases:
            self._canvases[key] = np.empty((size[1], size[0], 3), np.uint8)
        self._canvases[key].fill(GREY)
        return self._canvases[key]

    def whole(self, image: Image) -> Detections:
        """What is in the whole picture. Raises BackendError."""
        self._count_whole(image)
        return self.detector.detect([image])[0]

    def _count_whole(self, image: Image) -> None:
        height, width = image.shape[:2]
        box = yolo.Letterbox.fit(width, height, size=self.detector.side, stride=self.detector.stride)
        self.shown += math.prod(box.inner)
        self.canvas += math.prod(box.target)


def shapes(side: int, stride: int) -> list[Size]:
    """Canvases for a detector that works on pictures of `side`, smallest area first; the last holds any part of one."""
    pixels = [
        (-(-side * wide // (20 * stride)) * stride, -(-side * high // (20 * stride)) * stride) for wide, high in SHAPES
    ]
    return sorted(set(pixels), key=math.prod)


class _Own(NamedTuple):
    """What has its middle in a part of a canvas, part by part; (N,) each."""

    place: NDArray[np.intp]  # among the canvas's detections, those overruled after them
    picture: NDArray[np.intp]
    boxes: Floats  # (N, 4), relative to that
    cut: NDArray[np.bool_]


@dataclass(slots=True)
class _Found:
    """In one picture, canvas by canvas."""

    boxes: list[Floats] = field(default_factory=list)
    scores: list[Floats] = field(default_factory=list)
    classes: list[NDArray[np.int32]] = field(default_factory=list)
    cut: list[NDArray[np.bool_]] = field(default_factory=list)
    overruled: list[Overruled] = field(default_factory=list)

    def take(self, detections: Detections, own: _Own, mine: NDArray[np.bool_]) -> None:
        """Of a canvas, what is `mine` (N,)."""
        followed = mine & (own.place < len(detections))
        places = own.place[followed]
        self.boxes.append(own.boxes[followed])
        self.scores.append(detections.scores[places])
        self.classes.append(detections.classes[places])
        self.cut.append(own.cut[followed])
        others = mine & ~followed
        places = own.place[others] - len(detections)
        self.overruled.append(Overruled(own.boxes[others], detections.overruled.classes[places]))

    def merged(self, detector: Detector) -> Sight:
        if not self.boxes:
            return Sight(Detections())
        boxes, scores = np.concatenate(self.boxes), np.concatenate(self.scores)
        classes, cut = np.concatenate(self.classes), np.concatenate(self.cut)
        whole = np.flatnonzero(~cut)
        whole = whole[np.argsort(-scores[whole], kind="stable")]
        limits = detector.thresholds
        keep, over = yolo.suppress(boxes[whole], classes[whole], iou=limits.iou, agnostic_iou=limits.agnostic_iou)
        keep, over = whole[keep], whole[over]
        overruled = Overruled(
            np.concatenate([boxes[over], *(each.boxes for each in self.overruled)]),
            np.concatenate([classes[over], *(each.classes for each in self.overruled)]),
        )
        return Sight(
            Detections(boxes[keep], scores[keep], classes[keep], overruled),
            [
                (float(left), float(top), float(right), float(bottom))
                for left, top, right, bottom in boxes[cut & (scores >= detector.confidence)]
                if not (_share(np.array([left, top, right, bottom], np.float32), boxes[keep]) >= SEEN_WHOLE).any()
            ],
        )


@dataclass(frozen=True, slots=True)
class _Part:
    picture: int  # its place among those given
    image: Image  # as it is in the picture
    left: int  # where; pixels
    top: int
    size: Size  # on the canvas
    within: tuple[int, int]  # the picture's (width, height)

    @classmethod
    def of(cls, picture: int, image: Image, region: Region, side: int) -> _Part:
        """The whole pixels that the region touches."""
        height, width = image.shape[:2]
        left, top = math.floor(region.box[0] * width), math.floor(region.box[1] * height)
        right, bottom = math.ceil(region.box[2] * width), math.ceil(region.box[3] * height)
        scale = side / max(width, height) * region.scale
        size = max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale))
        return cls(picture, image[top:bottom, left:right], left, top, size, (width, height))

    @property
    def in_picture(self) -> tuple[tuple[float, ...], ...]:
        """Pixels of the canvas to the picture: scale, corner; and the picture's size. For left, top, right, bottom."""
        height, width = self.image.shape[:2]
        return (width / self.size[0], height / self.size[1]) * 2, (self.left, self.top) * 2, self.within * 2

    @property
    def goes_on(self) -> tuple[bool, bool, bool, bool]:
        """Whether the picture does, beyond its left, top, right, bottom."""
        height, width = self.image.shape[:2]
        right, bottom = self.left + width, self.top + height
        return self.left > 0, self.top > 0, right < self.within[0], bottom < self.within[1]

    def paint(self, canvas: Image, left: int, top: int) -> None:
        width, height = self.size
        window = canvas[top : top + height, left : left + width]
        if self.image.shape[1::-1] == self.size:
            window[:] = self.image
        else:
            smaller = width < self.image.shape[1]
            cv2.resize(self.image, self.size, dst=window, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)


def _own(detections: Detections, canvas: Canvas, parts: Sequence[_Part]) -> _Own:
    """`parts`: those on the canvas, in the order of its spots."""
    spots = np.array([(spot.left, spot.top) * 2 for spot in canvas.spots], np.float32)
    sizes = np.array([part.size * 2 for part in parts], np.float32)
    boxes = np.concatenate([detections.boxes, detections.overruled.boxes]) * np.array(canvas.size * 2, np.float32)
    pixels = boxes - spots[:, None]  # (parts, detections, 4), of the part
    middle = (pixels[..., :2] + pixels[..., 2:]) / 2
    part, place = np.nonzero(((middle >= 0) & (middle < sizes[:, None, :2])).all(axis=2))
    pixels, sizes = pixels[part, place].clip(0, sizes[part]), sizes[part]
    scale, corner, within = np.array([part.in_picture for part in parts], np.float32)[part].swapaxes(0, 1)
    goes_on = np.array([part.goes_on for part in parts])[part]
    room = np.concatenate([pixels[:, :2], sizes[:, 2:] - pixels[:, 2:]], axis=1)
    return _Own(
        place,
        np.array([part.picture for part in parts], np.intp)[part],
        ((pixels * scale + corner) / within).clip(0, 1),
        ((room < BORDER) & goes_on).any(axis=1),
    )


def _share(box: Floats, others: Floats) -> Floats:
    """The share of `box` (4,) that lies in each of `others` (N, 4)."""
    inter = (np.minimum(others[:, 2:], box[2:]) - np.maximum(others[:, :2], box[:2])).clip(0).prod(axis=1)
    return np.asarray(inter / max((box[2:] - box[:2]).prod(), np.finfo(np.float32).tiny), np.float32)
