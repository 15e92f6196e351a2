"""A process to be killed: `python -m tests.edge.shelf_child FOLDER LIFE`. Says `kept EVENT_ID` after each picture."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

from edge import why
from edge.shelf import Shelf
from tests.edge.drafts import CAMERA, NOW, draft


def main(folder: str, life: str) -> None:
    shelf = Shelf(Path(folder), 1 << 30)
    shelf.open()
    noise = np.random.default_rng(1).integers(0, 255, (270, 480, 3), np.uint8)
    jpeg = cv2.imencode(".jpg", noise)[1].tobytes()
    for number in range(1000):
        facts = why.of(draft(number, at=NOW + int(life) * 1000 + number), CAMERA, "m")
        shelf.keep(facts, jpeg)
        print("kept", facts.event_id, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
