"""The default backend: OpenVINO on CPUs (and on Intel's integrated GPUs and NPUs by `device`).

Figures below: one core of an AMD EPYC (Zen 4) in a virtual machine, OpenVINO 2026.4, 640x384, 2026-11.

- A network compiled for one shape is faster than one compiled for all: 30.5 against 34.2 ms, 4.6 against 7.2 for
  160x160. So each shape gets its own, the first `MAX_SHAPES` of them: canvases come in ten, pictures in as many as the
  cameras have proportions. Whatever comes later shares one dynamic network. Nothing is ever thrown out again: compiling
  takes 0.2-0.4 s, and a run of odd crops must not cost that each time. Each takes 33 MB.
- Two threads at one picture take 17.3 ms and 34.5 of CPU instead of 29.6 and 29.6; at two pictures at once 14.9 a
  picture, and 29.4 of CPU. So who has many pictures gives each thread its own, and who has one gives it all threads.
- Kept to cores of its own choice, its threads wait behind the cameras' while another core is idle.
- The latency hint: with as many pictures at once as threads, the throughput hint gains nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from edge.detect import sparse
from edge.detect.card import Card, weights_for
from edge.detect.session import Head, YoloDetector
from edge.detect.yolo import Floats, Letterbox
from edge.errors import BackendError

MAX_SHAPES = 24


class Whole:
    """One picture's place in the network as it is; see `sparse.Request`."""

    def __init__(self, network: Any) -> None:
        self.network = network

    def head(self) -> Floats:
        found: Floats = self.network.get_output_tensor(0).data
        return found


Place: TypeAlias = Whole | sparse.Request


class OpenVinoDetector(YoloDetector):
    """Loads `card`'s weights after checking them.

    `threads` counts for CPUs only, and is shared by the pictures that are `at_once` under way. `arithmetic` is
    OpenVINO's inference precision ("f32", "bf16"); None leaves it the fastest that the device has.
    Raises CardError, ChecksumError, BackendError (OpenVINO missing, weights not readable by it).
    """

    def __init__(
        self,
        card: Card,
        *,
        size: int | None = None,
        threads: int = 1,
        at_once: int = 1,
        device: str = "CPU",
        arithmetic: str | None = None,
    ) -> None:
        super().__init__(card, size=size, at_once=at_once)
        weights = weights_for(card, ".onnx")
        try:
            import openvino
        except ImportError as error:
            raise BackendError(
                f"OpenVINO cannot be loaded: {error}", hint="pip install openvino, or choose the onnx backend"
            ) from error
        options: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": at_once, "ENABLE_CPU_PINNING": False}
        if device == "CPU":
            options["INFERENCE_NUM_THREADS"] = threads
        if arithmetic is not None:
            options["INFERENCE_PRECISION_HINT"] = arithmetic
        self._requests: dict[tuple[int, ...] | None, list[Place]] = {}  # by shape; None: the dynamic one
        self._cut: sparse.Cut | None = None
        try:
            self._core: Any = openvino.Core()
            self._weights: bytes | None = weights
            self._device, self._options = device, options
            wide = Letterbox.fit(16, 9, size=self._size, stride=card.input.stride)  # what most cameras send
            shape = (1, 3, wide.target[1], wide.target[0])
            if device == "CPU":
                self._cut = sparse.Cut.of(self._core, weights, options, card.thresholds.weak, shape)
            self._of_shape(shape)
        except Exception as error:  # OpenVINO throws bare RuntimeErrors
            raise BackendError(
                f"{card.weights}: OpenVINO cannot load it on {device}: {_first_line(error)}",
                hint="`vedette models verify` checks the file; CPU is the device that always works",
            ) from error

    def _start(self, place: int, blob: Floats, /) -> Head:
        with self._translated():
            request = self._of_shape(blob.shape)[place]
            alone = len(self._inputs) == 1
            if alone:  # in this thread: on a full core another would wait for its turn
                request.network.infer([blob], share_inputs=True, share_outputs=True)
            else:
                request.network.start_async([blob], share_inputs=True)

        def head() -> Floats:
            with self._translated():
                if not alone:
                    request.network.wait()
                return request.head()

        return head

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            raise BackendError(f"{self.model_id}: OpenVINO failed: {_first_line(error)}") from error

    def _of_shape(self, shape: tuple[int, ...]) -> list[Place]:
        """One a place."""
        key = shape if shape in self._requests or len(self._requests) < MAX_SHAPES else None
        if key not in self._requests:
            if self._cut is not None and key is not None and key[2] * key[3] >= sparse.LEAST:
                self._requests[key] = [*self._cut.requests(key, len(self._inputs))]
            else:
                self._requests[key] = self._whole(key)
        return self._requests[key]

    def _whole(self, shape: tuple[int, ...] | None) -> list[Place]:
        model = self._core.read_model(self._weights)
        if shape is not None:
            model.reshape(shape)
        compiled = self._core.compile_model(model, self._device, self._options)
        return [Whole(compiled.create_infer_request()) for _ in self._inputs]

    def _release(self) -> None:
        self._requests.clear()
        self._weights = self._core = self._cut = None


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
