"""The outermost layer: security headers, a bound on bodies, and a last answer where everything else failed.

Plain ASGI: it must not touch the chunks of a feed that stays open for hours.
"""

from __future__ import annotations

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from central.api import failures

log = structlog.get_logger(__name__)

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
HSTS = "max-age=31536000"


class Guard:
    """`max_body` in bytes; `https` adds Strict-Transport-Security."""

    def __init__(self, app: ASGIApp, *, max_body: int, https: bool) -> None:
        self._app = app
        self._max_body = max_body
        self._headers = {**HEADERS, "Strict-Transport-Security": HSTS} if https else HEADERS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False
        unread = "transfer-encoding" in Headers(scope=scope)  # a body of unknown length, not read to its end

        async def send_guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                headers.update(self._headers)
                headers.setdefault("Cache-Control", "no-store")
                if unread:  # else the server would read on, however much comes
                    headers["Connection"] = "close"
            await send(message)

        size = 0

        async def receive_bounded() -> Message:
            nonlocal size, unread
            message = await receive()
            unread = unread and message.get("more_body", False)
            size += len(message.get("body", b""))
            if size > self._max_body:
                raise HTTPException(413)
            return message

        try:
            if self._claims_too_much(scope):
                await failures.too_large()(scope, receive, send_guarded)
            else:
                await self._app(scope, receive_bounded, send_guarded)
        except ClientDisconnect:  # in the middle of its own request: nobody is left to tell
            pass
        except Exception as error:
            log.error("request failed", method=scope["method"], path=scope["path"], exc_info=error)
            if not started:
                await failures.internal()(scope, receive, send_guarded)

    def _claims_too_much(self, scope: Scope) -> bool:
        claimed = Headers(scope=scope).get("content-length", "")
        return claimed.isdigit() and int(claimed) > self._max_body
