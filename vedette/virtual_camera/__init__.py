"""A camera made of a clip: an RTSP server that sends a file's packets as they are, with faults on demand."""

from vedette.virtual_camera.auth import Auth
from vedette.virtual_camera.camera import VirtualCamera
from vedette.virtual_camera.clip import Clip, load_clip
from vedette.virtual_camera.errors import ClipError, FaultError, ServeError, VirtualCameraError
from vedette.virtual_camera.faults import (
    ClockSkew,
    Fault,
    Freeze,
    Garbage,
    Kick,
    Loss,
    Mute,
    Noise,
    Refuse,
    Resolution,
    Status,
)
from vedette.virtual_camera.stream import Mount, Stats

__all__ = [
    "Auth",
    "Clip",
    "ClipError",
    "ClockSkew",
    "Fault",
    "FaultError",
    "Freeze",
    "Garbage",
    "Kick",
    "Loss",
    "Mount",
    "Mute",
    "Noise",
    "Refuse",
    "Resolution",
    "ServeError",
    "Stats",
    "Status",
    "VirtualCamera",
    "VirtualCameraError",
    "load_clip",
]
