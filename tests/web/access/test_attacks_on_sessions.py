"""Attacks on sessions, tickets, and what they let in. None gets what it wants, none is told too much."""

import http.client
import json
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
from asking import events, raw, request
from bearers import COOKIE, Asked, access, bearer, cookie, log_in, planted, status, stream_status, ticket, token
from support import Reader

from sse_demo import serve
from sse_demo.web.handlers import Handler
from sse_demo.web.handlers.events import SubscribeHandler
from sse_demo.web.routing import Route

ATTACKS = []
MINE = {"subscribe": ["mine"], "publish": []}  # what an attacker may do


def attack(function=None, **options):
    """One attack: what it is, and on what server."""
    if function is None:
        return lambda function: attack(function, **options)
    ATTACKS.append(pytest.param(function, options, id=function.__name__))
    return function


@pytest.mark.parametrize(("attack", "options"), ATTACKS)
def test_an_attack_is_in_vain(attack, options, guarded):
    attack(guarded(**options))


def told(server, path, headers=(), method="GET"):
    """The status, and what the answer says, in which there is no secret."""
    got, answered, body = request(server, method, path, headers=dict(headers))
    said = f"{[(name, value) for name, value in answered.items() if name != 'Set-Cookie']}{body!r}"
    assert not [secret for secret in planted if secret in said]
    assert "Traceback" not in said
    return got, body.decode()


def whose(server, headers):
    """Who the server takes somebody for."""
    got, said = told(server, "/session", headers)
    return json.loads(said).get("subject", "nobody") if got == 200 else got


# Cookies


@attack
def two_cookies_of_one_name(server):
    victim, attacker = log_in(server, "ann"), log_in(server, "eve")
    for pair in [(victim, attacker), (attacker, victim), (victim, victim), (victim, "")]:
        header = {"Cookie": "; ".join(f"{COOKIE}={value}" for value in pair)}
        assert whose(server, header) == 400
        assert stream_status(server, header) == 400
    assert whose(server, cookie(victim)) == "ann"


@attack
def two_headers_with_a_cookie_each(server):
    victim, attacker = log_in(server, "ann"), log_in(server, "eve")
    pair = f"Cookie: {COOKIE}={attacker}\r\nCookie: {COOKIE}={victim}\r\n"
    answer = raw(server, f"GET /session HTTP/1.1\r\nHost: 127.0.0.1\r\n{pair}Connection: close\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 400")


@attack
def a_cookie_that_a_subdomain_has_set_for_the_whole_domain(server):
    """It cannot have the name with ``__Host-``, and the name without it counts for nothing here."""
    victim, attacker = log_in(server, "ann"), log_in(server, "eve")
    assert whose(server, {"Cookie": f"session={attacker}"}) == "nobody"
    assert whose(server, {"Cookie": f"session={attacker}; {COOKIE}={victim}"}) == "ann"
    assert whose(server, {"Cookie": f"{COOKIE}={victim}; session={attacker}"}) == "ann"


@attack(allow_hosts=["events.example"])
def without_tls_a_second_cookie_with_another_path(server):
    """There is no ``__Host-`` then. The server takes neither of both, rather than the attacker's."""
    host = {"Host": "events.example"}
    _, answered, _ = request(server, "POST", "/session", headers={**host, **bearer()})
    mine = answered["Set-Cookie"].partition(";")[0]
    assert mine.startswith("session=")
    assert "Secure" not in answered["Set-Cookie"]
    assert whose(server, {**host, "Cookie": mine}) == "ann"
    assert whose(server, {**host, "Cookie": f"session=tossed; {mine}"}) == 400
    assert whose(server, {**host, "Cookie": mine.replace("session=", f"{COOKIE}=")}) == "nobody"


@attack
def a_cookie_within_the_value_of_another_one(server):
    """Any host of the domain may set a cookie with such a value."""
    attacker = log_in(server, "eve")
    for value in (f"theme=a,{COOKIE}={attacker}", f"theme={COOKIE}={attacker}", f'theme="a, {COOKIE}={attacker}"'):
        assert whose(server, {"Cookie": value}) == "nobody"
        assert whose(server, {"Cookie": f"{value}; {COOKIE}={log_in(server, 'ann')}"}) == "ann"


@attack
def a_name_that_is_nearly_the_cookies(server):
    attacker = log_in(server, "eve")
    names = ["__host-session", f"{COOKIE} ", "__Host_session", "__Secure-session", f"${COOKIE}", f"={COOKIE}"]
    for name in [*names, *(f"{space}{COOKIE}" for space in "\xa0\x85\xad")]:  # what text.strip() takes away
        assert whose(server, {"Cookie": f"{name}={attacker}"}) == "nobody", repr(name)


@attack
def control_characters_that_make_a_header_be_logged(server):
    own = log_in(server)
    for character in "\0\x01\x0b\x1f\x7f":
        for headers in (cookie(f"{character}{own}"), {"Authorization": bearer()["Authorization"] + character}):
            sent = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            answer = raw(server, f"GET /session HTTP/1.1\r\nHost: 127.0.0.1\r\n{sent}\r\n".encode())
            assert answer.startswith(b"HTTP/1.1 400")
            assert not [secret for secret in planted if secret.encode() in answer]
    answer = raw(server, f"GET /session HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {own}\rx: y\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 400")
    assert own.encode() not in answer


@attack
def a_head_of_which_a_secret_is_a_name(server):
    """A client has left out a name, or a line end was within a value. Tornado logs a name that it cannot read."""
    own, by_token = log_in(server), bearer()["Authorization"]
    for line in (f"{by_token}: x", f"({own}): x", f"{own} : x", f"x\r\n {own}: x", f'"{by_token}":', by_token):
        answer = raw(server, f"GET /session HTTP/1.1\r\nHost: 127.0.0.1\r\n{line}\r\n\r\n".encode())
        assert answer.startswith(b"HTTP/1.1 400")
        assert not [secret for secret in planted if secret.encode() in answer]


@attack
def cookies_that_nobody_has_given(server):
    own = log_in(server, "ann")
    name, secret, signature = own.split(".")
    for value in [
        "",
        "x",
        "..",
        own[:-1],
        own + "x",
        f"{name}.{secret}.",
        f"{secret}.{name}.{signature}",
        own + "é",
        own + "\xff",
        "x" * 60_000,
        "." * 60_000,
        f'"{own}"',
        f"{own}%00",
        f"{own} {own}",
    ]:
        assert whose(server, cookie(value)) == "nobody", value[:80]
        assert stream_status(server, cookie(value)) == 401
    assert whose(server, cookie(own)) == "ann"


@attack
def thousands_of_cookies(server):
    own = log_in(server, "ann")
    assert whose(server, {"Cookie": ";" * 60_000}) == "nobody"
    assert whose(server, {"Cookie": f"{'a=b; ' * 10_000}{COOKIE}={own}"}) == "ann"
    assert whose(server, {"Cookie": f"{COOKIE}={own};" * 200}) == 400


@attack
def another_sessions_signature(server):
    victim, attacker = log_in(server, "ann").split("."), log_in(server, "eve").split(".")
    for mixed in [
        (victim[0], attacker[1], attacker[2]),  # the name is in the log, and no secret
        (victim[0], attacker[1], victim[2]),
        (attacker[0], victim[1], attacker[2]),
    ]:
        assert whose(server, cookie(".".join(mixed))) == "nobody"


@attack
def a_cookie_of_another_server(server):
    with serve(access=access()) as other:
        assert whose(server, cookie(log_in(other))) == "nobody"


# Fixation


@attack
def an_attackers_cookie_at_login(server):
    """The attacker has put a cookie of his own into the victim's browser, and waits for the victim to log in."""
    fixed = log_in(server, "eve")
    victim = log_in(server, "ann", cookie(fixed))
    assert victim.split(".")[0] != fixed.split(".")[0]
    assert whose(server, cookie(fixed)) == "nobody"
    assert whose(server, cookie(victim)) == "ann"


@attack
def a_made_up_cookie_at_login(server):
    chosen = "0123456789abcdef.chosen.by-the-attacker"
    victim = log_in(server, "ann", cookie(chosen))
    assert not set(chosen.split(".")) & set(victim.split("."))
    assert whose(server, cookie(chosen)) == "nobody"


@attack
def the_cookie_of_before_a_new_login(server):
    """Each login has another id, also of the same subject."""
    before = log_in(server, "ann")
    after = log_in(server, "ann", cookie(before))
    assert before != after
    assert whose(server, cookie(before)) == "nobody"
    assert stream_status(server, cookie(before)) == 401


@attack
def a_login_that_switches_the_subject(server):
    """What was opened as somebody else ends, and its page is told."""
    victim = log_in(server, "ann")
    with Asked(server, "/events?topic=a", cookie(victim)) as stream:
        own = log_in(server, "eve", cookie(victim), **MINE)
        assert [event.data for event in stream.to_the_end()] == ['{"reason": "another login"}']
    assert whose(server, cookie(own)) == "eve"
    assert stream_status(server, cookie(own)) == 403


@attack
def a_cookie_after_logout(server):
    own = log_in(server)
    assert status(server, "/session", cookie(own), "DELETE") == 204
    for method in ("GET", "POST", "DELETE"):
        assert status(server, "/session", cookie(own), method) == (200 if method == "GET" else 401)
    assert whose(server, cookie(own)) == "nobody"


@attack
def a_token_after_logout_everywhere(server):
    headers = bearer()
    own, other = log_in(server), log_in(server)
    assert whose(server, headers) == "ann"  # its signature is known by now
    assert status(server, "/session?everywhere=true", cookie(own), "DELETE") == 204
    assert whose(server, headers) == 401
    assert [whose(server, cookie(one)) for one in (own, other)] == ["nobody", "nobody"]
    assert whose(server, bearer("ben")) == "ben"
    assert log_in(server)  # with a new token


@attack
def a_session_that_begins_with_a_token_of_before_the_logout(server):
    old = bearer()
    assert status(server, "/session?everywhere=true", bearer(), "DELETE") == 204
    assert status(server, "/session", old, "POST") == 401
    assert status(server, "/tickets?topic=a", old, "POST") == 401
    assert stream_status(server, old) == 401


@attack
def a_logout_of_somebody_else(server):
    """A token of one, and a cookie of another one who is to be logged out everywhere."""
    victim, elsewhere = log_in(server, "ann"), log_in(server, "ann")
    assert status(server, "/session?everywhere=true", {**cookie(victim), **bearer("eve")}, "DELETE") == 204
    assert whose(server, cookie(victim)) == "nobody"  # its holder has it
    assert whose(server, cookie(elsewhere)) == "ann"


@attack
def a_logout_that_is_no_clear_one(server):
    own = log_in(server)
    for query in ("everywhere=1", "everywhere=True", "everywhere=", "everywhere=true&everywhere=false"):
        assert status(server, f"/session?{query}", cookie(own), "DELETE") == 400
    assert whose(server, cookie(own)) == "ann"


# Tickets


@attack
def a_ticket_once_more(server):
    one = ticket(server, bearer())
    assert stream_status(server, {}, f"topic=a&ticket={one}") == 200
    for _ in range(3):
        assert told(server, f"/events?topic=a&ticket={one}")[0] == 401


@attack
def fifty_who_race_for_a_ticket(server):
    one = ticket(server, bearer())
    with ThreadPoolExecutor(50) as threads:
        raced = list(threads.map(lambda _: stream_status(server, {}, f"topic=a&ticket={one}"), range(50)))
    assert sorted(raced) == [200] + [401] * 49


@attack
def a_ticket_for_another_topic(server):
    for query in ("topic=b", "topic=a&topic=b", "topic=b&topic=a", "topic=A", "topic=a%2Fb"):
        one = ticket(server, bearer(subscribe=["a"]))
        assert told(server, f"/events?{query}&ticket={one}")[0] == 401
        assert told(server, f"/events?topic=a&ticket={one}")[0] == 401  # it is used up


@attack
def a_ticket_at_other_addresses_and_methods(server):
    one = ticket(server, bearer(operate=["metrics", "admin"]))
    for method, path in [
        ("POST", "/events?topic=a&"),
        ("HEAD", "/events?topic=a&"),
        ("PUT", "/events?topic=a&"),
        ("DELETE", "/events?topic=a&"),
        ("OPTIONS", "/events?topic=a&"),
        ("GET", "/events?"),
        ("GET", "/session?"),
        ("POST", "/session?"),
        ("DELETE", "/session?everywhere=true&"),
        ("POST", "/tickets?topic=a&"),
        ("GET", "/metrics?"),
        ("GET", "/health?"),
        ("GET", "/nowhere?"),
    ]:
        assert told(server, f"{path}ticket={one}", method=method)[0] in (400, 404, 405), (method, path)
    assert stream_status(server, {}, f"topic=a&ticket={one}") == 200  # none of these has used it up


@attack
def two_tickets(server):
    pair = ticket(server, bearer()), ticket(server, bearer())
    assert told(server, f"/events?topic=a&ticket={pair[0]}&ticket={pair[1]}")[0] == 400
    assert told(server, f"/events?topic=a&ticket={pair[0]}&ticket=")[0] in (400, 401)


@attack
def a_ticket_with_a_token_of_somebody_else(server):
    one = ticket(server, bearer("ann"))
    assert told(server, f"/events?topic=a&ticket={one}", bearer("eve"))[0] == 400
    assert told(server, f"/events?topic=a&ticket={one}")[0] == 401  # used up: it was seen by somebody else


@attack
def a_ticket_with_a_session_of_somebody_else(server):
    one = ticket(server, bearer("ann"))
    assert told(server, f"/events?topic=a&ticket={one}", cookie(log_in(server, "eve")))[0] == 400


@attack
def a_session_with_a_token_of_somebody_else(server):
    own = log_in(server, "eve")
    assert told(server, "/events?topic=a", {**cookie(own), **bearer("ann")})[0] == 400
    assert status(server, "/events?topic=a", {**cookie(own), **bearer("ann")}, "POST") == 400
    assert stream_status(server, {**cookie(own), **bearer("eve")}) == 200


@attack
def tickets_that_nobody_has_given(server):
    for value in (
        "x",
        "A" * 43,
        "A" * 65,
        "A" * 60_000,
        "%00",
        "%ff",
        "a%20b",
        "é".encode().hex(),
        "..",
        "%F0%9F%98%80",
    ):
        got, said = told(server, f"/events?topic=a&ticket={value}")
        assert got in (400, 401)
        assert value not in said or value in ("x", "..")


@attack(ticket_age=1e-6)
def a_ticket_that_is_too_old(server):
    assert told(server, f"/events?topic=a&ticket={ticket(server, bearer())}")[0] == 401


@attack
def a_ticket_of_a_session_that_has_ended(server):
    own = log_in(server)
    one = ticket(server, cookie(own))
    assert status(server, "/session", cookie(own), "DELETE") == 204
    assert told(server, f"/events?topic=a&ticket={one}")[0] == 401


@attack
def tickets_of_what_was_revoked(server):
    by_id, by_subject = ticket(server, bearer(id="42")), ticket(server, bearer("ben"))
    server.revoke(token_id="42")
    server.revoke(subject="ben")
    for one in (by_id, by_subject):
        assert told(server, f"/events?topic=a&ticket={one}")[0] == 401


@attack
def a_token_in_the_address(server):
    for name in ("access_token", "token", "jwt", "authorization", "%61ccess_token"):
        for method, path in (("GET", "/events?topic=a&"), ("POST", "/events?topic=a&"), ("POST", "/session?")):
            got, said = told(server, f"{path}{name}={token()}", bearer(), method)
            assert got == 400
            assert "Authorization: Bearer" in said  # what to do instead
            assert "POST /tickets" in said


# Pages from elsewhere


def foreign_origins(server):
    here = f"127.0.0.1:{server.port}"
    return [
        "http://evil.example",
        f"http://{here}.evil.example",
        f"http://evil.example:{server.port}",
        f"http://{here}@evil.example",
        f"http://evil.example/{here}",
        f"http://evil.example#http://{here}",
        f"https://{here}",  # another scheme
        f"ftp://{here}",
        "http://127.0.0.1",  # another port
        f"http://127.0.0.1:{server.port}0",
        f"http://127.0.0.1:{str(server.port)[:-1]}",
        f"http://localhost:{server.port}",  # this machine, too, and another origin
        f"http://127.0.0.1.:{server.port}",
        f"http://127.1:{server.port}",
        f"http://{here}, http://evil.example",
        here,
        "null",
        "file://",
        "",
    ]


@attack
def a_post_from_a_page_from_elsewhere(server):
    own = log_in(server)
    for origin in foreign_origins(server):
        for path in ("/events?topic=a", "/tickets?topic=a", "/session"):
            assert told(server, path, {**cookie(own), "Origin": origin}, "POST")[0] == 403, origin
    assert told(server, "/events?topic=a", {**cookie(own), "Origin": server.url}, "POST")[0] == 202


@attack
def a_stream_for_a_page_from_elsewhere(server):
    own = log_in(server)
    for origin in foreign_origins(server):
        assert told(server, "/events?topic=a", {**cookie(own), "Origin": origin})[0] == 403, origin
    assert stream_status(server, {**cookie(own), "Origin": server.url}) == 200


@attack
def a_request_of_which_the_browser_says_that_it_is_from_elsewhere(server):
    own = log_in(server)
    for site in ("cross-site", "same-site", "Same-Origin", "same-origin, cross-site", "anything", ""):
        for method in ("GET", "POST"):
            headers = {**cookie(own), "Sec-Fetch-Site": site}
            assert told(server, "/events?topic=a", headers, method)[0] == 403, site
    for site in ("none", "same-origin"):
        assert stream_status(server, {**cookie(own), "Sec-Fetch-Site": site}) == 200


@attack
def an_opaque_origin_that_claims_to_be_the_servers(server):
    headers = {**cookie(log_in(server)), "Origin": "null", "Sec-Fetch-Site": "same-origin"}
    assert told(server, "/events?topic=a", headers)[0] == 403
    assert told(server, "/events?topic=a", headers, "POST")[0] == 403


@attack
def a_form_that_is_sent_by_navigating(server):
    headers = {**cookie(log_in(server)), "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "cross-site"}
    for method in ("POST", "DELETE"):
        assert told(server, "/session", headers, method)[0] == 403
        assert told(server, "/session", {**headers, "Origin": "http://evil.example"}, method)[0] == 403
    assert told(server, "/session", headers)[0] == 200  # a link may be followed


@attack
def a_logout_by_a_page_from_elsewhere(server):
    own = log_in(server)
    for more in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        for query in ("", "?everywhere=true"):
            assert told(server, f"/session{query}", {**cookie(own), **more}, "DELETE")[0] == 403
    assert whose(server, cookie(own)) == "ann"


@attack
def a_page_from_elsewhere_that_asks_whether_its_visitor_is_logged_in(server):
    own, elsewhere = log_in(server), {"Sec-Fetch-Site": "cross-site"}
    answers = [request(server, "GET", "/session", headers={**cookie(value), **elsewhere}) for value in (own, "x.y.z")]
    good, bad = [(got, json.loads(body) | {"request_id": ""}) for got, _, body in answers]
    assert good == bad
    assert good[0] == 403


@attack(session_idle=60.0)
def a_page_from_elsewhere_that_keeps_a_session_alive(server):
    own = log_in(server)
    session = server.service.guard.sessions.named(own.split(".")[0])
    before = session.ends
    assert told(server, "/session", {**cookie(own), "Sec-Fetch-Site": "same-site"})[0] == 403
    assert session.ends == before


@attack(allow_origins=["https://friend.example"])
def a_page_that_may_publish_but_not_with_cookies(server):
    headers = {**cookie(log_in(server)), "Origin": "https://friend.example", "Sec-Fetch-Site": "cross-site"}
    assert told(server, "/events?topic=a", headers)[0] == 403
    assert told(server, "/events?topic=a", headers, "POST")[0] == 403
    assert told(server, "/events?topic=a", {**bearer(), "Origin": "https://friend.example"}, "POST")[0] == 202


@attack(allow_origins=["https://friend.example"], allow_credentials=True)
def a_page_that_is_not_the_one_whose_cookies_are_let_in(server):
    own = log_in(server)
    friend = {"Origin": "https://friend.example", "Sec-Fetch-Site": "same-site"}
    assert stream_status(server, {**cookie(own), **friend}) == 200
    for origin in (
        "https://friend.example.evil.example",
        "http://friend.example",
        "https://friend.example:444",
        "null",
    ):
        assert told(server, "/events?topic=a", {**cookie(own), **friend, "Origin": origin})[0] == 403
    assert told(server, "/events?topic=a", {**cookie(own), "Sec-Fetch-Site": "same-site"})[0] == 403


# Rights


@attack(log_bytes=200_000_000)
def a_right_that_is_lost_in_mid_replay(server):
    """A reader who reads slowly gets what the sockets had at that moment, and nothing of what comes after it."""
    own = log_in(server, "eve", subscribe=["mine"])
    for number in range(300):
        server.publish("mine", f"{number} ".ljust(100_000, "x"))
    with SlowReader(server, "topic=mine&recent=300", cookie(own)) as slow:
        slow.take(3)
        server.revoke(subject="eve")
        server.publish("mine", "a secret of after that")
        rest = slow.the_rest()
    numbers = [int(event.data.split()[0]) for event in events(rest) if event.event == "message"]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True
    assert len(numbers) < 290  # what the sockets of both sides hold, and no more
    assert b"a secret" not in rest
    assert stream_status(server, cookie(own), "topic=mine") == 401


class SlowReader(Reader):
    """A subscriber with a cookie and a small buffer, whose stream may be cut anywhere."""

    def __init__(self, server, query, headers):
        sent = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        super().__init__(server, f"{query} HTTP/1.1\r\n{sent}X: ", receive_buffer=10_000)

    def the_rest(self):
        received = b""
        try:
            while True:
                received += self.next_block()
        except (AssertionError, ValueError, ConnectionError):  # the stream has ended, or was cut
            return received


@attack
def an_id_of_another_topic(server):
    """Ids are of the whole log: whoever learns one learns nothing by it of the topic that it is from."""
    secret = server.publish("secret", "theirs")
    server.publish("mine", "own")
    server.publish("secret", "theirs, too")
    headers = {**bearer("eve", **MINE), "Last-Event-ID": secret}
    with Asked(server, "/events?topic=mine", headers) as stream:
        server.publish("mine", "own, too")
        assert stream.take(2) == ["own", "own, too"]
    for topics in ("secret", "mine&topic=secret", "secret&topic=mine"):
        got, said = told(server, f"/events?topic={topics}", headers)
        assert got == 403
        assert "secret" not in said


@attack
def topics_that_exist_and_topics_that_do_not(server):
    """Both are refused with the same words."""
    server.publish("secret", "theirs")
    headers = bearer("eve", **MINE)
    for method in ("GET", "POST"):
        answers = [told(server, f"/events?topic={topic}", headers, method) for topic in ("secret", "nothing")]
        there, not_there = [(got, json.loads(said) | {"request_id": ""}) for got, said in answers]
        assert there == not_there
        assert there[0] == 403


@attack
def a_right_that_is_lost_while_a_body_is_on_its_way(server):
    """A client that asks before it sends is let in, and takes its time."""
    for kind in ("text/plain", "application/x-ndjson"):
        own, by_token = log_in(server, "eve"), bearer("eve")
        for headers, lose in [
            (cookie(own), lambda own=own: log_in(server, "ann", cookie(own))),
            (by_token, lambda: server.revoke(subject="eve")),
        ]:
            head = {**headers, "Content-Type": kind, "Expect": "100-continue", "Content-Length": "10"}
            sent = "".join(f"{name}: {value}\r\n" for name, value in head.items())
            with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
                connection.sendall(f"POST /events?topic=a HTTP/1.1\r\nHost: 127.0.0.1\r\n{sent}\r\n".encode())
                assert connection.recv(1000).startswith(b"HTTP/1.1 100")
                lose()
                connection.sendall(b'{"data":1}')
                assert connection.recv(1000).startswith(b"HTTP/1.1 401")
    server.publish("a", "the only one")
    with Asked(server, "/events?topic=a&recent=9", bearer()) as stream:
        assert stream.take(1) == ["the only one"]


class RevokesInBetween(SubscribeHandler):
    """The right is checked, and revoked before the stream begins."""

    def last_event_id(self):
        self.guard.revoke(subject=self.identity.subject)
        return super().last_event_id()


@attack(routes=[Route("/events", RevokesInBetween)])
def a_right_that_is_lost_between_the_check_and_the_stream(server):
    server.publish("a", "a secret")
    with Asked(server, "/events?topic=a&recent=1", bearer()) as stream:
        assert stream.to_the_end() == []


class RevokesOwnStream(Handler):
    async def get(self):
        self.guard.revoke(subject=self.identity.subject)
        assert not await self.send_events(["a secret"])


@attack(routes=[Route("/own", RevokesOwnStream)])
def a_right_to_a_stream_of_ones_own_that_is_lost_in_between(server):
    with Asked(server, "/own", bearer()) as stream, pytest.raises(http.client.IncompleteRead) as broken:
        stream.to_the_end()
    assert b"a secret" not in broken.value.partial


@attack
def a_logout_in_one_tab_while_another_one_reads_on(server):
    own = log_in(server)
    with Asked(server, "/events?topic=a", cookie(own)) as stream:
        assert status(server, "/session", cookie(own), "DELETE") == 204
        server.publish("a", "a secret of after that")
        assert [event.data for event in stream.to_the_end()] == ['{"reason": "logout"}']
    assert stream_status(server, cookie(own)) == 401


@attack
def the_same_name_at_another_issuer(server):
    """Two subjects are the same one only where their issuers are."""
    ours, theirs = log_in(server, "ann"), log_in(server, "ann", issuer="other issuer")
    assert told(server, "/events?topic=a", {**cookie(ours), **bearer("ann", issuer="other issuer")})[0] == 400
    assert server.revoke(subject="ann", issuer="other issuer") == (1, 0)
    assert [whose(server, cookie(one)) for one in (ours, theirs)] == ["ann", "nobody"]
    assert status(server, "/session?everywhere=true", cookie(ours), "DELETE") == 204
    assert whose(server, bearer("ann", issuer="other issuer")) == "ann"


@attack(max_streams_per_subject=3)
def more_streams_than_a_subject_may_have(server):
    """By whatever way they are opened: a session, a token and a ticket are of one subject."""
    own = log_in(server)
    ways = [cookie(own), bearer(), {}]
    queries = ["topic=a", "topic=a", f"topic=a&ticket={ticket(server, bearer())}"]
    opened = [Asked(server, f"/events?{query}", way) for way, query in zip(ways, queries, strict=True)]
    assert [one.status for one in opened] == [200] * 3
    last = ticket(server, bearer())
    for way, query in [*zip(ways[:2], queries, strict=False), ({}, f"topic=a&ticket={last}")]:
        assert told(server, f"/events?{query}", way)[0] == 429
    assert stream_status(server, bearer("ben")) == 200
    for one in opened:
        one.close()


@attack
def names_for_revoke_that_are_empty(server):
    """An empty subject is everybody's who has not told who they are."""
    for names in ({}, {"subject": ""}, {"session": ""}, {"token_id": ""}, {"subject": "a", "session": "b"}):
        with pytest.raises(ValueError, match="exactly one"):
            server.revoke(**names)
