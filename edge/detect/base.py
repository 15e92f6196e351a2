"""What the pipeline asks of any inference backend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from edge.detect.card import Thresholds
from edge.types import Detections, Image


class Detector(Protocol):
    """Shared by all cameras; `detect` is called from one thread at a time."""

    @property
    def model_id(self) -> str:
        """The card's id, as it stands in event records."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names by class index."""

    @property
    def side(self) -> int:
        """Pixels of the longer side of the pictures that it works on; larger ones are scaled down."""

    @property
    def stride(self) -> int:
        """Both sides of a canvas are multiples of so many pixels."""

    @property
    def thresholds(self) -> Thresholds:
        """The card's."""

    @property
    def confidence(self) -> float:
        """Score from which a detection may begin a track; weaker ones may only keep one alive."""

    @property
    def drops(self) -> Mapping[str, int]:
        """Boxes thrown away so far, by reason."""

    def detect(self, images: Sequence[Image], canvases: Sequence[Image] = ()) -> list[Detections]:
        """One answer an image, then one a canvas, in order; a canvas goes into the network pixel by pixel, whatever its
        size. Raises BackendError."""

    def close(self) -> None:
        """Idempotent."""
