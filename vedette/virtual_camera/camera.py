"""The virtual camera for tests and the demo: a server in a thread of its own, steered from any thread."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence

from vedette.virtual_camera.auth import Auth
from vedette.virtual_camera.errors import ServeError
from vedette.virtual_camera.faults import Fault
from vedette.virtual_camera.onvif_server import OnvifServer
from vedette.virtual_camera.server import Server, load_mounts
from vedette.virtual_camera.stream import Mount, Stats
from vedette.virtual_camera.viewer import QUEUE_BYTES


class VirtualCamera:
    """with VirtualCamera([Mount("plaza", path)]) as camera: open(camera.url("plaza"))

    The clips are read at construction (ClipError); it listens from `with` on (ServeError). At the end of
    `with` its thread, connections and sockets are gone.
    """

    def __init__(
        self,
        mounts: Sequence[Mount],
        *,
        auth: Auth | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        session_timeout: float = 60.0,
        queue_bytes: int = QUEUE_BYTES,
        onvif_port: int | None = None,
    ) -> None:
        self._server = Server(
            load_mounts(mounts),
            auth=auth,
            host=host,
            port=port,
            session_timeout=session_timeout,
            queue_bytes=queue_bytes,
        )
        self._onvif = None if onvif_port is None else OnvifServer(self._server, onvif_port)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="virtual-camera", daemon=True)

    def __enter__(self) -> VirtualCamera:
        self._thread.start()
        self._ready.wait()
        if self._failure:
            self._thread.join()
            raise self._failure
        return self

    def __exit__(self, *_: object) -> None:
        if self._loop:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
            self._loop = None

    @property
    def port(self) -> int:
        return self._server.port

    @property
    def onvif(self) -> str:
        """The ONVIF device's address, http://host:port; without `onvif_port` there is none."""
        if self._onvif is None:
            raise ServeError("there is no ONVIF device", hint="give onvif_port, 0 for any")
        return self._onvif.address

    def url(self, name: str, *, credentials: bool = False) -> str:
        return self._server.url(name, credentials=credentials)

    def fault(self, name: str, fault: Fault, seconds: float | None = None) -> None:
        """In force on return; for `seconds`, or until cleared. Raises FaultError, ServeError."""
        self._call(lambda: self._server.set_fault(name, fault, seconds))

    def clear(self, name: str, kind: type[object] | None = None) -> None:
        """End one kind of fault of a mount, or all of them."""
        self._call(lambda: self._server.clear_fault(name, kind))

    def stats(self, name: str) -> Stats:
        return self._server.streams[name].stats()

    def _call(self, work: Callable[[], None]) -> None:
        """Do it in the server's loop, and wait until it is done."""

        async def done() -> None:
            work()

        if self._loop is None:
            raise ServeError("the virtual camera does not run", hint="use it inside its `with`")
        asyncio.run_coroutine_threadsafe(done(), self._loop).result()

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:
            self._failure = error
        finally:
            self._ready.set()

    async def _main(self) -> None:
        self._stop = asyncio.Event()
        async with self._server, self._onvif or contextlib.nullcontext():
            self._loop = asyncio.get_running_loop()
            self._ready.set()
            await self._stop.wait()
