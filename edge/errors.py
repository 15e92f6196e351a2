"""Errors of the edge.

EdgeError
├── SettingsError        the process was started wrongly
│   └── OutboxInUse      another process has the outbox open
├── SourceError          a camera's stream
│   ├── SourceRefused    it answered no (401, 403, 404, 5xx, not RTSP at all)
│   ├── SourceTimeout    it answered too late, or not at all
│   └── SourceEnded      it was there and stopped (closed, reset, end of file)
├── ModelError           weights or card
│   ├── CardError        the card is wrong, or names what Vedette never detects
│   ├── ChecksumError    the weights are not those of the card
│   └── BackendError     the inference library failed or is not installed
├── OutboxError          the local database
│   ├── OutboxFull       no room left for a record
│   └── OutboxDamaged    the file is not a sound outbox
└── UplinkError          the way to central
    ├── UplinkRefused    central understood and said no (token, size, version)
    └── UplinkUnreachable  no answer, or an answer that means "later"

Every error says whether a retry can help and what the operator should do.
"""

from __future__ import annotations


class EdgeError(Exception):
    retryable = False

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class SettingsError(EdgeError):
    pass


class OutboxInUse(SettingsError):
    pass


class SourceError(EdgeError):
    retryable = True


class SourceRefused(SourceError):
    """`code` is one word: credentials, not-found, busy, not-rtsp, not-onvif, no-video, fault, refused."""

    def __init__(self, message: str, *, code: str = "refused", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.code = code


class SourceTimeout(SourceError):
    pass


class SourceEnded(SourceError):
    pass


class ModelError(EdgeError):
    pass


class CardError(ModelError):
    pass


class ChecksumError(ModelError):
    pass


class BackendError(ModelError):
    pass


class OutboxError(EdgeError):
    pass


class OutboxFull(OutboxError):
    retryable = True


class OutboxDamaged(OutboxError):
    pass


class UplinkError(EdgeError):
    pass


class UplinkRefused(UplinkError):
    """`status` is the HTTP status that central answered."""

    def __init__(self, message: str, *, status: int, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status


class UplinkUnreachable(UplinkError):
    """`kind` is one word for counters; `retry_after` is central's wish in seconds, 0 where it has none."""

    retryable = True

    def __init__(self, message: str, *, kind: str, hint: str = "", retry_after: float = 0.0) -> None:
        super().__init__(message, hint=hint)
        self.kind = kind
        self.retry_after = retry_after
