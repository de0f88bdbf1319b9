"""The keys that an issuer publishes, in a file or at an address (RFC 7517): kept, read again, and never lost."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from tornado.httpclient import HTTPError
from tornado.simple_httpclient import SimpleAsyncHTTPClient

from ..addresses import is_loopback
from .keys import Key, jwks_keys, named

MAX_SIZE = 1_048_576  # bytes of a set of keys

_logger = logging.getLogger("sse_demo.access")


class Jwks:
    """The public keys of an issuer. For the event loop's thread.

    The keys that are known stay where new ones cannot be had: an issuer that is down keeps nobody out whose key is
    known.

    Args:
        where: The path of a file; or an address, with https, or with http on this machine.
        max_age: Seconds after which the keys are asked for again.
        refetch_after: Seconds between two tries at the least, also where a token names a key that is not known.
        timeout: Seconds for one try.

    Raises:
        ValueError: The address is none, or would let others change the keys on their way.
    """

    def __init__(
        self,
        where: str | os.PathLike[str],
        *,
        max_age: float = 600.0,
        refetch_after: float = 10.0,
        timeout: float = 5.0,
    ) -> None:
        self.version = 0
        self._where = os.fspath(where)
        self._is_address = "://" in self._where
        if self._is_address:
            parts = urlsplit(self._where)
            if not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))):
                raise ValueError("keys are asked for with https; http is for an issuer on this machine")
            if parts.username is not None or parts.password is not None:
                raise ValueError("the address of keys has no user and no password")
        self._max_age, self._refetch_after, self._timeout = max_age, refetch_after, timeout
        self._keys: tuple[Key, ...] = ()
        self._document: bytes | None = None
        self._tried = self._read = float("-inf")  # on the monotonic clock
        self._reading: asyncio.Task[None] | None = None

    @property
    def known(self) -> bool:
        """Whether any keys are known by now."""
        return bool(self._keys)

    def find(self, id: str | None) -> Sequence[Key]:
        """The keys with this name, and those that have no name."""
        return named(self._keys, id)

    def prepare(self, id: str | None) -> Awaitable[None] | None:
        """Ask for the keys where that is due. Only who has no key waits for the answer; all share one."""
        is_missing = not self.find(id)
        now = time.monotonic()
        is_due = now - self._tried >= self._refetch_after and (is_missing or now - self._read >= self._max_age)
        if self._reading is None and is_due:
            self._tried = now
            self._reading = asyncio.create_task(self._refresh())
            self._reading.add_done_callback(self._done)
        return asyncio.shield(self._reading) if self._reading is not None and is_missing else None

    def _done(self, _: asyncio.Task[None]) -> None:
        self._reading = None

    async def _refresh(self) -> None:
        try:
            document = await self._fetch() if self._is_address else await asyncio.to_thread(_file, self._where)
            if document != self._document:
                self._keys = tuple(jwks_keys(document))
                self._document = document
                self.version += 1
            self._read = time.monotonic()
        except (OSError, ValueError, HTTPError) as error:
            known = f"{len(self._keys)} keys that are known stay" if self._keys else "no keys are known yet"
            _logger.warning("the keys at %s could not be had (%s); %s", self._where, error, known)

    async def _fetch(self) -> bytes:
        client = SimpleAsyncHTTPClient(force_instance=True, max_body_size=MAX_SIZE)
        try:
            answer = await client.fetch(
                self._where, follow_redirects=False, connect_timeout=self._timeout, request_timeout=self._timeout
            )
        finally:
            client.close()
        return bytes(answer.body)


def _file(path: str) -> bytes:
    with Path(path).open("rb") as file:
        document = file.read(MAX_SIZE + 1)
    if len(document) > MAX_SIZE:
        raise ValueError(f"it has more than {MAX_SIZE:,} bytes")
    return document
