"""Clips as they come from recorders."""

from __future__ import annotations

from contextlib import closing

import av
import numpy as np
import pytest

from edge.errors import SourceEnded
from edge.sources.decoder import Decoder
from edge.sources.file import FileSource
from tests.clips import make_clip
from tests.edge.frames import pictures


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
        times.extend(picture.at for picture in pictures(source))
    assert times == sorted(times)
    assert 1.8 < times[-1] < 2.1


def spoilt(path, first, last):
    """A clip whose packets from `first` to `last` (shares of the file) are noise."""
    clip = bytearray(make_clip(path, seconds=8).read_bytes())
    start, size = clip.find(b"mdat") + 4, len(clip)
    begin, end = start + round(first * (size - start)), start + round(last * (size - start))
    clip[begin:end] = np.random.default_rng(1).bytes(end - begin)
    path.write_bytes(clip)
    return path


def test_a_recording_with_a_damaged_part_goes_on_after_it(tmp_path):
    times = []
    decoder = Decoder()
    with closing(FileSource(spoilt(tmp_path / "clip.mp4", 0.3, 0.4))) as source, pytest.raises(SourceEnded):
        times.extend(picture.at for picture in pictures(source, decoder))
    assert decoder.broken > 0
    assert times[-1] > 7.5
    assert len(times) > 100
