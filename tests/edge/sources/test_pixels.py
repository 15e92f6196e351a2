from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from edge.sources.pixels import FORMS, SAMPLE_COLUMNS, SAMPLE_ROWS, Pixels


@pytest.fixture(scope="module")
def scene():
    """Smooth, so that coding it with half the colours loses little."""
    across, down = np.meshgrid(np.linspace(20, 230, 320), np.linspace(20, 230, 176))
    return np.dstack([across, down, 250 - across]).astype(np.uint8)


def coded(scene, form):
    return av.VideoFrame.from_ndarray(scene, format="bgr24").reformat(format=form)


FORMATS = ["yuv420p", "yuvj420p", "nv12", "yuv422p", "yuv420p10le", "bgr24", "gray"]


@pytest.mark.parametrize("form", FORMATS)
def test_grey_is_the_same_in_whatever_form_and_range_it_comes(scene, form):
    small = Pixels().grey(coded(scene, form), 64, 36)
    wanted = cv2.resize(cv2.cvtColor(scene, cv2.COLOR_BGR2GRAY), (64, 36), interpolation=cv2.INTER_AREA)
    assert small.dtype == np.float32
    assert np.abs(small - wanted).mean() < 2


@pytest.mark.parametrize("form", FORMATS)
def test_a_sample_is_of_single_pixels(scene, form):
    noisy = scene.copy()
    noisy[::SAMPLE_ROWS, ::SAMPLE_COLUMNS] = 128
    sample = Pixels().sample(coded(noisy, form))
    assert sample.shape == (176 // SAMPLE_ROWS, 320 // SAMPLE_COLUMNS)
    assert np.ptp(sample) <= 12  # what lies between the sampled pixels is not in it


@pytest.mark.parametrize(("most", "shape"), [(None, (176, 320)), (640, (176, 320)), (160, (88, 160)), (1, (1, 1))])
def test_an_image_is_at_most_so_large(scene, most, shape):
    image = Pixels().image(coded(scene, "yuv420p"), most)
    assert image.shape == (*shape, 3)
    assert np.abs(image.mean(axis=(0, 1)) - scene.mean(axis=(0, 1))).max() < 8


def test_who_asks_owns_the_answer(scene):
    pixels, frame = Pixels(), coded(scene, "yuv420p")
    for make in (pixels.image, pixels.sample, lambda frame: pixels.grey(frame, 64, 36)):
        before = make(frame)
        kept = before.copy()
        before[:] = 0
        assert np.array_equal(make(frame), kept)


def test_scaling_has_no_threads_of_its_own(scene):
    """Else each camera would have some for every size, as many as there are cores."""

    def threads():
        return len(list(Path("/proc/self/task").iterdir()))

    frame = coded(scene, "yuv420p")
    before = threads()
    for pixels in (Pixels(), Pixels()):
        pixels.image(frame)
        pixels.grey(frame, 64, 36)
        assert threads() <= before


def test_a_stream_of_ever_new_sizes_does_not_pile_up_tables(scene):
    pixels = Pixels()
    for width in range(16, 16 + 4 * FORMS, 2):
        pixels.grey(coded(scene, "yuv420p"), width, 20)
    assert len(pixels._passes) <= FORMS
