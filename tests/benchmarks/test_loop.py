from __future__ import annotations

import pytest

from benchmarks.loop import Looped
from edge.errors import SourceEnded
from tests.clips import make_clip


def test_a_joined_clip_goes_on_in_even_time_and_whole_rounds(tmp_path):
    source = Looped(make_clip(tmp_path / "round.mp4", seconds=2, fps=10), seconds=5)
    packets = source.packets()
    times = [next(packets).at for _ in range(60)]
    with pytest.raises(SourceEnded):
        next(packets)
    assert times == pytest.approx([n / 10 for n in range(60)])
    assert source.rounds == 3
