"""Cookies go back byte for byte."""

import asyncio

import pytest
from support import NO_MORE, RETRY, STREAM, Script
from yarl import URL

from sse_demo import listen
from sse_demo.client.cookies import Cookies

HERE = URL("http://127.0.0.1:8000/a/b")


def header(*fields, own="", here=HERE):
    async def main():
        cookies = Cookies()
        cookies.keep(fields, HERE)
        return cookies.header(own, here)

    return asyncio.run(main())


@pytest.mark.parametrize(
    "value",
    ["b", '"b c"', '"b\\"c"', '{"k": 1}', "ü=1,2", "a b", "a\\b", "%22%20+", "=", "", "x" * 1000, "(a)<b>@[c]?{}"],
)
def test_a_value_comes_back_byte_for_byte(value):
    assert header(f"name={value}") == f"name={value}"
    assert header(f"name={value}; Path=/; HttpOnly") == f"name={value}"


def test_attributes_still_count():
    assert header("a=1; Path=/other", "b=2; Path=/a", "c=3; Max-Age=0", "d=4; Secure") == "b=2"
    assert header("a=1", here=URL("http://127.0.0.1/a/c")) == "a=1", "a cookie is for all ports"
    assert header("a=1", here=URL("http://127.0.0.2/a/b")) == ""


def test_what_cannot_be_sent_is_not_kept():
    assert header("a=\x01", "b=\udcff", "c", "=d", "e=5") == "e=5"


def test_cookies_of_ones_own_are_left_as_they_are():
    assert header(own='a="1"; b={}') == 'a="1"; b={}'
    assert header("c=3", own='a="1";b={}') == 'a="1";b={}; c=3'


def test_a_cookie_that_the_server_renews_takes_the_place_of_ones_own():
    assert header("session=2", own="session=1; a=b") == "a=b; session=2"
    assert header("session=2", own="session=1") == "session=2"


def test_over_the_line():
    answer = STREAM.replace(b"\r\n\r\n", b'\r\nSet-Cookie: s="a b\\"c"; Path=/\r\nSet-Cookie: t={"k":1}\r\n\r\n')
    with Script(answer + RETRY, NO_MORE) as script:
        list(listen(script.url, headers={"Cookie": 'mine="x,y"'}))
        assert script.headers()["cookie"] == 'mine="x,y"'
        assert script.headers()["cookie"] == 'mine="x,y"; s="a b\\"c"; t={"k":1}'
