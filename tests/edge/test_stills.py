"""The thread that keeps stills, on real folders and real full disks."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge import shelf, stills
from edge.ids import uuid7
from edge.stills import Stills
from tests.edge.drafts import CAMERA, NOW, draft
from tests.edge.frames import frame
from tests.waiting import wait_until

PERSON = (0.4, 0.3, 0.5, 0.7)
NOISE = np.random.default_rng(7).integers(0, 255, (1080, 1920, 3), np.uint8)


class Keeper:
    """Stills with a clock that stands where it is put."""

    def __init__(self, folder: Path, max_bytes: int = 64 << 20, camera=CAMERA, sweep_s: float = 60.0) -> None:
        self.now = NOW
        self.folder = folder
        self.camera = camera
        self.stills = Stills(folder, {camera.id: camera}, lambda: self.now, max_bytes=max_bytes, sweep_s=sweep_s)
        self.stills.start()

    def offer(self, *drafts, image=NOISE, people=()):
        self.stills.offer(self.camera, frame(0.0, image), lambda: people, drafts)

    def handled(self) -> int:
        status = self.stills.status()
        return status.written + sum(status.dropped.values())

    def picture(self, number: int = 1) -> np.ndarray:
        jpeg, _ = shelf.read(self.folder, uuid7(NOW, number))
        return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)


@pytest.fixture
def keeper(tmp_path) -> Iterator[Keeper]:
    one = Keeper(tmp_path / "stills")
    yield one
    one.stills.stop(5)


def detail(image, box) -> float:
    height, width = image.shape[:2]
    part = image[round(box[1] * height) : round(box[3] * height), round(box[0] * width) : round(box[2] * width)]
    return float(np.abs(cv2.Laplacian(cv2.cvtColor(part, cv2.COLOR_BGR2GRAY), cv2.CV_64F)).mean())


def test_a_still_is_small_undrawn_and_shows_nobody(keeper):
    keeper.offer(draft(), people=[PERSON])
    wait_until(lambda: keeper.stills.status().written == 1)
    picture = keeper.picture()
    assert picture.shape == (540, 960, 3)
    assert detail(picture, PERSON) < 3
    assert detail(picture, (0.6, 0.3, 0.7, 0.7)) > 20
    # Undrawn: nothing of the zone's outline, the box or words in colour on a grey ground.
    keeper.offer(draft(2), image=np.full((540, 960, 3), 90, np.uint8), people=[PERSON])
    wait_until(lambda: keeper.stills.status().written == 2)
    assert np.abs(keeper.picture(2).astype(int) - 90).max() <= 2


def test_the_object_of_a_rule_about_anything_is_hidden_too(keeper):
    keeper.offer(draft(1, rule="anything"), draft(2, label="car"))
    wait_until(lambda: keeper.stills.status().written == 2)
    assert detail(keeper.picture(1), PERSON) < 3
    assert detail(keeper.picture(2), PERSON) > 20


@pytest.mark.parametrize(
    ("drafts", "kept"),
    [
        ([[draft()], [draft(state="closed")]], 1),
        ([[draft(state="closed", rule="out")]], 1),
        ([[draft(), draft(2)]], 2),
        ([[draft(state="update")]], 0),
        ([[draft()], [draft(state="update")], [draft(state="closed")]], 1),
    ],
    ids=["a closing is no opening", "over at once", "two in one look", "an update", "a whole event"],
)
def test_which_drafts_get_a_still(keeper, drafts, kept):
    for look in drafts:
        keeper.offer(*look)
    last = draft(99)
    keeper.offer(last)
    wait_until(lambda: shelf.read(keeper.folder, last.event_id) is not None)
    assert keeper.stills.status().written == kept + 1


def test_a_closing_gets_no_still_and_nobody_is_looked_for_though_its_opening_was_dropped(tmp_path):
    one = Keeper(tmp_path, max_bytes=4096)
    one.offer(draft())
    wait_until(lambda: one.stills.status().dropped["budget"] == 1)
    one.stills.offer(one.camera, frame(0.0, NOISE), lambda: pytest.fail("a look for nothing"), [draft(state="closed")])
    one.stills.stop(5)
    assert one.handled() == 1


def test_a_camera_may_say_no(tmp_path):
    quiet = CAMERA.model_copy(update={"still": CAMERA.still.model_copy(update={"keep": False})})
    one = Keeper(tmp_path, camera=quiet)
    one.offer(draft())
    one.stills.stop(5)
    assert one.handled() == 0


def test_budget(tmp_path):
    one = Keeper(tmp_path, max_bytes=1 << 20)
    for number in range(12):
        one.offer(draft(number, at=NOW + number))
        wait_until(lambda number=number: one.handled() == number + 1)
    one.stills.stop(5)
    status = one.stills.status()
    on_disk = sum(file.stat().st_size for file in tmp_path.rglob("*") if file.is_file())
    assert on_disk <= status.bytes <= status.max_bytes == 1 << 20
    assert (status.written, status.kept + status.deleted["budget"]) == (12, 12)
    assert shelf.read(tmp_path, uuid7(NOW + 11, 11)) is not None
    assert shelf.read(tmp_path, uuid7(NOW, 0)) is None


def test_age_is_enforced_while_running_and_at_start(tmp_path):
    one = Keeper(tmp_path, sweep_s=0.01)
    one.offer(draft())
    wait_until(lambda: one.stills.status().kept == 1)
    one.now = NOW + 3 * 86_400_000
    wait_until(lambda: one.stills.status().deleted["age"] == 1)
    one.now = NOW
    one.offer(draft(2))
    wait_until(lambda: one.stills.status().kept == 1)
    one.stills.stop(5)
    later = Stills(tmp_path, {CAMERA.id: CAMERA}, lambda: NOW + 4 * 86_400_000, max_bytes=1 << 20)
    later.start()
    wait_until(lambda: later.status().deleted["age"] == 1)
    later.stop(5)
    assert list(tmp_path.iterdir()) == []


def test_when_the_disk_hangs_nobody_waits_and_every_drop_is_counted(tmp_path, monkeypatch):
    goes_on = threading.Event()
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (goes_on.wait(30), real(fd)))
    one = Keeper(tmp_path)
    one.offer(draft(0))
    wait_until(lambda: one.stills._queue.empty())
    for number in range(1, stills.QUEUE + 6):
        one.offer(draft(number))
    assert one.stills.status().dropped["queue"] == 5
    goes_on.set()
    wait_until(lambda: one.handled() == stills.QUEUE + 6)
    one.stills.stop(5)
    assert one.stills.status().written == stills.QUEUE + 1


def test_an_end_that_takes_the_last_place_in_the_queue_costs_the_still_alone(tmp_path):
    one = Stills(tmp_path, {CAMERA.id: CAMERA}, lambda: NOW, max_bytes=1 << 20)  # not started: nothing leaves the queue
    for number in range(1, stills.QUEUE):
        one.offer(CAMERA, frame(0.0, NOISE), tuple, [draft(number)])
    one.stop(0.0)
    one.offer(CAMERA, frame(0.0, NOISE), tuple, [draft(99)])
    assert one.status().dropped["queue"] == 1


def test_a_full_disk_is_counted_told_and_got_over(small_disk):
    one = Keeper(small_disk / "stills")
    other = small_disk / "somebody-elses"
    with other.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    one.offer(draft(1))
    wait_until(lambda: one.stills.status().fault == "No space left on device")
    lost = one.stills.status().dropped["disk-full"]
    assert lost == 1
    other.unlink()
    one.offer(draft(2))
    wait_until(lambda: one.stills.status().written == 1)
    one.stills.stop(5)
    assert one.stills.status().fault == ""
    assert [file.suffix for file in sorted((small_disk / "stills").rglob("*.*"))] == [".jpg", ".json"]


def test_a_folder_that_cannot_be_made_costs_stills_only(tmp_path):
    (tmp_path / "stills").write_text("a file")
    one = Keeper(tmp_path / "stills")
    one.offer(draft())
    wait_until(lambda: one.stills.status().dropped["disk"] == 1)
    assert one.stills.status().fault
    (tmp_path / "stills").unlink()
    one.offer(draft(2))
    wait_until(lambda: one.stills.status().written == 1)
    one.stills.stop(5)


def test_a_still_that_cannot_be_made_ends_no_thread(keeper):
    keeper.offer(replace(draft(), path="no path"))  # type: ignore[arg-type]
    wait_until(lambda: keeper.stills.status().dropped["fault"] == 1)
    keeper.offer(draft(2))
    wait_until(lambda: keeper.stills.status().written == 1)


def test_ending_writes_what_is_queued_and_may_be_asked_for_twice(tmp_path):
    one = Keeper(tmp_path)
    for number in range(6):
        one.offer(draft(number))
    one.stills.stop(5)
    one.stills.stop(5)
    assert one.stills.status().written == 6
