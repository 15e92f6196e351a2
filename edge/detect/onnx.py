"""The optional backend: ONNX Runtime, for machines where OpenVINO does not run (ARM boxes, NVIDIA GPUs)."""

from __future__ import annotations

from typing import Any

from edge.detect.card import Card, weights_for
from edge.detect.choices import Device, cuda_wanted
from edge.detect.session import Head, YoloDetector
from edge.detect.yolo import Floats
from edge.errors import BackendError

_CPU, _CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"


class OnnxDetector(YoloDetector):
    """Loads `card`'s weights after checking them.

    `threads` counts for CPUs only. CUDA needs the library's GPU build.
    Raises CardError, ChecksumError, BackendError (ONNX Runtime missing, weights not readable by it, no such device).
    """

    def __init__(
        self,
        card: Card,
        *,
        size: int | None = None,
        threads: int = 1,
        device: Device = "auto",
    ) -> None:
        super().__init__(card, size=size)
        weights = weights_for(card, ".onnx")
        try:
            import onnxruntime
        except ImportError as error:
            raise BackendError(f"ONNX Runtime cannot be loaded: {error}", hint="pip install 'vedette[onnx]'") from error
        cuda = cuda_wanted(device, offered=_CUDA in onnxruntime.get_available_providers())
        providers = [_CUDA, _CPU] if cuda else [_CPU]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors come as exceptions
        try:
            self._session: Any = onnxruntime.InferenceSession(weights, options, providers=providers)
            self._input = self._session.get_inputs()[0].name
        except Exception as error:  # its exception classes are private
            raise BackendError(
                f"{card.weights}: ONNX Runtime cannot load it: {error}",
                hint="`vedette models verify` checks the file; --device cpu is the device that always works",
            ) from error
        if device == "cuda" and _CUDA not in self._session.get_providers():  # it falls back in silence
            raise BackendError("ONNX Runtime found no GPU that it can use", hint="look at its words above")

    def _start(self, _place: int, blob: Floats) -> Head:
        try:
            answer: Floats = self._session.run(None, {self._input: blob})[0]
        except Exception as error:
            raise BackendError(f"{self.model_id}: ONNX Runtime failed: {error}") from error
        return lambda: answer

    def _release(self) -> None:
        self._session = None
