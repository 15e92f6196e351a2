"""The desk's pages and static files.

`/` the feed, its first page written here so that it is there at once; `/login`, `/password`, `/language`.
Whoever is not signed in is sent to `/login` and comes back; a one-time password leads to `/password` first.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import ValidationError

from central.access import IDLE, Session
from central.api.deps import Central, Parts
from central.api.models import Event, Filter, cursor_of
from central.errors import NotFound, NotSignedIn
from central.web import assets, texts, view
from contract.event import Severity

FIRST_PAGE = 50
TOLD: tuple[Severity, ...] = ("alarm", "warning")  # where nothing else is asked for; as static/filter.js has it
KEEP = 365 * 24 * 3600  # s, for the language

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.globals["asset"] = assets.url


@router.get("/")
async def feed(request: Request, central: Parts) -> Response:
    session = await _session(request, central)
    if session is None or session.must_change_password:
        return _away(request, "/login" if session is None else "/password")
    try:
        given = Filter.model_validate(_filter(request))
    except ValidationError:
        return RedirectResponse("/", 303)  # an address that somebody mistyped
    now, query = central.now(), given.query()
    if not (given.severity or given.kind or given.rule):
        query = replace(query, severities=TOLD)
    change = await central.store.last_change()  # before the events: what comes between is sent twice, not lost
    stored = await central.store.events(query, None, FIRST_PAGE + 1)
    events = [Event.told(event).model_dump(mode="json") for event in stored[:FIRST_PAGE]]
    following = cursor_of(stored[FIRST_PAGE - 1]) if len(stored) > FIRST_PAGE else None
    text = _texts(request)
    zone = view.zone_of(request.cookies.get("zone"))
    boot = {"user": session.user, "now": now, "idle": IDLE, "change": change, "next": following, "events": events}
    return _render(
        request,
        "feed",
        user=session.user,
        rows=[view.row(event, text, now, zone) for event in events],
        more=following is not None,
        filtered=bool(given.model_fields_set),
        boot=json.dumps(boot, ensure_ascii=False, separators=(",", ":")),
    )


@router.get("/login")
async def login(request: Request, central: Parts, back: str = "/", lapsed: str = "") -> Response:
    session = await _session(request, central)
    if session is not None:
        return RedirectResponse("/password" if session.must_change_password else _local(back), 303)
    return _render(request, "login", back=_local(back), lapsed=bool(lapsed))


@router.get("/password")
async def password(request: Request, central: Parts, back: str = "/") -> Response:
    session = await _session(request, central)
    if session is None:
        return _away(request, "/login")
    return _render(request, "password", back=_local(back), forced=session.must_change_password, user=session.user)


@router.get("/language")
async def language(to: Annotated[str, Query(max_length=16)] = "", back: str = "/") -> Response:
    """A preference, no state of central's: so it may be a GET."""
    answer = RedirectResponse(_local(back), 303)
    if to in texts.languages():
        answer.set_cookie("language", to, max_age=KEEP, path="/", samesite="lax")
    return answer


@router.get("/static/{version}/{name}")
async def static(version: str, name: str) -> Response:
    asset = assets.assets().get(name)
    if asset is None or version != assets.version():
        raise NotFound("there is no such file", code="no-file", hint="load the page again")
    return Response(
        asset.body, media_type=asset.media_type, headers={"Cache-Control": "public, max-age=31536000, immutable"}
    )


async def _session(request: Request, central: Central) -> Session | None:
    try:
        return await central.access.session(request.cookies.get(central.cookie))
    except NotSignedIn:
        return None


def _filter(request: Request) -> dict[str, str | list[str]]:
    """The filter in the address; what is no filter of ours is left alone."""
    given = request.query_params
    single = {"since", "until"}
    return {
        name: given[name] if name in single else given.getlist(name) for name in Filter.model_fields if name in given
    }


def _away(request: Request, path: str) -> Response:
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(path if here in ("/", path) else f"{path}?{urlencode({'back': here})}", 303)


def _local(path: str) -> str:
    """`path` if it lies on this server, else the feed: a link must not lead to another host after signing in."""
    bad = not path.startswith("/") or path.startswith("//") or "\\" in path or any(ord(c) < 32 for c in path)
    return "/" if bad or len(path) > 4000 else path


def _texts(request: Request) -> texts.Texts:
    return texts.texts(texts.choose(request.cookies.get("language"), request.headers.get("accept-language")))


def _render(request: Request, page: str, **values: object) -> HTMLResponse:
    theme = request.cookies.get("theme")
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return HTMLResponse(
        _templates.get_template(f"{page}.html").render(
            t=_texts(request),
            page=page,
            theme=theme if theme in ("dark", "light") else "",
            languages=texts.languages(),
            here=here,
            **values,
        )
    )
