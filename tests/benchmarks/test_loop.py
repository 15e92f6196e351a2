from __future__ import annotations

import pytest

from benchmarks.loop import joined
from edge.errors import SourceEnded
from tests.clips import make_clip


def test_a_joined_clip_goes_on_in_even_time_and_whole_rounds(tmp_path):
    with joined(make_clip(tmp_path / "round and round.mp4", seconds=2, fps=10), rounds=3) as source:
        packets = source.packets()
        times = [next(packets).at for _ in range(60)]
        with pytest.raises(SourceEnded):
            next(packets)
    assert times == pytest.approx([n / 10 for n in range(60)])
