"""A .pt of Ultralytics to the one ONNX file that Vedette runs.

Dynamic in batch, height and width; float32 at both ends. With `fp16` the weights are *stored* as half floats,
each followed by a Cast: the file halves, and because a runtime folds the casts while loading, the arithmetic
stays float32. The same .pt and library versions give the same bytes: dates, paths and names of the exporter
are removed.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from edge.detect.ultralytics import library, quiet
from edge.errors import BackendError, ChecksumError, ModelError

MAX_BYTES = 8_000_000  # a model travels to every edge box, over poor links
_OPSET = 17


class Precision(StrEnum):
    fp32 = "fp32"
    fp16 = "fp16"


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export made, and from what. `source_sha256` is of the .pt."""

    file: Path
    size: int
    sha256: str
    source_sha256: str
    names: tuple[str, ...]
    stride: int
    made_with: dict[str, str]  # library -> version


def export(pt: Path, out: Path, *, precision: Precision, sha256: str | None = None) -> Exported:
    """Export `pt` to `out`/`pt.stem`.onnx, replacing it in one step.

    A .pt is a pickle: loading it runs whatever code it holds. `sha256` is therefore compared before.
    Raises ChecksumError, BackendError (library missing or failed), ModelError (no such file, not a detector).
    """
    if not pt.is_file():
        raise ModelError(f"{pt}: no such file", hint="give the path of a YOLOv8 .pt file")
    source_sha256 = hashlib.sha256(pt.read_bytes()).hexdigest()
    if sha256 is not None and source_sha256 != sha256.lower():
        raise ChecksumError(
            f"{pt}: SHA-256 is {source_sha256}, want {sha256.lower()}",
            hint="these are other weights, or a damaged download: do not load them",
        )
    yolo_type, onnx, versions = _libraries()
    with tempfile.TemporaryDirectory() as scratch, quiet():
        copy = Path(shutil.copy(pt, Path(scratch) / "weights.pt"))  # the exporter writes beside its input
        try:
            yolo = yolo_type(str(copy), task="detect")
            if yolo.task != "detect":
                raise ModelError(f"{pt}: a model for '{yolo.task}'", hint="Vedette runs detectors only")
            exported = yolo.export(
                format="onnx", dynamic=True, simplify=False, opset=_OPSET, device="cpu", verbose=False
            )
            names = tuple(yolo.names[i] for i in range(len(yolo.names)))
            stride = int(max(yolo.model.stride))
            model = onnx.load(exported)
        except ModelError:
            raise
        except Exception as error:  # the library raises anything, from KeyError to UnpicklingError
            raise BackendError(f"{pt}: export failed: {error}", hint="is it a YOLOv8 detector?") from error
    _strip(model)
    if precision is Precision.fp16:
        _store_as_half(model)
    onnx.checker.check_model(model)
    data = model.SerializeToString(deterministic=True)
    out.mkdir(parents=True, exist_ok=True)
    file = out / f"{pt.stem}.onnx"
    part = file.with_suffix(".onnx.part")
    part.write_bytes(data)
    part.replace(file)
    return Exported(file, len(data), hashlib.sha256(data).hexdigest(), source_sha256, names, stride, versions)


def _libraries() -> tuple[Any, Any, dict[str, str]]:
    ultralytics = library()
    try:
        import onnx
    except ImportError as error:
        raise BackendError(
            f"export needs a library that is not installed: {error.name}",
            hint="pip install 'vedette[ultralytics]'",
        ) from error
    return ultralytics.YOLO, onnx, {name: version(name) for name in ("ultralytics", "torch", "onnx")}


def _strip(model: Any) -> None:
    """Remove what differs from run to run or tells of the exporting machine."""
    del model.metadata_props[:]
    model.doc_string = ""
    model.producer_name, model.producer_version = "vedette", ""
    graph = model.graph
    graph.doc_string = ""
    del graph.metadata_props[:]
    for item in (*graph.node, *graph.initializer, *graph.input, *graph.output, *graph.value_info):
        item.doc_string = ""
        del item.metadata_props[:]


def _store_as_half(model: Any) -> None:
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for tensor in model.graph.initializer:
        # Small tensors (biases, shapes, strides) save nothing and may need their exact value.
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < 1024:
            continue
        value = numpy_helper.to_array(tensor)
        if not np.isfinite(half := value.astype(np.float16)).all():
            raise ModelError(
                f"weight {tensor.name} does not fit into a half float", hint="export with --precision fp32"
            )
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(half, f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], name=f"{name}.cast", to=1))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
