"""Clips made at test time: a bright square that moves over a textured ground."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import numpy as np
import pytest
from numpy.typing import NDArray


def picture(index: int, size: tuple[int, int], fps: int) -> NDArray[np.uint8]:
    """(height, width, 3) RGB. The square goes round once in 4 s; its centre is `square(index, size, fps)`."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width]
    image = np.repeat((60 + (x * 7 + y * 13) % 40).astype(np.uint8)[:, :, None], 3, axis=2)
    (cx, cy), half = square(index, size, fps), min(size) // 8
    image[max(0, cy - half) : cy + half, max(0, cx - half) : cx + half] = (240, 200, 40)
    return image


def square(index: int, size: tuple[int, int], fps: int) -> tuple[int, int]:
    angle = index / fps / 4 * 2 * np.pi
    return int(size[0] * (0.5 + 0.3 * np.cos(angle))), int(size[1] * (0.5 + 0.3 * np.sin(angle)))


def make_clip(
    path: Path,
    seconds: float = 3.0,
    fps: int = 25,
    size: tuple[int, int] = (320, 240),
    codec: Literal["h264", "h265"] = "h264",
    gop_s: float = 1.0,
    b_frames: int = 0,
    options: dict[str, str] | None = None,
    still: bool = False,
) -> Path:
    """Write a clip and return its path; `still`: its first picture all the time. Skips the test where this PyAV cannot
    encode the codec."""
    encoder = {"h264": "libx264", "h265": "libx265"}[codec]
    if encoder not in av.codecs_available:
        pytest.skip(f"this PyAV has no {encoder}")
    gop = max(1, round(gop_s * fps))
    settings = {"preset": "ultrafast", "g": str(gop), "bf": str(b_frames), "sc_threshold": "0"}
    if codec == "h265":
        settings["x265-params"] = f"log-level=none:keyint={gop}:min-keyint={gop}:scenecut=0:bframes={b_frames}"
    with av.open(str(path), "w") as out:
        stream = out.add_stream(encoder, rate=fps, options=settings | (options or {}))
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.time_base = Fraction(1, fps)
        for index in range(round(seconds * fps)):
            frame = av.VideoFrame.from_ndarray(picture(0 if still else index, size, fps), format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, fps)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path
