"""One connection of an event stream, from its first byte to its last."""

from __future__ import annotations

import time
from collections import deque
from typing import cast

import aiohttp

from ..errors import EventTooLarge
from ..wire.event import Item
from ..wire.parser import EventStreamParser
from .connections import Lost, Refused, abort, lost
from .inlet import Response


class Stream:
    """An answer that is an event stream.

    Args:
        response: The answer, whose head has been read.
    """

    def __init__(self, response: Response) -> None:
        self._response = response
        self._opened_at = time.monotonic()

    @property
    def age(self) -> float:
        """The seconds for which the stream has been open."""
        return time.monotonic() - self._opened_at

    async def read(self, parser: EventStreamParser[Item], events: deque[Item]) -> None:
        """Wait for the next bytes, and add the events that are complete with them.

        Raises:
            Lost: The connection has broken off, or was ended in order: then the loss has no ``error``.
            Refused: An event is too large. Those before it have been added.
        """
        try:
            chunk = await self._response.read_some()
        except (aiohttp.ClientError, OSError) as error:
            raise lost(error) from error
        if not chunk:
            raise Lost("the server ended the response")
        try:
            events += parser.feed(chunk)
        except EventTooLarge as error:
            events += cast("list[Item]", error.events)
            raise Refused(f"cannot be read: {error}") from error

    def abort(self) -> None:
        """Close the connection now."""
        abort(self._response)
