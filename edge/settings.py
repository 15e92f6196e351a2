"""What an edge process is started with, beside its cameras."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from edge.credentials import Credentials
from edge.detect.choices import Backend, Device
from edge.token import Token


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything but the cameras; central's address is checked by the uplink's client."""

    central: str
    token: Token
    data: Path
    models: Path
    threads: int = 1  # of inference
    backend: Backend = "openvino"
    device: Device = "auto"
    health_port: int = 0  # 0: any free one
    ca_file: Path | None = None
    plain_http: bool = False  # the token may cross a network in clear
    uplink_bytes: int = 0  # a second, to central; 0: any number
    stills_mib: int = 512  # disk that pictures of events may take, at most
    credentials: Mapping[str, Credentials] = field(default_factory=dict)
