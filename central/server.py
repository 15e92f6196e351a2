"""Central as a process: uvicorn, the control socket, and an end that desks cannot delay."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import resource
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI

from central import control
from central.api.deps import Central
from central.app import create_app, open_store, utc_ms
from central.errors import SettingsError
from central.patience import Patience
from central.settings import Settings

log = structlog.get_logger(__name__)


# Without a file descriptor left, asyncio tries (and fails) to accept as many connections a second.
BACKLOG = 128
TOLD_EVERY = 60.0  # s between lines about that


class Server(uvicorn.Server):
    """`listening` is called with the address once connections are taken.

    uvicorn waits for open answers before it tells the app of its end; a feed's answer ends only when told to.
    """

    def __init__(self, settings: Settings, central: Central, config: uvicorn.Config, listening: Callable[[str], None]):
        super().__init__(config)
        self._settings = settings
        self._central = central
        self._listening = listening
        self._patience = Patience(settings.request_wait)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit:
            raise SettingsError(
                f"cannot listen on {self.config.host}, port {self.config.port}",
                hint="is something else listening there? --port 0 takes any free port",
            ) from None
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            scheme = "https" if self._settings.tls_cert else "http"
            self._listening(f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}")

    async def on_tick(self, counter: int) -> bool:
        if counter % 10 == 0:  # a second
            for connection in self._patience.overdue(self.server_state.connections, self._central.monotonic()):
                if connection.transport is not None:
                    connection.transport.abort()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._central.feed.close()
        await super().shutdown(sockets)
        for connection in tuple(self.server_state.connections):  # peers that read no more of what is left for them
            if connection.transport is not None:
                connection.transport.abort()
        await asyncio.sleep(0)


def make_server(settings: Settings, central: Central, app: FastAPI, listening: Callable[[str], None]) -> Server:
    """Raises SettingsError."""
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
        proxy_headers=settings.behind_proxy,
        forwarded_allow_ips=list(settings.proxies),
        timeout_graceful_shutdown=settings.grace,
        backlog=BACKLOG,
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
    )
    try:
        config.load()
    except OSError as error:  # ssl.SSLError is one
        raise SettingsError(
            f"the TLS files cannot be used: {error}", hint="PEM files, the key without a password"
        ) from error
    return Server(settings, central, config, listening)


def raise_file_limit() -> None:
    """Every edge and desk is an open file, and 1024, the usual soft limit, is less than a city has edges."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def quiet_about_files(loop: asyncio.AbstractEventLoop) -> None:
    """Without file descriptors asyncio reports each failed accept: megabytes a second, onto the store's own disk."""
    told = -TOLD_EVERY

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        nonlocal told
        error = context.get("exception")
        if not (isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE)):
            loop.default_exception_handler(context)
        elif loop.time() - told >= TOLD_EVERY:
            told = loop.time()
            log.error("no file descriptors left: peers are kept waiting", hint="raise the limit (LimitNOFILE)")

    loop.set_exception_handler(handle)


async def serve(settings: Settings, say: Callable[[str], None]) -> None:
    """Until SIGTERM or SIGINT. `say` prints for the operator, one line a call. Raises CentralError."""
    quiet_about_files(asyncio.get_running_loop())
    with contextlib.closing(open_store(settings, utc_ms())) as store:
        app = create_app(settings, store)
        central: Central = app.state.central
        server = make_server(settings, central, app, lambda address: say(f"central listens on {address}"))
        if first := await central.access.first_login():
            say(f"first login: {first[0]}  one-time password: {first[1]}  (shown once, void after a day)")
        async with control.answering(settings.data, store):
            await server.serve()


def quiet_end() -> None:
    """uvicorn raises the signal again after its shutdown: end with 0 then, as an ordinary stop."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
