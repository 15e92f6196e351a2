"""What stored half floats (and a CPU's own arithmetic) change, against float32 all the way.

    python -m benchmarks model-precision --footage DIR --reference FP32.onnx

Both models see the same frames; each reference box that may begin a track (score >= thresholds.confidence)
looks for its like: same class, IoU >= 0.9. Prints one JSON line a clip and arithmetic.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import numpy as np

from edge.detect.card import Card, load_card
from edge.detect.openvino import OpenVinoDetector
from edge.detect.shipped import models_dir
from edge.detect.yolo import overlap
from edge.types import Detections, Image

SAME = 0.9  # IoU from which two boxes are one


def run(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="benchmarks model-precision")
    parser.add_argument("--footage", type=Path, required=True, help="folder of .mp4 clips")
    parser.add_argument("--reference", type=Path, required=True, help="the fp32 export of the same weights")
    parser.add_argument("--card", type=Path, default=models_dir() / "yolov8n" / "card.yaml")
    parser.add_argument("--every", type=float, default=0.5, help="seconds between frames")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args(argv)

    card = load_card(args.card)
    reference = OpenVinoDetector(_as_card(args.reference, card), threads=args.threads, arithmetic="f32")
    candidates = {
        arithmetic: OpenVinoDetector(card, threads=args.threads, arithmetic=arithmetic)
        for arithmetic in ("f32", "bf16")
    }
    for clip in sorted(args.footage.glob("*.mp4")):
        wanted, found = [], {arithmetic: list[Detections]() for arithmetic in candidates}
        for image in frames(clip, args.every):
            wanted += _sure(reference, image)
            for arithmetic, detector in candidates.items():
                found[arithmetic] += _sure(detector, image)
        for arithmetic, answers in found.items():
            print(json.dumps({"clip": clip.stem, "arithmetic": arithmetic, **compare(wanted, answers)}))
    return 0


def compare(wanted: Sequence[Detections], found: Sequence[Detections]) -> dict[str, int]:
    """The card's `accuracy` figures of two answers to the same frames."""
    pairs = list(zip(wanted, found, strict=True))
    return {
        "frames": len(pairs),
        "reference_boxes": sum(len(w) for w, _ in pairs),
        "boxes": sum(len(f) for _, f in pairs),
        "matched": sum(_matched(w, f) for w, f in pairs),
        "frames_differing": sum(len(w) != len(f) for w, f in pairs),
    }


def frames(clip: Path, every: float) -> Iterator[Image]:
    """The clip's pictures, BGR, `every` so many seconds."""
    due = 0.0
    with av.open(str(clip)) as container:
        for frame in container.decode(video=0):
            if frame.time is not None and frame.time >= due:
                due += every
                yield frame.to_ndarray(format="bgr24").astype(np.uint8, copy=False)


def _sure(detector: OpenVinoDetector, image: Image) -> list[Detections]:
    return [found.only(found.scores >= detector.confidence) for found in detector.detect([image])]


def _matched(wanted: Detections, found: Detections) -> int:
    free = np.ones(len(found), bool)
    count = 0
    for box, label in zip(wanted.boxes, wanted.classes, strict=True):
        like = np.where(free & (found.classes == label), overlap(box, found.boxes), 0)
        if len(like) and like.max() >= SAME:
            free[like.argmax()] = False
            count += 1
    return count


def _as_card(onnx: Path, card: Card) -> Card:
    data = onnx.read_bytes()
    return card.model_copy(
        update={
            "path": onnx.with_name("card.yaml"),
            "file": onnx.name,
            "size": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
        }
    )
