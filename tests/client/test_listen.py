"""``listen()`` in threads, with and without a loop of their own around it."""

import asyncio
import gc
import os
import resource
import select
import signal
import socket
import sys
import threading
import time
import warnings

import psutil
import pytest
from support import HOLD, STREAM, Script

from sse_demo import ReadyState, listen, publish, serve


def listening_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("listen ")]


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


def test_leaving_the_loop_leaves_nothing_behind(server, eventually):
    for event in listen(f"{server.url}/stream?interval=0"):
        if event.id == "3":
            break
    eventually(lambda: listening_threads() == [])


def test_a_with_block_closes(server, eventually):
    with listen(f"{server.url}/events?topic=a&last_event_id=x") as events:
        next(events)
        eventually(lambda: server.hub.subscribers == 1)
    eventually(lambda: server.hub.subscribers == 0)
    assert listening_threads() == []


def test_listen_works_in_a_thread_whose_event_loop_is_running(server):
    async def main():
        with listen(f"{server.url}/stream?count=2&interval=0") as events:
            return [next(events).id, next(events).id]

    assert asyncio.run(main()) == ["0", "1"]


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


@pytest.mark.parametrize(
    "answer", [[HOLD], [STREAM, HOLD], [STREAM + b"retry: 60000\n\n"]], ids=["connecting", "reading", "waiting"]
)
def test_closed_a_hundred_times_nothing_is_left(answer, eventually):
    threads, process = threading.active_count(), psutil.Process()
    with Script(answer) as script, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        threads += 1  # the script's own
        sockets = len(process.net_connections())
        for _ in range(100):
            events = listen(script.url)
            reader = threading.Thread(target=lambda events=events: list(events))
            reader.start()
            script.requests.get(timeout=5)
            events.close()
            reader.join(5)
        del events, reader
        gc.collect()
        assert threading.active_count() == threads
        ours = {("127.0.0.1", int(script.url.split(":")[2].split("/")[0]))}
        eventually(lambda: not [c for c in process.net_connections() if c.raddr and set([tuple(c.raddr)]) == ours])
        eventually(lambda: len(process.net_connections()) <= sockets + len(script.held))
    assert [str(warning.message) for warning in caught] == []


def test_close_does_not_wait_for_a_name_to_be_found(monkeypatch):
    asked, answer = threading.Event(), threading.Event()
    real = socket.getaddrinfo

    def slow(host, *arguments, **options):
        if host == "slow.test":
            asked.set()
            answer.wait(10)
        return real(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    events = listen("http://slow.test/events")
    reader = threading.Thread(target=lambda: list(events))
    reader.start()
    assert asked.wait(5)
    closing = threading.Thread(target=events.close)
    closing.start()
    closing.join(2)
    assert not closing.is_alive(), "close() waits for the name"
    reader.join(5)
    answer.set()


def test_restart_from_another_thread():
    with Script([STREAM + b"id: 1\ndata: a\n\n", HOLD]) as script, listen(script.url) as events:
        assert next(events).data == "a"
        script.headers()
        events.restart()
        assert next(events).data == "a"
        assert script.headers()["last-event-id"] == "1"


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, ZeroDivisionError])
def test_what_a_hook_raises_reaches_the_reader(error):
    def hook(change):
        if change.state is ReadyState.OPEN:
            raise error

    with Script([STREAM, HOLD]) as script:
        events = listen(script.url, on_state_change=hook)
        with pytest.raises(error):
            next(events)
        assert events.source.ready_state is ReadyState.CLOSED
        assert listening_threads() == []


def test_a_second_thread_is_refused_and_the_first_goes_on(eventually):
    with Script([STREAM, 0.4, b"data: a\n\n", 0.05, b"data: b\n\n", HOLD]) as script, listen(script.url) as events:
        got = []
        first = threading.Thread(target=lambda: got.extend([next(events).data, next(events).data]))
        first.start()
        eventually(lambda: events.source.ready_state is ReadyState.OPEN)
        with pytest.raises(RuntimeError, match="waits for the next event of this stream already"):
            next(events)
        first.join(5)
        assert got == ["a", "b"]
        assert events.source.ready_state is ReadyState.OPEN


def test_threads_may_take_turns():
    """None of them waits while another does; each event is given once."""
    body = b"".join(b"data: %d\n\n" % number for number in range(1000))
    with Script([STREAM + body, HOLD]) as script, listen(script.url) as events:
        turn, got = threading.Lock(), []

        def read():
            while True:
                with turn:
                    if len(got) == 1000:
                        return
                    got.append(next(events).data)

        readers = [threading.Thread(target=read) for _ in range(4)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(10)
        assert got == [str(number) for number in range(1000)]


def test_no_thread_is_named_after_a_password():
    with Script([HOLD]) as script, listen(script.url.replace("//", "//ada:secret@")):
        assert [thread.name for thread in listening_threads()] == [f"listen {script.url}"]


def test_a_fork_of_the_process_is_told_that_nothing_reads_there():
    with Script([STREAM + b"data: a\n\n", HOLD]) as script, listen(script.url) as events:
        assert next(events).data == "a"
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                next(events)
            except RuntimeError as error:
                os.write(writing, str(error).encode())
            finally:
                events.close()
                os._exit(0)
        os.close(writing)
        with open(reading) as told:
            has_answered = select.select([told], [], [], 10)[0]
            os.kill(child, signal.SIGKILL)  # which may wait for ever
            os.waitpid(child, 0)
            assert has_answered
            assert "is a fork of the one that reads the stream" in told.read()
        assert events.source.ready_state is ReadyState.OPEN, "the parent reads on"


def test_no_thread_and_no_files_leave_nothing_behind(monkeypatch, recwarn):
    """Whatever is missing, its error is the only one."""
    unraisable = []
    monkeypatch.setattr(sys, "unraisablehook", unraisable.append)

    def fail(*_):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", fail)
        with pytest.raises(RuntimeError, match="can't start"):
            listen("http://127.0.0.1:1/")
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
    try:
        for function in (lambda: listen("http://127.0.0.1:1/"), lambda: publish("http://127.0.0.1:1/", "hello")):
            with pytest.raises(OSError, match="Too many open files"):
                function()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    gc.collect()
    ours = [str(each.exc_value) for each in unraisable if "BaseEventLoop" not in str(each.object)]
    assert ours == []
    assert [str(each.message) for each in recwarn if "never awaited" in str(each.message)] == []


def test_a_close_that_was_interrupted_can_be_made_again(monkeypatch):
    """As with a second Ctrl-C, which comes while the first one closes the stream."""

    def interrupted():
        raise KeyboardInterrupt

    with Script([STREAM, HOLD]) as script:
        events = listen(script.url)
        with monkeypatch.context() as patched:
            patched.setattr(events.source, "close", interrupted)
            with pytest.raises(KeyboardInterrupt):
                events.close()
        closing = threading.Thread(target=events.close, daemon=True)
        closing.start()
        closing.join(5)
        assert not closing.is_alive()
        assert listening_threads() == []


@pytest.mark.parametrize("comes", ["before", "after"])
def test_a_signal_handler_may_close_at_any_moment(monkeypatch, recwarn, comes):
    """Also while ``next()`` hands its wish to the thread that reads, or right after."""
    with Script([STREAM, HOLD]) as script:
        events = listen(script.url)
        hand_over = events._loop.call_soon_threadsafe

        def interrupted(callback, *args):
            monkeypatch.setattr(events._loop, "call_soon_threadsafe", hand_over)
            if comes == "before":
                signal.raise_signal(signal.SIGUSR1)
                return hand_over(callback, *args)
            handed_over = hand_over(callback, *args)
            signal.raise_signal(signal.SIGUSR1)
            return handed_over

        handler = signal.signal(signal.SIGUSR1, lambda *_: events.close())
        try:
            monkeypatch.setattr(events._loop, "call_soon_threadsafe", interrupted)
            assert list(events) == []
        finally:
            signal.signal(signal.SIGUSR1, handler)
    gc.collect()
    assert [str(each.message) for each in recwarn if "never awaited" in str(each.message)] == []
