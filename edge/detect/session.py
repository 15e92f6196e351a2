"""What the YOLO detectors share: pictures -> network -> detections, whatever library runs the network."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence

from edge.detect import yolo
from edge.detect.card import Card, Thresholds
from edge.detect.inputs import Inputs
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
        self._inputs = Inputs(card.input)
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

    def detect(self, images: Sequence[Image]) -> list[Detections]:
        """One answer an image, in order. Raises BackendError."""
        return [self._detect(image, self._fitted(*self._size_of(image))) for image in images]

    def detect_unscaled(self, canvases: Sequence[Image]) -> list[Detections]:
        """The same for canvases, whose sides are multiples of `stride`. Raises BackendError."""
        return [self._detect(canvas, self._unscaled(*self._size_of(canvas))) for canvas in canvases]

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

    def _detect(self, image: Image, box: yolo.Letterbox) -> Detections:
        head = self._infer(self._inputs.of(image, box))[0]
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
        """(1, 3, height, width), which the caller will fill anew -> (1, 4 + classes, anchors). Raises BackendError."""

    @abstractmethod
    def _release(self) -> None:
        """Let the network go."""
