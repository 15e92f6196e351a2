"""The clips as worse or other cameras would have sent them: encoded anew (H.264, a key frame every 2 s), times kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.video.frame import PictureType

Drawn = np.random.Generator
KEY_FRAME_S = 2.0
_ENCODER = {"preset": "superfast", "crf": "20", "sc_threshold": "0"}  # no key frames but ours


@dataclass(frozen=True, slots=True)
class Perturbation:
    """`height` in pixels, width as the shape asks; `noise` as standard deviation of 255; `keep` says whether picture
    number `n` (from 0) stays."""

    height: int | None = None
    noise: float = 0.0
    keep: Callable[[int, Drawn], bool] = lambda _n, _drawn: True


PERTURBATIONS = {
    "360p": Perturbation(height=360),
    "1080p": Perturbation(height=1080),
    "noise": Perturbation(noise=10.0),
    "dropped": Perturbation(keep=lambda n, drawn: n == 0 or drawn.random() >= 0.1),
    "half-rate": Perturbation(keep=lambda n, _drawn: n % 2 == 0),
}


def perturbed(clip: Path, folder: Path, name: str) -> Path:
    """The clip under one of PERTURBATIONS, below `folder`; not made again where it is there already."""
    made = folder / name / clip.name
    if not made.exists():
        made.parent.mkdir(parents=True, exist_ok=True)
        unfinished = made.with_suffix(".part.mp4")
        encode(clip, unfinished, PERTURBATIONS[name])
        unfinished.rename(made)
    return made


def encode(clip: Path, to: Path, how: Perturbation) -> None:
    """The same chances for the same clip: drawn from a fixed seed."""
    drawn = np.random.default_rng(1)
    with av.open(str(clip)) as container, av.open(str(to), "w") as out:
        source = container.streams.video[0]
        height = how.height or source.height
        width = round(source.width * height / source.height / 2) * 2
        stream = out.add_stream("libx264", rate=source.average_rate, options=_ENCODER)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.time_base = source.time_base
        stream.codec_context.max_b_frames = 0  # as cameras send, and the first picture keeps time 0
        key_due = 0.0
        for n, frame in enumerate(container.decode(source)):
            if not how.keep(n, drawn):
                continue
            picture = _noisy(frame, how.noise, drawn).reformat(width, height, "yuv420p")
            picture.pts, picture.time_base = frame.pts, frame.time_base
            picture.pict_type = PictureType.NONE  # else the key frames of the clip come along
            if frame.time >= key_due:
                key_due += KEY_FRAME_S
                picture.pict_type = PictureType.I
            out.mux(stream.encode(picture))
        out.mux(stream.encode(None))


def _noisy(frame: av.VideoFrame, deviation: float, drawn: Drawn) -> av.VideoFrame:
    if not deviation:
        return frame
    image = frame.to_ndarray(format="bgr24")
    image = image + deviation * drawn.standard_normal(image.shape, dtype=np.float32)
    return av.VideoFrame.from_ndarray(image.clip(0, 255).astype(np.uint8), format="bgr24")
