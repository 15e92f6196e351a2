"""Is anybody there? Asked before each connect to a camera that was lost, and before it takes others' turn to connect.

A connect whose first packets are lost sends others after 1, 3 and 7 s, and is held for `open_timeout_s`: a camera that
came back just after one of them would wait for seconds. A knock is over after one, and costs the camera nothing.
"""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from edge.errors import SourceRefused, SourceTimeout

KNOCK_S = 1.0
PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}


def knock(url: str) -> None:
    """Raises SourceTimeout where nothing answers, SourceRefused where nobody listens. All else the connect judges."""
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname, parts.port or PORTS[parts.scheme]), KNOCK_S).close()
    except TimeoutError:
        raise SourceTimeout(
            f"{url}: no answer in time", hint="check the network path and that the camera is up"
        ) from None
    except ConnectionRefusedError:
        raise SourceRefused(f"{url}: nobody listens there", hint="check address and port; is the camera up?") from None
    except OSError:
        return
