"""Behind a proxy: the address, the scheme and the host that a client has, and what a client may only pretend."""

import json
import logging
import random

import pytest
from asking import assert_problem, publish, request

from sse_demo import Settings, serve
from sse_demo.web.handlers import Handler
from sse_demo.web.routing import Route


class Who(Handler):
    def get(self):
        self.write(" ".join([self.request.remote_ip, self.request.protocol, self.request.host, self.request.host_name]))


@pytest.fixture(scope="module")
def behind():
    """A server whose proxies are on this machine and in 10.0.0.0/8."""
    with serve(
        routes=[Route("/who", Who)], trusted_proxies=["127.0.0.1", "10.0.0.0/8", "fd00::/8"], allow_hosts=["*"]
    ) as server:
        yield server


def who(server, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return request(server, "GET", "/who", headers={"Host": "up"} | named)[2].decode().split()


@pytest.mark.parametrize(
    ("told", "client"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:4711", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:DB8:0::1]:80", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("6.6.6.6, 192.0.2.1", "192.0.2.1"),  # the left one may be made up
        ("192.0.2.1, 10.1.1.1", "192.0.2.1"),  # two proxies
        ("192.0.2.1,10.1.1.1:5,  fd00::1 ", "192.0.2.1"),
        ("6.6.6.6, 192.0.2.1, 10.1.1.1", "192.0.2.1"),
        ("10.2.2.2, 10.1.1.1", "10.2.2.2"),  # the client is one of ours
        ("nonsense", "127.0.0.1"),
        ("", "127.0.0.1"),
        ("unknown", "127.0.0.1"),
        ("192.0.2.1, ", "127.0.0.1"),
        ("192.0.2.1, nonsense", "127.0.0.1"),
        ("nonsense, 192.0.2.1", "192.0.2.1"),
        ("192.0.2.1, nonsense, 10.1.1.1", "10.1.1.1"),  # that proxy does not say who
        ("192.0.2.300", "127.0.0.1"),
        ("192.0.2", "127.0.0.1"),
        ("\x9912.1.1.1", "127.0.0.1"),
        ("192.0.2.1;10.1.1.1", "127.0.0.1"),
        (",".join(["192.0.2.1"] * 5000), "192.0.2.1"),
        (",".join(["192.0.2.1", *["10.1.1.1"] * 99]), "192.0.2.1"),
        (",".join(["192.0.2.1", *["10.1.1.1"] * 100]), "10.1.1.1"),  # no more are read
    ],
)
def test_the_client_is_the_right_most_address_that_is_no_proxys(behind, told, client):
    assert who(behind, X_Forwarded_For=told)[0] == client


@pytest.mark.parametrize(
    ("told", "client", "proto", "host"),
    [
        ("for=192.0.2.1", "192.0.2.1", "http", "up"),
        ("For=192.0.2.1;PROTO=https;by=203.0.113.60;host=a.test", "192.0.2.1", "https", "a.test"),
        ('for="[2001:db8:cafe::17]:4711"', "2001:db8:cafe::17", "http", "up"),
        ('for="192.0.2.1:_x7"; proto="https"', "192.0.2.1", "https", "up"),
        ("for=6.6.6.6;proto=https;host=b.test, for=192.0.2.1", "192.0.2.1", "http", "up"),
        ("for=192.0.2.1;host=a.test;proto=https, for=10.1.1.1;host=b.test;proto=http", "192.0.2.1", "https", "a.test"),
        ('for=192.0.2.1;host="a.test:8443"', "192.0.2.1", "http", "a.test:8443"),
        (r'for="192.0.2.\1"', "192.0.2.1", "http", "up"),
        ("for=unknown;proto=https", "127.0.0.1", "https", "up"),
        ("for=_hidden, for=10.1.1.1", "10.1.1.1", "http", "up"),
        ("by=10.0.0.1", "127.0.0.1", "http", "up"),
        # A fault anywhere, and nothing is believed.
        ('for="6.6.6.6', "127.0.0.1", "http", "up"),
        ('for=6.6.6.6;x=", for="[2001:db8::1]"', "127.0.0.1", "http", "up"),
        ("for=6.6.6.6;proto=https;", "127.0.0.1", "http", "up"),
        ("nonsense", "127.0.0.1", "http", "up"),
        ("for 192.0.2.1", "127.0.0.1", "http", "up"),
        (", for=192.0.2.1", "127.0.0.1", "http", "up"),
    ],
)
def test_forwarded_is_read_as_the_standard_has_it(behind, told, client, proto, host):
    assert who(behind, Forwarded=told)[:3] == [client, proto, host]


@pytest.mark.parametrize(
    ("proto", "host", "seen"),
    [
        ("https", "Shop.example", ["https", "shop.example"]),
        ("HTTPS", "shop.example:8443", ["https", "shop.example:8443"]),
        ("https, http", "a.test, b.test", ["https", "a.test"]),  # a list as long as that of the addresses
        ("x, https, http", "x, a.test, b.test", ["https", "a.test"]),
        ("gopher", "a b", ["http", "up"]),
        ("javascript:", "a/b", ["http", "up"]),
        ("", "", ["http", "up"]),
        ("https", "user@a.test", ["https", "up"]),
    ],
)
def test_the_scheme_and_the_host_are_those_of_the_clients_own_hop(behind, proto, host, seen):
    told = {"X_Forwarded_Proto": proto, "X_Forwarded_Host": host}
    assert who(behind, X_Forwarded_For="6.6.6.6, 192.0.2.1, 10.1.1.1", **told)[:3] == ["192.0.2.1", *seen]


def test_the_scheme_alone_may_be_told(behind):
    assert who(behind, X_Forwarded_Proto="https") == ["127.0.0.1", "https", "up", "up"]
    assert who(behind, X_Forwarded_Host="[::1]:80") == ["127.0.0.1", "http", "[::1]:80", "[::1]"]


def test_where_two_ways_do_not_agree_neither_counts(behind):
    """The proxy writes one of them. The other one is the client's own."""
    for theirs, own in [("192.0.2.1", "6.6.6.6"), ("6.6.6.6", "192.0.2.1")]:
        assert who(behind, X_Forwarded_For=theirs, Forwarded=f"for={own}")[0] == "127.0.0.1"
    both = {"X_Forwarded_For": "192.0.2.1", "Forwarded": "for=192.0.2.1;host=evil.test"}
    assert who(behind, **both)[:3] == ["192.0.2.1", "http", "up"]
    both = {"X_Forwarded_For": "192.0.2.1", "X_Forwarded_Host": "evil.test", "Forwarded": "for=192.0.2.1"}
    assert who(behind, **both)[:3] == ["192.0.2.1", "http", "up"]


@pytest.mark.parametrize("proxies", [[], ["10.0.0.0/8"], ["127.0.0.2"]])
def test_from_a_peer_that_is_no_proxy_nothing_is_believed(proxies):
    with serve(routes=[Route("/who", Who)], trusted_proxies=proxies) as server:
        told = {"X_Forwarded_For": "192.0.2.1", "X_Forwarded_Proto": "https", "X_Forwarded_Host": "a.test"}
        seen = ["127.0.0.1", "http", "localhost", "localhost"]
        assert who(server, Host="localhost", **told) == seen
        assert who(server, Host="localhost", Forwarded="for=192.0.2.1;proto=https;host=a.test") == seen
        assert who(server, Host="localhost", X_Real_IP="192.0.2.1", X_Scheme="https") == seen


def test_the_access_log_has_the_client_and_not_the_proxy(behind, caplog, eventually):
    with caplog.at_level(logging.INFO, logger="sse_demo.access"):
        request(behind, "GET", "/ping", headers={"X-Forwarded-For": "192.0.2.1"})
        eventually(lambda: caplog.records)
    assert json.loads(caplog.records[0].getMessage())["remote"] == "192.0.2.1"


def test_the_origin_of_a_page_is_compared_with_what_its_browser_asked_for(behind):
    told = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "shop.example"}
    assert publish(behind, Origin="https://shop.example", **told)[0] == 202
    assert publish(behind, Origin="http://shop.example", **told)[0] == 403
    assert publish(behind, Origin="https://evil.test", **told)[0] == 403
    assert publish(behind, Origin="https://up", Host="up", X_Forwarded_Proto="https")[0] == 202


def test_a_false_name_is_found_out_also_where_a_proxy_is_pretended():
    """A page whose name was made to point here comes from this machine, as the proxy does, and may set this header."""
    with serve(trusted_proxies=["127.0.0.1"], allow_hosts=["shop.example"]) as server:
        for host, forwarded, status in [
            ("localhost", "shop.example", 200),
            ("shop.example", "shop.example", 200),
            ("localhost", "evil.test", 421),
            ("evil.test", "shop.example", 421),
            ("evil.test", "localhost", 421),
        ]:
            answer = request(server, "GET", "/ping", headers={"Host": host, "X-Forwarded-Host": forwarded})
            assert answer[0] == status, (host, forwarded)
            if status == 421:
                assert_problem(answer, 421, "evil.test")


def test_whatever_a_header_holds_there_is_an_answer(behind):
    words = [
        "for=",
        "192.0.2.1",
        "10.1.1.1",
        ",",
        ";",
        '"',
        "\\",
        "[",
        "]",
        ":",
        "::1",
        "proto=https",
        " ",
        "_x",
        "\t",
        "ü",
    ]
    chance = random.Random(7)
    for _ in range(300):
        text = "".join(chance.choices(words, k=chance.randrange(12))).encode().decode("latin-1").strip()
        for name in ("X_Forwarded_For", "Forwarded", "X_Forwarded_Host", "X_Forwarded_Proto"):
            assert who(behind, **{name: text})[0] in ("127.0.0.1", "192.0.2.1", "10.1.1.1", "::1"), (name, text)


def test_a_proxy_is_an_address_or_a_network():
    good = ("127.0.0.1", "::1", "10.0.0.0/8", "fd00::/8", "0.0.0.0/0")
    assert Settings(trusted_proxies=good).trusted_proxies == good
    for bad in ("10.0.0.1/8", "proxy.example", "*", "", "10.0.0.0/33", "127.0.0.1:80", "[::1]"):
        with pytest.raises(ValueError, match=r"trusted_proxies: .* is not an address, or a network such as"):
            Settings(trusted_proxies=[bad])
    with pytest.raises(ValueError, match="trusted_proxies must be a list of addresses"):
        Settings(trusted_proxies="127.0.0.1")
