from __future__ import annotations

import errno
import os
import random
import signal
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import cv2
import msgspec
import numpy as np
import pytest

from edge import shelf, why
from edge.ids import uuid7
from edge.shelf import Shelf
from edge.why import Why
from tests.edge.drafts import CAMERA, NOW, draft

DAY_MS = 86_400_000
JPEG = bytes(cv2.imencode(".jpg", np.full((90, 160, 3), 90, np.uint8))[1])


def facts(number: int = 1, *, at: int = NOW, **more: object) -> Why:
    return msgspec.structs.replace(why.of(draft(number, at=at), CAMERA, "yolov8n"), **more)


def opened(folder: Path, max_bytes: int = 1 << 20) -> Shelf:
    one = Shelf(folder, max_bytes)
    one.open()
    return one


def files(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


def test_a_picture_and_its_facts_lie_under_the_day_of_the_event(tmp_path):
    opened(tmp_path / "stills").keep(facts(), JPEG)
    name = f"2026-11-18/{uuid7(NOW, 1)}"
    assert files(tmp_path / "stills") == [f"{name}.jpg", f"{name}.json"]
    assert shelf.read(tmp_path / "stills", uuid7(NOW, 1)) == (JPEG, facts())


def test_only_the_owner_may_look(tmp_path):
    opened(tmp_path / "stills").keep(facts(), JPEG)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in [tmp_path / "stills", *(tmp_path / "stills").rglob("*")]}
    assert modes == {0o700, 0o600}


def test_the_oldest_go_first_when_the_budget_is_used_up(tmp_path):
    one = opened(tmp_path, max_bytes=4 * 8192)
    for number in (3, 1, 2, 5, 4, 6):
        assert one.keep(facts(number, at=NOW + number), JPEG)
        assert one.bytes <= one.max_bytes
    assert [entry.opened_at - NOW for entry in one.entries] == [3, 4, 5, 6]
    assert len(files(tmp_path)) == 8
    assert one.deleted["budget"] == 2


def test_the_oldest_go_first_where_the_disk_is_needed_for_more(tmp_path):
    one = opened(tmp_path)
    for number in range(4):
        assert one.keep(facts(number, at=NOW + number), JPEG)
    assert one.shed(8193) == 2 * 8192
    assert [entry.opened_at - NOW for entry in one.entries] == [2, 3]
    assert one.shed(1 << 30) == 2 * 8192
    assert one.shed(1) == 0
    assert (files(tmp_path), one.bytes, one.deleted["disk-full"]) == ([], 0, 4)


def test_one_beyond_the_whole_budget_is_not_kept(tmp_path):
    one = opened(tmp_path, max_bytes=8192)
    assert one.keep(facts(1), JPEG)
    assert not one.keep(facts(2), JPEG + bytes(8192))
    assert [entry.event_id for entry in one.entries] == [uuid7(NOW, 1)]


@pytest.mark.parametrize(
    ("days", "after_days", "left"),
    [({"gate-1": 2.0}, 1.99, 1), ({"gate-1": 2.0}, 2.0, 0), ({}, 2.99, 1), ({}, 3.0, 0), ({"gate-1": 0.0}, 0.0, 0)],
    ids=["young enough", "too old", "camera gone, still young", "camera gone, too old", "kept no longer"],
)
def test_age(tmp_path, days, after_days, left):
    one = opened(tmp_path)
    one.keep(facts(), JPEG)
    one.sweep(NOW + round(after_days * DAY_MS), days)
    assert (len(one.entries), len(files(tmp_path)), one.deleted["age"]) == (left, 2 * left, 1 - left)
    assert bool(list(tmp_path.iterdir())) == bool(left)  # no empty folder stays


def test_a_new_owner_knows_what_is_there(tmp_path):
    before = opened(tmp_path)
    for number in range(5):
        before.keep(facts(number, at=NOW - number * DAY_MS), JPEG)
    after = opened(tmp_path)
    assert (after.entries, after.bytes) == (before.entries, before.bytes)


def test_what_a_crash_left_is_cleared_away_and_what_is_not_ours_stays(tmp_path):
    opened(tmp_path).keep(facts(), JPEG)
    day = tmp_path / "2026-11-18"
    other = uuid7(NOW, 9)
    for name in (f"{other}.jpg.part", f"{other}.json", f"{uuid7(NOW, 8)}.jpg", "notes.txt"):
        (day / name).write_bytes(b"{")
    (tmp_path / "readme").write_text("mine")
    after = opened(tmp_path)
    kept = uuid7(NOW, 1)
    assert files(tmp_path) == [f"2026-11-18/{kept}.jpg", f"2026-11-18/{kept}.json", "2026-11-18/notes.txt", "readme"]
    assert [entry.event_id for entry in after.entries] == [kept]
    assert after.deleted["damaged"] == 1


def test_a_file_that_is_called_like_a_day_is_no_day(tmp_path):
    (tmp_path / "2026-11-17").write_text("mine")
    opened(tmp_path).keep(facts(), JPEG)
    assert len(list(shelf.listed(tmp_path))) == len(opened(tmp_path).entries) == 1


def test_a_day_that_goes_while_it_is_listed_hides_no_other(tmp_path, monkeypatch):
    one = opened(tmp_path)
    for number, day in ((1, 0), (2, 1)):
        one.keep(facts(number, at=NOW + day * 86_400_000), JPEG)
    real = Path.iterdir

    def late(folder):
        if folder.name == "2026-11-18":
            one.sweep(NOW + 3 * 86_400_000, {})
        return real(folder)

    monkeypatch.setattr(Path, "iterdir", late)
    assert [why.event_id for why, _ in shelf.listed(tmp_path)] == [uuid7(NOW + 86_400_000, 2)]


def test_facts_of_another_event_are_damage(tmp_path):
    opened(tmp_path).keep(facts(1), JPEG)
    file = shelf.path_of(tmp_path, uuid7(NOW, 1))
    file.rename(file.with_stem(str(uuid7(NOW, 2))))
    file.with_suffix(".json").rename(file.with_name(f"{uuid7(NOW, 2)}.json"))
    assert opened(tmp_path).deleted["damaged"] == 1
    assert files(tmp_path) == []


def test_a_disk_that_fails_half_way_leaves_nothing_behind(tmp_path, monkeypatch):
    one = opened(tmp_path)
    real = os.fsync
    calls = []

    def full(fd):
        calls.append(fd)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(fd)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        one.keep(facts(), JPEG)
    assert (files(tmp_path), one.entries, one.bytes) == ([], [], 0)
    assert one.keep(facts(), JPEG)


def test_there_already(tmp_path):
    one = opened(tmp_path)
    one.keep(facts(), JPEG)
    assert one.keep(facts(label="car"), JPEG + b"x")
    assert shelf.read(tmp_path, uuid7(NOW, 1)) == (JPEG, facts())
    assert len(one.entries) == 1


def test_killed_at_any_moment_no_half_picture_stays(tmp_path):
    """Real processes, killed for real while they write."""
    chance = random.Random(5)
    seen: set[UUID] = set()
    for life in range(4):
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.edge.shelf_child", str(tmp_path), str(life)], stdout=subprocess.PIPE
        )
        assert child.stdout is not None
        for _ in range(chance.randrange(1, 25)):
            assert child.stdout.readline().startswith(b"kept")
        child.send_signal(signal.SIGKILL)
        child.wait(10)
        child.stdout.close()
        one = opened(tmp_path, 1 << 30)
        ids = {entry.event_id for entry in one.entries}
        assert seen <= ids
        seen = ids
        assert one.deleted["damaged"] == 0
        assert len(files(tmp_path)) == 2 * len(ids)
        for event_id in ids:
            found = shelf.read(tmp_path, event_id)
            assert found is not None
            assert cv2.imdecode(np.frombuffer(found[0], np.uint8), cv2.IMREAD_COLOR).shape == (270, 480, 3)
            assert found[0].endswith(b"\xff\xd9")
    assert len(seen) > 6


def test_listed_in_the_order_of_days(tmp_path):
    one = opened(tmp_path)
    for number in (2, 0, 1):
        one.keep(facts(number, at=NOW + number * DAY_MS), JPEG)
    assert [(each.opened_at - NOW) // DAY_MS for each, _ in shelf.listed(tmp_path)] == [0, 1, 2]
    assert {size for _, size in shelf.listed(tmp_path)} == {len(JPEG)}


def test_facts_carry_the_shape_the_path_and_the_way(tmp_path):
    zone, line = (why.of(replace(draft(rule=rule)), CAMERA, "m") for rule in ("keep-off", "out"))
    assert (zone.polygon, zone.line, zone.direction) == (CAMERA.zones["lawn"], None, None)
    assert (line.polygon, line.line, line.direction) == (None, CAMERA.lines["gate"], "up")
    assert zone.path == ((-2.0, 0.2, 0.7), (-1.0, 0.3, 0.72), (0.0, 0.45, 0.7))
    health = why.of(replace(draft(), rule="view", kind="dark", zone=None, box=None, path=()), CAMERA, "m")
    assert (health.polygon, health.line, health.labels) == (None, None, ())


@pytest.mark.parametrize("name", ["x.jpg", "x.json", "x.part", "@eaDir"])
def test_folders_that_others_put_there_are_left_alone(tmp_path, name):
    opened(tmp_path).keep(facts(), JPEG)
    (tmp_path / "2026-11-18" / name).mkdir()
    (tmp_path / "2026-01-01").write_text("no folder")
    again = opened(tmp_path)
    assert again.keep(facts(2), JPEG)
    assert len(again.entries) == len(list(shelf.listed(tmp_path))) == 2
    assert (tmp_path / "2026-11-18" / name).is_dir()
