"""``publish()``: one event over HTTP, from threads and coroutines, and what it says when that fails."""

import asyncio
import gc
import json
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from http.client import responses

import pytest
from support import HOLD, RESET, Script

from sse_demo import InvalidInput, PublishError, listen, publish, publish_async, serve


def answer(status, body="", *headers):
    lines = "".join(f"{header}\r\n" for header in (*headers, f"Content-Length: {len(body)}"))
    return f"HTTP/1.1 {status} {responses[status]}\r\n{lines}\r\n{body}".encode()


ACCEPTED = answer(202, '{"id": "x-1"}')


def publishing_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("publish ")]


def test_an_event_is_published_and_its_id_is_told(server):
    url = f"{server.url}/events?topic=news"
    id = publish(url, "one\ntwo", event="a greeting & more", retry=1.5)
    with listen(f"{url}&recent=1") as events:
        event = next(events)
    assert (event.data, event.event, event.id, event.retry) == ("one\ntwo", "a greeting & more", id, 1500)
    assert publishing_threads() == []


def test_the_request_is_as_it_was_asked_for():
    with Script(ACCEPTED) as script:
        options = {"key": "a&b=ü", "retry": 0, "idempotency_key": "order 7", "headers": {"Authorization": "Bearer t"}}
        assert publish(f"{script.url}?topic=a&sig=a%2Bb#part", "größe", event="x", **options) == "x-1"
        first, headers, body = script.request()
    assert first == "POST /events?topic=a&sig=a%2Bb&event=x&key=a%26b%3D%C3%BC&retry=0 HTTP/1.1"
    assert body == "größe"
    assert headers["content-type"] == "text/plain; charset=utf-8"
    assert (headers["idempotency-key"], headers["authorization"]) == ("order 7", "Bearer t")


def test_what_is_left_out_is_not_sent():
    with Script(ACCEPTED) as script:
        publish(script.url, "", headers={"Content-Type": "application/json"})
        first, headers, _ = script.request()
    assert first == "POST /events HTTP/1.1"
    assert headers["content-type"] == "application/json"
    assert "idempotency-key" not in headers


def test_the_same_idempotency_key_is_the_same_event(server):
    url = f"{server.url}/events?topic=news"
    ids = {publish(url, "once", idempotency_key="order 7") for _ in range(3)}
    assert len(ids) == 1
    with pytest.raises(PublishError, match=r"answered 422 Unprocessable \w+: .*order 7") as caught:
        publish(url, "another", idempotency_key="order 7")
    assert caught.value.status == 422


def test_a_key_coalesces():
    with serve(coalesce=["prices"]) as server:
        url = f"{server.url}/events?topic=prices"
        for price in ("1", "2"):
            publish(url, price, key="tea")
        publish(url, "7", key="milk")
        with listen(f"{url}&recent=5") as events:
            assert [next(events).data, next(events).data] == ["2", "7"]


def test_threads_publish_at_the_same_time(server):
    url = f"{server.url}/events?topic=news"
    with ThreadPoolExecutor(8) as threads:
        ids = list(threads.map(lambda n: publish(url, str(n)), range(24)))
    assert len(set(ids)) == 24


def test_it_works_where_an_event_loop_is_running(server):
    async def main():
        return publish(f"{server.url}/events?topic=news", "from a cell")

    assert asyncio.run(main())


def test_a_coroutine_publishes_without_a_thread(server):
    async def main():
        url = f"{server.url}/events?topic=news"
        return await asyncio.gather(*(publish_async(url, str(n), timeout=20) for n in range(5)))

    assert len(set(asyncio.run(main()))) == 5


def test_https(server, tls, recwarn):
    server_side, client_side = tls
    with serve(tls=server_side) as server:
        url = f"{server.url}/events?topic=news"
        assert publish(url, "secret", tls=client_side)
        with pytest.raises(PublishError, match="certificate verify failed") as caught:
            publish(url, "secret")
        assert caught.value.status is None
    gc.collect()
    assert [str(warning.message) for warning in recwarn.list] == []


def test_a_refusal_is_explained_by_the_server(server):
    url = f"{server.url}/events"
    with pytest.raises(PublishError) as caught:
        publish(url, "hello")
    assert str(caught.value) == f"{url} answered 400 Bad Request: the query names no topic; use /events?topic=news"
    assert (caught.value.url, caught.value.status) == (url, 400)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (answer(502, "oops"), "answered 502 Bad Gateway: oops"),
        (answer(500), "answered 500 Internal Server Error"),
        (answer(500, "a\r\n\x1b[31m<b>\tred"), "answered 500 Internal Server Error: a [31m<b> red"),
        (answer(500, "[" * 9000), f"answered 500 Internal Server Error: {'[' * 500}"),
        (answer(500, '{"detail": ["a", 1]}'), "answered 500 Internal Server Error: ['a', 1]"),
        (answer(200, "{}"), "gave no answer that tells an id"),
        (answer(200, '{"id": 7}'), "gave no answer that tells an id"),
        (answer(200, "[" * 9000), "gave no answer that tells an id"),
        (answer(204), "gave no answer that tells an id"),
        (b"HTTP/1.1 202 OK\r\nContent-Length: 100\r\n\r\n{", "gave no answer that tells an id"),
        (b"HTTP/1.1 500 No\r\nContent-Length: 100\r\n\r\noops", "answered 500 No"),
    ],
)
def test_what_the_answer_means_is_said_in_one_line(answer, why):
    with Script(answer) as script:
        with pytest.raises(PublishError) as caught:
            publish(script.url, "hello")
        assert str(caught.value) == f"{script.url} {why}"
        assert script.requests.qsize() == 1


@pytest.mark.parametrize("broken", [[b"SSH-2.0-OpenSSH\r\n"], [b""], [RESET]], ids=["not HTTP", "nothing", "reset"])
def test_no_answer_at_all_is_an_error_without_a_status(broken):
    with Script(broken) as script:
        with pytest.raises(PublishError, match=f"^{script.url}: .") as caught:
            publish(script.url, "hello")
        assert caught.value.status is None
        assert isinstance(caught.value.__cause__, Exception)
        assert script.requests.qsize() == 1, "it is not tried again"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status):
    with Script(ACCEPTED) as there, Script(answer(status, "", f"Location: {there.url}")) as here:
        with pytest.raises(PublishError, match=rf"answered {status} [\w ]+: a redirect is not followed"):
            publish(here.url, "hello")
        assert there.requests.empty()


def test_nobody_there_is_said_in_plain_words():
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}/events"
    with pytest.raises(PublishError) as caught:
        publish(url, "hello")
    assert str(caught.value) == f"nothing answers at {url}; is the server running?"
    assert isinstance(caught.value.__cause__, OSError)


def test_a_name_that_nobody_has_is_said_in_plain_words(monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(PublishError, match=r"nothing answers at http://nobody.test/ \(.*not known\); is the server"):
        publish("http://nobody.test/", "hello")


@pytest.mark.parametrize("answer", [[HOLD], [b"HTTP/1.1 202 OK\r\nContent-Length: 9\r\n\r\n{", HOLD]])
def test_an_answer_that_does_not_come_is_waited_for_only_so_long(answer):
    with Script(answer) as script:
        with pytest.raises(PublishError) as caught:
            publish(script.url, "hello", timeout=0.2)
        assert str(caught.value) == f"{script.url} has not answered within 0.2 s"
        assert caught.value.status is None
    assert publishing_threads() == []


def test_a_name_that_is_not_found_is_waited_for_only_so_long(monkeypatch):
    answered = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answered.wait(20) and [])
    with pytest.raises(PublishError, match=r"has not answered within 0.1 s"):
        publish("http://slow.test/", "hello", timeout=0.1)
    answered.set()


@pytest.mark.parametrize(
    ("wrong", "error", "why"),
    [
        ({"url": "nowhere"}, InvalidInput, "is not an http or https address"),
        ({"url": "ftp://127.0.0.1/"}, InvalidInput, "is not an http or https address"),
        ({"url": "http://127.0.0.1:x/"}, InvalidInput, "is not an address"),
        ({"url": "http://a..b/"}, InvalidInput, "'http://a..b/' is not an address"),
        ({"proxy": "nowhere"}, InvalidInput, "a proxy has an http or https address"),
        ({"event": ""}, InvalidInput, "event must not be empty"),
        ({"event": "a\nb"}, InvalidInput, "event must not contain"),
        ({"data": "\ud800"}, InvalidInput, "lone surrogate"),
        ({"data": b"bytes"}, TypeError, "data must be a str"),
        ({"retry": -1}, InvalidInput, "retry must be a number of seconds that is not negative, not -1"),
        ({"retry": float("nan")}, InvalidInput, "retry must be a number of seconds"),
        ({"retry": float("inf")}, InvalidInput, "retry must be a number of seconds"),
        ({"retry": 1e308}, InvalidInput, "retry must be a number of seconds up to 2147483, not 1e[+]308"),
        ({"key": "\ud800"}, InvalidInput, "key contains a lone surrogate"),
        ({"timeout": float("nan")}, InvalidInput, "timeout must be more than 0 seconds, not nan"),
        ({"timeout": -1}, InvalidInput, "timeout must be more than 0 seconds, not -1"),
        ({"idempotency_key": "a\r\nX: y"}, InvalidInput, "a header cannot be sent"),
        ({"headers": {"X": "a\nb"}}, InvalidInput, "a header cannot be sent"),
    ],
)
def test_what_cannot_be_published_is_not_sent(wrong, error, why):
    with Script(ACCEPTED) as script:
        with pytest.raises(error, match=why):
            publish(**{"url": script.url, "data": "hello"} | wrong)
        assert script.requests.empty()
    assert publishing_threads() == []


def test_a_password_in_the_address_is_sent_and_not_shown():
    with Script(answer(403, "no"), ACCEPTED) as script:
        url = script.url.replace("http://", "http://ada:sec%40ret@")
        with pytest.raises(PublishError) as caught:
            publish(url, "hello")
        assert publish(url, "hello") == "x-1"
        assert script.headers()["authorization"] == "Basic YWRhOnNlY0ByZXQ="
    assert (str(caught.value), caught.value.url) == (f"{script.url} answered 403 Forbidden: no", script.url)
    for broken in (url.replace("/events", ":x/"), url):  # no address, and one where nobody is any more
        with pytest.raises((InvalidInput, PublishError)) as caught:
            publish(broken, "hello")
        assert "ret@" not in str(caught.value)


def test_no_proxy_of_the_environment_is_asked(server, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1/")
    assert publish(f"{server.url}/events?topic=news", "hello")


def test_a_proxy_is_asked_where_it_is_named(monkeypatch):
    with Script(ACCEPTED) as proxy:
        address = proxy.url.removesuffix("/events").replace("http://", "http://ada:secret@")
        assert publish("http://nobody.test/events", "hello", proxy=address) == "x-1"
        monkeypatch.setenv("http_proxy", address)
        assert publish("http://nobody.test/events", "hello", proxy="environment") == "x-1"
        for _ in range(2):
            first, headers, _ = proxy.request()
            assert first == "POST http://nobody.test/events HTTP/1.1"
            assert headers["proxy-authorization"] == "Basic YWRhOnNlY3JldA=="
    monkeypatch.setenv("http_proxy", "ftp://ada:secret@proxy.test")
    with pytest.raises(InvalidInput, match="a proxy has an http or https address") as caught:
        publish("http://nobody.test/events", "hello", proxy="environment")
    assert "secret" not in str(caught.value)


def test_an_interrupt_ends_it_and_leaves_no_thread_behind():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with Script([HOLD]) as script:

            def interrupt():
                script.requests.get(timeout=5)
                signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

            interrupting = threading.Thread(target=interrupt)
            interrupting.start()
            with pytest.raises(KeyboardInterrupt):
                publish(script.url, "hello")
            interrupting.join(5)
    finally:
        signal.signal(signal.SIGINT, before)
    assert publishing_threads() == []


def test_a_cancelled_coroutine_leaves_nothing_behind(recwarn):
    async def main(script):
        publishing = asyncio.create_task(publish_async(script.url, "hello"))
        await asyncio.to_thread(script.requests.get, timeout=5)
        publishing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await publishing

    with Script([HOLD]) as script:
        asyncio.run(main(script))
    gc.collect()
    assert [str(warning.message) for warning in recwarn.list] == []


def test_the_body_of_an_answer_is_read_only_so_far(monkeypatch):
    monkeypatch.setattr("sse_demo.client.publish.MAX_ANSWER", 1000)
    long_answer = json.dumps({"id": "x" * 2000})
    with Script(answer(202, long_answer)) as script, pytest.raises(PublishError, match="no answer that tells an id"):
        publish(script.url, "hello")


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"HTTP/1.1 400 Bad Request\r\nContent-Length: x\r\n\r\n", 400),
        (b"HTTP/1.1 503 Full\r\nContent-Le", 503),
        (b"HTTP/1.1 202 Accepted\r\nX: " + b"a" * 70_000 + b"\r\n\r\n", 202),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 12, None),
    ],
)
def test_a_head_that_cannot_be_read_is_the_servers_fault_and_its_status_is_told(head, status):
    with Script(head) as script, pytest.raises(PublishError) as failed:
        publish(script.url, "hello")
    assert failed.value.status == status


def test_a_proxy_that_refuses_is_no_invalid_input():
    with Script(b"HTTP/1.1 407 Who are you?\r\n\r\n") as script, pytest.raises(PublishError, match="407 Who") as failed:
        publish("https://127.0.0.1:1/", "hello", proxy=script.url.removesuffix("/events"))
    assert failed.value.status == 407
