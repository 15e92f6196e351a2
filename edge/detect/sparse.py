"""YOLOv8 by OpenVINO, with boxes only where something may be.

A sixth of the network computes boxes for all cells, and a cell in thirty has a score that anybody asks for. So the
graph is cut in two when it is loaded: the first network gives scores and feature maps, the second takes from these what
lies around the cells that pass, and computes what the head's box branch would, a cell a row. However many pass, the
answer is right; where half of them do, it takes as long as the whole network's, where all do a fifth longer.

Scores are the same. Boxes come nearer to f32's than the whole network's do in bf16: distances are averaged in f32.
`Cut.of` finds the branch by Ultralytics' names and compares answers with the whole network's: else there is no cut.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.detect.cells import Cells, Grid
from edge.detect.yolo import Floats

MAPS = range(3)
LEAST = 288 * 288  # pixels; with fewer cells the second network costs what it saves
LOWEST = -1e38  # OpenVINO's maximum of nothing but NaN is the least number; such cells are answered, to be counted
ALIKE = 0.05  # of a cell: the mean difference of boxes that are the same but for rounding


class Cut:
    """A network cut in two. `weak`: the lowest score that must be answered; `element`: what OpenVINO computes in, f32
    or bf16. Raises LookupError, ValueError (no such head), RuntimeError (OpenVINO)."""

    def __init__(self, core: Any, weights: bytes, options: dict[str, Any], weak: float, element: Any) -> None:
        self._core, self._weights, self._options, self._element = core, weights, options, element
        share = min(weak, 1 - 1e-6)
        self._limit = math.log(share / (1 - share)) - 0.01  # who decodes compares scores, not logits
        self._boxes = core.compile_model(_boxes(core.read_model(weights), element), "CPU", options)

    @classmethod
    def of(cls, core: Any, weights: bytes, options: dict[str, Any], weak: float, shape: tuple[int, ...]) -> Cut | None:
        """None where the answers are not those of the whole network, compared at `shape`. Raises RuntimeError where
        that cannot be loaded."""
        import openvino

        model = core.read_model(weights)
        model.reshape(shape)
        whole = core.compile_model(model, "CPU", options)
        element = whole.get_property("INFERENCE_PRECISION_HINT")
        if element not in (openvino.Type.f32, openvino.Type.bf16):
            return None
        noise = np.random.default_rng(1).random(shape, np.float32)
        want = whole.create_infer_request().infer([noise])[0][0]
        try:
            cut = cls(core, weights, options, weak, element)
            [request] = cut.requests(shape, 1)
            request.network.infer([noise])
            return cut if request.resembles(want) else None
        except (LookupError, ValueError, RuntimeError):  # another graph; the whole network has just run
            return None

    def requests(self, shape: tuple[int, ...], count: int) -> list[Request]:
        """For pictures of `shape` (1, 3, height, width)."""
        model = self._core.read_model(self._weights)
        model.reshape(shape)
        scores = self._core.compile_model(_scores(model, self._element), "CPU", self._options)
        sizes = [tuple(scores.output(n).shape)[1:3] for n in MAPS]
        grid = Grid(shape[2], sizes)
        return [
            Request(scores.create_infer_request(), self._boxes.create_infer_request(), grid, self._limit)
            for _ in range(count)
        ]


class Request:
    """One picture's place. `network`, OpenVINO's: it takes the picture, and must be done before the head is asked for.
    Not thread-safe, nor are two of a shape."""

    def __init__(self, scores: Any, boxes: Any, grid: Grid, limit: float) -> None:
        self.network = scores
        self._boxes, self._grid, self._limit = boxes, grid, limit
        for n in MAPS:
            boxes.set_input_tensor(n, scores.get_output_tensor(n))

    def head(self) -> Floats:
        """(1, 4 + classes, cells that pass), as in the whole network's."""
        best = self.network.get_output_tensor(2 * len(MAPS)).data
        return self._of(np.flatnonzero((best >= self._limit) | ~(best > LOWEST)))[None]

    def resembles(self, want: Floats) -> bool:
        """Whether `want` is the whole network's head, (4 + classes, cells)."""
        if want.shape[1:] != self._grid.stride.shape:
            return False
        found = self._of(np.arange(want.shape[1]))
        return (
            found.shape == want.shape
            and bool(np.abs(found[4:] - want[4:]).max() < 0.01)
            and bool((np.abs(found[:4] - want[:4]) / self._grid.stride).mean() < ALIKE)
        )

    def _of(self, cells: Cells) -> Floats:
        maps = (self.network.get_output_tensor(len(MAPS) + n) for n in MAPS)
        logits = np.concatenate([_rows(of, own) for of, own in zip(maps, self._grid.by_map(cells), strict=True)])
        head = np.empty((4 + logits.shape[1], len(cells)), np.float32)
        with np.errstate(over="ignore"):
            head[4:] = (1 / (1 + np.exp(-logits))).T
        if len(cells):
            head[:4] = self._grid.boxes(cells, self._distances(cells))
        return head

    def _distances(self, cells: Cells) -> Floats:
        import openvino

        near = self._grid.neighbours(cells)
        for place, rows in enumerate(near.features + near.first, start=len(MAPS)):
            self._boxes.set_input_tensor(place, openvino.Tensor(rows, shared_memory=bool(len(rows))))
        self._boxes.infer(share_outputs=True)
        found: Floats = self._boxes.get_output_tensor(0).data[near.cells]
        return found


def _rows(tensor: Any, rows: NDArray[np.intp]) -> Floats:
    """Of (1, height, width, channels), as float32."""
    values = tensor.data.reshape(-1, tensor.shape[3])
    if values.dtype != np.float32:  # bf16, which NumPy has not: a float32's first half
        values = values.view(np.uint16)[rows].astype(np.uint32) << 16
        return np.asarray(values.view(np.float32))
    return np.asarray(values[rows])


def _scores(model: Any, element: Any) -> Any:
    """`model` -> feature maps, maps of logits, (1, height, width, channels) each; all cells' best logits, (cells,)."""
    import openvino
    from openvino import opset13 as op

    nodes, head = _named(model)
    features = [_of_conv(nodes[f"{head}/cv2.{n}/cv2.{n}.0/conv/Conv"])[0] for n in MAPS]
    logits = [nodes[f"{head}/cv3.{n}/cv3.{n}.2/Conv"].output(0) for n in MAPS]
    maps = [op.convert(each, element) for each in features + logits]
    best = [op.reshape(op.reduce_max(each, np.array([1]), False), np.array([-1]), False) for each in maps[len(MAPS) :]]
    outputs = [op.transpose(each, np.array([0, 2, 3, 1])) for each in maps]
    outputs.append(op.convert(op.concat(best, 0), openvino.Type.f32))
    return openvino.Model([each.output(0) for each in outputs], model.get_parameters(), "scores")


def _boxes(model: Any, element: Any) -> Any:
    """Feature maps, `Neighbours.features`, `Neighbours.first` -> (rows of all maps, 4 * BINS)."""
    import openvino
    from openvino import opset13 as op

    nodes, head = _named(model)
    maps, features, first, made = [], [], [], []
    for n in MAPS:
        layers = [_of_conv(nodes[f"{head}/cv2.{n}/cv2.{n}.{end}"]) for end in ("0/conv/Conv", "1/conv/Conv", "2/Conv")]
        channels = layers[0][1].shape[1]
        maps.append(op.parameter([1, -1, -1, channels], element))
        features.append(op.parameter([-1, 9], openvino.Type.i32))
        first.append(op.parameter([-1, 9], openvino.Type.i32))
        rows = op.reshape(maps[-1], np.array([-1, channels]), False)
        for (_, weights, bias), places in zip(layers, (features[-1], first[-1], None), strict=True):
            if places is not None:
                taken = op.convert(op.gather(rows, places, np.int32(0)), openvino.Type.f32)  # OUTSIDE: zeros
                rows = op.reshape(taken, np.array([-1, 9 * weights.shape[1]]), False)
            flat = np.ascontiguousarray(weights.transpose(0, 2, 3, 1).reshape(len(weights), -1))
            rows = op.add(op.matmul(rows, op.constant(flat), False, True), op.constant(bias))
            rows = rows if places is None else op.swish(rows)
        made.append(rows)
    return openvino.Model([op.concat(made, 0).output(0)], maps + features + first, "boxes")


def _named(model: Any) -> tuple[dict[str, Any], str]:
    """Operations by name, and the head's."""
    nodes = {node.get_friendly_name(): node for node in model.get_ops()}
    end = "/cv3.0/cv3.0.2/Conv"
    heads = [name.removesuffix(end) for name in nodes if name.endswith(end)]
    if len(heads) != 1:
        raise KeyError(end)
    return nodes, heads[0]


def _of_conv(biased: Any) -> tuple[Any, Floats, Floats]:
    """What it takes, its weights, its bias (outputs,)."""
    conv = biased.input_value(0).get_node()
    return conv.input_value(0), _constant(conv.input_value(1)), _constant(biased.input_value(1)).reshape(-1)


def _constant(output: Any) -> Floats:
    node = output.get_node()
    while node.get_type_name() in ("Convert", "Reshape"):
        node = node.input_value(0).get_node()
    if node.get_type_name() != "Constant":
        raise KeyError(node.get_friendly_name())
    return np.asarray(node.data, np.float32)
