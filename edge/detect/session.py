"""What the YOLO detectors share: pictures -> network -> detections, whatever library runs the network."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence

from edge.detect import yolo
from edge.detect.card import Card
from edge.errors import BackendError
from edge.types import Detections, Image


class YoloDetector(ABC):
    """A `Detector` for heads as in `edge.detect.yolo`. Subclasses load `card` and run the network.

    `size` is the long side of the network's input, in pixels; rounded up to the card's stride.
    `drops` counts boxes thrown away, by reason: "not-finite", "capped".

    Pictures go through one by one: on a CPU a batch saves nothing (OpenVINO, 640x384, one thread: 31 ms for
    one, 118 ms for four in one batch), and the first answer would wait for the last.
    """

    def __init__(self, card: Card, *, size: int | None = None) -> None:
        self._card = card
        self._size = card.input.size if size is None else size
        if not card.input.stride <= self._size <= 4096:
            raise BackendError(
                f"{card.id}: input size {self._size} is out of range",
                hint=f"choose {card.input.stride} to 4096 pixels",
            )
        self.drops: Counter[str] = Counter()
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
    def confidence(self) -> float:
        return self._card.thresholds.confidence

    def detect(self, images: Sequence[Image]) -> list[Detections]:
        """One answer an image, in order. Raises BackendError."""
        if self._closed:
            raise BackendError(f"{self._card.id}: the detector is closed")
        return [self._detect_one(image) for image in images]

    def close(self) -> None:
        """Idempotent."""
        if not self._closed:
            self._closed = True
            self._release()

    def _detect_one(self, image: Image) -> Detections:
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != "uint8" or not image.size:
            raise BackendError(
                f"{self._card.id}: no picture: want (height, width, 3) uint8, got {image.shape} {image.dtype}"
            )
        height, width = image.shape[:2]
        box = yolo.Letterbox.fit(width, height, size=self._size, stride=self._card.input.stride)
        head = self._infer(yolo.blob([yolo.letterboxed(image, box)], self._card.input))[0]
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
    def _infer(self, blob: yolo.Floats) -> yolo.Floats:
        """(N, 3, height, width) -> (N, 4 + classes, anchors). Raises BackendError."""

    @abstractmethod
    def _release(self) -> None:
        """Let the network go."""
