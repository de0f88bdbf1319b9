"""What a user writes, for type checkers alone: ``mypy --strict tests/typing/user_code.py`` must find nothing.

Lines that must be errors say which; mypy warns of an ``ignore`` that nothing needs, so it fails where one is accepted.
"""

import ssl
from collections.abc import AsyncIterator
from typing import Unpack, assert_type

import sse_demo
from sse_demo import (
    TRANSIENT_STATUSES,
    Backoff,
    Comment,
    Event,
    EventSource,
    EventSourceError,
    EventStreamParser,
    EventTooLarge,
    Group,
    Handler,
    Hub,
    LogError,
    PublishError,
    Rejected,
    Route,
    Server,
    SSEError,
    StateChange,
    listen,
    merge_patch,
    problem,
    publish,
    publish_async,
    publish_many,
    publish_many_async,
    serve,
)
from sse_demo.client.options import EventSourceOptions

URL = "http://127.0.0.1:8000/events?topic=news"


# The client


def read_events() -> list[str]:
    seen = []
    for event in listen(URL):
        assert_type(event, Event)
        seen.append(f"{event.event} {event.data} {event.id}")
    return seen


def read_with_options(tls: ssl.SSLContext) -> None:
    with listen(
        URL,
        last_event_id="7",
        method="POST",
        body='{"model": "tea"}',
        headers={"Authorization": "Bearer t"},
        tls=tls,
        read_timeout=None,
        retry_on=TRANSIENT_STATUSES,
        backoff=Backoff(limit=10),
        max_tries=5,
        on_state_change=print_change,
    ) as events:
        assert_type(next(events), Event)
        print(events.source.last_event_id, events.source.ready_state.name)
        events.restart()


def read_comments(wanted: bool) -> None:
    for item in listen(URL, comments=True):
        assert_type(item, Event | Comment)
        print(item.data)  # type: ignore[union-attr]
        print(item.text if isinstance(item, Comment) else item.data)
    for item in listen(URL, comments=wanted):
        assert_type(item, Event | Comment)


async def read_in_a_coroutine() -> None:
    async with EventSource(URL, max_event_size=1000) as source:
        async for event in source:
            assert_type(event, Event)
        assert_type((await source.receive()).popleft(), Event)
    async with EventSource(URL, comments=True) as with_comments:
        assert_type(await anext(with_comments), Event | Comment)


def follow(source: EventSource, **options: Unpack[EventSourceOptions]) -> AsyncIterator[Event]:
    """A source is one of events, unless it says otherwise; options are handed on."""
    listen(source.url, **options)
    return aiter(source)


def print_change(change: StateChange) -> None:
    print(change.state, change.reason, change.wait + 1, change.error)


def wrong_client(source: EventSource[Event | Comment]) -> None:
    listen(URL, red_timeout=1)  # type: ignore[call-overload]
    listen(URL, read_timeout="1")  # type: ignore[call-overload]
    listen(URL, on_state_change=read_events)  # type: ignore[arg-type]
    listen()  # type: ignore[call-overload]
    EventSource(URL, hedders={})  # type: ignore[call-overload]
    EventSource(URL, True)  # type: ignore[call-overload]
    follow(source)  # type: ignore[arg-type]
    follow(EventSource(URL), red_timeout=1)  # type: ignore[call-arg]
    sse_demo.lisen(URL)  # type: ignore[attr-defined]
    from sse_demo import lissen  # type: ignore[attr-defined]  # noqa: F401


# The parser


def parse(chunk: bytes) -> None:
    parser = EventStreamParser(last_event_id="7", max_event_size=1000)
    assert_type(parser.feed(chunk), list[Event])
    assert_type(parser.retry, int | None)
    with_comments = EventStreamParser(comments=True)
    assert_type(with_comments.feed(chunk), list[Event | Comment])
    print(with_comments.feed(chunk)[0].data)  # type: ignore[union-attr]
    parser.feed("text")  # type: ignore[arg-type]
    EventStreamParser(comment=True)  # type: ignore[call-overload]


# Events


def make_events() -> bytes:
    event = Event("hello", event="greeting", id="7", retry=1000)
    assert_type(event._replace(data="bye"), Event)
    assert_type(event.id, str | None)
    Event(b"bytes")  # type: ignore[arg-type]
    Event("hello", retry=1.5)  # type: ignore[arg-type]
    Event("hello", evnt="x")  # type: ignore[call-arg]
    event.data = "other"  # type: ignore[misc]
    return event.encode() + Comment("still here").encode()


def patch(state: dict[str, object], event: Event) -> object:
    return merge_patch(state, event.data)


# The server


class Count(Handler):
    """A stream of one's own."""

    async def get(self, upto: str) -> None:
        if not upto.isdigit():
            raise problem(400, "upto must be a number")
        connection = await self.open_event_stream()
        for number in range(int(upto)):
            connection.write(Event(str(number)).encode())


def run_a_server() -> None:
    count = Route("/count/{upto}", Count)
    with serve(heartbeat=3, state=["order/*"], log="events.db", routes=[count, Group("/more", [count])]) as server:
        assert_type(server, Server)
        assert_type(server.publish("news", "hello"), str)
        assert_type(server.publish("news", Event("hello"), key="tea", idempotency_key="7"), str)
        assert_type(server.hub, Hub)
        print(server.url, server.port + 1, server.running)
    serve(8000, demo=False, live=True, allow_origins=["https://example.org"], allow_credentials=True)


def wrong_server(server: Server) -> None:
    serve(hartbeat=3)  # type: ignore[call-arg]
    serve(heartbeat="3")  # type: ignore[arg-type]
    serve(port="8000")  # type: ignore[arg-type]
    server.publish("news", 7)  # type: ignore[arg-type]
    server.publish("news", "hello", idempotencykey="7")  # type: ignore[call-arg]
    Route("/count", Hub)  # type: ignore[arg-type]


# Publishing over HTTP


async def publish_both_ways() -> None:
    assert_type(publish(URL, "hello", event="greeting", key="tea", retry=1.5, idempotency_key="7", timeout=5), str)
    assert_type(await publish_async(URL, "hello", headers={"Authorization": "Bearer t"}), str)
    assert_type(publish_many(URL, ["one", Event("two"), {"data": "three", "retry": 1.5}]), list[str])
    assert_type(await publish_many_async(URL, (str(n) for n in range(3))), list[str])
    publish_many(URL, [b"bytes"])  # type: ignore[list-item]
    publish(URL)  # type: ignore[call-arg]
    publish(URL, b"bytes")  # type: ignore[arg-type]
    publish(URL, "hello", topic="news")  # type: ignore[call-arg]


# Errors


def explain(error: SSEError) -> str:
    match error:
        case EventSourceError() | PublishError():
            return f"{error.url} {error.status}"
        case EventTooLarge():
            return str(error.events)
        case Rejected():
            return ", ".join(f"{place}: {cause}" for place, cause in error.causes.items())
        case LogError():
            return "the log"
    assert_type(error.status, int | None)
    return str(error)
