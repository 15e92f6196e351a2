"""What runs a model, and where: what a site may choose. Pure."""

from __future__ import annotations

from typing import Literal

from edge.errors import BackendError

Backend = Literal["openvino", "onnx", "ultralytics"]
Device = Literal["auto", "cpu", "cuda"]


def cuda_wanted(device: Device, *, offered: bool) -> bool:
    """`offered`: the backend's library finds CUDA. Raises BackendError where it is asked for and is not there."""
    if device == "cuda" and not offered:
        raise BackendError("no CUDA here", hint="the library must be its GPU build, and the driver loaded (nvidia-smi)")
    return device != "cpu" and offered
