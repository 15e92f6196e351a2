"""How the command line reaches a store that a running central holds.

One process writes a store. `vedette central add-edge` and its like open the store themselves if nobody has it, and
else ask the central that does, over a socket in the data folder which only its owner may use. What goes over it are
hashes: tokens and passwords are made, shown and forgotten by the command.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec

from central.errors import CentralError, StoreBusy, StoreError
from central.store.base import AccessStore, UserRow
from central.store.sqlite import SqliteStore

SOCKET = "central.sock"
PATIENCE = 10.0  # s for an answer
MAX_LINE = 16 << 10


class AddEdge(msgspec.Struct, frozen=True, tag=True):
    edge_id: str
    token_hash: bytes
    at: int
    replace: bool


class PutUser(msgspec.Struct, frozen=True, tag=True):
    """`new` False: give an existing user another password."""

    name: str
    password_hash: str
    one_time_until: int
    new: bool


class Done(msgspec.Struct, frozen=True):
    """`done` False: refused by the store as it stands; `error`: it could not be asked."""

    done: bool
    error: str = ""


Request = AddEdge | PutUser


async def perform(store: AccessStore, request: Request) -> bool:
    """Raises StoreError."""
    match request:
        case AddEdge():
            return await store.add_edge(request.edge_id, request.token_hash, request.at, replace=request.replace)
        case PutUser():
            row = UserRow(request.name, request.password_hash, request.one_time_until)
            return await (store.add_user(row) if request.new else store.set_password(row))


def ask(data: Path, request: Request, now: int) -> bool:
    """Perform `request` on the store in `data`, through its central if one runs. Raises StoreError."""
    try:
        store = SqliteStore(data, now)
    except StoreBusy:
        return _ask_running(data, request)
    try:
        return asyncio.run(perform(store, request))
    finally:
        store.close()


@contextlib.asynccontextmanager
async def answering(data: Path, store: AccessStore) -> AsyncIterator[None]:
    """Answer requests while the context lasts."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request: Request = msgspec.json.decode(await reader.readline(), type=Request)
            done = Done(await perform(store, request))
        except (CentralError, msgspec.MsgspecError, ValueError) as error:
            done = Done(False, str(error))
        with contextlib.suppress(OSError):
            writer.write(msgspec.json.encode(done) + b"\n")
            await writer.drain()
            writer.close()

    with _short_path(data) as path:
        server = await asyncio.start_unix_server(answer, path, limit=MAX_LINE)
        Path(path).chmod(0o600)
    try:
        yield
    finally:
        server.close()
        (data / SOCKET).unlink(missing_ok=True)


def _ask_running(data: Path, request: Request) -> bool:
    try:
        with _short_path(data) as path, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(PATIENCE)
            connection.connect(path)
            connection.sendall(msgspec.json.encode(request) + b"\n")
            with connection.makefile("rb") as answers:
                done = msgspec.json.decode(answers.readline(), type=Done)
    except (OSError, msgspec.MsgspecError) as error:
        raise StoreError(
            f"the process that has {data} open does not answer: {error}",
            hint="central may be just starting, or another command at work: try again in a moment",
        ) from error
    if done.error:
        raise StoreError(done.error)
    return done.done


@contextlib.contextmanager
def _short_path(data: Path) -> Iterator[str]:
    """The socket's path by way of an open folder: a socket's own path may have only 107 bytes."""
    folder = os.open(data, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{SOCKET}"
    finally:
        os.close(folder)
