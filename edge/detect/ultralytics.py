"""The backend for sites with an NVIDIA GPU and weights as they were trained: a .pt, run by PyTorch.

Ultralytics loads the weights and runs the network, no more: pictures are laid out and boxes decoded as for every
other backend. It weighs some 6 GB on disk; on a CPU it is the slowest (2026-11, one core, 640x384: 81 ms a picture,
OpenVINO 33).

A .pt is a pickle: loading it runs whatever it holds. So its bytes are compared with the card's size and SHA-256
before, and it is those very bytes that are loaded. That makes them the card's, not harmless: take a card that names a
.pt only from whom you would take a program. The library is kept from installing, fetching and reporting anything.
"""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edge.detect.card import Card, weights_for
from edge.detect.choices import Device, cuda_wanted
from edge.detect.session import Head, YoloDetector
from edge.detect.yolo import Floats
from edge.errors import BackendError


class UltralyticsDetector(YoloDetector):
    """Loads `card`'s .pt after checking it. `threads` counts for CPUs only, and for the whole process.

    Raises CardError, ChecksumError, BackendError (Ultralytics missing, weights not readable by it, no such device).
    """

    def __init__(self, card: Card, *, size: int | None = None, threads: int = 1, device: Device = "auto") -> None:
        super().__init__(card, size=size)
        weights = weights_for(card, ".pt")
        ultralytics = library()
        import torch

        self._torch: Any = torch
        self._device = "cuda" if cuda_wanted(device, offered=torch.cuda.is_available()) else "cpu"
        torch.set_num_threads(threads)
        try:
            with tempfile.TemporaryDirectory() as private, quiet():
                path = Path(private) / "weights.pt"  # the library wants a file; what was compared is what it gets
                path.write_bytes(weights)
                network = ultralytics.YOLO(str(path), task="detect").model
                self._network: Any = network.fuse().float().eval().to(self._device)
        except Exception as error:  # the library raises anything, from KeyError to UnpicklingError
            raise BackendError(
                f"{card.weights}: Ultralytics cannot load it on {self._device}: {error}",
                hint="is it a YOLOv8 detector? --device cpu is the device that always works",
            ) from error

    def _start(self, _place: int, blob: Floats) -> Head:
        try:
            with self._torch.inference_mode():
                head = self._network(self._torch.from_numpy(blob).to(self._device))[0]
                answer: Floats = head.float().cpu().numpy()
        except Exception as error:
            raise BackendError(f"{self.model_id}: Ultralytics failed: {error}") from error
        return lambda: answer

    def _release(self) -> None:
        self._network = None


def library() -> Any:
    """Ultralytics, kept from installing, fetching and reporting. Raises BackendError where it is missing."""
    os.environ.update(YOLO_AUTOINSTALL="false", YOLO_OFFLINE="true")  # read when it is imported
    try:
        import ultralytics
    except ImportError as error:
        raise BackendError(
            f"Ultralytics cannot be loaded: {error}", hint="pip install 'vedette[ultralytics]'"
        ) from error
    return ultralytics


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Its log tells of every model that it loads."""
    log = logging.getLogger("ultralytics")
    before = log.level
    log.setLevel(logging.WARNING)
    try:
        yield
    finally:
        log.setLevel(before)
