"""Through a proxy, over real sockets: which one, with what, and what it means when it refuses."""

import base64
import contextlib
import select
import socket
import threading

import pytest
from support import NO_MORE, STREAM, Script
from yarl import URL

from sse_demo import EventSource, EventSourceError, InvalidInput, listen, serve
from sse_demo.client.proxy import Proxy, proxy_for, require_proxy

HERE = ["localhost", "localhost.", "a.localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "[::1]", "0.0.0.0"]


class ForwardProxy:
    """An HTTP proxy: it passes whole addresses on, and makes tunnels. With ``user`` it asks for one."""

    def __init__(self, user=None, refuse=None):
        self.wanted = user and "Basic " + base64.b64encode(user.encode()).decode()
        self.refuse = refuse
        self.heads = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        with contextlib.suppress(OSError):  # closed at the end
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with client, client.makefile("rb") as file:
            lines = list(iter(file.readline, b"\r\n"))
            method, target, _ = lines[0].decode().split()
            headers = {
                name.lower(): value for name, _, value in (line.decode().strip().partition(": ") for line in lines[1:])
            }
            self.heads.append((method, target, headers))
            if self.refuse or (self.wanted and headers.get("proxy-authorization") != self.wanted):
                client.sendall(f"HTTP/1.1 {self.refuse or '407 Proxy Authentication Required'}\r\n\r\n".encode())
                return
            url = URL(f"//{target}" if method == "CONNECT" else target)
            with socket.create_connection((url.host, url.port)) as server:
                if method == "CONNECT":
                    client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
                else:
                    server.sendall(b"".join([f"{method} {url.raw_path_qs} HTTP/1.1\r\n".encode(), *lines[1:], b"\r\n"]))
                pass_on(client, server)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def pass_on(one, other):
    while True:
        for readable in select.select([one, other], [], [])[0]:
            try:
                data = readable.recv(65536)
                (other if readable is one else one).sendall(data)
            except OSError:
                return
            if not data:
                return


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch):
    """The environment of the tests names none."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def test_a_stream_comes_through_a_proxy():
    with ForwardProxy("ada:s/cret") as proxy, Script(STREAM + b"data: a\n\n") as script:
        address = proxy.url.replace("//", "//ada:s%2Fcret@")
        with listen(f"{script.url}?sig=a%2Bb", proxy=address) as events:
            assert next(events).data == "a"
        (method, target, headers), *_ = proxy.heads
        assert (method, target) == ("GET", f"{script.url}?sig=a%2Bb")
        assert headers["proxy-authorization"] == "Basic YWRhOnMvY3JldA=="


def test_https_goes_through_a_tunnel_whose_password_the_server_does_not_see(tls):
    server_side, client_side = tls
    with ForwardProxy("ada:secret") as proxy, serve(tls=server_side) as server:
        server.publish("a", "through")
        url, address = f"{server.url}/events?topic=a&recent=1", proxy.url.replace("//", "//ada:secret@")
        with listen(url, tls=client_side, proxy=address, headers={"X-Key": "k"}) as events:
            assert next(events).data == "through"
    (method, target, headers), *_ = proxy.heads
    assert (method, target) == ("CONNECT", server.url.removeprefix("https://"))
    assert "proxy-authorization" in headers
    assert "x-key" not in headers, "the proxy sees nothing of the request"


def test_a_redirect_goes_through_the_proxy_too():
    with ForwardProxy() as proxy, Script(NO_MORE) as there:
        redirect = f"HTTP/1.1 302 Found\r\nLocation: {there.url}\r\nConnection: close\r\n\r\n".encode()
        with Script(redirect) as here:
            assert list(listen(here.url, proxy=proxy.url)) == []
            assert [target for _, target, _ in proxy.heads] == [here.url, there.url]


def test_a_proxy_is_told_its_password_alone():
    with ForwardProxy("ada:secret") as proxy, Script(NO_MORE) as script:
        list(listen(script.url, proxy=proxy.url.replace("//", "//ada:secret@"), headers={"Authorization": "mine"}))
        assert proxy.heads[0][2]["authorization"] == "mine"
        with pytest.raises(EventSourceError, match="answered 407 Proxy Authentication Required") as caught:
            next(listen(script.url, proxy=proxy.url.replace("//", "//ada:wrong@")))
    assert "wrong" not in f"{caught.value} {caught.value.__cause__}"


@pytest.mark.parametrize(
    ("refuse", "tries"), [("407 No", 1), ("403 No", 1), ("502 Bad Gateway", 2), ("503 Later", 2), ("429 Slow", 2)]
)
def test_a_proxy_that_makes_no_tunnel(refuse, tries):
    with ForwardProxy(refuse=refuse) as proxy:
        with listen("https://example.invalid/", proxy=proxy.url, max_tries=2) as events:
            events.source.reconnection_time = 0.01
            with pytest.raises(EventSourceError, match=f"its proxy answered {refuse} .*try {tries}"):
                next(events)


def test_a_proxy_that_is_not_there_is_a_lost_connection_that_names_it():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(EventSourceError, match=r"was given up, its proxy cannot be reached \(.*try 1"):
        next(listen("http://example.invalid/", proxy=f"http://ada:secret@127.0.0.1:{port}", max_tries=1))


def test_the_proxy_of_the_environment_is_asked_where_it_is_asked_for(monkeypatch):
    with ForwardProxy(refuse="502 Bad Gateway") as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.replace("//", "//ada:secret@"))
        with listen("http://example.invalid/", proxy="environment") as events:
            with pytest.raises(EventSourceError, match="answered 502 Bad Gateway"):
                next(events)
        assert "proxy-authorization" in proxy.heads[0][2]
        assert [target for _, target, _ in proxy.heads] == ["http://example.invalid/"]


def test_no_proxy_of_the_environment_is_asked_otherwise(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    for options in ({}, {"proxy": "environment"}):  # the address is on this machine
        with Script(NO_MORE) as script:
            assert list(listen(script.url, **options)) == []


@pytest.mark.parametrize(
    ("environment", "address", "proxy"),
    [
        ({"http_proxy": "http://p:1"}, "http://h/", "http://p:1"),
        ({"http_proxy": "http://p:1"}, "https://h/", None),
        ({"HTTPS_PROXY": "http://p:2", "http_proxy": "http://p:1"}, "https://h/", "http://p:2"),
        ({"https_proxy": "p:2"}, "https://h/", "http://p:2"),
        ({"all_proxy": "http://p:3"}, "https://h/", "http://p:3"),
        ({"all_proxy": "http://p:3", "http_proxy": ""}, "http://h/", "http://p:3"),
        ({"all_proxy": "http://p:3", "no_proxy": "h,other.test"}, "http://h/", None),
        ({"all_proxy": "http://p:3", "NO_PROXY": ".other.test"}, "http://a.other.test/", None),
        ({"all_proxy": "http://p:3", "no_proxy": "other.test"}, "http://another.test/", "http://p:3"),
        ({"all_proxy": "http://p:3", "no_proxy": "h:8000"}, "http://h:8000/", None),
        ({"all_proxy": "http://p:3", "no_proxy": "h:8000"}, "http://h/", "http://p:3"),
        ({"all_proxy": "http://p:3", "no_proxy": "*"}, "http://h/", None),
        *[({"all_proxy": "http://p:3"}, f"http://{host}/", None) for host in HERE],
        ({"all_proxy": "http://p:3"}, "http://128.0.0.1/", "http://p:3"),
        ({}, "http://h/", None),
    ],
)  # fmt: skip
def test_which_proxy_the_environment_names(environment, address, proxy, monkeypatch):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert proxy_for(URL(address), "environment") == (None if proxy is None else Proxy(URL(proxy), None))
    assert proxy_for(URL(address), None) is None


@pytest.mark.parametrize("wrong", ["", "nowhere", "socks5://ada:secret@127.0.0.1:1", "http://", "ada:secret@p:1"])
def test_what_is_no_proxy_is_said_at_once(wrong):
    for refuse in (require_proxy, lambda proxy: EventSource("http://h/", proxy=proxy)):
        with pytest.raises(InvalidInput, match="a proxy has an http or https address, such as") as caught:
            refuse(wrong)
        assert "secret" not in str(caught.value)


def test_a_proxy_of_the_environment_that_cannot_be_used_ends_the_stream(monkeypatch):
    monkeypatch.setenv("all_proxy", "socks5://ada:secret@127.0.0.1:1")
    with pytest.raises(EventSourceError, match="cannot be asked: a proxy has an http or https address") as caught:
        next(listen("http://example.invalid/", proxy="environment"))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "its proxy answered 502 Bad Gateway"),
        (b"HTTP/1.1 407 Who are you?\r\n\r\n", r"its proxy answered 407 Who are you\?"),
        (b"nonsense\r\n\r\n", "the answer of its proxy cannot be read: .*"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 9000 + b"\r\n\r\n", "the answer of its proxy cannot be read: .*"),
    ],
)
def test_what_a_proxy_was_told_is_in_no_error(answer, why):
    changes = []
    with Script(answer) as script:
        proxy = script.url.removesuffix("/events").replace("//", "//ada:secret@")
        events = listen("https://127.0.0.1:1/", proxy=proxy, max_tries=2, on_state_change=changes.append)
        events.source.reconnection_time = 0.01
        with pytest.raises(EventSourceError, match=rf"{why}( \(try \d\))?$") as failed:
            next(events)
    told = f"{failed.value!r} {failed.value.__cause__!r} {vars(failed.value.__cause__)} {changes}"
    assert "secret" not in told
    assert base64.b64encode(b"ada:secret").decode() not in told
