"""Questions to a camera's ONVIF services (SOAP 1.2 over HTTP), and their answers.

By hand, for five questions: onvif-zeep-async 4.3 knows no Media2, where alone H.265 shows, and no HTTP digest, reads
answers of any size, and takes a redirect to another host with the password's digest in hand.

Answers are not trusted: at most MAX_ANSWER bytes, MAX_DEPTH levels and the time given; no document type, so no
entities; no redirects; nothing is unpacked. A password leaves as a digest only (WS-Security, and HTTP's where the
camera wants that), signed by the camera's own clock: those of cameras are off, and they refuse what looks old.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import httpx

from contract import redact
from edge.clock import Clock
from edge.credentials import Credentials
from edge.errors import SourceError, SourceRefused, SourceTimeout

MAX_ANSWER = 1 << 20  # bytes
MAX_DEPTH = 64
MAX_SAID = 120  # characters of a camera's own words that are shown

_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope">'
    "<s:Header>{security}</s:Header><s:Body>{question}</s:Body></s:Envelope>"
)
_OASIS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss"
_SECURITY = (
    f'<w:Security s:mustUnderstand="1" xmlns:w="{_OASIS}-wssecurity-secext-1.0.xsd" '
    f'xmlns:u="{_OASIS}-wssecurity-utility-1.0.xsd"><w:UsernameToken><w:Username>{{user}}</w:Username>'
    f'<w:Password Type="{_OASIS}-username-token-profile-1.0#PasswordDigest">{{digest}}</w:Password>'
    f'<w:Nonce EncodingType="{_OASIS}-soap-message-security-1.0#Base64Binary">{{nonce}}</w:Nonce>'
    "<u:Created>{created}</u:Created></w:UsernameToken></w:Security>"
)


class Device:
    """One camera's ONVIF services, for a few questions in a row: `async with Device(...)`.

    `url` is fit to be shown; `timeout_s` holds for each question, from connecting to the answer's last byte.
    """

    def __init__(self, url: str, credentials: Credentials | None, timeout_s: float, clock: Clock) -> None:
        self.url = url
        self.ahead_s = 0.0  # the camera's clock minus ours
        self._credentials = credentials
        self._timeout_s = timeout_s
        self._clock = clock
        # Cameras sign their certificates themselves, so these prove nothing.
        self._http = httpx.AsyncClient(transport=_Bounded(verify=False), trust_env=False, timeout=None)  # noqa: S113
        # One for all questions: it remembers the challenge.
        self._digest = httpx.DigestAuth(credentials.username, credentials.password.reveal()) if credentials else None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    def utc(self) -> datetime:
        """Our own clock."""
        return datetime.fromtimestamp(self._clock.utc_ms(self._clock.now()) / 1000, UTC)

    async def ask(self, question: str, *, at: str = "", signed: bool = True) -> ElementTree.Element:
        """What is in the answer's body. `question` is XML, `at` the service's address, else the device's own.

        Raises SourceRefused ("fault" where the camera understood and will not), SourceTimeout, SourceError.
        """
        security = self._security(self._credentials) if signed and self._credentials else ""
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await self._http.post(
                    at or self.url,
                    content=_ENVELOPE.format(security=security, question=question).encode(),
                    headers={"Content-Type": "application/soap+xml; charset=utf-8", "Accept-Encoding": "identity"},
                    auth=self._digest if signed and self._digest else httpx.USE_CLIENT_DEFAULT,
                )
        except TimeoutError:
            hint = "check the network path and that the camera is up"
            raise SourceTimeout(f"{self.url}: no answer in time", hint=hint) from None
        except httpx.ConnectError:
            hint = "check address and port of source.url; is the camera up?"
            raise SourceError(f"{self.url}: cannot be reached", hint=hint) from None
        except (httpx.HTTPError, httpx.InvalidURL):
            hint = "is this the port of the camera's web pages?"
            raise SourceError(f"{self.url}: gives no whole answer in HTTP", hint=hint) from None
        except (ValueError, LookupError, NotImplementedError):  # a challenge that httpx cannot read; "auth-int" alone
            hint = "switch its web login to plain Digest (MD5 or SHA-256)"
            raise SourceError(f"{self.url}: wants a login of a kind that is not known", hint=hint) from None
        return self._body(answer)

    def _security(self, credentials: Credentials) -> str:
        """WS-Security UsernameToken Profile 1.0: the digest is of nonce, time and password."""
        nonce = os.urandom(16)
        created = (self.utc() + timedelta(seconds=self.ahead_s)).strftime("%Y-%m-%dT%H:%M:%SZ")
        digest = hashlib.sha1(nonce + created.encode() + credentials.password.reveal().encode())  # noqa: S324
        return _SECURITY.format(
            user=escape(credentials.username),
            digest=base64.b64encode(digest.digest()).decode(),
            nonce=base64.b64encode(nonce).decode(),
            created=created,
        )

    def _body(self, answer: httpx.Response) -> ElementTree.Element:
        if answer.status_code in (401, 403):
            raise self.refused_credentials()
        if answer.status_code == 404:
            hint = "the path of source.url is mostly /onvif/device_service; is ONVIF switched on in the camera?"
            raise SourceRefused(f"{self.url}: no ONVIF service there", code="not-found", hint=hint)
        if answer.is_redirect:
            hint = "open the address in a browser and put where it leads into source.url; maybe https://"
            raise SourceRefused(f"{self.url}: sends us to another address", hint=hint)
        try:
            body = _parsed(answer.content).find("{*}Body/*")
        except (ElementTree.ParseError, ValueError, LookupError):
            body = None
        if body is None and answer.status_code >= 500:
            hint = "too many viewers? restart it"
            raise SourceRefused(f"{self.url}: the camera is busy or broken (5xx)", code="busy", hint=hint)
        if body is None:
            hint = "is this the camera's ONVIF address?"
            raise SourceRefused(f"{self.url}: answers nothing that is ONVIF", code="not-onvif", hint=hint)
        if body.tag.rpartition("}")[2] == "Fault":
            words = " ".join(body.itertext())
            if "auth" in words.lower():  # ter:NotAuthorized, wsse:FailedAuthentication, and what vendors say instead
                raise self.refused_credentials()
            raise SourceRefused(f"{self.url}: the camera says: {shown(words)}", code="fault", hint="see its manual")
        return body

    def refused_credentials(self) -> SourceRefused:
        hint = (
            "check user and password in the credentials file; some cameras want a user of their own for ONVIF"
            if self._credentials
            else "it wants a user and a password: name them under source.credentials"
        )
        return SourceRefused(f"{self.url}: the camera refuses the credentials", code="credentials", hint=hint)


def shown(text: str) -> str:
    """A camera's own words: short, in one line, without anything that a terminal obeys or nobody may see."""
    text = redact.text(" ".join(text.split()))
    return "".join(letter for letter in text if letter.isprintable())[:MAX_SAID]


class _Bounded(httpx.AsyncHTTPTransport):
    """Reads answers whole, up to MAX_ANSWER; as they came, for a few packed bytes may be many."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await super().handle_async_request(request)
        assert isinstance(answer.stream, httpx.AsyncByteStream)
        content = bytearray()
        try:
            async for part in answer.stream:
                content += part
                if len(content) > MAX_ANSWER:
                    hint = "is this the camera's ONVIF address?"
                    raise SourceRefused(
                        f"{redact.text(str(request.url))}: answers more than {MAX_ANSWER >> 20} MiB",
                        code="not-onvif",
                        hint=hint,
                    )
        finally:
            await answer.aclose()
        challenges = [(name, value) for name, value in answer.headers.raw if name.lower() == b"www-authenticate"]
        return httpx.Response(answer.status_code, headers=challenges, content=bytes(content))


class _Shallow(ElementTree.TreeBuilder):
    """Refuses document types, and nesting that has no sense but to be deep. Raises ValueError."""

    _depth = 0

    def start(self, tag: Any, attrs: Any, /) -> ElementTree.Element:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ValueError("nested too deep")
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> ElementTree.Element:
        self._depth -= 1
        return super().end(tag)

    def doctype(self, *_: str | None) -> None:
        raise ValueError("holds a document type")


def _parsed(content: bytes) -> ElementTree.Element:
    parser = ElementTree.XMLParser(target=_Shallow())  # noqa: S314  (bounded, see _Shallow)
    parser.feed(content)
    return parser.close()
