"""Limits of access control under attack: streams of a subject, of an address, and failed tries."""

import json
import math
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from asking import assert_problem, request, stream
from tokens import bearer, token

from sse_demo import Handler, Route
from sse_demo.web.access import streams, tries

WRONG = b"another-secret-of-at-least-32-bytes"
PROXIED = {"trusted_proxies": ["127.0.0.1"]}


def asked_from(address, **headers):
    """The headers of a request that a proxy on this machine passes on for a client of this address."""
    return {"X-Forwarded-For": address, **headers}


def status(operated, path="/events?topic=a", headers=None, method="GET"):
    """The status of an answer, which need not end."""
    body = b"" if method == "POST" else None
    if method != "GET":
        return request(operated.server, method, path, body, headers)[0]
    with stream(operated.server, path, headers) as answer:
        return answer.status


def reader(subject="ann", **claims):
    return bearer(token(sub=subject, scope="subscribe:*", **claims))


# Streams of one subject


def test_a_subject_that_asks_for_many_streams_at_once_gets_so_many(operating):
    operated = operating(max_streams_per_subject=5, renew_before=0)
    together = threading.Barrier(40)
    hold = threading.Event()

    def ask(number):
        shown = reader(jti=str(number))  # another token each time: it is the subject that counts
        together.wait()
        with stream(operated.server, "/events?topic=a", shown) as answer:
            got = answer.status, answer.headers["Retry-After"]
            if answer.status == 200:
                hold.wait(30)
            else:
                answers.append(got)
                if len(answers) == 35:
                    hold.set()
            return got

    answers = []
    with ThreadPoolExecutor(40) as pool:
        got = list(pool.map(ask, range(40)))
    assert sorted(got, key=str) == [(200, None)] * 5 + [(429, "5")] * 35


def test_a_stream_that_ends_makes_room_for_another_one(operating, eventually):
    operated = operating(max_streams_per_subject=1)
    for _ in range(3):
        with stream(operated.server, "/events?topic=a", reader()) as answer:
            assert answer.status == 200
            assert status(operated, headers=reader()) == 429
            assert status(operated, headers=reader("bob")) == 200
        operated.server.publish("a", "so that it is found out that the reader has left")
        eventually(lambda: not any(row["subject"] == "ann" for row in operated.rows()))


def test_streams_of_ones_own_count_too(operating):
    class Own(Handler):
        async def get(self):
            await self.send_events(self.items())

        async def items(self):
            yield "one"
            await operated.forever

    operated = operating(max_streams_per_subject=2, routes=[Route("/own", Own)])
    operated.forever = operated.server._loop.create_future()
    operated.read("ann", "", "/own")
    operated.read("ann")
    for path in ("/own", "/events?topic=a"):
        assert_problem(request(operated.server, "GET", path, None, reader()), 429)
    assert {row["path"] for row in operated.rows()} == {"/own", "/events"}


def test_addresses_make_no_difference_to_a_subject(operating):
    operated = operating(max_streams_per_subject=2, max_streams_per_address=1, **PROXIED)
    for number in range(2):
        operated.read("ann", **asked_from(f"192.0.2.{number}"))
    assert status(operated, headers=reader() | asked_from("198.51.100.1")) == 429
    operated.read("bob", **asked_from("192.0.2.1"))


# Streams of one address


@pytest.mark.parametrize(
    ("same", "other"),
    [
        (["192.0.2.1", "::ffff:192.0.2.1", "6.6.6.6, 192.0.2.1", "192.0.2.1:4711"], "192.0.2.2"),
        (["2001:db8:0:1::1", "2001:DB8:0:1:ffff:ffff:ffff:ffff", "[2001:db8:0:1::2]:80", "::1, 2001:db8:0:1::3"],
         "2001:db8:0:2::1"),
        (["unknown", "127.0.0.1", "999.1.1.1", "192.0.2.1, junk"], "192.0.2.1"),
    ],
    ids=["IPv4", "IPv6", "none that can be read"],
)  # fmt: skip
def test_streams_of_those_who_do_not_say_who_they_are_count_by_their_address(operating, same, other):
    operated = operating({"anonymous": ["open"]}, max_streams_per_address=len(same), **PROXIED)
    for address in same:
        operated.read(None, "topic=open", **asked_from(address))
    for address in same:
        assert_problem(request(operated.server, "GET", "/events?topic=open", None, asked_from(address)), 429)
    operated.read(None, "topic=open", **asked_from(other))
    operated.read("ann", "topic=open", **asked_from(same[0]))


def test_a_client_without_a_proxy_cannot_choose_its_address(operating):
    operated = operating({"anonymous": ["open"]}, max_streams_per_address=1)
    operated.read(None, "topic=open")
    for name in ("X-Forwarded-For", "X-Real-IP", "Forwarded", "True-Client-IP"):
        value = "for=192.0.2.9" if name == "Forwarded" else "192.0.2.9"
        assert status(operated, "/events?topic=open", {name: value}) == 429
    assert [row["address"] for row in operated.rows()] == ["127.0.0.1"]


# Failed tries


def failing(operated, count, headers=None, **claims):
    """The statuses of so many requests with tokens that do not count, each another one."""
    return [
        status(operated, headers=bearer(token(key=WRONG, jti=f"{number}", **claims)) | (headers or {}))
        for number in range(count)
    ]


def test_who_guesses_is_kept_waiting_and_others_at_the_address_go_on(operating):
    operated = operating({"anonymous": ["open"], "open_to_all": ["ready"]}, max_failed_tries=5)
    headers = request(operated.server, "POST", "/session", b"", reader())[1]
    session = {"Cookie": headers["Set-Cookie"].partition(";")[0]}
    ticket = json.loads(request(operated.server, "POST", "/tickets?topic=a", b"", reader())[2])["ticket"]
    stays = operated.read("bob")
    assert failing(operated, 7) == [401] * 5 + [429] * 2
    answer = request(operated.server, "GET", "/events?topic=a", None, reader())
    headers = assert_problem(answer, 429, "too many wrong tokens or tickets")
    assert 0 < int(headers["Retry-After"]) <= 60
    for method, path, shown in (
        ("GET", "/events?topic=open", reader()),  # also where nothing is needed
        ("GET", f"/events?topic=a&ticket={ticket}", {}),
        ("GET", f"/events?topic=a&ticket={ticket}", session),
        ("GET", "/events?topic=a&ticket=guessed", {"Cookie": "__Host-session=made-up"}),
        ("GET", "/events?topic=a", session | reader()),
        ("GET", "/events?topic=a", {"Authorization": "bearer  x"}),
        ("GET", "/events?topic=a&access_token=x", {}),
        ("POST", "/session", reader()),
        ("POST", "/tickets?topic=a", reader()),
        ("DELETE", "/admin/subscribers/1", operated.operator),
    ):
        assert status(operated, path, shown, method) == 429, (method, path)
    assert status(operated, "/events?topic=open") == 200
    assert status(operated, "/events?topic=a", session) == 200
    assert status(operated, "/health") == 200
    operated.server.publish("a", "goes on")
    assert b"goes on" in stays.read1(1000) + stays.read1(1000)


def test_wrong_tickets_and_wrong_log_ins_count_and_old_cookies_do_not(operating):
    operated = operating(max_failed_tries=6)
    for _ in range(20):
        cookie = {"Cookie": "__Host-session=0123456789abcdef.nothing.that-counts"}
        assert status(operated, headers=cookie) == 401
    assert [status(operated, f"/events?topic=a&ticket=wrong{number}") for number in range(3)] == [401] * 3
    wrong = bearer(token(key=WRONG))
    assert [status(operated, "/session", wrong, "POST") for _ in range(4)] == [401] * 3 + [429]


@pytest.mark.parametrize(
    ("addresses", "other"),
    [
        ([f"2001:db8:0:1::{number:x}" for number in range(6)], "2001:db8:0:2::1"),
        ([f"10.{number}.0.1, 192.0.2.1" for number in range(6)], "192.0.2.2"),
    ],
    ids=["another address of the same network each time", "another made-up address each time"],
)
def test_another_address_each_time_does_not_help(operating, addresses, other):
    operated = operating(max_failed_tries=5, **PROXIED)
    got = [failing(operated, 1, asked_from(address))[0] for address in addresses]
    assert got == [401] * 5 + [429]
    assert failing(operated, 1, asked_from(other)) == [401]


def test_a_try_that_is_right_does_not_wipe_out_those_that_were_wrong(operating):
    operated = operating(max_failed_tries=4)
    for _ in range(2):
        assert failing(operated, 2) == [401] * 2
        if _ == 0:
            assert status(operated, headers=reader()) == 200
    assert status(operated, headers=reader()) == 429


def test_tries_that_come_at_the_same_time_are_all_counted(operating):
    operated = operating(max_failed_tries=10)
    with ThreadPoolExecutor(16) as pool:
        got = list(pool.map(lambda number: failing(operated, 1, sub=f"s{number}")[0], range(60)))
    assert sorted(got) == [401] * 10 + [429] * 50


# What is remembered


def test_what_is_remembered_of_failed_tries_has_a_limit(operating, monkeypatch):
    monkeypatch.setattr(tries, "REMEMBERED", 20)
    operated = operating(max_failed_tries=1, **PROXIED)
    for number in range(60):
        failing(operated, 1, asked_from(f"10.0.0.{number}"))
    assert len(operated.server.service.guard._tries._failed) == 20
    assert failing(operated, 1, asked_from("10.0.0.59")) == [429], "the newest are remembered"


def test_nothing_is_left_of_streams_that_come_and_go(operating, monkeypatch, eventually):
    monkeypatch.setattr(streams, "SPARE", 10)
    operated = operating({"anonymous": ["open"]}, max_streams_per_subject=math.inf, **PROXIED)
    guard = operated.server.service.guard
    for number in range(100):
        with stream(operated.server, "/events?topic=a", reader(f"s{number}")):
            pass
        with stream(operated.server, "/events?topic=open", asked_from(f"2001:db8:{number:x}::1")):
            pass

    def all_have_left():
        for topic in ("a", "open"):
            operated.server.publish(topic, "so that it is found out that the readers have left")
        return len(guard.streams) == 0

    eventually(all_have_left)
    assert not guard.streams._of
    assert not any(guard.streams.of_kind(kind) for kind in ("token", "anonymous"))
    operated.read("ann")  # whoever comes next makes room for what is left to look at
    assert len(guard.streams._due) <= 2 * 1 + 10 + 1


def test_two_limits_hold_for_a_ticket_of_somebody_at_the_limit(operating):
    """A ticket that was given before is of the same subject, and is used up where there is no room."""
    operated = operating(max_streams_per_subject=1)
    ticket = json.loads(request(operated.server, "POST", "/tickets?topic=a", b"", reader())[2])["ticket"]
    operated.read("ann")
    assert status(operated, f"/events?topic=a&ticket={ticket}") == 429
    assert status(operated, f"/events?topic=a&ticket={ticket}") == 401
