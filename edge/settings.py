"""What an edge process is started with, and the camera files it watches. Reads files; touches no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from contract import parse
from contract.camera import LABEL_GROUPS, Camera
from contract.errors import ConfigError, Problem
from edge.credentials import Credentials
from edge.errors import SettingsError
from edge.token import Token


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything but the cameras; central's address is checked by the uplink's client."""

    central: str
    token: Token
    data: Path
    models: Path
    threads: int = 1  # of inference
    backend: Literal["openvino", "onnx"] = "openvino"
    health_port: int = 0  # 0: any free one
    ca_file: Path | None = None
    plain_http: bool = False  # the token may cross a network in clear
    credentials: Mapping[str, Credentials] = field(default_factory=dict)


def load_cameras(paths: Sequence[Path]) -> list[Camera]:
    """Read camera files, or every one of a folder. Raises ConfigError with all problems, SettingsError."""
    try:
        files = [file for path in paths for file in (_camera_files(path) if path.is_dir() else [path])]
    except OSError as error:
        raise SettingsError(f"{error.filename}: {error.strerror}", hint="check the folder's rights") from error
    if not files:
        raise SettingsError(
            f"no camera file in {', '.join(map(str, paths))}", hint="copy camera_configs/minimal.yaml there and edit it"
        )
    try:
        return parse.cameras((str(file), file.read_bytes()) for file in files)
    except OSError as error:
        raise SettingsError(f"{error.filename}: {error.strerror}", hint="check the path") from error


def _camera_files(folder: Path) -> list[Path]:
    """Both endings that people give YAML: a camera must not be left out in silence. Hidden files are what editors
    and other systems leave behind."""
    return sorted(
        path for path in folder.iterdir() if path.suffix in (".yaml", ".yml") and not path.name.startswith(".")
    )


def check_labels(camera: Camera, class_names: Sequence[str]) -> None:
    """Raises ConfigError where a rule waits for a label that the camera's model never gives."""
    known = set(class_names) | set(LABEL_GROUPS)
    problems = [
        Problem(
            camera.id,
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
    if problems:
        raise ConfigError(problems)


def check_credentials(camera: Camera, credentials: Mapping[str, Credentials]) -> None:
    """Raises SettingsError where a camera names credentials that the edge was not given."""
    name = camera.source.credentials
    if name is not None and name not in credentials:
        raise SettingsError(
            f"{camera.id}: no credentials named {name!r}", hint="add them to the file given with --credentials"
        )
