"""Who may do what: edges by bearer token, people by session.

Contract
- Secrets are never stored, logged or returned in clear; tokens are kept as SHA-256, passwords as argon2id.
- A session ends 30 minutes after its last request, 12 hours after it began, at logout, and when its user's password
  changes. An open feed does not keep it alive.
- An unknown name costs as much time as a wrong password. Wrong passwords slow their account and their address down,
  but not whoever has logged in to that account from that address before: guessing keeps nobody out.
- A one-time password opens a session that may only set a password, and is void after a day.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import structlog
from argon2 import PasswordHasher

from central import credentials
from central.errors import BadRequest, Forbidden, NotSignedIn, Slowed, Unavailable
from central.store.base import AccessStore, UserRow
from central.throttle import Throttle

log = structlog.get_logger(__name__)

IDLE = 30 * 60 * 1000  # ms
ABSOLUTE = 12 * 3600 * 1000  # ms
TOUCH = 60 * 1000  # ms; a session's last use is written down at most this often
WAITING = 16  # logins at a time; more are answered 503
FIRST_USER = "admin"
SEATS = 10_000  # (user, address) that logged in, remembered at most


@dataclass(frozen=True, slots=True)
class Session:
    user: str
    token: str
    must_change_password: bool


class Access:
    """`now` gives UTC ms, `monotonic` seconds."""

    def __init__(
        self,
        store: AccessStore,
        *,
        now: Callable[[], int],
        monotonic: Callable[[], float],
        hasher: PasswordHasher | None = None,
    ) -> None:
        self._store = store
        self._now = now
        self._monotonic = monotonic
        self._hasher = hasher or PasswordHasher()
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="password")  # argon2 takes 64 MiB a time
        self._waiting = 0
        self._throttle = Throttle()
        # Where somebody has logged in, guesses from elsewhere do not keep them out: each such seat counts for itself.
        self._seats: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._nobody = self._hasher.hash(credentials.one_time_password())

    def close(self) -> None:
        self._threads.shutdown()

    # --- edges

    async def edge(self, authorization: str, address: str) -> str:
        """The edge_id behind an Authorization header. Raises NotSignedIn."""
        scheme, _, token = authorization.partition(" ")
        token = token.strip()
        # Looked up by hash: what the time of the look-up tells about a hash helps nobody to a token.
        edge_id = None
        if scheme.lower() == "bearer" and token.startswith(credentials.EDGE_PREFIX):
            edge_id = await self._store.edge_of(credentials.token_hash(token))
        if edge_id is None:
            log.warning("edge refused", address=address)
            raise NotSignedIn(
                "the edge's token is missing or wrong",
                code="edge-token",
                hint="make one with `vedette central add-edge`, and give it to the edge",
                headers={"WWW-Authenticate": "Bearer"},
            )
        return edge_id

    # --- people

    async def first_login(self) -> tuple[str, str] | None:
        """On a store without users: makes one; its name and one-time password, to be shown once."""
        if await self._store.has_users():
            return None
        password = credentials.one_time_password()
        row = UserRow(FIRST_USER, await self.hash(password), self._now() + credentials.ONE_TIME_LIFE)
        return (FIRST_USER, password) if await self._store.add_user(row) else None

    async def login(self, name: str, password: str, address: str) -> Session:
        """Raises NotSignedIn, Slowed, Unavailable."""
        seat = (name, address)
        keys: list[Hashable] = [seat] if seat in self._seats else [("account", name), ("address", address)]
        if (wait := self._throttle.wait(keys, self._monotonic())) > 0:
            raise Slowed(
                "too many wrong passwords; the next attempt has to wait", code="login-slowed", retry_after=int(wait) + 1
            )
        with self._seat():
            # Counted before it is known to be wrong: attempts at the same time do not slip through together.
            self._throttle.failed(keys, self._monotonic())
            user = await self._store.user(name)
            right = await self._verify(user.password_hash if user else self._nobody, password)
        if user is None or not right:
            # Not the name that was typed: it may be a password in the wrong field.
            log.warning("login refused", address=address, user=user and user.name)
            raise NotSignedIn("wrong name or password", code="wrong-login")
        self._throttle.passed(keys)
        self._remember(seat)
        now = self._now()
        if user.one_time_until is not None and now >= user.one_time_until:
            raise NotSignedIn(
                "this one-time password is void",
                code="one-time-void",
                hint="an operator makes a new one with `vedette central reset-password`",
            )
        await self._store.drop_sessions(now - ABSOLUTE, now - IDLE)
        return await self._begin(name, must_change=user.one_time_until is not None)

    def _remember(self, seat: tuple[str, str]) -> None:
        self._seats[seat] = None
        self._seats.move_to_end(seat)
        if len(self._seats) > SEATS:
            self._seats.popitem(last=False)

    async def session(self, token: str | None, *, touch: bool = True) -> Session:
        """Raises NotSignedIn."""
        row = await self._store.session(credentials.token_hash(token)) if token else None
        now = self._now()
        if token is None or row is None or now - row.seen_at >= IDLE or now - row.created_at >= ABSOLUTE:
            raise NotSignedIn("not signed in, or the session has ended", hint="log in again")
        if touch and now - row.seen_at >= TOUCH:
            await self._store.touch_session(credentials.token_hash(token), now)
        return Session(row.user, token, row.one_time)

    async def logout(self, session: Session) -> None:
        await self._store.end_session(credentials.token_hash(session.token))

    async def change_password(self, session: Session, old: str, new: str) -> Session:
        """Ends all of the user's sessions and begins a new one. Raises BadRequest, Forbidden, Slowed."""
        keys: list[Hashable] = [("account", session.user)]
        if (wait := self._throttle.wait(keys, self._monotonic())) > 0:
            raise Slowed("too many wrong passwords", code="login-slowed", retry_after=int(wait) + 1)
        if len(new) < credentials.MIN_PASSWORD:
            raise BadRequest(f"a password has at least {credentials.MIN_PASSWORD} characters", code="weak-password")
        if new == old:
            raise BadRequest("the new password is the old one", code="same-password")
        with self._seat():
            user = await self._store.user(session.user)
            if user is None or not await self._verify(user.password_hash, old):
                self._throttle.failed(keys, self._monotonic())
                raise Forbidden("the old password is wrong", code="wrong-password")
            await self._store.set_password(UserRow(session.user, await self.hash(new), None))
        return await self._begin(session.user, must_change=False)

    async def hash(self, password: str) -> str:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._hasher.hash, password)

    async def _begin(self, name: str, *, must_change: bool) -> Session:
        token = credentials.session_token()
        await self._store.add_session(credentials.token_hash(token), name, self._now())
        return Session(name, token, must_change)

    async def _verify(self, password_hash: str, password: str) -> bool:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, credentials.verify, self._hasher, password_hash, password)

    @contextmanager
    def _seat(self) -> Iterator[None]:
        """A place in the queue for hashing. Raises Unavailable."""
        if self._waiting >= WAITING:
            raise Unavailable("too many logins at once", code="login-busy", retry_after=2)
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1
