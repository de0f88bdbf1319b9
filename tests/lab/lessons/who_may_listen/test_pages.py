"""What a server gives out. ``tests/browser/test_three_ways.py`` has a browser, too."""

import re

from sse_demo import Access, serve
from sse_demo.lab import ask, strangers_page, three_ways
from sse_demo.lab.look import GOOD, WRONG


def test_both_pages_are_whole_and_may_be_shown_in_a_frame():
    routes = [strangers_page("http://127.0.0.1:1/events?topic=a"), *three_ways(lambda: "a token")]
    with serve(access=Access(), routes=routes) as server:
        for path in ("/kittens", "/ways"):
            page = ask(f"{server.url}{path}")
            assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
            assert "http://localhost:*" in page.headers["Content-Security-Policy"]
            assert not re.findall(r"\$[A-Z]+", page.text), "a value that was not put in"
            assert GOOD in page.text
            assert WRONG in page.text


def test_an_address_cannot_end_the_script():
    with serve(routes=[strangers_page('http://a.test/</script><script>"+alert(1)')]) as server:
        assert ask(f"{server.url}/kittens").text.count("<script>") == 1


def test_each_login_gives_a_new_token():
    tokens = iter(["one", "two"])
    with serve(access=Access(), routes=three_ways(lambda: next(tokens))) as server:
        answers = [ask(f"{server.url}/login", "POST") for _ in range(2)]
    assert [answer.json() for answer in answers] == [{"token": "one"}, {"token": "two"}]
    assert all(answer.headers["Cache-Control"] == "no-store" for answer in answers)
