"""What comes in on a connection, held between the network and the HTTP library.

The library reads an answer. Three things are added here:

* The head of an answer has to be there whole, within a limit for its size and another for the time that it takes. Only
  then does the library get it, alone, so that nothing that follows can spoil it.
* The body is handed on in slices, one for each time that the reader waits. So no chunk keeps the event loop, and what a
  reader does not take waits in the buffers of the network.
* The end of a connection, whatever it is, comes after all bytes that have arrived before it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http_exceptions import HttpProcessingError

from .heads import BadHead, Heads, why_unreadable

SLICE = 32 * 1024  # bytes that are read without giving way to the event loop
MAX_HELD = 256 * 1024  # bytes from the network that wait for the reader before it is told to wait, too


class Response(aiohttp.ClientResponse):
    """An answer that is read through an :class:`Inlet`.

    Attributes:
        head_timeout: The seconds that a head may take from its first byte on; ``None`` for no limit.
    """

    head_timeout: float | None = None
    _inlet: Inlet | None = None

    async def start(self, connection: Connection) -> Response:
        """Read the head.

        Raises:
            BadHead: There is a status line at least, or something that is no HTTP, or too much.
            aiohttp.ClientError, OSError: The connection broke before.
        """
        if connection.transport is not None and connection.protocol is not None:
            self._inlet = Inlet(connection.transport, connection.protocol, self.head_timeout)
        try:
            await super().start(connection)
        except (aiohttp.ClientError, OSError) as error:
            if self._inlet is None or isinstance(error, BadHead):
                raise
            raise self._inlet.heads.broken(error) from error
        return self

    async def read_some(self) -> bytes:
        """The next bytes of the body; ``b""`` at its end.

        Raises:
            aiohttp.ClientError: The connection has broken, or what comes is no HTTP.
        """
        return await self._inlet.read(self.content) if self._inlet is not None else b""


class Inlet(asyncio.Protocol):
    """The protocol of a connection, in the place of the library's, to which it hands on.

    Args:
        transport: The connection.
        handler: The library's protocol. Its time limit for silence is taken over.
        head_timeout: The seconds that a head may take from its first byte on.

    Attributes:
        heads: What is known of the head of the answer.
    """

    def __init__(self, transport: asyncio.Transport, handler: ResponseHandler, head_timeout: float | None) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        self._handler = handler
        self._head_timeout = head_timeout
        self._head_timer: asyncio.TimerHandle | None = None
        self.heads = Heads()
        self._held = bytearray()
        self._is_paused = False
        self._waiting: aiohttp.StreamReader | None = None  # the body for which a reader waits
        self._taken = 0  # bytes of the body
        self._feed_soon = False
        self._is_over = False  # nothing more arrives
        self._error: Exception | None = None  # why
        self._is_released = False  # the library has closed the connection
        self._is_told = False  # the library knows that the connection is gone
        self._silence = handler.read_timeout
        self._silence_timer: asyncio.TimerHandle | None = None
        handler.read_timeout = None
        handler.start_timeout()  # ends the timer that runs
        self.sign_of_life()
        if self._silence is not None:
            self._silence_timer = self._loop.call_later(self._silence, self._look_for_silence)
        transport.set_protocol(self)
        handler.connection_made(_Outlet(transport, self))

    async def read(self, body: aiohttp.StreamReader) -> bytes:
        """The next bytes of a body; ``b""`` at its end.

        Raises:
            aiohttp.ClientError: How the connection was lost. All that has arrived was read before.
        """
        self._waiting = body
        if self._is_over and not self._held:
            self._end(body)
        self._feed_if_waited_for()
        try:
            data = await body.readany()
        except (aiohttp.ClientPayloadError, HttpProcessingError) as error:
            raise self._error or aiohttp.ClientPayloadError("the connection ended before the answer did") from error
        finally:
            self._waiting = None
        self._taken += len(data)
        return data

    def data_received(self, data: bytes) -> None:
        """Hold what arrives, and hand it on if somebody waits for it."""
        if self._is_released or self._is_over:
            return
        self.sign_of_life()
        self._held += data
        if not self.heads.is_complete:
            self._read_heads()
        elif self._waiting is not None and not self._feed_soon:
            self._feed()
        if len(self._held) >= MAX_HELD and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Keep the reason until all that has arrived was handed on."""
        self._finish(aiohttp.ClientOSError(*exc.args) if isinstance(exc, OSError) else exc)
        if not self.heads.is_complete or self._is_released:
            self._tell()
        else:
            self._feed_if_waited_for()

    def pause_writing(self) -> None:
        """For the library."""
        self._handler.pause_writing()

    def resume_writing(self) -> None:
        """For the library."""
        self._handler.resume_writing()

    def sign_of_life(self) -> None:
        """Something has arrived, or could be sent."""
        self._alive_at = self._loop.time()

    def released(self) -> None:
        """The library has closed the connection: nobody reads on."""
        self._is_released = True
        if self._is_over:
            self._loop.call_soon(self._tell)

    def _read_heads(self) -> None:
        """Hand on each head that is complete, up to that of the answer itself."""
        while self._held and not (self.heads.is_complete or self._is_over):
            if self._head_timer is None and self._head_timeout is not None:
                self._head_timer = self._loop.call_later(self._head_timeout, self._head_is_late)
            try:
                head = self.heads.cut(self._held)
            except BadHead as error:
                return self._refuse(error)
            if head is None:
                return
            if self._head_timer is not None:
                self._head_timer.cancel()
                self._head_timer = None
            self._handler.data_received(head)
            if self._handler.exception() is not None:
                self._finish(None)

    def _head_is_late(self) -> None:
        self._refuse(BadHead(f"sends a head that takes more than {self._head_timeout:g} s", self.heads.status))

    def _refuse(self, error: BadHead) -> None:
        self._handler.set_exception(error)
        self._finish(None)

    def _feed_if_waited_for(self) -> None:
        if self._waiting is not None and not self._feed_soon and (self._held or self._is_over):
            self._feed_soon = True
            self._loop.call_soon(self._feed)

    def _feed(self) -> None:
        """Hand on one slice, or the end."""
        self._feed_soon = False
        if self._waiting is None:
            return
        if self._held:
            before = self._handler.exception()
            data = bytes(self._held[:SLICE])
            del self._held[:SLICE]
            self._handler.data_received(data)
            error = self._handler.exception()
            if error is not before and error is not None:
                self._held.clear()
                self._finish(None)
                # Whatever has come after these bytes.
                self._error = aiohttp.ClientPayloadError(f"what comes is no HTTP any more: {why_unreadable(error)}")
            elif self._is_paused and len(self._held) < MAX_HELD:
                self._is_paused = False
                self.sign_of_life()
                self._transport.resume_reading()
        elif self._is_over:
            self._end(self._waiting)
            return
        self._feed_if_waited_for()  # the slice may have brought nothing for the reader

    def _end(self, body: aiohttp.StreamReader) -> None:
        """Tell a reader how the connection was lost, unless there is something that it has not taken yet."""
        if body.total_bytes == self._taken:
            if self._error is not None and not body.is_eof():
                body.set_exception(self._error)
            self._tell()

    def _finish(self, error: Exception | None) -> None:
        """Nothing more arrives. The first reason counts."""
        if not self._is_over:
            self._is_over = True
            self._error = error
            self._stop_timers()

    def _tell(self) -> None:
        if not self._is_told:
            self._is_told = True
            self._handler.connection_lost(self._error if isinstance(self._error, OSError) else None)

    def _look_for_silence(self) -> None:
        assert self._silence is not None
        left = self._alive_at + self._silence - self._loop.time()
        if self._is_paused:
            left = self._silence
        if left > 0:
            self._silence_timer = self._loop.call_later(left, self._look_for_silence)
            return
        silence = aiohttp.SocketTimeoutError("nothing has come")
        self._finish(silence)
        if not self.heads.is_complete:
            self._handler.set_exception(silence)
        self._transport.abort()
        self._feed_if_waited_for()

    def _stop_timers(self) -> None:
        for timer in (self._head_timer, self._silence_timer):
            if timer is not None:
                timer.cancel()


class _Outlet(asyncio.Transport):
    """The connection as the library sees it: it writes and closes, and reading is none of its business."""

    def __init__(self, transport: asyncio.Transport, inlet: Inlet) -> None:
        super().__init__()
        self._transport = transport
        self._inlet = inlet

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        self._inlet.sign_of_life()
        self._transport.write(data)

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview[Any]]) -> None:
        self._inlet.sign_of_life()
        self._transport.writelines(list_of_data)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def close(self) -> None:
        self._inlet.released()
        self._transport.close()

    def abort(self) -> None:
        self._inlet.released()
        self._transport.abort()

    def pause_reading(self) -> None:
        """The inlet does."""

    def resume_reading(self) -> None:
        """The inlet does."""
