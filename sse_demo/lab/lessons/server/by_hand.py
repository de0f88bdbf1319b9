"""What the lesson about streaming by hand needs: a handler, changes of it, and what a client hears of it."""

from __future__ import annotations

import asyncio
import inspect
from textwrap import dedent
from typing import Any
from urllib.request import urlopen

from tornado.web import RequestHandler

from .... import EventSourceError, listen

CITIES = ("Zürich", "Malmö", "Kraków")


class CityStream(RequestHandler):
    """Streams three cities, a tenth of a second apart."""

    async def get(self) -> None:
        """Answer a request."""
        self.set_header("Content-Type", "text/event-stream")
        for city in CITIES:
            self.write(f"data: {city}\n\n")
            await self.flush()
            await asyncio.sleep(0.1)


def changed(handler: type[RequestHandler], old: str, new: str = "") -> type[RequestHandler]:
    """The same handler with another text in the source of its method ``get``, as an editor replaces it.

    Args:
        handler: Stays as it is.
        old: What is replaced, as it is written in the source.
        new: What comes in its place. Without it the old text is left out.

    Raises:
        ValueError: The old text is not there.
    """
    source = dedent(inspect.getsource(handler.get))
    if old not in source:
        raise ValueError(f"{old!r} is not in the method get of {handler.__name__}:\n{source}")
    made: dict[str, Any] = {}
    exec(source.replace(old, new), handler.get.__globals__, made)
    return type(handler.__name__, (handler,), {"get": made["get"]})


def content_type(url: str, seconds: float = 0.3) -> str:
    """The type that the headers of an answer give, as soon as they have come; or that they have not come.

    Args:
        url: What is asked for.
        seconds: How long to wait for them.
    """
    try:
        with urlopen(url, timeout=seconds) as answer:
            return str(answer.headers["Content-Type"])
    except TimeoutError:
        return f"nothing within {seconds:g} s"


def heard(url: str) -> list[str] | str:
    """Read a stream once, by the rules that a browser follows. Returns the data of its events, or why there are none.

    Args:
        url: The stream.
    """
    try:
        return [event.data for event in listen(url, reconnect=False)]
    except EventSourceError as error:
        return str(error).removeprefix(f"{url} ").partition(" (try")[0]
