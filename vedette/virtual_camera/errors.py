"""Errors of the virtual camera.

VirtualCameraError
├── ClipError     the file cannot be sent as it is
├── FaultError    a fault was described wrongly, or does not fit the mount
├── ServeError    the server cannot listen, or was asked for a mount it does not have
└── RtspError     a client's bytes are not RTSP; `status` is the answer it gets

Only ServeError can pass by itself (a port that is taken now).
"""

from __future__ import annotations


class VirtualCameraError(Exception):
    retryable = False

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class ClipError(VirtualCameraError):
    pass


class FaultError(VirtualCameraError):
    pass


class ServeError(VirtualCameraError):
    retryable = True


class RtspError(VirtualCameraError):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
