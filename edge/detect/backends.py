"""The one place that knows every backend."""

from __future__ import annotations

from edge.detect.base import Detector
from edge.detect.card import Card
from edge.detect.choices import Backend, Device
from edge.detect.onnx import OnnxDetector
from edge.detect.openvino import OpenVinoDetector
from edge.detect.ultralytics import UltralyticsDetector
from edge.errors import BackendError


def detector(card: Card, backend: Backend, *, threads: int = 1, at_once: int = 1, device: Device = "auto") -> Detector:
    """A detector of `card`. Libraries are imported only when asked for. `at_once`: pictures that share the `threads`,
    where the backend can do that.

    Raises CardError, ChecksumError, BackendError.
    """
    if backend == "onnx":
        return OnnxDetector(card, threads=threads, device=device)
    if backend == "ultralytics":
        return UltralyticsDetector(card, threads=threads, device=device)
    if device == "cuda":
        raise BackendError("OpenVINO runs on no NVIDIA GPU", hint="--backend onnx or ultralytics do")
    return OpenVinoDetector(card, threads=threads, at_once=at_once)
