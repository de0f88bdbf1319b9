"""Pages from elsewhere: what they may read, and what they may change."""

import http.client
import json
import ssl

import pytest
import trustme
from asking import answer, assert_problem, publish

from sse_demo import Certificate, serve
from sse_demo.web.handlers import Handler, problem

PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}


def test_without_a_setting_no_page_from_elsewhere_may_read(server):
    headers = answer(f"{server.url}/ping", Origin="https://a.test")[1]
    assert not [name for name in headers if name.startswith("Access-Control")]
    assert "Vary" not in headers


@pytest.mark.parametrize("path", ["/hello", "/nothing", "/stream?count=1&interval=0"])
def test_a_named_origin_may_read_whatever_is_answered(serving, path):
    url = serving(allow_origins=["https://a.test"], allow_credentials=True).removesuffix("/hello") + path
    headers = answer(url, Origin="https://a.test")[1]
    assert headers["Access-Control-Allow-Origin"] == "https://a.test"
    assert headers["Access-Control-Allow-Credentials"] == "true"
    assert headers["Vary"] == "Origin"
    assert "X-Request-ID" in headers["Access-Control-Expose-Headers"]
    headers = answer(url, Origin="https://b.test")[1]
    assert headers["Access-Control-Allow-Origin"] is None
    assert headers["Vary"] == "Origin", "a cache must not give one the answer of the other"
    assert answer(url)[1]["Access-Control-Allow-Origin"] is None


class Broken(Handler):
    def get(self):
        raise ZeroDivisionError("nobody expects this")


def test_an_error_of_the_server_may_be_read_too(serving, caplog):
    """Else a page would see a failed fetch, and never the request id that finds the line in the log."""
    url = serving(handler=Broken, allow_origins=["https://a.test"])
    status, headers, body = answer(url, Origin="https://a.test")
    assert (status, headers["Access-Control-Allow-Origin"]) == (500, "https://a.test")
    assert json.loads(body)["request_id"] in caplog.text


def test_everybody_may_read(serving):
    headers = answer(serving(allow_origins=["*"]), Origin="https://b.test")[1]
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Access-Control-Allow-Credentials"] is None


def test_a_preflight_is_told_what_is_allowed(serving):
    url = serving(allow_origins=["https://a.test"]).removesuffix("/hello") + "/events?topic=a"
    status, headers, _ = answer(url, "OPTIONS", Origin="https://a.test", **PREFLIGHT)
    assert status == 204
    assert headers["Access-Control-Allow-Methods"] == headers["Allow"] == "GET, HEAD, POST, OPTIONS"
    assert headers["Access-Control-Allow-Headers"] == "content-type"
    assert headers["Vary"] == "Origin"
    assert headers["Access-Control-Max-Age"] == "600"
    headers = answer(url, "OPTIONS", Origin="https://b.test", **PREFLIGHT)[1]
    assert headers["Access-Control-Allow-Methods"] is None
    headers = answer(url, "OPTIONS", Origin="https://a.test")[1]
    assert headers["Access-Control-Allow-Origin"] == "https://a.test"
    assert headers["Access-Control-Max-Age"] is None, "it is no preflight"


def test_a_preflight_opens_no_lock_and_is_not_stopped_by_one(serving):
    def locked(handler):
        if handler.request.headers.get("Authorization") != "Bearer open sesame":
            raise problem(401, "the door is locked", {"WWW-Authenticate": "Bearer"})
        yield

    url = serving(locked, allow_origins=["https://a.test"])
    wanted = PREFLIGHT | {"Access-Control-Request-Headers": "authorization"}
    status, headers, _ = answer(url, "OPTIONS", Origin="https://a.test", **wanted)
    assert (status, headers["Access-Control-Allow-Headers"]) == (204, "authorization")
    assert headers["X-Request-ID"]
    assert answer(url, "OPTIONS", Origin="https://b.test", **wanted)[0] == 401
    assert answer(url, Origin="https://a.test")[0] == 401
    assert answer(url, Origin="https://a.test", Authorization="Bearer open sesame")[2] == b"hello"


def test_who_may_read_may_publish(serving):
    url = serving(allow_origins=["https://a.test"]).removesuffix("/hello") + "/events?topic=a"
    assert answer(url, "POST", Origin="https://a.test", Content_Length="0")[0] == 202
    assert answer(url, "POST", Origin="https://b.test", Content_Length="0")[0] == 403


class Changing(Handler):
    def get(self):
        self.write("seven")

    def delete(self):
        self.set_status(204)

    put = post = delete


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_what_a_page_from_elsewhere_would_change_is_refused_on_every_route(serving, method):
    url = serving(handler=Changing, allow_origins=["https://a.test"])
    own = url.removesuffix("/hello")
    for origin in ("https://b.test", "null", f"{own}.evil.test", ""):
        status, _, body = answer(url, method, Origin=origin, Content_Length="0")
        assert (status, origin in json.loads(body)["detail"]) == (403, True)
    for allowed in ({}, {"Origin": own}, {"Origin": "https://a.test"}):
        assert answer(url, method, Content_Length="0", **allowed)[0] == 204
    assert answer(url, Origin="https://b.test")[0] == 200, "a browser sees to it that the page cannot read it"


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost:80", "http://localhost"),
        ("localhost", "http://localhost:80"),
        ("LocalHost:8000", "http://localhost:8000"),
        ("localhost:8000", "HTTP://LOCALHOST:8000"),
        ("[::1]:80", "http://[::1]"),
    ],
)
def test_an_own_page_may_publish_however_its_origin_is_written(server, host, origin):
    assert publish(server, Host=host, Origin=origin)[0] == 202


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost", "https://localhost"),  # another scheme
        ("localhost", "https://localhost:80"),
        ("localhost:443", "http://localhost"),
        ("localhost", "http://localhost:8000"),
        ("localhost", "http://127.0.0.1"),
        ("localhost", "localhost"),
        ("localhost", "http://localhost/"),
        ("localhost", "http://localhost, http://localhost"),
        ("localhost", "http://evil.test@localhost"),
        ("localhost", "null"),
    ],
)
def test_an_origin_that_differs_in_its_scheme_its_host_or_its_port_is_another(server, host, origin):
    assert_problem(publish(server, Host=host, Origin=origin), 403, origin, "allow_origins")


def test_with_tls_the_own_pages_are_those_of_https(tmp_path):
    authority = trustme.CA()
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with serve(tls=Certificate(tmp_path / "server.pem")) as server:
        for origin, status in [(server.url, 202), (server.url.replace("https", "http"), 403)]:
            connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=trusting, timeout=10)
            connection.request("POST", "/events?topic=a", b"x", {"Origin": origin})
            assert connection.getresponse().status == status
            connection.close()


def test_an_origin_that_is_let_in_may_be_written_in_other_ways_too():
    with serve(allow_origins=["https://a.test:443", "http://b.test:8000"]) as server:
        for origin in ("https://a.test", "https://A.test", "https://a.test:443", "http://b.test:8000"):
            status, headers, _ = publish(server, Origin=origin)
            assert (status, headers["Access-Control-Allow-Origin"]) == (202, origin)
        for origin in ("http://a.test", "https://a.test:8443", "http://b.test", "null"):
            assert publish(server, Origin=origin)[0] == 403


def test_what_the_browser_says_itself_counts_where_a_proxy_asks_by_another_name():
    """As nginx does by default. No page can set this header."""
    with serve(allow_hosts=["up"]) as server:
        asked = {"Host": "up", "Origin": "https://shop.example"}
        assert publish(server, Sec_Fetch_Site="same-origin", **asked)[0] == 202
        for site in ("same-site", "cross-site", "none", "", "SAME-ORIGIN"):
            assert publish(server, Sec_Fetch_Site=site, **asked)[0] == 403
        assert publish(server, Sec_Fetch_Site="same-origin", Host="up", Origin="null")[0] == 403


def test_a_page_from_elsewhere_may_not_publish(server):
    assert_problem(publish(server, Origin="http://example.org"), 403, "example.org")
    assert_problem(publish(server, Origin="null"), 403, "null")
    assert publish(server, Origin=server.url)[0] == 202
