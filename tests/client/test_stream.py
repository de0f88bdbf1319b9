"""One connection of a stream: its events, and how it is lost."""

import asyncio
from collections import deque

import aiohttp
import pytest
from multidict import CIMultiDict
from support import HOLD, RESET, STREAM, Script

from sse_demo import EventStreamParser
from sse_demo.client.connections import Connections, Lost, Refused
from sse_demo.client.stream import Stream


def read(answer, until, max_event_size=1000):
    """The data of the events that come before a stream raises ``until``, and what it has raised."""

    async def main(url):
        connections = Connections(aiohttp.ClientTimeout(total=None), None)
        try:
            stream = Stream(await connections.request("GET", url, CIMultiDict(), None, redirects=True))
            parser, events = EventStreamParser(max_event_size=max_event_size), deque()
            with pytest.raises(until) as caught:
                while True:
                    await stream.read(parser, events)
            assert stream.age > 0
            stream.abort()
            return [event.data for event in events], caught.value
        finally:
            await connections.close()

    with Script(answer) as script:
        return asyncio.run(main(script.url))


def test_an_end_in_order_has_no_error():
    events, loss = read(STREAM + b"data: a\n\ndata: b\n\ndata: half", Lost)
    assert events == ["a", "b"]
    assert (str(loss), loss.error, loss.status, loss.wait) == ("the server ended the response", None, None, 0)


def test_a_break_has_one():
    events, loss = read([STREAM + b"data: a\n\n", RESET], Lost)
    assert events == ["a"]
    assert isinstance(loss.error, ConnectionResetError | aiohttp.ClientOSError)


def test_an_event_that_is_too_large_comes_after_those_before_it():
    events, refusal = read([STREAM + b"data: a\n\ndata: " + b"x" * 2000, HOLD], Refused)
    assert events == ["a"]
    assert "cannot be read: the stream has a line of more than 1000 bytes" in str(refusal)
