"""The client against servers that follow a script, over real sockets."""

import asyncio
import contextlib
import queue
import socket
import sys
import threading
import time

import pytest

from sse_demo import Event, EventSource, EventSourceError, ReadyState, listen, serve

STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
NO_MORE = b"HTTP/1.1 204 No Content\r\n\r\n"
RETRY = b"retry: 10\n\n"  # so that the tests need not wait three seconds
HOLD = object()  # leave the connection open


class Script:
    """Answers one connection after the other with the bytes given; the last answer is repeated."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = queue.Queue()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/events"
        self.held = []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        with contextlib.suppress(OSError):  # the listener is closed at the end
            while True:
                connection, _ = self.listener.accept()
                request = b""
                while b"\r\n\r\n" not in request:
                    request += connection.recv(65536)
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                for part in answer if isinstance(answer, (list, tuple)) else [answer]:
                    if part is HOLD:
                        self.held.append(connection)
                    else:
                        connection.sendall(part)
                self.requests.put(request)
                if connection not in self.held:
                    connection.close()

    def headers(self):
        """Of the next request, names in lower case."""
        lines = self.requests.get(timeout=5).decode().split("\r\n")[1:]
        return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines) if name}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)  # wakes accept, where close alone does not
        self.listener.close()
        for connection in self.held:
            connection.close()


def data(events):
    return [event.data for event in events]


def listening_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("listen ")]


def test_the_first_request_is_as_the_standard_says():
    with Script(NO_MORE) as script:
        assert list(listen(script.url)) == []
        headers = script.headers()
        assert headers["accept"] == "text/event-stream"
        assert headers["cache-control"] == "no-cache"
        assert "last-event-id" not in headers
        assert "accept-encoding" not in headers


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


def test_an_id_may_be_any_text():
    with Script(STREAM + RETRY + "id: thé 茶\ndata: a\n\n".encode(), NO_MORE) as script:
        list(listen(script.url))
        script.headers()
        assert script.headers()["last-event-id"] == "thé 茶"


def test_a_stream_may_start_from_an_id_and_forget_it():
    with Script(STREAM + RETRY + b"id\n\n", NO_MORE) as script:
        list(listen(script.url, last_event_id="41"))
        assert script.headers()["last-event-id"] == "41"
        assert "last-event-id" not in script.headers()


def test_headers_of_ones_own_are_sent_along():
    with Script(NO_MORE) as script:
        list(listen(script.url, headers={"X-Lesson": "4", "Accept": "text/event-stream, */*"}))
        headers = script.headers()
        assert (headers["x-lesson"], headers["accept"]) == ("4", "text/event-stream, */*")


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


@pytest.mark.parametrize("type_", ["text/event-stream", "text/event-stream; charset=utf-8", "Text/Event-Stream;x=y"])
def test_parameters_of_the_content_type_do_not_matter(type_):
    with Script(f"HTTP/1.1 200 OK\r\nContent-Type: {type_}\r\n\r\n".encode() + b"data: a\n\n") as script:
        assert next(listen(script.url)).data == "a"


@pytest.mark.parametrize("status", ["404 Not Found", "500 Oops", "201 Created", "205 Reset Content", "503 Full"])
def test_another_status_ends_it_and_tells_which(status):
    with Script(
        f"HTTP/1.1 {status}\r\nContent-Type: text/event-stream\r\nContent-Length: 0\r\n\r\n".encode()
    ) as script:
        with pytest.raises(EventSourceError, match=f"{script.url} answered {status}, not 200"):
            next(listen(script.url))
        script.headers()
        assert script.requests.empty(), "it is not tried again"


@pytest.mark.parametrize("type_", ["text/html", "application/json", "text/event-stream-x"])
def test_another_content_type_ends_it_and_tells_which(type_):
    answer = f"HTTP/1.1 200 OK\r\nContent-Type: {type_}\r\n\r\n".encode() + b"data: no\n\n"
    with Script(answer) as script, pytest.raises(EventSourceError, match=f"sends {type_}, not text/event-stream"):
        next(listen(script.url))


def test_what_the_server_says_about_an_error_is_passed_on(server):
    with pytest.raises(EventSourceError, match="400 Bad Request, not 200: the query names no topic"):
        next(listen(f"{server.url}/events"))


def test_an_error_comes_again_when_asked_again():
    async def main(url):
        async with EventSource(url) as source:
            for _ in range(2):
                with pytest.raises(EventSourceError):
                    await anext(source)
            assert source.ready_state is ReadyState.CLOSED

    with Script(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n") as script:
        asyncio.run(main(script.url))


@pytest.mark.parametrize("url", ["", "127.0.0.1:8000/stream", "ftp://127.0.0.1/", "/stream"])
def test_what_is_no_address(url):
    with pytest.raises(ValueError, match="http or https address"):
        listen(url)
    with pytest.raises(EventSourceError, match="is not an address"):
        next(listen("http://:80/"))


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


@pytest.mark.parametrize(
    "answer", [[HOLD], [STREAM, HOLD], [STREAM + b"retry: 60000\n\n"]], ids=["connecting", "reading", "waiting"]
)
def test_close_from_another_thread_ends_a_wait_at_once(answer):
    with Script(answer) as script:
        events = listen(script.url)
        ended = []

        def read():
            ended.append(list(events))

        reader = threading.Thread(target=read)
        reader.start()
        script.requests.get(timeout=5)
        started = time.monotonic()
        events.close()
        reader.join(5)
        assert ended == [[]]
        assert time.monotonic() - started < 0.5
        events.close()
        assert events.source.ready_state is ReadyState.CLOSED
        assert list(events) == []
        assert listening_threads() == []


def test_close_in_a_coroutine_ends_the_loop():
    async def main(url):
        got = []
        async with EventSource(url) as source:
            asyncio.get_running_loop().call_later(0.05, source.close)
            async for event in source:
                got.append(event.data)
        return got

    with Script([STREAM + b"data: a\n\n", HOLD]) as script:
        assert asyncio.run(main(script.url)) == ["a"]


def test_a_cancelled_task_is_cancelled_and_not_closed():
    async def main(url):
        async with EventSource(url) as source:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await anext(source)
            assert source.ready_state is ReadyState.OPEN

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


def test_leaving_the_loop_leaves_nothing_behind(server, eventually):
    for event in listen(f"{server.url}/stream?interval=0"):
        if event.id == "3":
            break
    eventually(lambda: listening_threads() == [])


def test_a_with_block_closes(server, eventually):
    with listen(f"{server.url}/events?topic=a&last_event_id=x") as events:
        next(events)
        eventually(lambda: len(server.hub) == 1)
    eventually(lambda: len(server.hub) == 0)
    assert listening_threads() == []


def test_listen_works_in_a_thread_whose_event_loop_is_running(server):
    async def main():
        with listen(f"{server.url}/stream?count=2&interval=0") as events:
            return [next(events).id, next(events).id]

    assert asyncio.run(main()) == ["0", "1"]


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


def test_close_ends_a_reader_wherever_it_stands():
    """The reader is stopped at its first, second, third ... call of a function, and close() comes right then."""
    with serve() as server:
        for stop_at in range(1, 60):
            listener = listen(f"{server.url}/events?topic=a")
            stopped, closed, outcome = threading.Event(), threading.Event(), []
            calls = 0

            def trace(frame, event, argument, stopped=stopped, closed=closed, stop_at=stop_at):
                nonlocal calls
                calls += 1
                if calls == stop_at:
                    stopped.set()
                    closed.wait(0.05)  # not for ever: close() may rightly wait for a lock that is held here

            def read(listener=listener, trace=trace, outcome=outcome):
                sys.settrace(trace)
                try:
                    outcome.append(next(listener, "end"))
                except BaseException as error:
                    outcome.append(error)
                finally:
                    sys.settrace(None)

            reader = threading.Thread(target=read, daemon=True)
            reader.start()
            stopped.wait(0.2)  # not reached where the reader makes fewer calls than that
            listener.close()
            closed.set()
            reader.join(2)
            assert outcome == ["end"], f"stopped at call {stop_at}: {outcome or 'the reader hangs'}"
            if calls < stop_at:
                return
        pytest.fail("the reader never came to wait")


def test_an_absurd_retry_is_a_long_one():
    with Script([STREAM + b"retry: " + b"9" * 400 + b"\ndata: a\n\n", HOLD]) as script, listen(script.url) as events:
        assert next(events).data == "a"
        assert events.source.reconnection_time == 24 * 3600


@pytest.mark.parametrize("character", [b"\x01", b"\x1f", b"\x7f"])
def test_an_id_that_no_header_can_carry_ends_the_stream_with_a_reason(character):
    with Script(STREAM + b"retry: 1\nid: a" + character + b"\ndata: a\n\n") as script, listen(script.url) as events:
        assert next(events).data == "a"
        with pytest.raises(EventSourceError, match="cannot be asked to go on after the event ID"):
            next(events)
