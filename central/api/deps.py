"""What routes and pages get handed: the parts of central, and who is asking."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request, Response, Security
from fastapi.security import APIKeyCookie

from central.access import Access, Session
from central.errors import Forbidden
from central.feed import Feed
from central.settings import Settings
from central.store.base import Store

# For OpenAPI; behind TLS the cookie is named __Host-vedette, and the right one is read below.
COOKIE = APIKeyCookie(name="vedette", scheme_name="session", auto_error=False)
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Central:
    settings: Settings
    store: Store
    access: Access
    feed: Feed[bytes]
    now: Callable[[], int]  # UTC ms
    monotonic: Callable[[], float]  # s
    version: str

    @property
    def cookie(self) -> str:
        return "__Host-vedette" if self.settings.secure_cookies else "vedette"


def get_central(request: Request) -> Central:
    central = request.app.state.central
    assert isinstance(central, Central)
    return central


Parts = Annotated[Central, Depends(get_central)]


def check_origin(request: Request, central: Parts) -> None:
    """A browser sends no unsafe request from another site's page past this. Raises Forbidden."""
    if request.method in SAFE:
        return
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is not None:
        same = site == "same-origin"
    elif origin is not None:
        same = urlsplit(origin).netloc == request.headers.get("host")
    else:  # no browser; but then nothing should ride on a browser's cookie
        same = central.cookie not in request.cookies
    if not same:
        raise Forbidden("the request comes from another site's page", code="cross-site")


async def any_session(
    request: Request,
    central: Parts,
    _origin: Annotated[None, Depends(check_origin)],
    _cookie: Annotated[str | None, Security(COOKIE)],
) -> Session:
    """Raises NotSignedIn."""
    return await central.access.session(request.cookies.get(central.cookie))


async def full_session(session: Annotated[Session, Depends(any_session)]) -> Session:
    """Raises NotSignedIn, Forbidden."""
    if session.must_change_password:
        raise Forbidden(
            "the one-time password must be changed first",
            code="must-change-password",
            hint="PUT /api/session/password",
        )
    return session


async def watching_session(
    request: Request, central: Parts, _cookie: Annotated[str | None, Security(COOKIE)]
) -> Session:
    """For what a page asks by itself: nobody need be there, so it keeps no session alive. GET only. Raises
    NotSignedIn, Forbidden."""
    return await full_session(await central.access.session(request.cookies.get(central.cookie), touch=False))


AnySession = Annotated[Session, Depends(any_session)]
SignedIn = Annotated[Session, Depends(full_session)]
Watching = Annotated[Session, Depends(watching_session)]


def set_cookie(response: Response, central: Central, session: Session) -> None:
    """A session cookie: it ends with the browser, and on the server in its own time."""
    response.set_cookie(
        central.cookie,
        session.token,
        path="/",
        secure=central.settings.secure_cookies,
        httponly=True,
        samesite="strict",
    )


def clear_cookie(response: Response, central: Central) -> None:
    response.delete_cookie(
        central.cookie, path="/", secure=central.settings.secure_cookies, httponly=True, samesite="strict"
    )
