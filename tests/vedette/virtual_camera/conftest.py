from pathlib import Path

import pytest

from tests.clips import make_clip


@pytest.fixture(scope="session")
def clips(tmp_path_factory) -> dict[str, Path]:
    """h264: 0.6 s at 50/s, 0.2 s groups; big: the same in 640x480; bframes: with two; long: 4 s at 25/s."""
    folder = tmp_path_factory.mktemp("clips")
    return {
        "h264": make_clip(folder / "h264.mp4", seconds=0.6, fps=50, gop_s=0.2),
        "long": make_clip(folder / "long.mp4", seconds=4, gop_s=1),
        "big": make_clip(folder / "big.mp4", seconds=0.6, fps=50, size=(640, 480), gop_s=0.2),
        "bframes": make_clip(folder / "b.mp4", seconds=0.6, fps=50, gop_s=0.2, b_frames=2),
    }


@pytest.fixture(scope="session")
def h265_clip(tmp_path_factory) -> Path:
    return make_clip(tmp_path_factory.mktemp("h265") / "h265.mp4", seconds=0.6, fps=50, gop_s=0.2, codec="h265")
