"""Making and hashing secrets: edges' tokens, session tokens, passwords.

Tokens are random and long, so SHA-256 is enough to keep them; passwords are people's, so argon2id.
"""

from __future__ import annotations

import hashlib
import secrets
import string

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

EDGE_PREFIX = "vde_"  # so that secret scanners know one when they see it
MIN_PASSWORD = 12  # characters
MAX_PASSWORD = 256
ONE_TIME_LIFE = 24 * 3600 * 1000  # ms

_LETTERS = "".join(sorted(set(string.ascii_lowercase + string.digits) - set("01ilo")))  # told apart when read aloud


def edge_token(edge_id: str) -> str:
    """Names its edge, so that nobody has to say twice, and differently, who the edge is."""
    return f"{EDGE_PREFIX}{edge_id}.{secrets.token_urlsafe(32)}"


def session_token() -> str:
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def one_time_password() -> str:
    """Four groups of five, about 99 bits."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(4))


def verify(hasher: PasswordHasher, password_hash: str, password: str) -> bool:
    try:
        return hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
