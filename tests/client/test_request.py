"""What a request asks, and what its answer means, over real sockets."""

import asyncio
import base64
import gc
import gzip
import math
import threading
import time

import pytest
from support import HOLD, NO_MORE, RESET, RETRY, STREAM, Script

from sse_demo import TRANSIENT_STATUSES, EventSource, EventSourceError, listen, serve
from sse_demo.lab import Fault, FaultProxy


def test_the_first_request_is_as_the_standard_says():
    with Script(NO_MORE) as script:
        assert list(listen(script.url)) == []
        headers = script.headers()
        assert headers["accept"] == "text/event-stream"
        assert headers["cache-control"] == "no-cache"
        assert "last-event-id" not in headers
        assert "accept-encoding" not in headers


def test_an_id_may_be_any_text():
    with Script(STREAM + RETRY + "id: thé 茶\ndata: a\n\n".encode(), NO_MORE) as script:
        list(listen(script.url))
        script.headers()
        assert script.headers()["last-event-id"] == "thé 茶"


def test_headers_of_ones_own_are_sent_along():
    with Script(NO_MORE) as script:
        list(listen(script.url, headers={"X-Lesson": "4", "Accept": "text/event-stream, */*"}))
        headers = script.headers()
        assert (headers["x-lesson"], headers["accept"]) == ("4", "text/event-stream, */*")


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


@pytest.mark.parametrize("character", [b"\x01", b"\x1f", b"\x7f"])
def test_an_id_that_no_header_can_carry_ends_the_stream_with_a_reason(character):
    with Script(STREAM + b"retry: 1\nid: a" + character + b"\ndata: a\n\n") as script, listen(script.url) as events:
        assert next(events).data == "a"
        with pytest.raises(EventSourceError, match="cannot be asked to go on after the event ID"):
            next(events)


@pytest.mark.parametrize("url", ["", "127.0.0.1:8000/stream", "ftp://127.0.0.1/", "/stream"])
def test_what_is_no_address(url):
    with pytest.raises(ValueError, match="http or https address"):
        listen(url)
    with pytest.raises(EventSourceError, match="is not an address"):
        next(listen("http://:80/"))


def redirect(status, location=None):
    to = f"Location: {location}\r\n" if location is not None else ""
    return f"HTTP/1.1 {status} Elsewhere\r\n{to}Content-Length: 0\r\nConnection: close\r\n\r\n".encode()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed_each_time_anew(status):
    with Script([STREAM + b"retry: 1\n\nid: 1\ndata: a\n\n"]) as there, Script(redirect(status, there.url)) as here:
        events = listen(here.url)
        assert [next(events).data, next(events).data] == ["a", "a"]
        for script in (here, there):
            assert [script.headers().get("last-event-id") for _ in range(2)] == [None, "1"]
        events.close()


def test_a_redirect_may_be_relative():
    with Script(redirect(302, "elsewhere?a=b"), NO_MORE) as script:
        assert list(listen(script.url)) == []
        script.request()
        assert script.request()[0] == "GET /elsewhere?a=b HTTP/1.1"


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [(301, "POST", "GET"), (302, "POST", "GET"), (303, "POST", "GET"), (303, "REPORT", "GET"),
     (302, "REPORT", "REPORT"), (307, "POST", "POST"), (308, "POST", "POST")],
)  # fmt: skip
def test_a_redirect_keeps_or_changes_the_method_as_fetch_does(status, method, then):
    with Script(redirect(status, "/next"), NO_MORE) as script:
        list(listen(script.url, method=method, body="{}"))
        assert script.request()[0].startswith(method)
        first, _, body = script.request()
        assert (first.split()[0], body) == (then, "{}" if then == method else "")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_nowhere_is_an_error(status):
    with Script(redirect(status)) as script:
        with pytest.raises(EventSourceError, match=f"answered {status} Elsewhere, not 200, with no Location to go to"):
            next(listen(script.url))
        assert script.requests.qsize() == 1


@pytest.mark.parametrize("location", ["ftp://127.0.0.1/", "mailto:a@b", "http://", "http://:x/"])
def test_a_redirect_to_what_is_no_http_address_is_an_error(location):
    with Script(redirect(302, location)) as script:
        with pytest.raises(EventSourceError, match=f"{script.url} was redirected to what is not an http address"):
            next(listen(script.url))
        assert script.requests.qsize() == 1


def test_a_loop_of_redirects_is_an_error():
    with Script(redirect(302, "/events")) as script:
        with pytest.raises(EventSourceError, match="redirected more than 20 times"):
            next(listen(script.url))
        assert script.requests.qsize() == 21


@pytest.mark.parametrize("way", ["headers", "before_connect"])
def test_headers_of_ones_own_stay_with_their_origin(way):
    own = {"Authorization": "Bearer secret", "Cookie": "a=secret", "X-Api-Key": "secret", "Accept-Language": "de"}
    with Script(NO_MORE) as there, Script(redirect(307, "/here"), redirect(307, there.url)) as here:
        list(listen(here.url, **{way: own if way == "headers" else lambda: own}, last_event_id="7"))
        for _ in range(2):
            headers = here.headers()
            assert headers["authorization"] == "Bearer secret"
            assert (headers["cookie"], headers["x-api-key"]) == ("a=secret", "secret")
        request = there.requests.get(timeout=5).decode()
        assert "secret" not in request
        for line in ("Accept: text/event-stream", "Cache-Control: no-cache", "Last-Event-ID: 7", "Accept-Language: de"):
            assert f"{line}\r\n" in request


def test_a_password_in_the_address_is_sent_and_not_shown():
    with Script(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n") as script:
        with pytest.raises(EventSourceError) as caught:
            next(listen(script.url.replace("http://", "http://ada:secret@")))
        assert script.headers()["authorization"] == "Basic YWRhOnNlY3JldA=="
        assert "secret" not in f"{caught.value} {caught.value.url}"


@pytest.mark.parametrize("method", ["POST", "REPORT", "QUERY"])
def test_the_body_is_sent_again_with_each_connection(method):
    with Script(STREAM + RETRY, NO_MORE) as script:
        list(listen(script.url, method=method, body="thé", headers={"content-type": "application/json"}))
        for _ in range(2):
            first, headers, body = script.request()
            assert first == f"{method} /events HTTP/1.1"
            assert (headers["content-type"], body) == ("application/json", "thé")


@pytest.mark.parametrize("kind", ["plain", "coroutine", "callable that returns a coroutine"])
def test_a_token_is_renewed_before_each_connection(kind):
    tokens = iter(["one", "two"])

    def renew():
        return {"authorization": f"Bearer {next(tokens)}", "Cookie": "session=7"}

    async def renew_slowly():
        await asyncio.sleep(0)
        return renew()

    before_connect = {"plain": renew, "coroutine": renew_slowly}.get(kind, lambda: renew_slowly())
    with Script(STREAM + RETRY, NO_MORE) as script:
        list(listen(script.url, headers={"Authorization": "Bearer none"}, before_connect=before_connect))
        headers = [script.headers() for _ in range(2)]
        assert [each["authorization"] for each in headers] == ["Bearer one", "Bearer two"]
        assert headers[0]["cookie"] == "session=7"


def test_a_plain_callback_may_block_without_stopping_the_loop():
    asked, answered = threading.Event(), threading.Event()

    def block():
        asked.set()
        assert answered.wait(5), "the loop stands still"
        return {}

    async def main(url):
        async with EventSource(url, before_connect=block) as source:
            reading = asyncio.ensure_future(anext(source, None))
            await asyncio.to_thread(asked.wait)
            answered.set()  # on the loop, which goes on meanwhile
            return await reading

    with Script(NO_MORE) as script:
        assert asyncio.run(main(script.url)) is None


def test_a_callback_that_cannot_reach_its_server_is_a_try_that_failed():
    answers = iter([ConnectionRefusedError("no token today"), {}])
    changes = []

    def renew():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with Script(NO_MORE) as script:
        events = listen(script.url, before_connect=renew, on_state_change=changes.append)
        events.source.reconnection_time = 0.01
        assert list(events) == []
    assert changes[0].reason == "ConnectionRefusedError: no token today"


def test_a_callback_that_is_broken_ends_the_stream():
    with Script(NO_MORE) as script, pytest.raises(ZeroDivisionError):
        next(listen(script.url, before_connect=lambda: 1 / 0))


def test_a_cookie_that_the_server_sets_is_sent_back():
    answer = STREAM.replace(b"\r\n\r\n", b"\r\nSet-Cookie: server=b\r\n\r\n")
    with Script(answer + RETRY, NO_MORE) as script:
        list(listen(script.url))
        assert "cookie" not in script.headers()
        assert script.headers()["cookie"] == "server=b"


def test_another_authority_for_https(tls):
    server_side, client_side = tls
    with serve(tls=server_side) as server:
        server.publish("a", "secret")
        url = f"{server.url}/events?topic=a&recent=1"
        assert url.startswith("https://")
        with listen(url, tls=client_side) as events:
            assert next(events).data == "secret"
        with pytest.raises(EventSourceError, match="certificate verify failed"):
            next(listen(url, max_tries=1))


def unavailable(status, *headers):
    lines = "".join(f"{header}\r\n" for header in headers)
    return f"HTTP/1.1 {status} Later\r\nContent-Length: 0\r\nConnection: close\r\n{lines}\r\n".encode()


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 599])
def test_a_status_that_may_pass_is_tried_again_when_it_is_asked_for(status):
    changes = []
    with Script(unavailable(status, "Retry-After: 1"), NO_MORE) as script:
        events = listen(script.url, retry_on=TRANSIENT_STATUSES, on_state_change=changes.append)
        events.source.reconnection_time = 0.01
        assert list(events) == []
    assert (changes[0].reason, changes[0].wait) == (f"answered {status} Later, not 200", 1)


def test_a_retry_after_does_not_make_the_wait_shorter():
    with Script(unavailable(503, "Retry-After: 0"), [HOLD]) as script:
        waits = []
        events = listen(
            script.url,
            retry_on={503},
            on_state_change=lambda change: change.state or (waits.append(change.wait), events.close()),
        )
        assert list(events) == []
        assert waits == [3]


def test_each_try_has_a_connection_of_its_own():
    """The answer would allow to keep the connection; but nobody answers on it a second time."""
    with Script([b"HTTP/1.1 503 Full\r\nContent-Length: 0\r\n\r\n", HOLD]) as script:
        with listen(script.url, retry_on={503}, max_tries=2, read_timeout=2) as events:
            events.source.reconnection_time = 0.001
            with pytest.raises(EventSourceError, match=r"answered 503 Full, not 200 \(try 2\)"):
                next(events)


def test_a_status_that_is_not_asked_for_still_ends_it():
    with Script(unavailable(404)) as script, pytest.raises(EventSourceError) as caught:
        next(listen(script.url, retry_on=TRANSIENT_STATUSES))
    assert (caught.value.status, caught.value.tries, caught.value.url) == (404, 1, script.url)


def test_an_explanation_that_never_comes_is_not_waited_for(monkeypatch):
    monkeypatch.setattr("sse_demo.client.request.EXPLANATION_TIMEOUT", 0.05)
    head = b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/problem+json\r\nContent-Length: 99\r\n\r\n{"
    with Script([head, HOLD]) as script, pytest.raises(EventSourceError, match=r"answered 400 Bad Request, not 200 \("):
        next(listen(script.url))


def test_a_tls_connection_that_has_gone_silent_leaves_nothing_behind(recwarn, tls):
    """In its head, in its body, and when it is closed; a leak would be a warning, which is an error here."""
    server_side, client_side = tls
    with serve(tls=server_side, heartbeat=0.05, retry=0.01) as server:
        faults = [Fault("silence", after) for after in (0, 1500, 2000)]
        with FaultProxy(f"{server.url}/events?topic=a&recent=1", *faults) as proxy:
            server.publish("a", "x" * 1000)
            with listen(proxy.url, connect_timeout=1, read_timeout=1, tls=client_side) as events:
                events.source.reconnection_time = 0.01
                assert len(next(events).data) == 1000
                assert proxy.connections == 4
    gc.collect()
    assert [str(warning.message) for warning in recwarn.list] == []


RUBBISH = {
    "a body": b"\r\nrubbish\r\n\r\n",
    "a body with a length": b"Content-Length: 5\r\n\r\nabcde",
    "broken chunks": b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "no header": b"broken\r\n\r\n",
    "a header with a NUL": b"X: \0\r\n\r\n",
    "no length": b"Content-Length: x\r\n\r\n",
    "two lengths": b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "half a header": b"X: ",
    "nothing": b"",
    "an endless header": b"X: " + b"x" * 100_000 + b"\r\n\r\n",
}


@pytest.mark.parametrize("ending", ["closed", "reset", "held"])
@pytest.mark.parametrize("rubbish", RUBBISH)
def test_the_status_line_decides_whatever_follows(rubbish, ending):
    end = {"closed": [], "reset": [RESET], "held": [HOLD]}[ending]
    for line, outcome in {
        b"HTTP/1.1 204 No Content": "closed",
        b"HTTP/1.1 401 Unauthorized": "answered 401 Unauthorized",
        b"HTTP/1.1 500 Oops": "answered 500 Oops",
    }.items():
        with Script([line + b"\r\n" + RUBBISH[rubbish], *end]) as script:
            with listen(script.url, connect_timeout=0.2, read_timeout=0.2) as events:
                if outcome == "closed":
                    assert list(events) == []
                else:
                    with pytest.raises(
                        EventSourceError, match=rf"{outcome}.*\(try 1\)|sends a head.*\(try 1\)"
                    ) as caught:
                        next(events)
                    assert caught.value.status == int(line.split()[1])
            assert script.requests.qsize() == 1


def test_another_content_type_decides_whatever_follows():
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
    with Script(answer) as script, pytest.raises(EventSourceError, match="sends text/html, not text/event-stream"):
        next(listen(script.url))


def test_a_status_that_may_pass_is_tried_again_whatever_follows():
    with Script(b"HTTP/1.1 503 Full\r\nbroken\r\n\r\n", NO_MORE) as script:
        events = listen(script.url, retry_on=TRANSIENT_STATUSES)
        events.source.reconnection_time = 0.01
        assert list(events) == []


@pytest.mark.parametrize(
    ("headers", "sends"),
    [
        ("", "no Content-Type"),
        ("Content-Type:\r\n", "no Content-Type"),
        ("Content-Type: text/event-stream\r\nContent-Type: text/html\r\n", "text/html"),
        ("Content-Type: text/event-stream, text/html\r\n", "text/html"),
        ("Content-Type: text/html\r\nContent-Type: Text/Event-Stream; charset=latin-1\r\n", None),
        ("CONTENT-TYPE:   TEXT/EVENT-STREAM \t\r\n", None),
        ("Content-Type: text/event-stream;\r\n", None),
    ],
)
def test_the_last_content_type_counts(headers, sends):
    with Script(f"HTTP/1.1 200 OK\r\n{headers}\r\ndata: é\n\n".encode()) as script, listen(script.url) as events:
        if sends is None:
            assert next(events).data == "é"
        else:
            with pytest.raises(EventSourceError, match=f"sends {sends}, not text/event-stream"):
                next(events)


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "zstd", "x-unknown", "identity, gzip"])
@pytest.mark.parametrize("name", ["Content-Encoding", "Transfer-Encoding"])
def test_an_encoding_ends_it_and_tells_which(name, encoding):
    body = gzip.compress(b"data: a\n\n" * 1000)
    answer = f"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n{name}: {encoding}\r\n\r\n".encode() + body
    with Script(answer) as script:
        with pytest.raises(EventSourceError, match=f"sends {name}: {encoding}, which is not read") as caught:
            next(listen(script.url))
        assert (caught.value.status, script.requests.qsize()) == (200, 1)


def test_no_encoding_by_its_name_is_none():
    with Script(
        [STREAM.replace(b"\r\n\r\n", b"\r\nContent-Encoding: Identity\r\n\r\n") + b"data: a\n\n", HOLD]
    ) as script:
        with listen(script.url) as events:
            assert next(events).data == "a"


@pytest.mark.parametrize("size", [9_000, 60_000])
def test_a_long_header_is_read(size):
    with Script([STREAM.replace(b"\r\n\r\n", b"\r\nX: " + b"x" * size + b"\r\n\r\n") + b"data: a\n\n", HOLD]) as script:
        with listen(script.url) as events:
            assert next(events).data == "a"


@pytest.mark.parametrize(
    "head",
    [
        [b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", HOLD],
        [b"HTTP/1.1 200 OK\r\n", *[b"X: y\r\n" * 1000] * 100],
        [b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"] * 1000,
        [b"HTTP/1.1 103 Early Hints\r\nX: " + b"x" * 30_000 + b"\r\n\r\n"] * 10,
    ],
    ids=["a long header", "many headers", "many interim answers", "long interim answers"],
)
def test_a_head_beyond_the_limits_is_an_error_and_not_tried_again(head):
    with Script(head) as script:
        with pytest.raises(
            EventSourceError, match=r"sends (a head of more than 65536 bytes|more than 10 interim answers)"
        ):
            next(listen(script.url))
        assert script.requests.qsize() == 1


def test_interim_answers_before_the_answer_are_passed_over():
    with Script(
        [b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n", STREAM + b"data: a\n\n", HOLD]
    ) as script:
        with listen(script.url) as events:
            assert next(events).data == "a"


def test_a_head_that_drips_is_a_lost_connection():
    with Script([b"HTTP/1.1 200 OK\r\n", *[b"X", 0.05] * 40], NO_MORE) as script:
        started = time.monotonic()
        with listen(script.url, connect_timeout=0.3, read_timeout=5) as events:
            events.source.reconnection_time = 0.01
            assert list(events) == []
        assert time.monotonic() - started < 1.9, "not when the server has done with it"


def test_the_first_byte_of_an_answer_may_take_its_time():
    with Script([0.4, STREAM + b"data: a\n\n", HOLD]) as script, listen(script.url, connect_timeout=0.2) as events:
        assert next(events).data == "a"


@pytest.mark.parametrize("start", [b"SSH-2.0-OpenSSH\r\n", b"\x15\x03\x01\x00\x02\x02\x46", b"220 mail\r\n"])
def test_another_protocol_is_told_at_once(start):
    with Script([start, HOLD]) as script:
        with pytest.raises(EventSourceError, match="is no HTTP server: the answer begins with"):
            next(listen(script.url, max_tries=1))


def test_http_and_https_confused(tls):
    server_side, client_side = tls
    with serve(tls=server_side) as server:
        with pytest.raises(EventSourceError, match=r"was given up, (is no HTTP|Server|the server|Client)"):
            next(listen(f"{server.url.replace('https', 'http')}/events?topic=a", max_tries=1, read_timeout=5))
    with (
        serve() as server,
        pytest.raises(EventSourceError, match=r"was given up, .*(SSL|TLS handshake; is https right\?)"),
    ):
        next(listen(f"{server.url.replace('http', 'https')}/events?topic=a", tls=client_side, max_tries=1))


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"X-Good": "x", "X-Bad": "a\nb"}, "the header X-Bad has a control character"),
        ({"Authorization": "Bearer secret\n"}, "the header Authorization has a control character"),
        ({"X Y": "secret"}, "'X Y' is no name of a header"),
        ({"X-Number": 7}, "the header X-Number is no text, but int"),
        ({"X-Surrogate": "\ud800"}, "the header X-Surrogate has a control character"),
    ],
)
@pytest.mark.parametrize("way", ["headers", "before_connect"])
def test_a_bad_header_is_named_and_not_shown(headers, why, way):
    with Script(NO_MORE) as script:
        with pytest.raises(EventSourceError, match=f"cannot be asked: {why}") as caught:
            next(listen(script.url, **{way: headers if way == "headers" else lambda: headers}))
        assert "secret" not in f"{caught.value} {caught.value.__cause__}"
        assert script.requests.empty()


def test_a_bad_method_is_named():
    with Script(NO_MORE) as script, pytest.raises(EventSourceError, match="cannot be asked: Method"):
        next(listen(script.url, method="GET /x\r\n"))


UNAUTHORIZED = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_credentials_are_renewed_once_and_at_once_after_a_401(method):
    tokens = iter(["old", "new", "third"])
    changes = []
    with Script(UNAUTHORIZED, [STREAM + b"data: a\n\n", HOLD]) as script:
        options = {"before_connect": lambda: {"Authorization": f"Bearer {next(tokens)}"}, "max_tries": 1}
        with listen(script.url, method=method, body="{}", on_state_change=changes.append, **options) as events:
            assert next(events).data == "a"
            assert events.source.tries == 0
        assert [script.headers()["authorization"] for _ in range(2)] == ["Bearer old", "Bearer new"]
    assert [change.state.name for change in changes] == ["OPEN", "CLOSED"]


def test_a_second_401_ends_the_stream():
    with Script(UNAUTHORIZED) as script:
        with pytest.raises(EventSourceError, match=r"answered 401 Unauthorized, not 200 \(try 1\)") as caught:
            next(listen(script.url, before_connect=lambda: {"Authorization": "Bearer no"}))
        assert (caught.value.status, script.requests.qsize()) == (401, 2)


def test_a_401_where_nothing_can_be_renewed_ends_the_stream():
    with Script(UNAUTHORIZED) as script:
        with pytest.raises(EventSourceError, match="answered 401 Unauthorized, not 200"):
            next(listen(script.url, headers={"Authorization": "Bearer no"}))
        assert script.requests.qsize() == 1


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b'{"detail": "no\\n\\u001b[31mtopic\\u2028"}', ": no [31mtopic"),
        (b'{"detail": ' + b"[" * 8000 + b"]" * 8000 + b"}", ""),
        (b'{"detail": ' + b"[" * 500 + b"]" * 500 + b"}", ": " + "[" * 500),
        (b'{"detail": "' + b"x" * 9000 + b'"}', ": " + "x" * 500),
        (b"{", ""),
    ],
    ids=["control characters", "8,000 deep", "500 deep", "long", "half"],
)
def test_an_explanation_is_one_line_whatever_it_holds(body, shown):
    head = b"HTTP/1.1 400 Bad \x1b[1mRequest\r\nContent-Type: application/problem+json; charset=utf-8\r\n\r\n"
    with Script(head + body) as script, pytest.raises(EventSourceError) as caught:
        next(listen(script.url))
    message = f"{script.url} answered 400 Bad [1mRequest, not 200{shown} (try 1)"
    deep = message.replace(" (try", f": {'[' * 500} (try")  # from Python 3.13 on, what is 8,000 deep can be read
    assert str(caught.value) in (message, deep)


def test_a_redirect_tells_no_password_of_its_location():
    with Script(redirect(302, "ftp://eve:secret@h/")) as script, pytest.raises(EventSourceError) as caught:
        next(listen(script.url))
    assert "secret" not in f"{caught.value} {caught.value.__cause__}"
    assert "ftp://h/" in str(caught.value)


def test_a_user_in_a_location_is_sent_to_where_it_leads():
    with Script(NO_MORE) as there, Script(redirect(302, there.url.replace("//", "//eve:x@"))) as here:
        assert list(listen(here.url.replace("//", "//ada:secret@"))) == []
        assert here.headers()["authorization"] == "Basic YWRhOnNlY3JldA=="
        assert there.headers()["authorization"] == "Basic ZXZlOng="


def test_an_authorization_of_ones_own_counts_more_than_a_user_in_the_address():
    with Script(NO_MORE) as script:
        list(listen(script.url.replace("//", "//ada:secret@"), headers={"Authorization": "Bearer t"}))
        assert script.headers()["authorization"] == "Bearer t"


@pytest.mark.parametrize("kind", ["plain", "coroutine"])
def test_a_callback_that_has_run_out_ends_the_stream(kind):
    """A StopIteration is lost on its way out of a thread, and the reader would wait for ever."""
    tokens = iter([{"X-Token": "1"}])

    async def renew():
        return next(tokens)

    with Script(STREAM + RETRY + b"data: a\n\n") as script:
        events = listen(script.url, before_connect=renew if kind == "coroutine" else lambda: next(tokens))
        assert next(events).data == "a"
        with pytest.raises(RuntimeError, match="raised StopIteration"):
            next(events)


def test_a_body_that_utf_8_cannot_carry_is_refused_at_once():
    with pytest.raises(ValueError, match="body has a lone surrogate"):
        EventSource("http://127.0.0.1/", method="POST", body="\ud800")


def test_a_connection_may_take_for_ever():
    with Script(STREAM + b"data: a\n\n") as script:
        events = listen(script.url, connect_timeout=math.inf, read_timeout=math.inf)
        assert next(events).data == "a"


def test_no_error_holds_the_headers_of_the_request():
    """Neither those that a hook is told nor their causes: programs print and keep them."""
    changes = []
    with Script(b"HTTP/1.1 200 OK\r\nno header\r\n\r\n") as script:
        events = listen(
            script.url.replace("//", "//ada:secret@"),
            headers={"X-Key": "secret"},
            max_tries=2,
            on_state_change=changes.append,
        )
        events.source.reconnection_time = 0.01
        with pytest.raises(EventSourceError, match="rest of its head cannot be read") as failed:
            next(events)
    error = failed.value
    kinds = []
    while error is not None:
        kinds.append(type(error).__name__)
        assert "secret" not in f"{error!r} {vars(error)}"
        assert base64.b64encode(b"ada:secret").decode() not in f"{error!r} {vars(error)}"
        error = error.__cause__
    assert kinds[:3] == ["EventSourceError", "BadHead", "ClientResponseError"]
    assert "secret" not in repr(changes)
