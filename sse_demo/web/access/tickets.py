"""Tickets: for a stream whose client can send neither a header nor a cookie. Each is good once, and not for long."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from .identity import Identity


@dataclass(frozen=True, slots=True)
class _Ticket:
    identity: Identity
    topics: frozenset[str]
    ends: float  # on the monotonic clock


class Tickets:
    """The tickets that were given and not used yet. For the event loop's thread.

    Args:
        age: Seconds for which a ticket is good.
        most: How many there may be. For one more, the oldest makes room.
        most_of_subject: How many one subject may have, likewise.
    """

    def __init__(self, *, age: float, most: float, most_of_subject: float) -> None:
        self.age = age
        self._most, self._most_of_subject = most, most_of_subject
        self._tickets: dict[bytes, _Ticket] = {}  # by its digest, the oldest first
        self._of_subject: dict[tuple[str, str], dict[bytes, None]] = {}  # their digests, likewise

    def __len__(self) -> int:
        return len(self._tickets)

    def give(self, identity: Identity, topics: Sequence[str]) -> str:
        """A ticket for these topics. Whoever gives it makes sure that they may be read."""
        now = time.monotonic()
        self._forget_old(now)
        own = self._of_subject.get(_who(identity), {})
        if len(own) >= self._most_of_subject:
            self._pop(next(iter(own)))
        elif len(self._tickets) >= self._most:
            self._pop(next(iter(self._tickets)))
        ticket = secrets.token_urlsafe(32)
        digest = _digest(ticket)
        self._tickets[digest] = _Ticket(replace(identity, kind="ticket"), frozenset(topics), now + self.age)
        self._of_subject.setdefault(_who(identity), {})[digest] = None
        return ticket

    def take(self, ticket: str, topics: Sequence[str]) -> Identity | None:
        """Who has the ticket, with the right to read these topics, and no other.

        The ticket is used up hereby, whatever it was shown for. ``None`` where it is no good any more, or not for one
        of the topics.
        """
        found = self._pop(_digest(ticket))
        if found is None or found.ends <= time.monotonic() or not found.topics.issuperset(topics):
            return None
        return found.identity

    def _forget_old(self, now: float) -> None:
        while self._tickets:
            oldest = next(iter(self._tickets))
            if self._tickets[oldest].ends > now:
                return
            self._pop(oldest)

    def _pop(self, digest: bytes) -> _Ticket | None:
        found = self._tickets.pop(digest, None)
        if found is not None:
            who = _who(found.identity)
            del self._of_subject[who][digest]
            if not self._of_subject[who]:
                del self._of_subject[who]
        return found


def _who(identity: Identity) -> tuple[str, str]:
    return identity.issuer, identity.subject


def _digest(ticket: str) -> bytes:
    return sha256(ticket.encode()).digest()
