"""``serve_answers``: streams whose answers plain functions decide on, before a lesson has explained handlers."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, Callable, Iterable
from typing import TypeAlias

from ....start import serve
from ....web.handlers import Handler, problem
from ....web.routing import Route
from ....web.server import Server
from ....wire.event import Event

PAUSE = 0.3  # seconds between two events, so that one sees them come
PATIENCE = 5.0  # seconds for a function

#: Takes the last event ID of a client, ``""`` where it has none. Returns a status and the events of the stream.
Answer: TypeAlias = Callable[[str], tuple[int, Iterable[Event]]]


def serve_answers(*functions: Answer, pause: float = PAUSE, **named: Answer) -> Server:
    """Serve a stream for each function, at the address of its name, such as ``/menu``.

    ``serve_answers(menu=f)`` gives the name, for a function that has another one or none, such as a ``lambda``.

    A function is called for each request. Where it fails, or returns no answer, the client is told why (500).

    Args:
        functions: Each takes the last event ID of a client, and returns a status and events. Only 200 sends events.
        pause: Seconds between two events.
        named: More functions, and the names that they get.

    Raises:
        ValueError: Two functions have the same name.
    """
    every = [*((function.__name__, function) for function in functions), *named.items()]
    return serve(demo=False, routes=[Route(f"/{name}", _handler(name, function, pause)) for name, function in every])


def _handler(name: str, function: Answer, pause: float) -> type[Handler]:
    class AnswerHandler(Handler):
        async def get(self) -> None:
            status, events = await _ask(name, function, self.last_event_id())
            if status == 200:
                await self.send_events(_one_by_one(events, pause))
            else:
                self.set_status(status)

    return AnswerHandler


async def _ask(name: str, function: Answer, last_event_id: str) -> tuple[int, list[Event]]:
    """Call a function in a thread, since it is a learner's and may never return."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[tuple[int, list[Event]] | Exception] = loop.create_future()

    def settle(result: tuple[int, list[Event]] | Exception) -> None:
        if not answer.done():
            answer.set_result(result)

    def call() -> None:
        result: tuple[int, list[Event]] | Exception
        try:
            result = checked(function(last_event_id))
        except Exception as error:
            result = error
        with contextlib.suppress(RuntimeError):  # the server has been stopped meanwhile
            loop.call_soon_threadsafe(settle, result)

    threading.Thread(target=call, name=f"answer {name}", daemon=True).start()
    try:
        result = await asyncio.wait_for(answer, PATIENCE)
    except TimeoutError:
        raise problem(500, f"{name} has not answered within {PATIENCE:g} s") from None
    if isinstance(result, Exception):
        raise problem(500, f"{name} has raised {type(result).__name__}: {result}")
    return result


def checked(answer: object) -> tuple[int, list[Event]]:
    """What a function has returned, as a status and a list of events.

    Raises:
        TypeError: It is something else.
    """
    if not isinstance(answer, tuple) or len(answer) != 2:
        raise TypeError(f"an answer is a status and a list of events, not {answer!r}")
    status, events = answer
    if not isinstance(status, int) or not 200 <= status < 600:
        raise TypeError(f"a status is a number such as 200, not {status!r}")
    events = list(events or ())
    for event in events:
        if not isinstance(event, Event):
            raise TypeError(f"the second part of an answer is a list of events, and {event!r} is none")
    return int(status), events


async def _one_by_one(events: list[Event], pause: float) -> AsyncGenerator[Event, None]:
    for number, event in enumerate(events):
        if number:
            await asyncio.sleep(pause)
        yield event
