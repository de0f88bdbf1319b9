"""The keys that an issuer publishes, in a file or at an address (RFC 7517): kept, read again, and never lost."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import time
import weakref
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tornado.httpclient import HTTPError
from tornado.iostream import IOStream, UnsatisfiableReadError
from tornado.netutil import Resolver
from tornado.simple_httpclient import SimpleAsyncHTTPClient
from tornado.tcpclient import TCPClient

from ..addresses import is_loopback
from .keys import Key, jwks_keys, named

MAX_SIZE = 1_048_576  # bytes of a set of keys

_logger = logging.getLogger("sse_demo.access")


class Jwks:
    """The public keys of an issuer. For the event loop's thread.

    The keys are asked for when the first token comes, from then on twice in ``max_age``, and for a token that names
    a key which is not known. The keys that are known stay where new ones cannot be had: an issuer that is down or slow
    keeps nobody waiting, or out, whose key is known. A set without keys is no such case: then none counts.

    Args:
        where: The path of a file; or an address, with https, or with http on this machine.
        max_age: Seconds after which a key that is no more in the set has stopped counting.
        refetch_after: Seconds between two tries at the least.
        timeout: Seconds for one try.

    Raises:
        ValueError: The address is none, or would let others change the keys on their way. Or a time makes no sense.
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
        self._named = self._where.partition("?")[0] if self._is_address else self._where  # a query may be a secret
        if self._is_address:
            parts = urlsplit(self._where)
            if not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))):
                raise ValueError("keys are asked for with https; http is for an issuer on this machine")
            if parts.username is not None or parts.password is not None:
                raise ValueError("the address of keys has no user and no password")
        if not (0 < timeout <= max_age / 2 < math.inf and 0 < refetch_after <= max_age / 2):
            raise ValueError("timeout and refetch_after are more than 0, and at most the half of max_age")
        self._max_age, self._refetch_after, self._timeout = max_age, refetch_after, timeout
        self._keys: tuple[Key, ...] = ()
        self._document: bytes | None = None
        self._tried = -math.inf  # on the monotonic clock
        self._reading: asyncio.Task[bool] | None = None
        self._next: asyncio.TimerHandle | None = None

    def for_service(self) -> Jwks:
        """The same for one service, which asks for the keys on its own event loop."""
        return Jwks(self._where, max_age=self._max_age, refetch_after=self._refetch_after, timeout=self._timeout)

    @property
    def known(self) -> bool:
        """Whether it is known by now which keys there are."""
        return self._document is not None

    def find(self, id: str | None) -> Sequence[Key]:
        """The keys with this name, and those that have no name."""
        return named(self._keys, id)

    def prepare(self, id: str | None) -> Awaitable[object] | None:
        """Ask for a key that is not known, where that is due. Only who needs it waits for the answer; all share one."""
        if self.find(id):
            return None
        if self._reading is None and time.monotonic() - self._tried >= self._refetch_after:
            self._ask()
        return asyncio.wait([self._reading]) if self._reading is not None else None

    def _ask(self) -> None:
        if self._next is not None:
            self._next.cancel()
        self._tried = time.monotonic()
        self._reading = asyncio.create_task(self._refresh())
        self._reading.add_done_callback(self._done)

    def _done(self, reading: asyncio.Task[bool]) -> None:
        self._reading = None
        if not reading.cancelled():  # the service goes on
            wait = self._max_age / 2 if reading.result() else self._refetch_after
            # The clock holds no keys whose service has gone.
            self._next = asyncio.get_running_loop().call_later(wait, _ask_again, weakref.ref(self))

    async def _refresh(self) -> bool:
        """Whether the keys could be had."""
        try:
            if self._is_address:
                document = await _fetch(self._where, self._timeout)
            else:  # it may be on another machine, too
                document = await asyncio.wait_for(asyncio.to_thread(_file, self._where), self._timeout)
            if document != self._document:
                self._keys = tuple(jwks_keys(document))
                self._document = document
                self.version += 1
                if not self._keys:
                    _logger.warning("the set at %s has no key that checks signatures, so none counts", self._named)
        except Exception as error:  # whatever it is: what is known stays, and is asked for again
            _logger.warning(
                "the keys at %s could not be had (%s: %s); %s",
                self._named,
                type(error).__name__,
                error,
                f"those that are known stay: {len(self._keys)}" if self.known else "none is known yet",
                exc_info=not isinstance(error, (OSError, ValueError, HTTPError, UnsatisfiableReadError)),
            )
            return False
        return True


class _OneConnection(TCPClient):
    """Closes the connection that it has made. An HTTP client that is given up goes on with it, otherwise."""

    def __init__(self, resolver: Resolver) -> None:
        super().__init__(resolver)
        self._stream: IOStream | None = None
        self._closed = False

    async def connect(self, *args: Any, **kwargs: Any) -> IOStream:
        self._stream = await super().connect(*args, **kwargs)
        if self._closed:
            self._stream.close()
        return self._stream

    def close(self) -> None:
        super().close()
        self._closed = True
        if self._stream is not None:
            self._stream.close()


async def _fetch(address: str, within: float) -> bytes:
    client = SimpleAsyncHTTPClient(force_instance=True, max_body_size=MAX_SIZE)
    client.tcp_client = _OneConnection(client.resolver)
    try:
        # The client's own limit of time would leave the connection open where the service stops meanwhile.
        answer = client.fetch(address, follow_redirects=False, connect_timeout=0, request_timeout=0)
        done, _ = await asyncio.wait([answer], timeout=within)
    finally:
        client.close()
    if not done:
        answer.add_done_callback(lambda late: late.exception())  # nobody waits for it any more
        raise TimeoutError(f"no answer within {within} seconds")
    return bytes(answer.result().body)


def _ask_again(keys: weakref.ref[Jwks]) -> None:
    if (jwks := keys()) is not None:
        jwks._ask()


def _file(path: str) -> bytes:
    with Path(path).open("rb") as file:
        document = file.read(MAX_SIZE + 1)
    if len(document) > MAX_SIZE:
        raise ValueError(f"it has more than {MAX_SIZE:,} bytes")
    return document
