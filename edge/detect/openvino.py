"""The default backend: OpenVINO on CPUs (and on Intel's integrated GPUs and NPUs by `device`)."""

from __future__ import annotations

from typing import Any

from edge.detect.card import Card, verified_weights
from edge.detect.session import YoloDetector
from edge.detect.yolo import Floats
from edge.errors import BackendError


class OpenVinoDetector(YoloDetector):
    """Loads `card`'s weights after checking them.

    `arithmetic` is OpenVINO's inference precision ("f32", "bf16"); None leaves it the fastest the device has.
    Raises ChecksumError, BackendError (OpenVINO missing, weights not readable by it).
    """

    def __init__(
        self,
        card: Card,
        *,
        size: int | None = None,
        threads: int = 1,
        device: str = "CPU",
        arithmetic: str | None = None,
    ) -> None:
        super().__init__(card, size=size)
        weights = verified_weights(card)
        try:
            import openvino
        except ImportError as error:
            raise BackendError(
                f"OpenVINO cannot be loaded: {error}", hint="pip install openvino, or choose the onnx backend"
            ) from error
        options: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY"}
        if device == "CPU":
            options["INFERENCE_NUM_THREADS"] = threads
        if arithmetic is not None:
            options["INFERENCE_PRECISION_HINT"] = arithmetic
        try:
            core = openvino.Core()
            compiled = core.compile_model(core.read_model(weights), device, options)
            self._request: Any = compiled.create_infer_request()
        except Exception as error:  # OpenVINO throws bare RuntimeErrors
            raise BackendError(
                f"{card.weights}: OpenVINO cannot load it on {device}: {_first_line(error)}",
                hint="`vedette models verify` checks the file; CPU is the device that always works",
            ) from error

    def _infer(self, blob: Floats) -> Floats:
        try:
            answer: Floats = self._request.infer([blob], share_inputs=True, share_outputs=True)[0]
        except Exception as error:
            raise BackendError(f"{self.model_id}: OpenVINO failed: {_first_line(error)}") from error
        return answer

    def _release(self) -> None:
        self._request = None


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
