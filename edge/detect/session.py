"""What the YOLO detectors share: pictures -> network -> detections, whatever library runs the network."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeAlias

from edge.detect import yolo
from edge.detect.card import Card, Thresholds
from edge.detect.inputs import Inputs
from edge.errors import BackendError
from edge.types import Detections, Image

Head: TypeAlias = Callable[[], yolo.Floats]
"""Waits for what the network says: (1, 4 + classes, anchors), of all anchors or of those that may pass. Raises
BackendError."""


class YoloDetector(ABC):
    """A `Detector` for heads as in `edge.detect.yolo`. Subclasses load `card` and run the network.

    `size` is the long side of the network's input, in pixels; rounded up to the card's stride.
    `drops` counts boxes thrown away, by reason: "not-finite", "capped".

    Pictures go through `at_once` side by side, not in batches: on a CPU a batch saves nothing (OpenVINO, 640x384, one
    thread: 31 ms for one, 118 ms for four in one batch), and the first answer would wait for the last.
    """

    def __init__(self, card: Card, *, size: int | None = None, at_once: int = 1) -> None:
        self._card = card
        self._size = card.input.size if size is None else size
        if not card.input.stride <= self._size <= 4096:
            raise BackendError(
                f"{card.id}: input size {self._size} is out of range",
                hint=f"choose {card.input.stride} to 4096 pixels",
            )
        self.drops: Counter[str] = Counter()
        self._inputs = [Inputs(card.input) for _ in range(at_once)]
        self._closed = False

    @property
    def model_id(self) -> str:
        return self._card.id

    @property
    def class_names(self) -> tuple[str, ...]:
        return self._card.classes

    @property
    def side(self) -> int:
        return self._size

    @property
    def stride(self) -> int:
        return self._card.input.stride

    @property
    def thresholds(self) -> Thresholds:
        return self._card.thresholds

    @property
    def confidence(self) -> float:
        return self._card.thresholds.confidence

    def detect(self, images: Sequence[Image], canvases: Sequence[Image] = ()) -> list[Detections]:
        """One answer an image, then one a canvas, in order; the sides of canvases are multiples of `stride`. Raises
        BackendError."""
        shown = [(image, self._fitted(*self._size_of(image))) for image in images]
        shown += [(canvas, self._unscaled(*self._size_of(canvas))) for canvas in canvases]
        answers: list[Detections] = []
        under_way: deque[tuple[yolo.Letterbox, Head]] = deque()
        try:
            for number, (image, box) in enumerate(shown):
                if len(under_way) == len(self._inputs):
                    answers.append(self._decoded(*under_way.popleft()))
                place = number % len(self._inputs)
                under_way.append((box, self._start(place, self._inputs[place].of(image, box))))
            while under_way:
                answers.append(self._decoded(*under_way.popleft()))
        finally:
            for _, head in under_way:  # after a fault: their places must be free again
                with suppress(BackendError):
                    head()
        return answers

    def close(self) -> None:
        """Idempotent."""
        if not self._closed:
            self._closed = True
            self._release()

    def _size_of(self, image: Image) -> tuple[int, int]:
        """(width, height)"""
        if self._closed:
            raise BackendError(f"{self._card.id}: the detector is closed")
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != "uint8" or not image.size:
            raise BackendError(
                f"{self._card.id}: no picture: want (height, width, 3) uint8, got {image.shape} {image.dtype}"
            )
        return image.shape[1], image.shape[0]

    def _fitted(self, width: int, height: int) -> yolo.Letterbox:
        return yolo.Letterbox.fit(width, height, size=self._size, stride=self.stride)

    def _unscaled(self, width: int, height: int) -> yolo.Letterbox:
        if width % self.stride or height % self.stride:
            raise BackendError(f"{self._card.id}: no canvas: {width}x{height} is not of whole strides of {self.stride}")
        return yolo.Letterbox((width, height), (width, height), (width, height), 0, 0)

    def _decoded(self, box: yolo.Letterbox, answer: Head) -> Detections:
        head = answer()[0]
        if head.shape[0] != 4 + len(self._card.classes):
            raise BackendError(
                f"{self._card.id}: the network answers {head.shape[0] - 4} classes, its card names "
                f"{len(self._card.classes)}",
                hint="is this a YOLOv8 detector, and its own card?",
            )
        found = yolo.decode(head, box, self._card.thresholds)
        self.drops["not-finite"] += found.not_finite
        self.drops["capped"] += found.capped
        return found.detections

    @abstractmethod
    def _start(self, place: int, blob: yolo.Floats, /) -> Head:
        """Show the network a `blob` (1, 3, height, width). Until the answer has been taken, nobody touches it, and no
        other is at this `place`, of as many as there are `at_once`. Raises BackendError."""

    @abstractmethod
    def _release(self) -> None:
        """Let the network go."""
