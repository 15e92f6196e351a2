"""Clips as they come from recorders."""

from __future__ import annotations

from contextlib import closing

import av
import numpy as np
import pytest

from edge.errors import SourceEnded
from edge.sources.file import FileSource


@pytest.fixture
def joined(tmp_path):
    """A recording whose clock begins anew in the middle."""
    path = tmp_path / "joined.ts"
    with path.open("wb") as out:
        for _ in range(2):
            part = tmp_path / "part.ts"
            with av.open(str(part), "w", format="mpegts") as container:
                stream = container.add_stream("mpeg2video", rate=25)
                stream.width, stream.height = 64, 48
                for _ in range(25):
                    picture = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
                    container.mux(stream.encode(picture))
                container.mux(stream.encode())
            out.write(part.read_bytes())
    return path


def test_time_goes_on_where_a_recording_was_joined(joined):
    times = []
    with closing(FileSource(joined)) as source, pytest.raises(SourceEnded):
        times.extend(picture.at for picture in source.pictures())
    assert times == sorted(times)
    assert 1.8 < times[-1] < 2.1
