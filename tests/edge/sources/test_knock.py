"""Whether anybody is there, with real sockets."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack

import pytest

from edge.errors import SourceRefused, SourceTimeout
from edge.sources.knock import KNOCK_S, knock


def test_who_listens_is_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        knock(f"rtsp://127.0.0.1:{listener.getsockname()[1]}/gate")
        listener.accept()[0].close()


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(SourceRefused, match="nobody listens"):
        knock(f"rtsp://127.0.0.1:{port}/gate")


def test_silence_is_told_in_a_second() -> None:
    """Where no more may wait to be accepted, Linux drops what asks for it."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, ExitStack() as waiting:
        address = listener.getsockname()
        waiting.enter_context(socket.create_connection(address, 1))
        began = time.monotonic()
        with pytest.raises(SourceTimeout) as caught:
            knock(f"rtsp://127.0.0.1:{address[1]}/gate")
        assert KNOCK_S <= time.monotonic() - began < KNOCK_S + 1
    assert caught.value.hint
