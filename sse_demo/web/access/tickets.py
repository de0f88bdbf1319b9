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
    """

    def __init__(self, *, age: float, most: float) -> None:
        self.age = age
        self._most = most
        self._tickets: dict[bytes, _Ticket] = {}  # by its digest, the oldest first

    def give(self, identity: Identity, topics: Sequence[str]) -> str:
        """A ticket for these topics. Whoever gives it makes sure that they may be read."""
        now = time.monotonic()
        self._forget_old(now)
        if len(self._tickets) >= self._most:
            del self._tickets[next(iter(self._tickets))]
        ticket = secrets.token_urlsafe(32)
        self._tickets[_digest(ticket)] = _Ticket(replace(identity, kind="ticket"), frozenset(topics), now + self.age)
        return ticket

    def take(self, ticket: str, topics: Sequence[str]) -> Identity | None:
        """Who has the ticket, with the right to read these topics, and no other.

        The ticket is used up hereby, whatever it was shown for. ``None`` where it is no good any more, or not for one
        of the topics.
        """
        found = self._tickets.pop(_digest(ticket), None)
        if found is None or found.ends <= time.monotonic() or not found.topics.issuperset(topics):
            return None
        return found.identity

    def _forget_old(self, now: float) -> None:
        while self._tickets:
            oldest = next(iter(self._tickets))
            if self._tickets[oldest].ends > now:
                return
            del self._tickets[oldest]


def _digest(ticket: str) -> bytes:
    return sha256(ticket.encode()).digest()
