"""Interrupts, stops, forks, cancellations, memory: what a hub comes through.

``tests/benchmarks/unbreakable.py`` does the same more often.
"""

import asyncio
import contextlib
import logging
import os
import threading
import time
import urllib.error
import urllib.request

import pytest
import unbreakable
from support import Reader

from sse_demo import Hub, LogUncertain, MemoryLog, ServerStopped, Settings, SqliteLog, serve

MB = 1024 * 1024
WAYS = ["raise", "handle", "finalize"]


@pytest.mark.parametrize("log", ["memory", "sqlite"])
@pytest.mark.parametrize("way", WAYS)
def test_interrupts_break_nothing(log, way, tmp_path):
    """Ctrl-C in publish(), and signal handlers and finalizers that publish themselves."""
    assert unbreakable.interrupts(60, way, tmp_path / "e.db" if log == "sqlite" else None)


@pytest.mark.parametrize("log", ["memory", "sqlite"])
def test_what_is_published_while_a_server_stops_is_there_once_or_was_refused(log, tmp_path):
    accepted, failed = unbreakable.stops(5, tmp_path / "e.db" if log == "sqlite" else None)
    assert accepted > 50
    assert failed == 5 * 16, "each publisher was told in the end"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_fork_says_that_the_server_is_not_its_own(tmp_path):
    with serve(log=tmp_path / "e.db") as server:
        before = server.publish("a", "before")
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            try:
                try:
                    server.publish("a", "from the child")
                except ServerStopped:
                    os.write(writing, b"refused")
                os.write(writing, b" running" if server.running else b" not running")
                server.stop()
                server.hub.close()
                os.write(writing, b" stopped")
            finally:
                os._exit(0)
        os.close(writing)
        with os.fdopen(reading, "rb") as said:
            assert said.read() == b"refused not running stopped"
        os.waitpid(child, 0)
        assert server.publish("a", "after") > before
        assert [entry.wire.rpartition(b"data: ")[2] for entry in server.hub.log.read(["a"], 0, 9, 9999)[0]] == [
            b"before\n\n",
            b"after\n\n",
        ]


def test_a_publication_that_is_cancelled_before_its_turn_is_not_published():
    class Stalled(MemoryLog):
        begun, go = threading.Event(), threading.Event()

        def append(self, batch):
            self.begun.set()
            assert self.go.wait(30)
            return super().append(batch)

    async def main():
        log = Stalled()
        hub = Hub(log=log)
        first = asyncio.create_task(hub.publish_async("a", "first"))
        await asyncio.to_thread(log.begun.wait, 30)
        cancelled = asyncio.create_task(hub.publish_async("a", "cancelled"))
        await asyncio.sleep(0)
        cancelled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        log.go.set()
        await first
        await hub.publish_async("a", "last")
        hub.close()
        return [entry.wire.rpartition(b"data: ")[2] for entry in log.read(["a"], 0, 9, 9999)[0]]

    assert asyncio.run(main()) == [b"first\n\n", b"last\n\n"]


def test_a_disk_that_stalls_costs_no_memory_and_is_told(tmp_path):
    with serve(log=tmp_path / "e.db", max_waiting_bytes=2 * MB) as server:
        append, go = server.hub.log.append, threading.Event()

        def stalled(batch):
            assert go.wait(60)
            return append(batch)

        server.hub.log.append = stalled
        outcomes = []

        def post():
            request = urllib.request.Request(
                f"{server.url}/events?topic=a", b"x" * 500_000, {"Content-Type": "text/plain"}
            )
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    outcomes.append(answer.status)
            except urllib.error.HTTPError as error:
                outcomes.append((error.code, "Retry-After" in error.headers))
                error.close()

        threads = [threading.Thread(target=post) for _ in range(12)]
        for thread in threads:
            thread.start()
        while outcomes.count((503, True)) < 6:
            time.sleep(0.01)
        go.set()
        for thread in threads:
            thread.join()
        assert set(outcomes) == {202, (503, True)}
        assert 4 <= outcomes.count(202) <= 6


def test_states_cost_what_the_log_may_have(tmp_path):
    assert unbreakable.states(20, size=MB // 2, log_bytes=4 * MB) < 16 * MB


def test_a_log_of_ones_own_is_kept_also_when_it_is_empty_and_has_a_length():
    class WithLength(MemoryLog):
        def __len__(self):
            return 0

    log = WithLength()
    assert Hub(log=log).log is log
    with serve(log=log) as server:
        assert server.hub.log is log
        assert server.hub


def test_two_hubs_can_follow_one_log():
    log = MemoryLog()
    with (
        serve(log=log) as one,
        serve(log=log) as other,
        Reader(one, "topic=a") as here,
        Reader(other, "topic=a") as there,
    ):
        ids = [server.publish("a", "x") for server in (one, other) * 20]
        for reader in (here, there):
            assert [event.id for event in reader.read(lambda events: len(events) == 40)] == ids


def test_publishing_on_the_loop_itself_does_not_wait_for_the_loop():
    """More than may wait for delivery, in one go, on the thread that delivers."""

    async def main(server):
        for n in range(500):
            server.hub.publish("a", str(n))

    with serve(max_burst=10) as server, Reader(server, "topic=a") as reader:
        asyncio.run_coroutine_threadsafe(main(server), server._loop).result(60)
        assert reader.take(500) == [str(n) for n in range(500)]


def test_never_reading_subscribers_share_the_bytes_of_a_large_event():
    with serve() as server:
        readers = [Reader(server, "topic=a", receive_buffer=4096) for _ in range(40)]
        server.publish("a", "warm")
        for reader in readers:
            reader.take(1)
        before = unbreakable.resident()
        server.publish("a", "x" * (MB - 100))
        while server.hub._delivery._metrics.delivered < 80:
            time.sleep(0.01)
        grown = unbreakable.resident() - before
        for reader in readers:
            reader.close()
    assert grown < 10 * MB, "and not 40 times the event"


class PublishesMeanwhile(MemoryLog):
    """A log in whose thread something else is done in the middle of an append, as a finalizer would."""

    def __init__(self):
        super().__init__()
        self.meanwhile = lambda: None

    def append(self, batch):
        with self._appending:
            meanwhile, self.meanwhile = self.meanwhile, lambda: None
            meanwhile()
        return super().append(batch)


def texts(log, topic="a"):
    return [entry.wire.rpartition(b"data: ")[2].decode().strip() for entry in log.read([topic], 0, 2**60, 2**60)[0]]


def test_a_finalizer_may_publish_in_the_thread_that_appends_also_to_another_hub(eventually):
    log = PublishesMeanwhile()
    one, other = Hub(log=log), Hub(log=log)
    ids = []
    log.meanwhile = lambda: ids.append(other.publish("a", "from a finalizer"))
    one.publish("a", "1")
    eventually(lambda: len(texts(log)) == 2)
    assert (ids, sorted(texts(log))) == ([""], ["1", "from a finalizer"])
    one.close()
    other.close()


def test_a_finalizer_may_stop_a_server_in_the_thread_that_appends(eventually):
    log = PublishesMeanwhile()
    server = serve(log=log)
    log.meanwhile = server.stop
    server.publish("a", "1")
    eventually(lambda: not server.running)
    assert texts(log) == ["1"]


def test_who_logs_may_publish(caplog, eventually):
    """Its lock is held while it publishes, and the thread that appends has something to log."""

    class Fails(MemoryLog):
        fails = True

        def append(self, batch):
            if self.fails:
                self.fails = False
                raise OSError("for a moment")
            return super().append(batch)

    class Handler(logging.Handler):
        def emit(self, record):
            if record.name == "publishes":
                with contextlib.suppress(LogUncertain):
                    hub.publish("a", record.getMessage())

    log = Fails()
    hub = Hub(log=log)
    handler = Handler()
    logging.getLogger().addHandler(handler)
    try:
        for n in range(2):
            logging.getLogger("publishes").error("%d", n)
        eventually(lambda: "the log has failed" in caplog.text)
    finally:
        logging.getLogger().removeHandler(handler)
        hub.close()
    assert texts(log) == ["1"]


def test_a_state_is_published_while_the_file_is_being_read(tmp_path):
    """A finalizer, or a signal handler, may publish in the middle of a read: the read must hold nothing up."""
    log = SqliteLog(tmp_path / "e.db")
    hub = Hub(Settings(state=["s"]), log)
    with log._reader._read():
        ids = [hub.publish("s", f'{{"n": {n}}}') for n in range(3)]
    assert log.snapshot("s").id == ids[-1]
    hub.close()
    log.close()


def test_an_interrupted_delivery_loses_nothing():
    """What interrupts it may publish more than may wait. That is delivered in its turn."""

    async def main(server):
        delivery = server.hub._delivery
        deliver = delivery.deliver

        def interrupted(fresh):
            delivery.deliver = deliver
            for n in range(30):
                server.hub.publish("a", f"nested {n}")
            deliver(fresh)

        delivery.deliver = interrupted
        server.hub.publish("a", "outer")

    with serve(max_burst=5) as server, Reader(server, "topic=a") as reader:
        server.publish("a", "ready")
        reader.take(1)
        asyncio.run_coroutine_threadsafe(main(server), server._loop).result(60)
        server.publish("a", "last")
        received = reader.read(lambda events: events[-1:] and events[-1].data == "last")
        assert [event.data for event in received] == texts(server.hub.log)


def test_a_loop_that_waits_for_a_publisher_is_not_waited_for_for_ever(monkeypatch):
    monkeypatch.setattr("sse_demo.hub.feed.PATIENCE", 0.2)
    monkeypatch.setattr("sse_demo.hub.feed.LOOK_EVERY", 0.05)

    async def main(server):
        def publish():
            for n in range(100):
                server.publish("a", str(n))

        thread = threading.Thread(target=publish)
        thread.start()
        thread.join()  # as a handler does that should not

    with serve(max_burst=10) as server, Reader(server, "topic=a") as reader:
        asyncio.run_coroutine_threadsafe(main(server), server._loop).result(60)
        assert reader.take(100) == [str(n) for n in range(100)]


def test_a_server_that_stands_still_costs_the_others_on_its_log_no_memory(monkeypatch):
    monkeypatch.setattr("sse_demo.hub.feed.MOST_EVENTS", 100)
    log = MemoryLog()
    go = threading.Event()
    with (
        serve(log=log, max_burst=10) as still,
        serve(log=log, max_burst=10) as other,
        Reader(still, "topic=a") as reader,
    ):
        still.publish("a", "ready")
        reader.take(1)
        still._loop.call_soon_threadsafe(go.wait, 60)
        for n in range(1000):
            other.publish("a", str(n))
        assert len(still.hub._feed._news) < 200
        go.set()
        assert reader.take(1001) == texts(log)
