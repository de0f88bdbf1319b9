"""Open streams: each ends when its right does, and its client is told before."""

import asyncio
import http.client
import json
import math
import socket
import ssl
import time

import pytest
import trustme
from asking import request
from bearers import Asked, access, bearer, cookie, cookie_in, log_in, status, stream_status

from sse_demo.observe.metrics import Metrics
from sse_demo.web.access.identity import Identity, Rights
from sse_demo.web.access.limits import AccessLimits
from sse_demo.web.access.streams import TURN, Streams
from sse_demo.web.handlers import Handler
from sse_demo.web.routing import Route
from sse_demo.web.tls import Certificate

ANN = Identity(subject="ann", rights=Rights(), kind="token", issuer="issuer", expires=math.inf)


class Wire:
    """A connection that keeps what is written to it."""

    def __init__(self):
        self.written, self.how, self.closed, self.told = [], None, False, []

    def write(self, block):
        assert not self.closed
        self.written.append(block)
        return True

    def when_closed(self, callback):
        self.told.append(callback)

    def end(self):
        self.close("ended")

    def abort(self):
        self.close("broken off")

    def close(self, how):
        self.how, self.closed = how, True
        for callback in self.told:
            asyncio.get_running_loop().call_soon(callback)


class Watch:
    """Streams, the time as a test sets it, and the end of each subject's right."""

    def __init__(self, **limits):
        self.now, self.ends = 1000.0, {}
        self.streams = Streams(AccessLimits(**limits), Metrics(), lambda identity: self.ends[identity.subject])

    def open(self, subject="ann", ends=math.inf, *, finite=False, address="192.0.2.1"):
        self.ends.setdefault(subject, ends)
        wire = Wire()
        identity = Identity(subject=subject, rights=Rights(), kind="token", issuer="issuer")
        self.streams.add(wire, identity, address, path="/events", request_id="1", finite=finite)
        return wire

    async def at(self, now):
        """It is this time, and the streams have been looked at."""
        self.now = now
        self.streams._look()
        await asyncio.sleep(0)


@pytest.fixture
def watched(monkeypatch):
    """``watched(main, ...)`` runs a coroutine function with streams that are watched."""

    def run(main, **limits):
        watch = Watch(**limits)
        monkeypatch.setattr("sse_demo.web.access.streams.time.time", lambda: watch.now)
        asyncio.run(main(watch))

    return run


def written(wire):
    return b"".join(wire.written).decode()


def test_a_client_is_told_before_the_end_and_the_stream_ends_at_the_end(watched):
    async def main(watch):
        wire = watch.open(ends=1100.0)
        await watch.at(1069.9)
        assert wire.written == []
        await watch.at(1070.0)
        assert written(wire) == 'event: access-ends\ndata: {"seconds": 30.0}\n\n'
        await watch.at(1099.9)
        assert len(wire.written) == 1
        assert wire.how is None
        await watch.at(1100.0)
        assert wire.how == "ended"
        assert len(wire.written) == 1
        assert len(watch.streams) == 0

    watched(main)


def test_a_stream_that_begins_shortly_before_the_end_is_told_at_once(watched):
    async def main(watch):
        wire = watch.open(ends=1005.0)
        assert written(wire) == 'event: access-ends\ndata: {"seconds": 5.0}\n\n'

    watched(main)


def test_a_right_that_is_renewed_is_told_of_anew(watched):
    async def main(watch):
        wire = watch.open(ends=1100.0)
        await watch.at(1080.0)
        watch.ends["ann"] = 1200.0
        for now in (1100.0, 1169.0):
            await watch.at(now)
            assert len(wire.written) == 1
        await watch.at(1170.0)
        assert len(wire.written) == 2
        await watch.at(1200.0)
        assert wire.how == "ended"

    watched(main)


def test_the_names_of_the_events_are_the_settings(watched):
    async def main(watch):
        wire = watch.open(ends=1010.0)
        await watch.at(1005.0)
        watch.streams.revoke(lambda stream: True, "why not")
        assert written(wire) == 'event: soon\ndata: {"seconds": 5.0}\n\nevent: over\ndata: {"reason": "why not"}\n\n'
        assert wire.how == "ended"

    watched(main, renew_before=5.0, renew_event="soon", ended_event="over")


def test_a_reason_is_no_way_to_write_an_event_of_ones_own(watched):
    async def main(watch):
        wire = watch.open()
        watch.streams.revoke(lambda stream: True, "a\n\nevent: message\ndata: b\r\n\r\n\u2028")
        assert written(wire).count("\n\n") == 1

    watched(main)


def test_a_stream_of_ones_own_is_not_told_and_is_broken_off(watched):
    """It has events of its own, and its reader must not take it for complete."""

    async def main(watch):
        expired, revoked = watch.open("ann", 1010.0, finite=True), watch.open("ben", finite=True)
        await watch.at(1005.0)
        watch.streams.revoke(lambda stream: stream.identity.subject == "ben", "logout")
        await watch.at(1010.0)
        assert [(wire.how, wire.written) for wire in (expired, revoked)] == [("broken off", [])] * 2

    watched(main)


def test_what_has_no_right_any_more_does_not_begin(watched):
    async def main(watch):
        wire = watch.open(ends=0.0)
        assert (wire.how, wire.written) == ("ended", [])

    watched(main)


def test_who_may_come_back_is_told_nothing(watched):
    async def main(watch):
        wire = watch.open()
        assert watch.streams.revoke(lambda stream: True, None) == 1
        assert (wire.how, wire.written) == ("ended", [])

    watched(main)


def test_a_stream_is_ended_once(watched):
    async def main(watch):
        wire = watch.open(ends=1010.0)
        assert [watch.streams.revoke(lambda stream: True, "logout") for _ in range(3)] == [1, 0, 0]
        await watch.at(1010.0)
        assert written(wire).count("access-ended") == 1

    watched(main, renew_before=0.0)


def test_a_stream_that_is_one_too_many_when_it_begins_ends_at_once(watched):
    """There was room when its client asked, and others were quicker."""

    async def main(watch):
        wires = [watch.open() for _ in range(3)]
        assert [wire.how for wire in wires] == [None, None, "broken off"]
        await asyncio.sleep(0)
        wires[0].end()
        await asyncio.sleep(0)
        assert watch.open().how is None

    watched(main, max_streams_per_subject=2)


def test_an_operator_ends_one_stream_and_no_other(watched):
    async def main(watch):
        wires = [watch.open(), watch.open(), watch.open(finite=True)]
        first, second, finite = watch.streams
        watch.streams.end(first, "ended by an operator")
        watch.streams.end(finite, "ended by an operator")
        assert [wire.how for wire in wires] == ["ended", None, "broken off"]
        assert [written(wire) for wire in wires] == [
            'event: access-ended\ndata: {"reason": "ended by an operator"}\n\n', "", ""
        ]  # fmt: skip
        assert [watch.streams.get(one.id) for one in (first, second, finite)] == [None, second, None]
        assert watch.streams.get(99) is None
        assert watch.open().how is None, "it may come back"

    watched(main)


def test_a_stream_that_has_closed_is_not_looked_at(watched):
    async def main(watch):
        wire = watch.open(ends=1010.0)
        wire.end()
        assert watch.streams.revoke(lambda stream: True, "logout") == 0
        assert list(watch.streams) == []
        await watch.at(1020.0)
        assert wire.written == []

    watched(main, renew_before=0.0)


def test_a_clock_that_jumps_ends_what_is_over_by_it(watched):
    async def main(watch):
        first, second = watch.open("ann", 1100.0), watch.open("ben", 9000.0)
        await watch.at(0.0)  # it was set back
        assert [wire.how for wire in (first, second)] == [None, None]
        await watch.at(5000.0)
        assert [wire.how for wire in (first, second)] == ["ended", None]
        await watch.at(1000.0)
        await watch.at(9000.0)
        assert second.how == "ended"

    watched(main)


def test_a_clock_is_looked_at_each_second(monkeypatch):
    """Nobody tells a program that its clock was set: the right of an hour may be over in a moment."""

    async def main():
        watch = Watch()
        monkeypatch.setattr("sse_demo.web.access.streams.time.time", lambda: watch.now)
        wire = watch.open(ends=5000.0)
        watch.now = 6000.0
        async with asyncio.timeout(30):
            while not wire.closed:
                await asyncio.sleep(0.01)

    asyncio.run(main())


@pytest.mark.parametrize("how", ["expired", "revoked"])
def test_thousands_that_end_at_once_leave_the_event_loop_free(watched, how):
    class Slow(Wire):
        def close(self, how):
            ends = time.perf_counter() + TURN / 10
            while time.perf_counter() < ends:
                pass
            super().close(how)

    async def main(watch):
        wires = []
        for number in range(200):
            watch.ends[str(number)] = 1001.0
            wires.append(Slow())
            identity = Identity(subject=str(number), rights=Rights(), kind="token", issuer="issuer")
            watch.streams.add(wires[-1], identity, "::1", path="/events", request_id="1", finite=False)
        turns = 0
        if how == "revoked":
            assert watch.streams.revoke(lambda stream: True, "logout") == 200
            assert 0 < sum(wire.closed for wire in wires) < 200
        else:
            watch.now = 1001.0
        while not all(wire.closed for wire in wires):
            await asyncio.sleep(0)
            turns += 1
        assert turns >= 200 / 10 / 2  # others had theirs, each after some ten ends

    watched(main, renew_before=0.0)


def test_looks_at_streams_that_have_closed_do_not_pile_up(watched):
    async def main(watch):
        for _ in range(20_000):
            watch.open(ends=5000.0).end()
            await asyncio.sleep(0)
        assert len(watch.streams._due) < 5000

    watched(main)


def test_ends_are_counted_by_their_reason(watched):
    async def main(watch):
        watch.open("ann", 1010.0)
        watch.open("ben")
        watch.streams.revoke(lambda stream: stream.identity.subject == "ben", "logout")
        await watch.at(1010.0)
        text = watch.streams._metrics.text().decode()
        assert 'sse_closed_total{reason="expired"} 1.0' in text
        assert 'sse_closed_total{reason="revoked"} 1.0' in text

    watched(main)


# On a server


def test_a_stream_ends_in_order_at_the_end_of_its_token(guarded):
    server = guarded(renew_before=0.5)
    begun = time.time()
    headers = bearer(expires_in=2.0)
    with Asked(server, "/events?topic=a", headers) as stream:
        server.publish("a", "1")
        [event, told] = stream.to_the_end()
        assert time.time() - begun >= 2.0
    assert event.data == "1"
    assert told.event == "access-ends"
    assert 0 < json.loads(told.data)["seconds"] <= 0.5
    assert told.id == event.id  # the browser goes on from there
    assert stream_status(server, headers) == 401


def test_revoking_ends_what_is_open_and_what_would_be(guarded):
    server = guarded()
    headers, others = bearer(id="42"), bearer("ben")
    own = log_in(server)
    with (
        Asked(server, "/events?topic=a", headers) as token,
        Asked(server, "/events?topic=a", cookie(own)) as session,
        Asked(server, "/events?topic=a", others) as other,
    ):
        assert server.revoke(token_id="42", reason="stolen") == (0, 1)
        assert [event.data for event in token.to_the_end()] == ['{"reason": "stolen"}']
        assert server.revoke(subject="ann") == (1, 1)
        assert [event.data for event in session.to_the_end()] == ['{"reason": "revoked"}']
        server.publish("a", "goes on")
        assert other.take(1) == ["goes on"]
    assert [stream_status(server, each) for each in (headers, cookie(own), others)] == [401, 401, 200]


def test_a_page_that_logs_in_again_comes_back_and_gets_each_event_once(guarded):
    """Its stream ends in order, once the answer with the new cookie is out."""
    server = guarded()
    own = log_in(server)
    seen, last = [], ""
    published = iter(range(1_000_000))
    for _ in range(5):
        headers = {**cookie(own), **({"Last-Event-ID": last} if last else {})}
        with Asked(server, "/events?topic=a", headers) as stream:
            for _ in range(50):
                server.publish("a", str(next(published)))
            before = own
            _, answered, _ = request(server, "POST", "/session", headers={**cookie(own), **bearer()})
            own = cookie_in(answered)
            for _ in range(50):
                server.publish("a", str(next(published)))
            got = stream.to_the_end()
        assert {event.event for event in got} == {"message"}  # it is told of nothing: it may come back
        seen += [int(event.data) for event in got]
        last = got[-1].id
        assert stream_status(server, cookie(before)) == 401
    with Asked(server, "/events?topic=a", {**cookie(own), "Last-Event-ID": last}) as stream:
        seen += map(int, stream.take(next(published) - len(seen)))
    assert seen == list(range(len(seen)))


class Endless(Handler):
    async def get(self):
        async def numbers():
            while True:
                yield "a number"
                await asyncio.sleep(0.01)

        await self.send_events(numbers())


def test_a_stream_of_ones_own_is_broken_off_at_the_end_of_its_right(guarded):
    server = guarded(routes=[Route("/numbers", Endless)], renew_before=0.0)
    for headers, end in [
        (bearer("ann"), lambda: server.revoke(subject="ann")),
        (bearer("ben", expires_in=2.0), lambda: None),
        (cookie(log_in(server, "cat")), lambda: server.revoke(subject="cat")),
    ]:
        with Asked(server, "/numbers", headers) as stream:
            assert stream.take(1) == ["a number"]
            end()
            with pytest.raises(http.client.IncompleteRead):
                stream.to_the_end()


def test_a_stream_for_everybody_has_no_end(guarded):
    server = guarded(access=access(anonymous=["news"]))
    with Asked(server, "/events?topic=news") as stream:
        server.revoke(subject="ann")
        server.publish("news", "goes on")
        assert stream.take(1) == ["goes on"]
    assert status(server, "/events?topic=news", {}, "POST") == 401


@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_over_tls_and_for_old_clients_it_is_the_same(guarded, tmp_path, version):
    authority, client = trustme.CA(), ssl.create_default_context()
    authority.issue_cert("127.0.0.1", "localhost").private_key_and_cert_chain_pem.write_to_path(tmp_path / "pem")
    authority.configure_trust(client)
    server = guarded(tls=Certificate(tmp_path / "pem", tmp_path / "pem"), renew_before=1000.0)
    sent = f"{version}\r\nHost: localhost\r\nAuthorization: {bearer()['Authorization']}\r\nX: "
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as plain:
        with client.wrap_socket(plain, server_hostname="localhost") as secure, secure.makefile("rb") as file:
            secure.sendall(f"GET /events?topic=a HTTP/{sent}\r\n\r\n".encode())
            head = b"".join(iter(file.readline, b"\r\n"))
            assert head.startswith(b"HTTP/1.1 200")
            told = b""
            while b"access-ends" not in told:  # it is watched by now
                told += file.readline()
            server.revoke(subject="ann")
            told += file.read()
    assert b'event: access-ended\ndata: {"reason": "revoked"}\n\n' in told
    assert told.endswith(b"0\r\n\r\n") == (version == "1.1")
