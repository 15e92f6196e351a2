"""Errors of central.

CentralError
├── SettingsError       the process was started wrongly
├── StoreError          the database
│   ├── StoreClosed     used after close
│   ├── StoreBusy       another process owns it, or more work is waiting than it may hold
│   ├── StoreFull       no room left on the disk
│   ├── SearchTooLong   ended, so that others get their turn
│   └── StoreUnsuited   it was made by a newer Vedette, or is no store at all
└── RequestError        a request that cannot be answered as asked
    ├── BadRequest      400
    ├── NotSignedIn     401
    ├── Forbidden       403
    ├── NotFound        404
    ├── Conflict        409
    ├── TooLarge        413
    ├── WrongType       415
    ├── Slowed          429
    └── Unavailable     503

Every error says whether a retry can help and what to do; `status` and `code` are what HTTP answers with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class CentralError(Exception):
    status: ClassVar[int] = 500
    code = "internal"
    retryable = False

    def __init__(
        self, message: str, *, code: str = "", hint: str = "", retry_after: int = 0, headers: Mapping[str, str] = {}
    ) -> None:
        """`retry_after` in seconds, 0 for none."""
        super().__init__(message)
        self.code = code or self.code
        self.hint = hint
        self.headers = dict(headers)
        if retry_after:
            self.headers["Retry-After"] = str(retry_after)


class SettingsError(CentralError):
    code = "settings"


class StoreError(CentralError):
    status = 503
    code = "store"
    retryable = True


class StoreClosed(StoreError):
    code = "store-closed"


class StoreBusy(StoreError):
    code = "store-busy"


class StoreFull(StoreError):
    code = "disk-full"


class SearchTooLong(StoreError):
    code = "search-too-long"
    retryable = False


class StoreUnsuited(StoreError):
    code = "store-unsuited"
    retryable = False


class RequestError(CentralError):
    pass


class BadRequest(RequestError):
    status = 400
    code = "bad-request"


class NotSignedIn(RequestError):
    status = 401
    code = "not-signed-in"


class Forbidden(RequestError):
    status = 403
    code = "forbidden"


class NotFound(RequestError):
    status = 404
    code = "not-found"


class Conflict(RequestError):
    status = 409
    code = "conflict"


class TooLarge(RequestError):
    status = 413
    code = "too-large"


class WrongType(RequestError):
    status = 415
    code = "content-type"


class Slowed(RequestError):
    status = 429
    code = "slowed"
    retryable = True


class Unavailable(RequestError):
    status = 503
    code = "unavailable"
    retryable = True


def error_body(
    code: str, message: str, *, hint: str = "", retryable: bool = False, details: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """The one shape of every error that central answers with."""
    error: dict[str, Any] = {"code": code, "message": message, "hint": hint, "retryable": retryable}
    if details:
        error["details"] = list(details)
    return {"error": error}
