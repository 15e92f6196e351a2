"""Errors of the virtual camera.

VirtualCameraError
├── ClipError     the file cannot be sent as it is
├── FaultError    a fault was described wrongly, or does not fit the mount
├── ServeError    the server cannot listen, or was asked for a mount it does not have
└── RtspError     a client's bytes are not RTSP; `status` is the answer it gets

Only ServeError can pass by itself (a port that is taken now).
"""

from __future__ import annotations

import errno
import os


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


def cannot_listen(host: str, port: int, error: OSError) -> ServeError:
    """Python's own text of it repeats the address."""
    why = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or error  # < 0: of the name
    hint = "port 0 takes a free one" if error.errno == errno.EADDRINUSE else "check address and port"
    return ServeError(f"cannot listen on {host}, port {port}: {why}", hint=hint)


class RtspError(VirtualCameraError):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
