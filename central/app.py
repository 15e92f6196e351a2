"""Composition root of central: the only place that knows the concrete store."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version

from argon2 import PasswordHasher
from fastapi import FastAPI

from central.access import Access
from central.api import events, failures, feed, gaps, health, ingest, session
from central.api.deps import Central
from central.api.guard import Guard
from central.feed import Feed
from central.settings import Settings
from central.store.base import Store
from central.store.sqlite import SqliteStore
from central.web import pages
from contract.wire import MAX_BODY


def utc_ms() -> int:
    return time.time_ns() // 1_000_000


def open_store(settings: Settings, now: int) -> SqliteStore:
    """Raises StoreError."""
    return SqliteStore(settings.data, now, readers=settings.readers, write_queue=settings.write_queue)


def create_app(
    settings: Settings,
    store: Store | None = None,
    *,
    now: Callable[[], int] = utc_ms,
    monotonic: Callable[[], float] = time.monotonic,
    hasher: PasswordHasher | None = None,
) -> FastAPI:
    """`store` is closed by whoever opened it: by the app, at the end of its life, if it is None. Raises StoreError."""
    opened = store or open_store(settings, now())
    access = Access(opened, now=now, monotonic=monotonic, hasher=hasher)
    live: Feed[bytes] = Feed(
        opened,
        feed.encode,
        bound=settings.desk_queue,
        max_desks=settings.max_desks,
        keep_alive=settings.keep_alive,
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        live.close()
        access.close()
        if store is None:
            opened.close()

    app = FastAPI(
        title="Vedette central",
        version=_version(),
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        # Else environment variables could make it send traces and logs to other hosts.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.central = Central(settings, opened, access, live, now, monotonic, _version())
    failures.install(app)
    for part in (ingest, session, events, feed, gaps, health):
        app.include_router(part.router)
    app.include_router(pages.router, include_in_schema=False)
    app.add_middleware(Guard, max_body=MAX_BODY, https=settings.secure_cookies)
    return app


def _version() -> str:
    try:
        return version("vedette")
    except PackageNotFoundError:
        return "0+source"
