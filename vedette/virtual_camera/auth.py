"""Basic and Digest authentication (RFC 7617; RFC 2617 and 7616 with MD5 or SHA-256). Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import Literal

Scheme = Literal["none", "basic", "digest"]
REALM = "vedette virtual camera"
_PARAMETER = re.compile(r'(\w+)\s*=\s*(?:"([^"]*)"|([^\s,"]+))')
_HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}


@dataclass(frozen=True, slots=True)
class Auth:
    scheme: Scheme = "none"
    user: str = ""
    password: str = field(default="", repr=False)
    algorithm: Literal["MD5", "SHA-256"] = "MD5"

    def __post_init__(self) -> None:
        if self.scheme != "none" and not (self.user and self.password):
            raise ValueError(f"{self.scheme} authentication needs a user and a password")


def challenge(auth: Auth, nonce: str, *, stale: bool = False) -> str:
    """The WWW-Authenticate header. No qop is offered: many RTSP clients know only RFC 2069's form."""
    if auth.scheme == "digest":
        again = ", stale=true" if stale else ""
        return f'Digest realm="{REALM}", nonce="{nonce}", algorithm={auth.algorithm}{again}'
    return f'Basic realm="{REALM}"'


def is_stale(header: str, nonce: str) -> bool:
    """Whether the answer was made for another nonce than the one now in force."""
    return header[:7].lower() == "digest " and parameters(header[7:]).get("nonce") != nonce


def verify(auth: Auth, header: str, method: str, nonce: str) -> bool:
    """Whether an Authorization header proves that the client knows user and password."""
    scheme, _, rest = header.partition(" ")
    if auth.scheme == "none":
        return True
    if scheme.lower() != auth.scheme:
        return False
    if auth.scheme == "basic":
        try:
            given = base64.b64decode(rest.strip(), validate=True)
        except (binascii.Error, ValueError):
            return False
        return hmac.compare_digest(given, f"{auth.user}:{auth.password}".encode())
    values = parameters(rest)
    if values.get("nonce") != nonce or values.get("realm") != REALM:
        return False
    if values.get("algorithm", "MD5").upper() != auth.algorithm:
        return False
    want = digest(values, method, auth.user, auth.password)
    user = hmac.compare_digest(values.get("username", "").encode(), auth.user.encode())
    return hmac.compare_digest(values.get("response", "").lower().encode(), want.encode()) and user


def parameters(text: str) -> dict[str, str]:
    return {name.lower(): quoted or bare for name, quoted, bare in _PARAMETER.findall(text)}


def digest(values: dict[str, str], method: str, user: str, password: str) -> str:
    """The response that a client must give to `values` (realm, nonce, uri, algorithm; qop, nc, cnonce)."""
    hasher = _HASHES[values.get("algorithm", "MD5").upper()]

    def h(text: str) -> str:
        return hasher(text.encode()).hexdigest()

    secret = h(f"{user}:{values.get('realm', '')}:{password}")
    request = h(f"{method}:{values.get('uri', '')}")
    middle = [values.get("nonce", "")]
    if "qop" in values:
        middle += [values.get("nc", ""), values.get("cnonce", ""), values["qop"]]
    return h(":".join([secret, *middle, request]))
