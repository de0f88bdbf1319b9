"""The client against servers that follow a script, over real sockets."""

import asyncio
import copy
import multiprocessing
import pickle
import socket
import threading
import time
from concurrent.futures import ProcessPoolExecutor

import pytest
from support import HOLD, NO_MORE, RESET, RETRY, STREAM, Script, assert_as_wanted, vector_cases

from sse_demo import (
    Backoff,
    Comment,
    Event,
    EventSource,
    EventSourceError,
    ReadyState,
    StateChange,
    listen,
    serve,
)

CONNECTING, OPEN, CLOSED = ReadyState
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def data(events):
    return [event.data for event in events]


def test_a_lost_connection_is_made_again_and_resumed():
    with Script(STREAM + RETRY + b"id: 7\ndata: a\n\n", STREAM + RETRY + b"data: b\n\n", NO_MORE) as script:
        assert list(listen(script.url)) == [Event("a", id="7"), Event("b", id="7")]
        assert [script.headers().get("last-event-id") for _ in range(3)] == [None, "7", "7"]


def test_what_was_unfinished_comes_whole_after_the_resume():
    with Script(
        STREAM + RETRY + b"id: 1\ndata: a\n\nid: 2\ndata: half", STREAM + b"id: 2\ndata: whole\n\n", NO_MORE
    ) as script:
        script.answers.insert(2, NO_MORE)
        events = listen(script.url)
        assert [next(events), next(events)] == [Event("a", id="1"), Event("whole", id="2")]
        script.headers()
        assert script.headers()["last-event-id"] == "1"
        events.close()


def test_a_body_that_breaks_off_in_a_chunk_is_a_lost_connection():
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = RETRY + b"id: 1\ndata: a\n\n"
    broken = head + b"%x\r\n%b\r\nff\r\nid: 2" % (len(body), body)
    with Script(broken, NO_MORE) as script:
        assert data(listen(script.url)) == ["a"]
        script.headers()
        assert script.headers()["last-event-id"] == "1"


def test_a_stream_may_start_from_an_id_and_forget_it():
    with Script(STREAM + RETRY + b"id\n\n", NO_MORE) as script:
        list(listen(script.url, last_event_id="41"))
        assert script.headers()["last-event-id"] == "41"
        assert "last-event-id" not in script.headers()


def test_the_reconnection_time_is_the_streams():
    with Script(STREAM + b"retry: 250\n\ndata: a\n\n", NO_MORE) as script:
        events = listen(script.url)
        assert events.source.reconnection_time == 3
        next(events)
        started = time.monotonic()
        assert list(events) == []
        assert time.monotonic() - started >= 0.25
        assert events.source.reconnection_time == 0.25


def test_nobody_there_is_tried_again(eventually):
    with Script(NO_MORE) as script:
        port = int(script.url.split(":")[2].split("/")[0])
    events = listen(f"http://127.0.0.1:{port}/events")
    events.source.reconnection_time = 0.02
    got = []
    thread = threading.Thread(target=lambda: got.extend(events))
    thread.start()
    eventually(lambda: events.source.ready_state is ReadyState.CONNECTING)
    listener = socket.create_server(("127.0.0.1", port))
    connection, _ = listener.accept()
    connection.recv(65536)
    connection.sendall(STREAM + b"data: at last\n\n")
    eventually(lambda: data(got) == ["at last"])
    events.close()
    thread.join(5)
    assert not thread.is_alive()
    connection.close()
    listener.close()


def test_nobody_there_is_said_in_plain_words():
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}/events"
    with listen(url, max_tries=1) as events, pytest.raises(EventSourceError, match="nothing answers there"):
        next(events)


def test_an_error_comes_again_when_asked_again():
    async def main(url):
        async with EventSource(url) as source:
            for _ in range(2):
                with pytest.raises(EventSourceError):
                    await anext(source)
            assert source.ready_state is ReadyState.CLOSED

    with Script(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n") as script:
        asyncio.run(main(script.url))


def test_bytes_that_are_no_utf_8_do_not_end_it():
    with Script(STREAM + b"data: \xff\n\ndata: b\n\n") as script:
        events = listen(script.url)
        assert [next(events).data, next(events).data] == ["\ufffd", "b"]


def test_an_event_that_is_too_large_ends_it_after_those_before_it():
    with Script(STREAM + b"data: a\n\ndata: b\n\ndata: " + b"x" * 200 + b"\n\n") as script:
        events = listen(script.url, max_event_size=100)
        assert [next(events).data, next(events).data] == ["a", "b"]
        with pytest.raises(EventSourceError, match="more than 100 bytes"):
            next(events)


def test_close_in_a_coroutine_ends_the_loop():
    async def main(url):
        got = []
        async with EventSource(url) as source:
            async for event in source:
                got.append(event.data)
                asyncio.get_running_loop().call_later(0.05, source.close)  # the loop waits for the next one by then
        return got

    with Script([STREAM + b"data: a\n\n", HOLD]) as script:
        assert asyncio.run(main(script.url)) == ["a"]


async def read_and_cancel(url, state):
    """A stream that was read until it came to this state: then its reader was cancelled."""
    reached = asyncio.Event()
    source = EventSource(url, on_state_change=lambda change: change.state is state and reached.set())
    reading = asyncio.create_task(anext(source))
    async with asyncio.timeout(5):
        await reached.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    return source


def test_a_cancelled_task_is_cancelled_and_not_closed():
    async def main(url):
        async with await read_and_cancel(url, OPEN) as source:
            assert source.ready_state is OPEN

    with Script([STREAM, HOLD]) as script:
        asyncio.run(main(script.url))


def test_ready_states():
    async def main(url):
        source = EventSource(url)
        assert source.ready_state is ReadyState.CONNECTING == 0
        async with source:
            await anext(source)
            assert source.ready_state is ReadyState.OPEN == 1
        assert source.ready_state is ReadyState.CLOSED == 2

    with Script([STREAM + b"data: a\n\n", HOLD]) as script:
        asyncio.run(main(script.url))


def test_ten_messages_end_by_themselves(server):
    source = listen(f"{server.url}/stream?count=2&interval=0")
    source.source.reconnection_time = 0.05
    assert [event.id for event in source] == ["0", "1"]


def test_a_server_that_is_started_again_is_found_again():
    with serve() as server:
        events = listen(f"{server.url}/events?topic=a&recent=5")
        events.source.reconnection_time = 0.05
        server.publish("a", "before")
        assert next(events).data == "before"
    with serve(server.port) as server:
        server.publish("a", "after")
        assert [next(events).event, next(events).data] == ["reset", "after"]
        events.close()


def test_an_absurd_retry_is_a_long_one():
    with Script([STREAM + b"retry: " + b"9" * 400 + b"\ndata: a\n\n", HOLD]) as script, listen(script.url) as events:
        assert next(events).data == "a"
        assert events.source.reconnection_time == 24 * 3600


@pytest.mark.parametrize(("ways", "start_id", "wanted"), list(vector_cases()))
def test_a_vector_gives_its_events_over_a_socket(ways, start_id, wanted):
    def end(change):
        if change.state is CONNECTING:
            source.close()

    async def main():
        async with source:
            return [item async for item in source]

    for chunks in (ways[0], ways[-1]):  # as given, and byte by byte
        framed = [b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks if chunk]
        with Script([CHUNKED, *framed, b"0\r\n\r\n"]) as script:
            source = EventSource(script.url, last_event_id=start_id, comments=True, on_state_change=end)
            items = asyncio.run(main())
            assert_as_wanted(wanted, items, source.last_event_id, source._parser.retry)


def test_comments_come_in_their_place_and_at_once():
    with Script([STREAM + b":one\ndata: a\n\n:two\n", HOLD]) as script, listen(script.url, comments=True) as events:
        assert [next(events) for _ in range(3)] == [Comment("one"), Event("a"), Comment("two")]


def test_each_change_of_state_is_told():
    changes = []
    with Script([STREAM + RETRY + b"data: a\n\n"], [CHUNKED, RESET], NO_MORE) as script:
        assert data(listen(script.url, on_state_change=changes.append)) == ["a"]
    opened, ended, opened_again, broken, closed = changes
    assert opened == StateChange(OPEN, "connected", 1, 0, None)
    assert ended == StateChange(CONNECTING, "the server ended the response", 0, 0.01, None)
    assert opened_again == StateChange(OPEN, "connected", 1, 0, None)
    assert (broken.state, broken.tries, broken.wait) == (CONNECTING, 1, 0.01)
    assert isinstance(broken.error, Exception)
    assert type(broken.error).__name__ in broken.reason
    assert closed == StateChange(CLOSED, "the server answered 204: there is no more", 2, 0, None)


def test_a_failure_and_a_close_are_told_once():
    changes = []
    with Script(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n") as script:
        events = listen(script.url, on_state_change=changes.append)
        with pytest.raises(EventSourceError):
            next(events)
        events.close()
        events.close()
    assert [change.state for change in changes] == [CLOSED]
    assert isinstance(changes[0].error, EventSourceError)
    listen("http://127.0.0.1:1/", on_state_change=changes.append).close()
    assert changes[1:] == [StateChange(CLOSED, "close() was called", 0, 0, None)]


def test_a_hook_may_close_the_stream():
    with Script([STREAM + RETRY]) as script:
        events = listen(script.url, on_state_change=lambda change: change.state is OPEN and events.close())
        assert list(events) == []


@pytest.mark.parametrize("tries", [1, 3])
def test_a_limit_on_tries(tries):
    waits = []
    with Script([STREAM + RETRY + b"data: a\n\n"], [RESET]) as script:
        events = listen(script.url, max_tries=tries, on_state_change=lambda change: waits.append(change.wait))
        assert next(events).data == "a"
        with pytest.raises(EventSourceError, match=rf"was given up, .* \(try {tries}\)") as caught:
            next(events)
        assert (caught.value.tries, caught.value.status) == (tries, None)
        assert isinstance(caught.value.__cause__, Exception)
        assert script.requests.qsize() == 1 + tries


def test_a_connection_that_brings_nothing_is_a_try_that_failed():
    with Script([STREAM + RETRY]) as script:
        with pytest.raises(EventSourceError, match="was given up, the server ended the response"):
            next(listen(script.url, max_tries=3))
        assert script.requests.qsize() == 3


def test_a_connection_that_has_lasted_is_none(monkeypatch):
    monkeypatch.setattr("sse_demo.client.source.STABLE_AFTER", 0)
    with Script([STREAM + RETRY], [STREAM + RETRY], [STREAM + RETRY], NO_MORE) as script:
        assert list(listen(script.url, max_tries=1)) == []


def test_the_waits_grow_and_start_again_after_a_success():
    waits = []
    answers = [[RESET], [RESET], [RESET], STREAM + b"data: a\n\n", [RESET], [RESET], NO_MORE]
    with Script(*answers) as script:
        backoff = Backoff(factor=2, limit=0.03, jitter=False)
        events = listen(script.url, backoff=backoff, on_state_change=lambda change: waits.append(change.wait))
        events.source.reconnection_time = 0.01
        assert data(events) == ["a"]
    assert waits == [0.01, 0.02, 0.03, 0, 0.01, 0.01, 0.02, 0]  # the two 0 are: open, and closed


@pytest.mark.parametrize("answer", [[HOLD], [STREAM, HOLD], [STREAM + b"id: 1\ndata: a\n\n", HOLD]])
def test_silence_is_a_lost_connection(answer):
    changes = []
    with Script(answer, NO_MORE) as script:
        events = listen(script.url, read_timeout=0.1, on_state_change=changes.append)
        events.source.reconnection_time = 0.01
        list(events)
    lost = next(change for change in changes if change.state is CONNECTING)
    assert isinstance(lost.error, TimeoutError)


def test_a_heartbeat_is_no_silence():
    with serve(heartbeat=0.05) as server:
        changes = []
        events = listen(f"{server.url}/events?topic=a", read_timeout=1, comments=True, on_state_change=changes.append)
        assert sum(1 for _, item in zip(range(40), events, strict=False) if isinstance(item, Comment)) == 40
        assert [change.state for change in changes] == [OPEN]
        events.close()


def test_half_a_line_counts_as_a_sign_of_life():
    with Script([CHUNKED, *[b"1\r\nx\r\n", 0.1] * 10, b"2\r\n\n\n\r\n", HOLD]) as script:
        changes = []

        def see(change):
            changes.append((change, len(script.held)))

        events = listen(script.url, read_timeout=0.5, on_state_change=see)
        reader = threading.Thread(target=lambda: list(events))
        reader.start()
        while len(changes) < 2:  # a second of half a line, then silence
            time.sleep(0.01)
        lost, held = changes[1]
        assert isinstance(lost.error, TimeoutError)
        assert held == 1, "not before all of the line was sent"
        events.close()
        reader.join(5)


def restarted(answers, when, **options):
    """The requests of a stream that is restarted in the state ``when``."""
    with Script(*answers) as script:
        seen = threading.Event()
        events = listen(script.url, on_state_change=lambda change: change.state is when and seen.set(), **options)
        reader = threading.Thread(target=lambda: list(events))
        reader.start()
        script.requests.get(timeout=5)
        if when is not None:
            assert seen.wait(5)
        events.restart()
        second = script.headers()
        events.close()
        reader.join(5)
        return second


def test_restart_while_connecting():
    assert "last-event-id" not in restarted([[HOLD]], None)


def test_restart_while_reading():
    assert restarted([[STREAM + b"id: 7\n\n", HOLD]], OPEN).get("last-event-id") in (None, "7")


def test_restart_while_waiting():
    """The stream asks for a minute; the second request comes within the five seconds that a test waits."""
    assert restarted([[STREAM + b"retry: 60000\nid: 7\ndata: a\n\n"]], CONNECTING)["last-event-id"] == "7"


def test_restart_keeps_what_has_come():
    async def main(url):
        async with EventSource(url) as source:
            first = await anext(source)
            source.restart()
            return [first.data, (await anext(source)).data, (await anext(source)).data]

    with Script(STREAM + b"id: 1\ndata: a\n\nid: 2\ndata: b\n\n", STREAM + b"data: c\n\n") as script:
        assert asyncio.run(main(script.url)) == ["a", "b", "c"]
        script.headers()
        assert script.headers()["last-event-id"] == "2"


def test_restart_of_a_closed_stream_changes_nothing():
    with Script(NO_MORE) as script:
        events = listen(script.url)
        assert list(events) == []
        events.restart()
        assert list(events) == []
        assert script.requests.qsize() == 1


def test_a_wait_that_is_cancelled_is_waited_for_to_its_end():
    async def main(url):
        async with await read_and_cancel(url, CONNECTING) as source:  # the connection is lost: it waits for a minute
            for _ in range(3):
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.1):
                        await anext(source)

    with Script(STREAM + b"retry: 60000\n\n") as script:
        asyncio.run(main(script.url))
        assert script.requests.qsize() == 1


@pytest.mark.parametrize(
    "broken",
    [
        [CHUNKED + b"zz\r\n"],
        [CHUNKED + b"5\r\ndata"],
        [CHUNKED + b"5\r\ndata:\r\n"],
        [CHUNKED + b"5\r\ndata:XX"],
        [STREAM.replace(b"\r\n\r\n", b"\r\nContent-Length: 100\r\n\r\n") + b"data"],
        [STREAM + b"data", RESET],
        [b"HTTP/1.1 200"],
        [b"SSH-2.0-OpenSSH\r\n"],
        [b""],
    ],
    ids=["no chunk", "half a chunk", "no last chunk", "no chunk end", "short", "reset", "half a head", "not HTTP",
         "nothing"],
)  # fmt: skip
def test_a_broken_answer_is_a_lost_connection(broken):
    with Script(STREAM + RETRY + b"id: 1\ndata: a\n\n", broken, STREAM + b"data: b\n\n", NO_MORE) as script:
        with listen(script.url) as events:
            assert [next(events).data, next(events).data] == ["a", "b"]
        assert [script.headers().get("last-event-id") for _ in range(3)] == [None, "1", "1"]


@pytest.mark.parametrize("line", [b"data: ", b": ", b"id: ", b"what", b""])
def test_an_endless_line_ends_it_and_takes_no_more_memory_than_the_limit(line):
    with Script([STREAM + b"data: a\n\n" + line, *[b"x" * 65536] * 64, HOLD]) as script:
        events = listen(script.url, max_event_size=100_000)
        assert next(events).data == "a"
        with pytest.raises(EventSourceError, match=r"cannot be read: .* more than 100000 bytes"):
            next(events)


def test_an_event_of_endless_lines_ends_it_too():
    script = Script([STREAM, *[b"data: x\n" * 8192] * 64, HOLD])
    with script, pytest.raises(EventSourceError, match=r"cannot be read: .* more than 100000 bytes"):
        next(listen(script.url, max_event_size=100_000))


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ({"max_tries": 0}, "max_tries"),
        ({"read_timeout": 0}, "read_timeout"),
        ({"connect_timeout": -1}, "connect_timeout"),
        ({"retry_on": 503}, "retry_on"),
        ({"proxy": "socks5://127.0.0.1:1"}, "proxy"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong, what):
    with pytest.raises(ValueError, match=what):
        EventSource("http://127.0.0.1:1/", **wrong)


@pytest.mark.parametrize("retry", ["+5", "1_000", "5.0", " 5 0", "\u0662", "-1", "5s", "0x5", ""])
def test_a_retry_that_is_not_of_digits_is_none(retry):
    with Script([STREAM + f"retry:{retry}\ndata: a\n\n".encode(), HOLD]) as script, listen(script.url) as events:
        next(events)
        assert events.source.reconnection_time == 3


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_without_reconnection_a_stream_that_is_ended_in_order_ends(method):
    changes = []
    with Script(CHUNKED + b"9\r\ndata: a\n\n\r\n0\r\n\r\n") as script:
        events = listen(script.url, method=method, body="{}", reconnect=False, on_state_change=changes.append)
        assert data(events) == ["a"]
        assert data(events) == []
        assert script.requests.qsize() == 1
    assert [change.state for change in changes] == [OPEN, CLOSED]
    assert changes[1].reason == "the server ended the response"
    assert changes[1].error is None


@pytest.mark.parametrize(
    ("answer", "why", "status"),
    [
        ([CHUNKED + b"9\r\ndata: a\n\n\r\n"], "was lost, and reconnect is off: .* ended before the answer did", None),
        ([CHUNKED + b"9\r\ndata: a\n\n\r\n", RESET], "was lost, and reconnect is off: .* reset by peer", None),
        ([RESET], "was lost, and reconnect is off", None),
        ([b""], "was lost, and reconnect is off", None),
        (b"HTTP/1.1 503 Full\r\nContent-Length: 0\r\n\r\n", "answered 503 Full, not 200", 503),
    ],
)
def test_without_reconnection_a_cut_is_an_error(answer, why, status):
    with Script(answer) as script:
        with listen(script.url, method="POST", reconnect=False, retry_on={503}) as events:
            with pytest.raises(EventSourceError, match=why) as caught:
                list(events)
            assert caught.value.status == status
            assert events.source.ready_state is CLOSED
        assert script.requests.qsize() == 1, "it is not asked again"


def test_without_reconnection_nobody_there_is_an_error():
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}/events"
    with pytest.raises(EventSourceError, match="was lost, and reconnect is off: nothing answers there"):
        next(listen(url, reconnect=False))


def test_without_reconnection_there_is_no_restart():
    with Script([STREAM + b"data: a\n\n", HOLD]) as script, listen(script.url, reconnect=False) as events:
        assert next(events).data == "a"
        with pytest.raises(RuntimeError, match="reconnect=False is one request"):
            events.restart()
        assert events.source.ready_state is OPEN


def test_a_second_task_is_refused_and_the_first_goes_on():
    async def main(url):
        async with EventSource(url) as source:
            first = asyncio.create_task(anext(source))
            while source.ready_state is not OPEN:
                await asyncio.sleep(0)
            for read in (source.receive, source.__anext__):
                with pytest.raises(RuntimeError, match="waits for the next event of this stream already"):
                    await read()
            return (await first).data, (await anext(source)).data

    with Script([STREAM, 0.2, b"data: a\n\n", 0.05, b"data: b\n\n", HOLD]) as script:
        assert asyncio.run(main(script.url)) == ("a", "b")


def test_tasks_may_take_turns():
    async def main(url):
        async with EventSource(url) as source:
            return [(await asyncio.create_task(anext(source))).data for _ in range(3)]

    with Script([STREAM, *[b"data: x\n\n", 0.01] * 3, HOLD]) as script:
        assert asyncio.run(main(script.url)) == ["x"] * 3


def test_a_failed_stream_can_be_told_to_another_process():
    with Script(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n") as script:
        with pytest.raises(EventSourceError) as caught:
            next(listen(script.url))
    for again in (pickle.loads(pickle.dumps(caught.value)), copy.copy(caught.value)):
        assert (str(again), again.url, again.tries, again.status) == (str(caught.value), script.url, 1, 404)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        with pytest.raises(EventSourceError, match="nothing answers there"):
            pool.submit(_first_of, "http://127.0.0.1:1/").result(timeout=60)


def _first_of(url):
    return next(listen(url, max_tries=1))
