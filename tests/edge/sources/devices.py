"""ONVIF devices that answer what a test tells them to, over real sockets."""

from __future__ import annotations

import re
import socketserver
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from contract.camera import Source
from edge.clock import SystemClock
from edge.credentials import Credentials, Secret
from edge.sources.offer import DEVICE, MEDIA1, MEDIA2, Offer
from edge.sources.onvif import Catalogue, Stream, find

CLOCK = SystemClock()
CANARY = "p@ss&<w/rd"
LOGIN = Credentials("viewer", Secret(CANARY))
SOAP = "http://www.w3.org/2003/05/soap-envelope"


@dataclass(frozen=True)
class Question:
    path: str
    action: str  # as in GetProfiles
    namespace: str
    head: str
    body: str

    def header(self, name: str) -> str:
        found = re.search(rf"^{name}: *(.*)\r$", self.head, re.MULTILINE | re.IGNORECASE)
        return found[1] if found else ""


Answer = Callable[[Question], bytes | Iterable[bytes]]


@dataclass
class Scripted:
    """`answer` gives the raw bytes of HTTP; `over` is set when the test is, for those that take for ever."""

    answer: Answer
    over: threading.Event = field(default_factory=threading.Event)
    asked: list[Question] = field(default_factory=list)
    sent: int = 0
    url: str = ""

    def handle(self, question: Question, write: Callable[[bytes], object]) -> None:
        self.asked.append(question)
        answer = self.answer(question)
        for part in [answer] if isinstance(answer, bytes) else answer:
            write(part)
            self.sent += len(part)


@contextmanager
def device(answer: Answer, host: str = "127.0.0.1") -> Iterator[Scripted]:
    scripted = Scripted(answer)

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            try:
                if question := _question(self.rfile):
                    scripted.handle(question, self.wfile.write)
            except OSError:
                pass  # who asked has gone

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = False
        allow_reuse_address = True

    with Server((host, 0), Handler) as server:
        scripted.url = f"http://{host}:{server.server_address[1]}/onvif/device_service"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield scripted
        finally:
            scripted.over.set()
            server.shutdown()
            thread.join()


def _question(stream) -> Question | None:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = stream.readline()
        if not line:
            return None
        head += line
    length = int(re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)[1])
    body = stream.read(length).decode()
    action, namespace = re.search(r'<s:Body><(\w+) xmlns="([^"]+)"', body).groups()
    return Question(head.decode().split()[1], action, namespace, head.decode(), body)


# --- answers


def http(status: int, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} x", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def envelope(inner: str) -> bytes:
    return f'<s:Envelope xmlns:s="{SOAP}"><s:Body>{inner}</s:Body></s:Envelope>'.encode()


def fault(subcode: str, reason: str = "no", status: int = 400) -> bytes:
    return http(
        status,
        envelope(
            f"<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>{subcode}</s:Value></s:Subcode></s:Code>"
            f"<s:Reason><s:Text>{reason}</s:Text></s:Reason></s:Fault>"
        ),
    )


def profile1(token: str, codec: str, width: int, height: int, sensor: str = "") -> str:
    source = f"<VideoSourceConfiguration><SourceToken>{sensor}</SourceToken></VideoSourceConfiguration>"
    return (
        f'<Profiles token="{token}"><Name>{token} stream</Name>{source if sensor else ""}<VideoEncoderConfiguration>'
        f"<Encoding>{codec}</Encoding><Resolution><Width>{width}</Width><Height>{height}</Height></Resolution>"
        "</VideoEncoderConfiguration></Profiles>"
    )


def profile2(token: str, codec: str, width: int, height: int, sensor: str = "") -> str:
    source = f"<VideoSource><SourceToken>{sensor}</SourceToken></VideoSource>" if sensor else ""
    return (
        f'<Profiles token="{token}"><Name>{token} stream</Name><Configurations>{source}<VideoEncoder>'
        f"<Encoding>{codec}</Encoding><Resolution><Width>{width}</Width><Height>{height}</Height></Resolution>"
        "</VideoEncoder></Configurations></Profiles>"
    )


def camera(
    *,
    media1: str | bytes | None = None,
    media2: str | bytes | None = None,
    uri: str = "rtsp://10.1.2.3:5544/{token}?x=1",
    services: bytes | None = None,
    media_at: str = "http://10.1.2.3",
) -> Answer:
    """A device whose services answer GetProfiles with `media1` and `media2` (XML, or raw HTTP); None: not offered.
    It calls itself http://10.1.2.3, and its media services `media_at`."""
    offered = {MEDIA1: media1, MEDIA2: media2}

    def answer(question: Question) -> bytes:
        match question.action:
            case "GetSystemDateAndTime":
                return fault("ter:ActionNotSupported")
            case "GetServices" if services is not None:
                return services
            case "GetServices":
                entries = "".join(
                    f"<Service><Namespace>{name}</Namespace>"
                    f"<XAddr>{'http://10.1.2.3' if name == DEVICE else media_at}/{name[-16:-5]}</XAddr></Service>"
                    for name in (DEVICE, *(name for name, what in offered.items() if what is not None))
                )
                return http(200, envelope(f'<GetServicesResponse xmlns="{DEVICE}">{entries}</GetServicesResponse>'))
            case "GetCapabilities":
                inner = (
                    "<Capabilities><Device><XAddr>http://10.1.2.3/</XAddr></Device>"
                    f"<Media><XAddr>{media_at}/old_media</XAddr></Media></Capabilities>"
                )
                return http(200, envelope(f"<GetCapabilitiesResponse>{inner}</GetCapabilitiesResponse>"))
            case "GetProfiles":
                what = offered[question.namespace]
                assert what is not None
                if isinstance(what, bytes):
                    return what
                return http(200, envelope(f"<GetProfilesResponse>{what}</GetProfilesResponse>"))
            case "GetStreamUri":
                token = re.search(r"<ProfileToken>(.*)</ProfileToken>", question.body)[1]
                found = uri.format(token=token)
                return http(200, envelope(f"<GetStreamUriResponse><Uri>{found}</Uri></GetStreamUriResponse>"))
        raise AssertionError(question)

    return answer


MAIN, SUB = ("main", "H264", 1920, 1080), ("sub", "H264", 640, 360)
RECORDER = "".join(profile1(f"{name}{place}", "H264", *size, f"channel{place}")
                   for place in (1, 2) for name, size in (("main", (1920, 1080)), ("sub", (640, 360))))  # fmt: skip


def told_time(at, tag: str = "UTCDateTime") -> bytes:
    numbers = dict(zip(("Year", "Month", "Day", "Hour", "Minute", "Second"), at, strict=True))
    words = {name: f"<{name}>{value}</{name}>" for name, value in numbers.items()}
    date = words["Year"] + words["Month"] + words["Day"]
    time = words["Hour"] + words["Minute"] + words["Second"]
    return http(200, envelope(f"<R><{tag}><Time>{time}</Time><Date>{date}</Date></{tag}></R>"))


def instead(raw: bytes, usual: Answer, action: str, inside: str = "") -> Answer:
    """`usual`, but `raw` to questions for `action` that hold `inside`."""
    return lambda question: raw if question.action == action and inside in question.body else usual(question)


def with_clock(raw: bytes) -> Answer:
    return instead(raw, camera(media1=profile1(*SUB)), "GetSystemDateAndTime")


# --- asking


def source(url: str, **more) -> Source:
    return Source(kind="onvif", url=url, **({"open_timeout_s": 3.0} | more))


def offered(url: str, credentials: Credentials | None = LOGIN, **more) -> Offer:
    return Catalogue(source(url, **more), credentials, CLOCK).offer(0)


def found(url: str, credentials: Credentials | None = LOGIN, **more) -> Stream:
    return find(offered(url, credentials, **more), source(url, **more), credentials, CLOCK)
