"""Long texts are read beside the event loop, one after the other, with a rest after each.

What reads JSON holds Python's global lock for as long as it takes, in whatever thread. With several threads the event
loop would have to wait for all of them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from ..errors import Overloaded

READ_ASIDE_FROM = 65_536  # characters, which take the event loop a millisecond
REST = 1.0  # times as long as the reading took: so long the event loop has for itself

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Aside:
    """Reads texts. For the event loop's thread.

    Args:
        budget: Characters of all texts that wait, or are read. One always has room.
    """

    def __init__(self, budget: float) -> None:
        self._budget = budget
        self._waiting = 0  # characters
        self._turn = asyncio.Lock()

    async def read(
        self, text: str, read: Callable[Concatenate[str, _P], _T], *args: _P.args, **kwargs: _P.kwargs
    ) -> _T:
        """What ``read`` finds in the text; a long one is read in a thread, in its turn.

        Raises:
            Overloaded: Too many texts wait.
            Exception: What ``read`` raises.
        """
        if len(text) < READ_ASIDE_FROM:
            return read(text, *args, **kwargs)
        if self._waiting and self._waiting + len(text) > self._budget:
            raise Overloaded(f"publications of {self._waiting:,} characters wait to be read, which is the limit")
        self._waiting += len(text)
        try:
            await self._turn.acquire()
            began = time.monotonic()
            try:
                return await asyncio.to_thread(read, text, *args, **kwargs)
            finally:
                rest = (time.monotonic() - began) * REST
                asyncio.get_running_loop().call_later(rest, self._turn.release)
        finally:
            self._waiting -= len(text)
