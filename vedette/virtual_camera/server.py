"""The server: one listener, its mounts and its connections, in one event loop.

`async with Server(...)` listens on entry; on exit every task, connection and socket of it is gone.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Coroutine, Sequence
from typing import Any
from urllib.parse import quote

from vedette.virtual_camera.auth import Auth
from vedette.virtual_camera.clip import Clip, load_clip
from vedette.virtual_camera.connection import Connection, Context
from vedette.virtual_camera.errors import ServeError, cannot_listen
from vedette.virtual_camera.faults import Fault, Kick, Planned, Refuse
from vedette.virtual_camera.stream import Mount, Stream
from vedette.virtual_camera.udp import UdpPair
from vedette.virtual_camera.viewer import QUEUE_BYTES

MAX_CONNECTIONS = 1024  # more are closed at once
SEND_BUFFER = 256 << 10  # bytes: the system's own megabytes would hide a slow client for half a minute


def load_mounts(mounts: Sequence[Mount]) -> list[tuple[Mount, Clip]]:
    """Read every clip once, however many mounts show it. Raises ClipError, ServeError on a double name."""
    clips: dict[object, Clip] = {}
    loaded: list[tuple[Mount, Clip]] = []
    for mount in mounts:
        if not mount.name or mount.name.strip("/") != mount.name or "//" in mount.name:
            raise ServeError(f"{mount.name!r} cannot be a mount's name", hint="e.g. gate or yard/gate")
        if any(mount.name == other.name for other, _ in loaded):
            raise ServeError(f"two mounts are named {mount.name}")
        clip = mount.clip if isinstance(mount.clip, Clip) else clips.get(mount.clip) or load_clip(mount.clip)
        clips[mount.clip] = clip
        loaded.append((mount, clip))
    return loaded


class Server:
    def __init__(
        self,
        mounts: Sequence[tuple[Mount, Clip]],
        *,
        auth: Auth | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        session_timeout: float = 60.0,
        queue_bytes: int = QUEUE_BYTES,
    ) -> None:
        self.host = host
        self.port = port  # the real one once it listens
        self.auth = auth or Auth()
        self.streams: dict[str, Stream] = {}
        self._mounts = mounts
        self._session_timeout = session_timeout
        self._queue_bytes = queue_bytes
        self._connections: set[Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: socket.socket | None = None

    async def __aenter__(self) -> Server:
        """Raises ServeError where the address cannot be listened on."""
        self._loop = asyncio.get_running_loop()
        self.streams = {mount.name: Stream(mount, clip) for mount, clip in self._mounts}
        self._listen()
        try:
            udp = UdpPair(self.host)
        except BaseException:
            self._unlisten()
            raise
        self._context = Context(self.streams, self.auth, udp, self._session_timeout, self._queue_bytes)
        for stream in self.streams.values():
            self._spawn(stream.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._unlisten()
        self._context.udp.close()

    def url(self, name: str, *, credentials: bool = False) -> str:
        """The mount's address; with the user and the password only where they are asked for."""
        self._stream(name)
        user = ""
        if credentials and self.auth.scheme != "none":
            user = f"{quote(self.auth.user, safe='')}:{quote(self.auth.password, safe='')}@"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"rtsp://{user}{host}:{self.port}/{quote(name)}"

    def set_fault(self, name: str, fault: Fault, seconds: float | None = None) -> None:
        """From now on, for `seconds` or until cleared. Raises FaultError where it does not fit the mount."""
        stream = self._stream(name)
        if isinstance(fault, Kick | Refuse):
            if isinstance(fault, Refuse):
                self._unlisten()
            for connection in tuple(self._connections):
                if connection.stream is stream and isinstance(fault, Kick) and fault.reset:
                    connection.reset()
                elif connection.stream is stream:
                    connection.close()
        if isinstance(fault, Kick):
            return
        stream.set_fault(fault)
        if seconds is not None:
            self._spawn(self._clear_later(stream, fault, seconds))

    def clear_fault(self, name: str, kind: type[object] | None = None) -> None:
        """End one kind of fault, or all of them."""
        stream = self._stream(name)
        for each in [kind] if kind else list(stream.faults):
            stream.clear_fault(each)
        if not any(other.fault(Refuse) for other in self.streams.values()):
            self._listen()

    def plan(self, planned: Planned) -> None:
        """Raises ServeError, FaultError at once where the plan does not fit the mounts."""
        streams = [self._stream(planned.mount)] if planned.mount else list(self.streams.values())
        for stream in streams:
            stream.check_fault(planned.fault)
            self._spawn(self._fault_later(stream.mount.name, planned))

    async def _fault_later(self, name: str, planned: Planned) -> None:
        await asyncio.sleep(planned.at)
        self.set_fault(name, planned.fault, planned.seconds)

    async def _clear_later(self, stream: Stream, fault: Fault, seconds: float) -> None:
        await asyncio.sleep(seconds)
        if stream.faults.get(type(fault)) is fault:  # it may have been cleared or replaced meanwhile
            self.clear_fault(stream.mount.name, type(fault))

    def _stream(self, name: str) -> Stream:
        if name not in self.streams:
            raise ServeError(f"no mount is named {name}", hint=f"there are: {', '.join(self.streams)}")
        return self.streams[name]

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _listen(self) -> None:
        if self._listener:
            return
        try:
            family = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)[0][0]
            sock = socket.create_server((self.host, self.port), family=family, backlog=256)
        except OSError as error:
            raise cannot_listen(self.host, self.port, error) from error
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)  # what it accepts inherits this
        self.port = sock.getsockname()[1]
        self._listener = sock
        self._loop.add_reader(sock, self._accept, sock)

    def _unlisten(self) -> None:
        if self._listener:
            self._loop.remove_reader(self._listener)
            self._listener.close()
            self._listener = None

    def _accept(self, listener: socket.socket) -> None:
        # by hand: asyncio's own accept loses a connection that comes in the moment of stopping
        try:
            sock, _ = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError:  # no descriptors left: look again later, rather than spin
            self._loop.remove_reader(listener)
            self._loop.call_later(0.1, self._resume, listener)
            return
        if len(self._connections) >= MAX_CONNECTIONS:
            sock.close()
            return
        sock.setblocking(False)
        task = self._spawn(self._serve(sock))
        task.add_done_callback(lambda _: sock.close())  # in case it was cancelled before it began

    def _resume(self, listener: socket.socket) -> None:
        if listener is self._listener:
            self._loop.add_reader(listener, self._accept, listener)

    async def _serve(self, sock: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=sock)
        connection = Connection(self._context, reader, writer)
        self._connections.add(connection)
        try:
            await connection.run()
        finally:
            self._connections.discard(connection)
