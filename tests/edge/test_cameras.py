from __future__ import annotations

import os

import pytest

from edge import cameras
from edge.errors import SettingsError

GOOD = """
id: {name}
tier: 1
pilot: school
site: s1
purpose: a test of folders
source: {{url: "rtsp://192.0.2.1/"}}
"""


def put(folder, **texts):
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text)


def test_the_sound_ones_are_read_whatever_stands_beside_them(tmp_path):
    put(tmp_path, a=GOOD.format(name="a"), b="id: b\n", c=GOOD.format(name="c"), d=GOOD.format(name="a"))
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "folder.yaml").mkdir()
    found = cameras.read([tmp_path])
    assert [camera.id for camera in found.cameras.values()] == ["a", "c"]
    wrong = {problem.file.rpartition("/")[2] for problem in found.problems}
    assert wrong == {"b.yaml", "d.yaml", "pipe.yaml", "folder.yaml"}


def test_a_file_that_cannot_be_read_is_told(tmp_path):
    found = cameras.read([tmp_path / "none.yaml"])
    assert [(problem.message, problem.hint) for problem in found.problems] == [
        ("No such file or directory", "check the path")
    ]


def test_an_empty_folder_is_no_edge(tmp_path):
    with pytest.raises(SettingsError, match="no camera file"):
        cameras.read([tmp_path])
