"""The keys that an issuer publishes: a real one on loopback, which rotates them, is slow, is down, or answers junk."""

import asyncio
import contextlib
import gc
import gzip
import http.client
import json
import logging
import math
import os
import threading
import time
import weakref
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from asking import request
from tokens import EC, ED, ISSUER, OTHER_RSA, RSA, access, bearer, issuer, jwk, token

from sse_demo import Jwks, serve
from sse_demo.web.access.jwks import MAX_SIZE

OFTEN = {"max_age": 0.4, "refetch_after": 0.05, "timeout": 0.2}
SELDOM = {"max_age": 3600.0, "refetch_after": 600.0, "timeout": 30.0}  # so that nothing is asked for by the clock


def key_set(**keys):
    """A set with these keys, by their names."""
    return json.dumps({"keys": [jwk(key, kid=name) for name, key in keys.items()]}).encode()


class Publisher:
    """An issuer's HTTP server. ``answer`` is called with the handler of each request; ``asked`` counts these."""

    def __init__(self, document=b""):
        self.asked = 0
        self.publish(document)
        self.hold = threading.Event()  # what a slow answer waits for
        publisher = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                publisher.asked += 1
                with contextlib.suppress(ConnectionError):
                    publisher.answer(self)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/keys"
        threading.Thread(target=self.server.serve_forever, args=[0.01], daemon=True).start()

    def publish(self, document, status=200, **headers):
        """Answer with this from now on."""

        def answer(handler):
            handler.send_response(status)
            for name, value in ({"Content_Length": len(document)} | headers).items():
                handler.send_header(name.replace("_", "-"), str(value))
            handler.end_headers()
            handler.wfile.write(document)

        self.answer = answer

    def be_slow(self):
        """Answer nothing from now on, until the end."""
        self.answer = lambda handler: self.hold.wait(30)

    def send(self, data):
        """Answer with these bytes from now on, whatever they are."""
        self.answer = lambda handler: handler.wfile.write(data)

    def go_down(self):
        self.hold.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def publisher():
    publisher = Publisher(key_set(one=RSA))
    yield publisher
    publisher.go_down()


def ids(jwks, name=None):
    return {key.id for key in jwks.find(name)}


async def had(jwks, name=None):
    """The names of the keys for this name, once what is due was asked for."""
    if waiting := jwks.prepare(name):
        await waiting
    return ids(jwks, name)


async def until(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)


def run(test):
    """Run a coroutine, and see that no task of it ended with an error that nobody looked at."""
    lost = []

    async def watched():
        asyncio.get_running_loop().set_exception_handler(lambda _, context: lost.append(context))
        await test

    asyncio.run(watched())
    assert not lost


# Where from


@pytest.mark.parametrize(
    "where",
    [
        *("http://issuer.test/keys", "http://10.0.0.1/keys", "http://localhost.evil.test/", "ftp://localhost/keys"),
        *(
            "file:///etc/passwd",
            "http:///keys",
            "://x",
            "HTTP://issuer.test",
            "data://x",
            "http://127.0.0.1.evil.test/",
        ),
        *("http://localhost@evil.test/keys", "http://[::2]/keys"),
    ],
)
def test_keys_that_others_could_change_on_their_way_are_refused(where):
    with pytest.raises(ValueError, match="keys are asked for with https"):
        Jwks(where)


@pytest.mark.parametrize(
    "where", ["https://user@issuer.test/keys", "https://:password@issuer.test/", "http://u@[::1]/"]
)
def test_an_address_has_no_secret(where):
    with pytest.raises(ValueError, match="no user and no password"):
        Jwks(where)


@pytest.mark.parametrize(
    "where", ["https://issuer.test/k", "http://localhost:1/k", "http://[::1]/k", "http://127.9.9.9/"]
)
def test_these_addresses_may_be_asked(where):
    assert not Jwks(where).known


@pytest.mark.parametrize(
    "times",
    [
        *[{"max_age": 0}, {"max_age": float("inf")}, {"max_age": float("nan")}, {"timeout": 0}, {"refetch_after": 0}],
        *[{"refetch_after": -1}, {"max_age": 10, "timeout": 6}, {"max_age": 10, "refetch_after": 6, "timeout": 1}],
    ],
)
def test_times_that_could_not_hold_what_they_promise_are_refused(times):
    with pytest.raises(ValueError, match="at most the half of max_age"):
        Jwks("/nowhere", **times)


# Asked for, kept, asked for again


def test_keys_are_asked_for_when_the_first_one_is_needed_and_then_kept(publisher):
    async def test():
        jwks = Jwks(publisher.url, **SELDOM)
        assert (publisher.asked, jwks.known, ids(jwks)) == (0, False, set())
        assert await had(jwks, "one") == {"one"}
        assert jwks.known
        for _ in range(100):
            assert jwks.prepare("one") is None
            assert jwks.prepare(None) is None
        assert publisher.asked == 1

    run(test())


def test_all_who_need_a_key_share_one_question(publisher):
    async def test():
        jwks = Jwks(publisher.url, **SELDOM)
        assert await asyncio.gather(*[had(jwks, name) for name in ["one", None, "two"] * 300])
        assert publisher.asked == 1

    run(test())


def test_a_key_that_is_not_known_is_asked_for(publisher):
    async def test():
        jwks = Jwks(publisher.url, **OFTEN | {"max_age": 3600})
        assert await had(jwks, "one") == {"one"}
        publisher.publish(key_set(one=RSA, two=EC))
        version = jwks.version
        await asyncio.sleep(OFTEN["refetch_after"])
        assert await had(jwks, "two") == {"two"}
        assert jwks.version != version

    run(test())


def test_thousands_of_keys_that_nobody_knows_are_asked_for_once(publisher):
    async def test():
        jwks = Jwks(publisher.url, **SELDOM)
        await had(jwks, "one")
        for number in range(5000):
            assert await had(jwks, f"k{number}") == set()
        assert publisher.asked == 1

    run(test())


def test_between_two_questions_there_is_some_time_however_many_ask(publisher):
    async def test():
        jwks = Jwks(publisher.url, max_age=3600, refetch_after=0.2, timeout=5)
        began = time.monotonic()
        while publisher.asked < 4:
            await had(jwks, "nobody")
            await asyncio.sleep(0)
        assert time.monotonic() - began >= 3 * 0.2

    run(test())


def test_a_key_that_was_taken_out_stops_counting_although_nobody_asks_for_another(publisher):
    async def test():
        jwks = Jwks(publisher.url, **OFTEN)
        publisher.publish(key_set(one=RSA, stolen=OTHER_RSA))
        assert await had(jwks, "stolen") == {"stolen"}
        publisher.publish(key_set(one=RSA))
        await until(lambda: not ids(jwks, "stolen"))
        assert ids(jwks) == {"one"}

    run(test())


def test_a_set_without_keys_is_believed(publisher, caplog):
    async def test():
        jwks = Jwks(publisher.url, **OFTEN)
        await had(jwks, "one")
        publisher.publish(b'{"keys": []}')
        await until(lambda: not ids(jwks))
        assert jwks.known, "it is known that there are none"

    run(test())
    assert "has no key that checks signatures, so none counts" in caplog.text


def test_what_an_address_asks_for_is_not_logged(publisher, caplog):
    """Some services that keep keys want one of their own, in the query."""

    async def test():
        jwks = Jwks(f"{publisher.url}?api_key=planted", **OFTEN)
        publisher.publish(b'{"keys": []}')
        await had(jwks, "one")
        publisher.send(b"nonsense")
        await until(lambda: "could not be had" in caplog.text)

    run(test())
    assert f"the set at {publisher.url} has no key" in caplog.text
    assert f"the keys at {publisher.url} could not be had" in caplog.text
    assert "planted" not in caplog.text


def test_a_set_that_has_not_changed_is_no_new_version(publisher):
    async def test():
        jwks = Jwks(publisher.url, **OFTEN)
        await had(jwks)
        version = jwks.version
        await until(lambda: publisher.asked >= 4)
        assert jwks.version == version

    run(test())


def test_a_key_of_another_value_with_the_same_name_is_a_new_version(publisher):
    async def test():
        jwks = Jwks(publisher.url, **OFTEN)
        await had(jwks)
        version, (before,) = jwks.version, jwks.find("one")
        publisher.publish(key_set(one=OTHER_RSA))
        await until(lambda: jwks.version != version)
        (after,) = jwks.find("one")
        assert before.checking.public_numbers() != after.checking.public_numbers()

    run(test())


def test_a_service_that_has_gone_is_not_held_by_the_clock(publisher):
    async def test():
        jwks = Jwks(publisher.url, **OFTEN)
        await had(jwks)
        assert jwks._next is not None, "it is to ask again"
        gone = weakref.ref(jwks)
        del jwks
        await asyncio.sleep(0)
        gc.collect()
        assert gone() is None

    run(test())


def test_each_service_asks_on_its_own_loop(publisher):
    configured = Jwks(publisher.url, **SELDOM)
    for _ in range(3):
        own = configured.for_service()
        run(had(own, "one"))
        assert ids(own) == {"one"}
    assert not configured.known
    assert publisher.asked == 3


# What goes wrong


def spoilt(publisher, way):
    match way:
        case "slow":
            publisher.be_slow()
        case "down":
            publisher.go_down()
        case "error":
            publisher.publish(key_set(evil=EC), 500)
        case "gone":
            publisher.publish(b"", 204)
        case "redirect":
            other = Publisher(key_set(evil=EC))
            publisher.publish(b"", 302, Location=other.url)
            publisher.other = other
        case "huge":
            publisher.publish(b" " * (MAX_SIZE + 1) + key_set(evil=EC))
        case "huge without a length":
            publisher.send(b"HTTP/1.1 200 OK\r\n\r\n" + b" " * (MAX_SIZE + 1) + key_set(evil=EC))
        case "bomb":
            publisher.publish(gzip.compress(b" " * 50 * MAX_SIZE + key_set(evil=EC)), Content_Encoding="gzip")
        case "spoilt gzip":
            publisher.publish(b"\x1f\x8b" + b"x" * 50, Content_Encoding="gzip")
        case "cut off":
            publisher.publish(key_set(evil=EC)[:-1], Content_Length=10_000)
        case "too many":
            publisher.publish(key_set(**{f"evil{number}": EC for number in range(101)}))
        case "drip":

            def drip(handler):
                handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                while not publisher.hold.wait(0.05):
                    handler.wfile.write(b" ")

            publisher.answer = drip
        case _:
            publisher.send(way)


JUNK = [
    *(
        b"",
        b"\0" * 1000,
        b"junk\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n<html>",
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 100_000,
    ),
    *(b"HTTP/9 999 \r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),
    *(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b'HTTP/1.1 200 OK\r\n\r\n{"keys": 5}',
        b"\r\n" * 500,
    ),
    b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 100_000,
]
WAYS = ["slow", "down", "error", "gone", "redirect", "huge", "huge without a length", "bomb", "spoilt gzip", "cut off"]


@pytest.mark.parametrize("way", [*WAYS, "too many", "drip", *JUNK], ids=lambda way: str(way)[:40])
def test_an_issuer_that_fails_keeps_its_keys_and_the_operator_is_told(publisher, caplog, way):
    async def test():
        jwks = Jwks(publisher.url, **OFTEN | {"timeout": 0.1})
        await had(jwks, "one")
        spoilt(publisher, way)
        await until(lambda: caplog.text.count("could not be had") >= 2)  # and is tried again
        assert ids(jwks) == ids(jwks, "one") == {"one"}
        assert jwks.prepare("one") is None, "nobody waits whose key is known"
        assert await had(jwks, "two") == set()

    run(test())
    assert "those that are known stay: 1" in caplog.text
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    if way == "redirect":
        assert publisher.other.asked == 0
        publisher.other.go_down()


def test_an_issuer_that_comes_back_is_heard(publisher, caplog):
    async def test():
        jwks = Jwks(publisher.url, **OFTEN)
        publisher.publish(b"", 503)
        assert await had(jwks, "one") == set()
        assert not jwks.known
        publisher.publish(key_set(one=RSA))
        await until(lambda: ids(jwks, "one"))

    run(test())
    assert "none is known yet" in caplog.text


def test_an_issuer_that_was_never_there_keeps_nobody_waiting_for_long(publisher):
    async def test():
        jwks = Jwks(publisher.url, max_age=3600, refetch_after=1800, timeout=0.1)
        publisher.be_slow()
        await asyncio.wait_for(had(jwks, "one"), 20)
        assert not jwks.known
        assert jwks.prepare("one") is None, "and not again, until it is tried again"

    run(test())


def test_a_reader_that_is_given_up_leaves_nothing_behind(publisher):
    async def test():
        jwks = Jwks(publisher.url, **SELDOM)
        publisher.be_slow()
        waiting = asyncio.ensure_future(jwks.prepare("one"))
        await until(lambda: publisher.asked)
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting
        assert jwks._reading is not None, "others may wait for it"

    run(test())


# Files


def test_a_file_is_read_and_read_again_when_it_changes(tmp_path):
    async def test():
        file = tmp_path / "keys.json"
        file.write_bytes(key_set(one=RSA))
        jwks = Jwks(file, **OFTEN)
        assert await had(jwks, "one") == {"one"}
        new = tmp_path / "new"
        new.write_bytes(key_set(two=ED))
        os.replace(new, file)
        await until(lambda: ids(jwks) == {"two"})

    run(test())


def test_a_file_that_is_missing_half_written_or_huge_leaves_the_keys_as_they_are(tmp_path, caplog):
    async def test():
        file = tmp_path / "keys.json"
        jwks = Jwks(str(file), **OFTEN)
        assert await had(jwks, "one") == set()
        file.write_bytes(key_set(one=RSA))
        await until(lambda: ids(jwks) == {"one"})
        for spoil in (
            lambda: file.write_bytes(key_set(two=ED)[:-5]),
            lambda: file.write_bytes(b" " * MAX_SIZE + key_set(two=ED)),
            lambda: file.unlink(),
            lambda: file.mkdir(),
        ):
            spoil()
            told = caplog.text.count("could not be had")
            await until(lambda told=told: caplog.text.count("could not be had") >= told + 2)
            assert ids(jwks) == {"one"}

    run(test())


def test_a_file_that_cannot_be_read_in_time_is_given_up(tmp_path, caplog):
    os.mkfifo(tmp_path / "pipe")

    async def test():
        jwks = Jwks(tmp_path / "pipe", max_age=3600, refetch_after=1800, timeout=0.1)
        await asyncio.wait_for(had(jwks, "one"), 20)
        assert not jwks.known
        with (tmp_path / "pipe").open("wb"):  # lets the thread that reads go on
            pass

    run(test())
    assert "TimeoutError" in caplog.text


# In a server


@pytest.fixture
def server_with(caplog):
    """``server_with(issuer, ...)`` starts a server; at its end nothing was logged at ERROR."""
    with contextlib.ExitStack() as at_the_end:
        yield lambda *issuers, **settings: at_the_end.enter_context(serve(access=access(issuers=issuers), **settings))
    assert not [record for record in caplog.get_records("call") if record.levelno >= logging.ERROR]


def published(server, token):
    return request(server, "POST", "/events?topic=a", b"x", bearer(token))[0]


def rs(kid="one", key=RSA, **claims):
    return token(key, "RS256", {"kid": kid}, scope="publish:a", **claims)


def test_a_server_lets_in_whose_key_it_asks_for_and_lets_out_whose_key_is_gone(publisher, server_with, eventually):
    server = server_with(issuer(Jwks(publisher.url, **OFTEN)))
    one, two = rs(), rs("two", OTHER_RSA)
    assert published(server, one) == 202
    publisher.publish(key_set(two=OTHER_RSA))
    eventually(lambda: published(server, two) == 202)
    assert published(server, one) == 401
    publisher.publish(key_set(three=OTHER_RSA))
    # Only a token that is remembered comes: it is checked once more, since the keys are others.
    eventually(lambda: published(server, two) == 401)


def test_a_server_whose_issuer_was_never_there_says_so_and_lets_in_later(publisher, server_with, eventually):
    publisher.publish(b"", 500)
    server = server_with(issuer(Jwks(publisher.url, **OFTEN)))
    status, headers, body = request(server, "POST", "/events?topic=a", b"x", bearer(rs()))
    assert (status, headers["Retry-After"]) == (503, "5")
    assert json.loads(body)["detail"] == "the token cannot be checked for now"
    publisher.publish(key_set(one=RSA))
    eventually(lambda: published(server, rs()) == 202)


def test_an_issuer_that_hangs_holds_up_nobody_but_those_whose_key_only_it_knows(publisher, server_with):
    other = Publisher(key_set(far=EC))
    issuers = [
        issuer(Jwks(publisher.url, max_age=3600, refetch_after=0.001, timeout=30)),
        issuer(Jwks(other.url, **SELDOM), name="https://other.test"),
    ]
    server = server_with(*issuers)
    assert published(server, rs()) == 202
    publisher.be_slow()
    held = threading.Thread(target=lambda: held_up.append(published(server, rs("unknown"))), daemon=True)
    held_up = []
    held.start()
    while publisher.asked < 2:
        time.sleep(0.005)
    assert published(server, rs(sub="bob")) == 202
    far = token(EC, "ES256", {"kid": "far"}, iss="https://other.test", scope="publish:a")
    assert published(server, far) == 202
    assert request(server, "GET", "/health")[0] == 200
    assert published(server, rs(iss="https://unknown.test")) == 401
    assert not held_up
    publisher.hold.set()
    held.join(30)
    assert held_up == [401]
    other.go_down()


def test_thousands_of_tokens_with_unknown_keys_make_a_server_ask_once(publisher, server_with):
    server = server_with(issuer(Jwks(publisher.url, **SELDOM)), max_failed_tries=math.inf)
    assert published(server, rs()) == 202
    assert {published(server, rs(f"k{number}")) for number in range(300)} == {401}
    assert publisher.asked == 1


def test_a_client_that_leaves_while_its_key_is_asked_for_is_no_error(publisher, server_with, eventually):
    publisher.be_slow()
    server = server_with(issuer(Jwks(publisher.url, max_age=60, refetch_after=10, timeout=1)))
    with pytest.raises(TimeoutError):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=0.3)
        connection.request("GET", "/events?topic=a", headers=bearer(rs()))
        try:
            connection.getresponse()
        finally:
            connection.close()
    publisher.hold.set()
    publisher.publish(key_set(one=RSA))
    assert request(server, "GET", "/health")[0] == 200


def broken_off(server):
    with contextlib.suppress(OSError, http.client.HTTPException):
        published(server, rs())


def test_a_server_that_stops_while_keys_are_asked_for_stops(publisher, caplog):
    publisher.be_slow()
    access_of_both = access(issuers=[issuer(Jwks(publisher.url, max_age=60, refetch_after=10, timeout=30))])
    with serve(access=access_of_both) as server:
        threading.Thread(target=broken_off, args=[server], daemon=True).start()
        while not publisher.asked:
            time.sleep(0.005)
    publisher.hold.set()
    publisher.publish(key_set(one=RSA))
    with serve(access=access_of_both) as server:  # the same access, another loop
        assert published(server, rs()) == 202
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_two_servers_share_an_access_each_with_its_own_loop(publisher):
    shared = access(issuers=[issuer(Jwks(publisher.url, **OFTEN))])
    with serve(access=shared) as one, serve(access=shared) as two:
        for _ in range(20):
            assert published(one, rs(sub="x")) == published(two, rs(sub="y")) == 202


def test_the_name_of_an_issuer_is_not_told_to_strangers(publisher, server_with):
    publisher.publish(b"", 500)
    server = server_with(issuer(Jwks(publisher.url, **OFTEN)))
    answer = str(request(server, "POST", "/events?topic=a", b"x", bearer(rs()))[1:])
    assert ISSUER not in answer
    assert publisher.url not in answer
