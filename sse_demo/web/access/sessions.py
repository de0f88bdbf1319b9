"""Sessions: a cookie that stands for somebody, and what it stands for, which stays on the server."""

from __future__ import annotations

import hmac
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

from .identity import Identity

MIN_SECRET = 32  # bytes
MAX_COOKIE = 256  # characters


@dataclass(eq=False, slots=True)
class Session:
    """One session.

    Attributes:
        identity: Whose it is. The session ends when the right of this identity ends, at the latest.
        name: What the session is called in logs and in ``revoke(session=...)``. It is no secret.
        ends: When it ends unless it is used before, in seconds since 1970.
    """

    identity: Identity
    name: str
    ends: float
    _digest: bytes = field(repr=False)  # of what the cookie has beside the name


class Sessions:
    """The sessions of one service. For the event loop's thread.

    A cookie has the session's name, 32 random bytes, and a signature of both. What is kept here are digests, so that
    whoever sees them has no cookie.

    Args:
        keys: Secrets with which cookies are signed: the first signs, and all are accepted, so that secrets can be
            exchanged while sessions go on.
        idle: Seconds for which a session goes on without being used.
        most: How many there may be. For one more, the one that ends first makes room.
        most_of_subject: How many one subject may have, likewise.
        made_room: Is told of a session that has ended to make room.

    Raises:
        ValueError: There is no secret, or one is too short.
    """

    def __init__(
        self,
        keys: Sequence[bytes],
        *,
        idle: float,
        most: float,
        most_of_subject: float,
        made_room: Callable[[Session], object],
    ) -> None:
        if not keys or not all(isinstance(key, bytes) and len(key) >= MIN_SECRET for key in keys):
            raise ValueError(f"sessions need a secret, and each has at least {MIN_SECRET} bytes")
        self._keys = tuple(keys)
        self._idle, self._most, self._most_of_subject = idle, most, most_of_subject
        self._made_room = made_room
        self._sessions: dict[str, Session] = {}  # by name
        self._of_subject: dict[tuple[str, str], list[Session]] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def begin(self, identity: Identity) -> tuple[str, Session]:
        """A new session, with an id that nobody has seen before.

        Returns:
            The value of the cookie, and the session.
        """
        own = self._of_subject.get(_who(identity), ())
        if len(own) >= self._most_of_subject:
            self._make_room(own)
        elif len(self._sessions) >= self._most:
            self._make_room(self._sessions.values())
        name, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
        identity = replace(identity, kind="session", session=name)
        session = Session(identity, name, min(time.time() + self._idle, identity.expires), _digest(secret))
        self._sessions[name] = session
        self._of_subject.setdefault(_who(identity), []).append(session)
        return f"{name}.{secret}.{_signature(self._keys[0], name, secret)}", session

    def use(self, cookie: str) -> Session | None:
        """The session of a cookie, whose end moves on hereby; ``None`` where it has ended, or never was."""
        name, _, rest = cookie.partition(".")
        secret, _, signature = rest.partition(".")
        if len(cookie) > MAX_COOKIE or not cookie.isascii():
            return None
        if not any([hmac.compare_digest(signature, _signature(key, name, secret)) for key in self._keys]):
            return None
        session = self.named(name)
        if session is None or not hmac.compare_digest(session._digest, _digest(secret)):
            return None
        session.ends = min(time.time() + self._idle, session.identity.expires)
        return session

    def named(self, name: str) -> Session | None:
        """The session of this name, unless it has ended."""
        session = self._sessions.get(name)
        if session is not None and session.ends <= time.time():
            self._forget(session)
            return None
        return session

    def end(self, which: Callable[[Session], bool]) -> int:
        """End the sessions for which this holds. Returns how many."""
        ended = [session for session in self._sessions.values() if which(session)]
        for session in ended:
            self._forget(session)
        return len(ended)

    def _make_room(self, among: Iterable[Session]) -> None:
        first = min(among, key=_ends)
        self._forget(first)
        self._made_room(first)

    def _forget(self, session: Session) -> None:
        del self._sessions[session.name]
        who = _who(session.identity)
        self._of_subject[who].remove(session)
        if not self._of_subject[who]:
            del self._of_subject[who]


def _who(identity: Identity) -> tuple[str, str]:
    return identity.issuer, identity.subject


def _ends(session: Session) -> float:
    return session.ends


def _digest(secret: str) -> bytes:
    return sha256(secret.encode()).digest()


def _signature(key: bytes, name: str, secret: str) -> str:
    return urlsafe_b64encode(hmac.digest(key, f"{name}.{secret}".encode(), "sha256")).decode().rstrip("=")
