from __future__ import annotations

import av
import numpy as np
import pytest

from benchmarks.score.perturb import PERTURBATIONS, perturbed
from tests.clips import make_clip

SECONDS, FPS = 6, 25
COUNT = SECONDS * FPS


def pictures(path):
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return make_clip(tmp_path_factory.mktemp("clips") / "round.mp4", SECONDS, FPS, (322, 240), options={"crf": "10"})


@pytest.mark.parametrize(
    ("name", "count", "size"),
    [
        ("360p", COUNT, (484, 360)),  # 483 would be nearer to the shape, and odd
        ("1080p", COUNT, (1448, 1080)),
        ("noise", COUNT, (322, 240)),
        ("dropped", pytest.approx(0.9 * COUNT, abs=0.06 * COUNT), (322, 240)),
        ("half-rate", COUNT // 2, (322, 240)),
    ],
)
def test_a_spoilt_clip_keeps_its_times(clip, tmp_path, name, count, size):
    whole, found = pictures(clip), pictures(perturbed(clip, tmp_path, name))
    assert len(found) == count
    assert {(frame.width, frame.height) for frame in found} == {size}
    times = [frame.time for frame in found]
    assert times[0] == 0
    assert times == sorted(set(times) & {frame.time for frame in whole})
    assert times[-1] == pytest.approx(whole[-1].time, abs=0.2)
    assert [round(frame.time) for frame in found if frame.key_frame] == [0, 2, 4]


def test_every_perturbation_is_tried():
    assert set(PERTURBATIONS) == {"360p", "1080p", "noise", "dropped", "half-rate"}


def test_noise_is_as_strong_as_said_and_new_in_every_picture(clip, tmp_path):
    whole = [frame.to_ndarray(format="gray").astype(float) for frame in pictures(clip)[:3]]
    noisy = [
        frame.to_ndarray(format="gray").astype(float) for frame in pictures(perturbed(clip, tmp_path, "noise"))[:3]
    ]
    first, second = (n[:80] - w[:80] for n, w in zip(noisy[:2], whole[:2], strict=True))
    # Three colours' noise makes about 0.67 of it in grey, and the encoder takes some.
    assert 4 < first.std() < 8
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.5


def test_a_made_clip_is_used_again(clip, tmp_path):
    made = perturbed(clip, tmp_path, "half-rate")
    before = made.stat().st_mtime_ns
    assert perturbed(clip, tmp_path, "half-rate") == made
    assert made.stat().st_mtime_ns == before
    assert list(made.parent.iterdir()) == [made]
