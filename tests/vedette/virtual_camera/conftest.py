from pathlib import Path

import pytest

from tests.clips import make_clip


@pytest.fixture(scope="session")
def clips(tmp_path_factory) -> dict[str, Path]:
    """h264 and h265: 1.2 s at 25/s; long: 4 s, 1 s groups; big: 640x480; bframes: two B-frames."""
    folder = tmp_path_factory.mktemp("clips")
    return {
        "h264": make_clip(folder / "h264.mp4", seconds=1.2, gop_s=0.4),
        "long": make_clip(folder / "long.mp4", seconds=4, gop_s=1),
        "big": make_clip(folder / "big.mp4", seconds=1.2, size=(640, 480), gop_s=0.4),
        "bframes": make_clip(folder / "b.mp4", seconds=1.2, gop_s=0.4, b_frames=2),
    }


@pytest.fixture(scope="session")
def h265_clip(tmp_path_factory) -> Path:
    return make_clip(tmp_path_factory.mktemp("h265") / "h265.mp4", seconds=1.2, gop_s=0.4, codec="h265")
