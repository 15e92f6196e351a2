"""Logging in and out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from central.api.deps import AnySession, Parts, check_origin, clear_cookie, set_cookie
from central.api.failures import declared
from central.api.models import Login, NewPassword, SessionBody, User

router = APIRouter(prefix="/api/session", tags=["session"])


@router.post("", responses=declared(400, 401, 403, 413, 422, 429, 503))
async def login(
    body: Login, request: Request, response: Response, central: Parts, _: Annotated[None, Depends(check_origin)]
) -> SessionBody:
    """Log in; the answer sets the session's cookie."""
    address = request.client.host if request.client else ""
    session = await central.access.login(body.name, body.password, address)
    set_cookie(response, central, session)
    return SessionBody(user=User(name=session.user), must_change_password=session.must_change_password)


@router.get("", responses=declared(401, 503))
async def current(session: AnySession) -> SessionBody:
    return SessionBody(user=User(name=session.user), must_change_password=session.must_change_password)


@router.delete("", status_code=204, responses=declared(401, 403, 503))
async def logout(session: AnySession, response: Response, central: Parts) -> None:
    await central.access.logout(session)
    clear_cookie(response, central)


@router.put("/password", status_code=204, responses=declared(400, 401, 403, 413, 422, 429, 503))
async def change_password(body: NewPassword, session: AnySession, response: Response, central: Parts) -> None:
    """Sets a new password, ends the user's other sessions, and gives this one a new cookie."""
    set_cookie(response, central, await central.access.change_password(session, body.old, body.new))
