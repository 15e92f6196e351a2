"""A proxy between edge and central that follows a script: one step a request, in the order in which they come.

It reads HTTP only as far as to know where a message ends, so that a fault falls on an exact byte of an exact request.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

HEAD_END = b"\r\n\r\n"
FAULTS = (OSError, asyncio.IncompleteReadError)


@dataclass(frozen=True)
class Step:
    """What happens to one request and its answer."""

    name: str
    request: int | None = None  # bytes of the request that reach central, then the cut; None: all, and no cut
    answer: int | None = None  # bytes of the answer that reach the edge, then `end`
    end: Literal["cut", "half-close", "silence"] = "cut"
    times: int = 1  # how often central gets the request, each time over a connection of its own
    stale: bool = False  # central gets nothing, the edge gets the answer to the request before
    piece: int = 1 << 20  # bytes of the answer at a time
    pause: float = 0.0  # s before each piece


PASS = Step("pass")
SWALLOW = Step("swallow", answer=0)
SILENCE = Step("silence", answer=0, end="silence")
HALF_CLOSE = Step("half-close", answer=60, end="half-close")
REPLAY = Step("replay", times=3)
STALE = Step("stale", stale=True)
TRICKLE = Step("trickle", piece=4, pause=0.002)
DELAY = Step("delay", pause=0.3)


def cut_request(after: int) -> Step:
    return Step("cut-request", request=after)


def cut_answer(after: int) -> Step:
    return Step("cut-answer", answer=after)


class Proxy:
    """Listens on loopback, in a thread of its own, while the context lasts. Past the script's end all is passed on."""

    def __init__(self, central: str, script: Iterable[Step] = ()) -> None:
        self._to = urlsplit(central)
        self._script: Iterator[Step] = iter(script)
        self._last = b""
        self.done: Counter[str] = Counter()  # steps, by name
        self.requests: list[bytes] = []  # as they came
        self.url = ""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="proxy")
        self._up: Future[None] = Future()

    def __enter__(self) -> Proxy:
        self._thread.start()
        self._up.result(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.cancel)
        self._thread.join(10)

    def _run(self) -> None:
        with suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._end = asyncio.ensure_future(asyncio.Event().wait())
        self._up.set_result(None)
        try:
            await self._end
        finally:
            server.close()
            for _ in range(10):  # one that had just been accepted begins its task a little later
                await asyncio.sleep(0)
                if not (others := asyncio.all_tasks() - {asyncio.current_task()}):
                    break
                for task in others:
                    task.cancel()
                await asyncio.gather(*others, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await message(reader):
                self.requests.append(request)
                step = next(self._script, PASS)
                self.done[step.name] += 1
                if not await self._exchange(step, request, reader, writer):
                    break
        except FAULTS:
            pass  # the edge or central broke it off: what follows tells
        finally:
            writer.transport.abort()

    async def _exchange(
        self, step: Step, request: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Whether the connection goes on."""
        answer = self._last
        if not (step.stale and answer):
            for _ in range(step.times):
                answer = await self._ask(request[: step.request], whole=step.request is None)
            if step.request is not None:
                return False
            self._last = answer
        told = answer[: step.answer]
        for at in range(0, len(told), step.piece):
            await asyncio.sleep(step.pause)
            writer.write(told[at : at + step.piece])
            await writer.drain()
        if step.answer is None:
            return True
        if step.end != "cut":
            if step.end == "half-close":
                writer.write_eof()
            await reader.read()  # until the edge gives up
        return False

    async def _ask(self, request: bytes, *, whole: bool) -> bytes:
        """Central's answer; empty where the request is not whole."""
        reader, writer = await asyncio.open_connection(self._to.hostname, self._to.port)
        try:
            writer.write(request)
            await writer.drain()
            return await message(reader) if whole else b""
        finally:
            writer.close()
            with suppress(*FAULTS):
                await writer.wait_closed()


async def message(reader: asyncio.StreamReader) -> bytes:
    """An HTTP message with its body; empty where the peer closed before it began."""
    try:
        head = await reader.readuntil(HEAD_END)
    except asyncio.IncompleteReadError:
        return b""
    found = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
    return head + (await reader.readexactly(int(found[1])) if found else b"")
