"""A camera over RTSP, demuxed and decoded by PyAV.

What PyAV does under faults shapes this: a peer that closes ends the loop without an exception; one that freezes raises
ExitError at the read timeout, but first, as late, comes the picture that the parser held back, so a read that took so
long is the end already; one that is mute while describing raises InvalidDataError (or ExitError) at the open timeout;
garbage raises per packet while demuxing goes on.
"""

from __future__ import annotations

import errno
import threading
from collections.abc import Iterator
from urllib.parse import quote, urlsplit, urlunsplit

import av
from av.container import InputContainer

from contract import redact
from contract.camera import Source as SourceConfig
from edge.clock import Clock
from edge.credentials import Credentials
from edge.errors import SourceEnded, SourceError, SourceRefused, SourceTimeout
from edge.sources.base import GARBAGE_S, Packet, garbage
from edge.sources.moments import Moments
from edge.sources.turn import Turn

# Without fpsprobesize=0 FFmpeg watches the stream for seconds to guess its rate before it gives the first packet.
_OPTIONS = {
    "fflags": "nobuffer",
    "fpsprobesize": "0",
    "allowed_media_types": "video",
    "max_delay": "200000",  # microseconds that a UDP packet may come late and still be put in order
    "protocol_whitelist": "rtsp,rtsps,rtp,udp,tcp,tls,crypto",
}
WAITED_S = 0.01  # a read that takes so long waits for the camera, not for Python
ROOM = 64 << 10  # bytes that a connection holds before anybody reads, at the least


class RtspSource:
    """An open RTSP stream. The constructor connects.

    Raises SourceRefused, SourceTimeout, SourceEnded. Not thread-safe: open, read and close in one thread.
    """

    def __init__(
        self,
        config: SourceConfig,
        credentials: Credentials | None,
        clock: Clock,
        reading: threading.Lock | None = None,
        *,
        shown: str | None = None,
    ) -> None:
        """`reading`: shared by all cameras; see Turn. `shown`: what stands for the address in errors, where that may
        hold a password."""
        self._url = shown or config.url
        self._clock = clock
        self._silent_s = config.read_timeout_s
        self.broken = 0  # packets that could not be read
        self.patience_s = 0.0
        self._closed = threading.Event()
        self._turn = Turn(reading or threading.Lock())
        self._container = self._open(config, credentials)
        self._stream = self._container.streams.video[0]
        # One thread a camera is enough at camera rates; frame threading would also delay pictures.
        self._stream.codec_context.thread_count = 1

    def _open(self, config: SourceConfig, credentials: Credentials | None) -> InputContainer:
        transports = ("tcp", "udp") if config.transport == "auto" else (config.transport,)
        address = _with_credentials(config.url, credentials)
        for last, transport in ((transport == transports[-1], transport) for transport in transports):
            try:
                container = av.open(
                    address,
                    options=_OPTIONS | {"rtsp_transport": transport},
                    timeout=(config.open_timeout_s, config.read_timeout_s),
                )
            except (av.error.FFmpegError, OSError, ValueError) as error:
                fault = translate(error, self._url)
                if last or not (isinstance(fault, SourceRefused) and fault.code == "transport"):
                    raise fault from None  # the original's text may hold the password
                continue
            if container.streams.video:
                self._transport = transport
                return container
            container.close()
            raise SourceRefused(
                f"{self._url}: offers no video", code="not-rtsp", hint="is this the camera's video path?"
            )
        raise AssertionError("unreachable: the last transport returns or raises")

    def packets(self) -> Iterator[Packet]:
        last = self._clock.now()
        moments = Moments()
        unit = float(self._stream.time_base or 0)
        read, since = 0, last  # bytes, and when it last waited
        packets = self._container.demux(self._stream)
        bursts = self._transport == "tcp"  # what UDP brings has less room
        while True:
            if not (bursts and self.patience_s):
                self._turn.give()
                read, since = 0, last
            elif moments.all_read(self._clock.now()):
                self._turn.give()
                pause = min(self.patience_s, ROOM * max(last - since, 0.01) / max(read, 1))
                read, since = 0, last
                self._closed.wait(pause)
                self._turn.take()
            elif moments.probes:
                self._turn.give()
            asked = self._clock.now()
            try:
                packet = next(packets, None)
            except av.error.InvalidDataError:
                self.broken += 1
                if self._clock.now() - last > GARBAGE_S:
                    raise garbage(self._url) from None
                continue
            except (av.error.FFmpegError, OSError) as error:
                raise translate(error, self._url) from None
            if packet is None or packet.size == 0:
                raise SourceEnded(f"{self._url}: the camera closed the stream")
            read += packet.size
            last = self._clock.now()
            if last - asked >= self._silent_s:
                raise _no_answer(self._url)
            if last - asked > WAITED_S:
                self._turn.give()  # others need not wait for this camera, too
            own = None if packet.pts is None else packet.pts * unit
            yield Packet(moments.came(asked, last, own), packet, moments.hurries)

    def close(self) -> None:
        self._closed.set()
        self._turn.give()
        self._container.close()


def translate(error: Exception, url: str) -> SourceError:
    """The edge's own error for one of PyAV's. `url` must be fit to be shown."""
    match error:
        case av.error.HTTPUnauthorizedError() | av.error.HTTPForbiddenError():
            return SourceRefused(
                f"{url}: the camera refuses the credentials",
                code="credentials",
                hint="source.credentials names an entry of the credentials file: check user and password there",
            )
        case av.error.HTTPNotFoundError():
            return SourceRefused(
                f"{url}: the camera knows no such path", code="not-found", hint="check the path of source.url"
            )
        case av.error.HTTPServerError():
            return SourceRefused(
                f"{url}: the camera is busy or broken (5xx)", code="busy", hint="too many viewers? restart it"
            )
        case av.error.HTTPError():
            return SourceRefused(
                f"{url}: refused ({redact.text(error.strerror or '')})",
                code="transport",
                hint="try source.transport: udp",
            )
        case av.error.ExitError() | TimeoutError():
            return _no_answer(url)
        case ConnectionRefusedError():
            return SourceRefused(f"{url}: nobody listens there", hint="check address and port; is the camera up?")
        case av.error.InvalidDataError():
            return SourceTimeout(f"{url}: answers nothing that is RTSP, or too late", hint="is this an RTSP port?")
        case av.error.EOFError() | ConnectionResetError() | BrokenPipeError():
            return SourceEnded(f"{url}: the camera closed the connection", hint="look at the camera's own log")
        case OSError() if error.errno == errno.EIO:  # FFmpeg's word for a name that does not resolve, too
            return SourceError(f"{url}: cannot be reached", hint="check address and network; is the name known here?")
        case av.error.FFmpegError() | OSError():
            return SourceError(f"{url}: {redact.text(error.strerror or 'failed')}", hint="check address and network")
        case _:
            return SourceError(f"{url}: {type(error).__name__}", hint="check the address")


def _no_answer(url: str) -> SourceTimeout:
    return SourceTimeout(f"{url}: no answer in time", hint="check the network path and that the camera is up")


def _with_credentials(url: str, credentials: Credentials | None) -> str:
    """FFmpeg takes credentials only inside the address; this form never leaves the call that opens it."""
    if credentials is None:
        return url
    parts = urlsplit(url)
    userinfo = f"{quote(credentials.username, safe='')}:{quote(credentials.password.reveal(), safe='')}"
    return urlunsplit(parts._replace(netloc=f"{userinfo}@{parts.netloc}"))
