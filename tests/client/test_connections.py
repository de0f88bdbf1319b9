"""The words for what strangers say, and for errors of the network."""

import ssl

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from sse_demo.client.connections import MAX_SHOWN, lost, nobody_there, nothing_answers, one_line, problem_detail


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\r\n b\t\tc", "a b c"),
        ("\x1b[31mred\x9b", "[31mred"),
        ("\u2028\ud800", ""),
        ("größe 茶", "größe 茶"),
        ("", ""),
    ],
)
def test_one_line(text, line):
    assert one_line(text) == line


def test_a_line_has_a_limit():
    assert one_line("x" * 10_000) == "x" * MAX_SHOWN


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b'{"detail": "no\\ntopic"}', "no topic"),
        (b'{"detail": ["a", 1]}', "['a', 1]"),
        (b'{"title": "x"}', ""),
        (b"[1]", ""),
        (b"5", ""),
        (b"\xff", ""),
        (b"[" * 100_000, ""),
    ],
)
def test_the_detail_of_a_problem(body, detail):
    assert problem_detail(body) == detail


KEY = ConnectionKey("h", 80, False, True, None, None, None)
NO_TLS = "the connection was closed in the middle of the TLS handshake; is https right?"
REFUSED = ConnectionRefusedError(111, "Connection refused")


@pytest.mark.parametrize(
    ("error", "words", "nobody"),
    [
        (aiohttp.SocketTimeoutError("x"), "nothing has come within the read timeout", False),
        (aiohttp.ConnectionTimeoutError("x"), "no connection within the connect timeout", False),
        (aiohttp.ClientConnectorError(KEY, REFUSED), "nothing answers there ([Errno 111] Connection refused)", True),
        (aiohttp.ClientProxyConnectionError(KEY, REFUSED),
         "its proxy cannot be reached ([Errno 111] Connection refused)", False),
        (aiohttp.ClientConnectorError(KEY, ConnectionResetError()), NO_TLS, False),
        (aiohttp.ClientConnectorSSLError(KEY, ssl.SSLError(1, "no")), None, False),
        (aiohttp.ServerDisconnectedError(), "ServerDisconnectedError: Server disconnected", False),
        (OSError("gone"), "OSError: gone", False),
        (OSError(), "OSError", False),
    ],
)  # fmt: skip
def test_why_a_connection_is_lost(error, words, nobody):
    loss = lost(error)
    assert loss.error is error
    assert words is None or str(loss) == words
    assert (nobody_there(error) is not None) is nobody


def test_nothing_answers():
    assert nothing_answers("U", REFUSED) == "nothing answers at U"
    assert nothing_answers("U", OSError("no name")) == "nothing answers at U (no name)"
