"""What one picture costs, from BGR pixels to boxes.

    python -m benchmarks model-speed

Prints one JSON line a backend, arithmetic, number of threads and input size. The picture is the tests' own.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from benchmarks import machine
from edge.detect.base import Detector
from edge.detect.card import Card, load_card
from edge.detect.onnx import OnnxDetector
from edge.detect.openvino import OpenVinoDetector
from edge.detect.shipped import models_dir

PICTURE = Path(__file__).parent.parent / "tests" / "data" / "plaza-frame.jpg"
SIZES = ((640, 384), (640, 640), (320, 320))  # network input: a 16:9 camera, a full canvas, a small one


def run(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="benchmarks model-speed")
    parser.add_argument("--card", type=Path, default=models_dir() / "yolov8n" / "card.yaml")
    parser.add_argument("--rounds", type=int, default=40)
    args = parser.parse_args(argv)
    card = load_card(args.card)
    picture = np.asarray(cv2.imread(str(PICTURE)), np.uint8)
    for backend, arithmetic, make in _backends(card):
        for threads in (1, 2):
            for width, height in SIZES:
                detector = make(width, threads)
                image = cv2.resize(picture, (width * 2, height * 2)).astype(np.uint8, copy=False)
                detector.detect([image])
                took = []
                cpu = time.process_time()
                for _ in range(args.rounds):
                    start = time.perf_counter()
                    detector.detect([image])
                    took.append((time.perf_counter() - start) * 1000)
                cpu = (time.process_time() - cpu) * 1000 / args.rounds
                detector.close()
                print(
                    json.dumps(
                        {
                            "machine": f"{platform.machine()}, {machine.cpu()}",
                            "backend": backend,
                            "arithmetic": arithmetic,
                            "threads": threads,
                            "width": width,
                            "height": height,
                            "ms": round(statistics.median(took), 1),
                            "cpu_ms": round(cpu, 1),  # of all threads, a picture
                            "rounds": args.rounds,
                            "load": round(os.getloadavg()[0], 2),  # a busy machine's figures are worth less
                        }
                    )
                )
    return 0


def _backends(card: Card) -> list[tuple[str, str, Callable[[int, int], Detector]]]:
    return [
        ("openvino", "bf16", lambda size, n: OpenVinoDetector(card, size=size, threads=n, arithmetic="bf16")),
        ("openvino", "f32", lambda size, n: OpenVinoDetector(card, size=size, threads=n, arithmetic="f32")),
        ("onnxruntime", "f32", lambda size, n: OnnxDetector(card, size=size, threads=n)),
    ]
