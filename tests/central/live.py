"""A central that listens: uvicorn in a thread, port 0."""

from __future__ import annotations

import threading
import time
from types import TracebackType

from central.server import make_server
from tests.central.harness import Harness


class Live:
    """Listens while the context lasts. `stop` says how many seconds it took."""

    def __init__(self, harness: Harness) -> None:
        self._up = threading.Event()
        self._url = ""
        self._server = make_server(harness.settings, harness.central, harness.app, self._listening)
        self._thread = threading.Thread(target=self._server.run, name="live")

    @property
    def url(self) -> str:
        return self._url

    def stop(self) -> float:
        begun = time.monotonic()
        self._server.should_exit = True
        self._thread.join(20)
        assert not self._thread.is_alive()
        return time.monotonic() - begun

    def __enter__(self) -> Live:
        self._thread.start()
        assert self._up.wait(20)
        return self

    def __exit__(self, _k: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None) -> None:
        self.stop()

    def _listening(self, address: str) -> None:
        self._url = address
        self._up.set()
