"""A server's pair of UDP sockets: RTP on an even port, RTCP on the next (RFC 3550, 11)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from vedette.virtual_camera.errors import ServeError


class UdpPair:
    def __init__(self, host: str) -> None:
        """Raises ServeError where no pair of ports is free."""
        self.sockets = _bind(host)
        self.ports: tuple[int, int] = (self.sockets[0].getsockname()[1], self.sockets[1].getsockname()[1])
        self.listeners: dict[Any, Callable[[], None]] = {}  # (host, port) of a client's RTCP -> it was heard
        self._loop = asyncio.get_running_loop()
        for number, sock in enumerate(self.sockets):
            self._loop.add_reader(sock, self._receive, sock, number == 1)

    def _receive(self, sock: socket.socket, reports: bool) -> None:
        try:
            _, address = sock.recvfrom(2048)
        except OSError:
            return
        if reports and (heard := self.listeners.get(address[:2])):
            heard()

    def close(self) -> None:
        for sock in self.sockets:
            self._loop.remove_reader(sock)
            sock.close()


def _bind(host: str) -> tuple[socket.socket, socket.socket]:
    family = socket.getaddrinfo(host, 0, type=socket.SOCK_DGRAM)[0][0]
    for _ in range(64):
        pair = socket.socket(family, socket.SOCK_DGRAM), socket.socket(family, socket.SOCK_DGRAM)
        try:
            pair[0].bind((host, 0))
            port = pair[0].getsockname()[1]
            if port % 2 == 0:
                pair[1].bind((host, port + 1))
                for sock in pair:
                    sock.setblocking(False)
                return pair
        except (OSError, OverflowError):
            pass
        for sock in pair:
            sock.close()
    raise ServeError("no two neighbouring UDP ports are free", hint="are other servers holding them?")
