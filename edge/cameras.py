"""The camera files of an edge: the sound ones are watched, the others are told of and hold up nobody.

Reads files; touches no camera, no network and no model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from contract import parse
from contract.camera import Camera
from contract.errors import Problem
from contract.rules import LABEL_GROUPS
from edge.credentials import Credentials
from edge.errors import SettingsError


@dataclass(frozen=True, slots=True)
class CameraFiles:
    cameras: Mapping[str, Camera]  # by file
    problems: tuple[Problem, ...]  # of the other files


def read(paths: Sequence[Path]) -> CameraFiles:
    """Camera files, or every one of a folder. Raises SettingsError where there is none at all."""
    files: dict[str, bytes] = {}
    problems: list[Problem] = []
    try:
        found = [file for path in paths for file in (_in_folder(path) if path.is_dir() else [path])]
    except OSError as error:
        raise SettingsError(f"{error.filename}: {error.strerror}", hint="check the folder's rights") from error
    if not found:
        raise SettingsError(
            f"no camera file in {', '.join(map(str, paths))}", hint="copy camera_configs/minimal.yaml there and edit it"
        )
    for file in found:
        try:
            if file.exists() and not file.is_file():
                raise OSError(None, "not a file")
            files[str(file)] = file.read_bytes()
        except OSError as error:
            problems.append(Problem(str(file), 0, "", "", error.strerror or "cannot be read", "check the path"))
    cameras, faults = parse.cameras(files.items())
    return CameraFiles(cameras, (*problems, *faults))


def label_problems(file: str, camera: Camera, class_names: Sequence[str]) -> list[Problem]:
    """Rules that wait for a label that the camera's model never gives."""
    known = set(class_names) | set(LABEL_GROUPS)
    return [
        Problem(
            file,
            0,
            f"rules.{name}.labels",
            label,
            f"the model {camera.detect.model} knows no such label",
            f"its labels: {', '.join(class_names)}; groups: {', '.join(LABEL_GROUPS)}; or the word any",
        )
        for name, rule in camera.rules.items()
        if rule.labels != "any"
        for label in rule.labels
        if label not in known
    ]


def credential_problems(file: str, camera: Camera, credentials: Mapping[str, Credentials]) -> list[Problem]:
    """A camera that names credentials which the edge was not given."""
    name = camera.source.credentials
    if name is None or name in credentials:
        return []
    hint = "add it to the file given with --credentials"
    return [Problem(file, 0, "source.credentials", name, f"no credentials named {name!r}", hint)]


def _in_folder(folder: Path) -> list[Path]:
    """Both endings that people give YAML: a camera must not be left out in silence. Hidden files are what editors
    and other systems leave behind."""
    return sorted(
        path for path in folder.iterdir() if path.suffix in (".yaml", ".yml") and not path.name.startswith(".")
    )
