"""What of a request goes along with a redirect."""

import asyncio

import pytest
from multidict import CIMultiDict
from yarl import URL

from sse_demo.client.cookies import Cookies
from sse_demo.client.hop import Hop

HERE = URL("http://ada:s%40cret@here.test/events")
OWN = {"Accept": "text/event-stream", "Last-Event-ID": "7", "Content-Type": "a/b", "X-Key": "k", "Authorization": "t"}


def hop(method="GET", **headers):
    return Hop(method, HERE, CIMultiDict(OWN | headers), b"body")


def sent(hop):
    async def main():
        return hop.all_headers(Cookies())

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [(301, "POST", "GET"), (302, "POST", "GET"), (303, "PUT", "GET"), (303, "HEAD", "HEAD"), (301, "PUT", "PUT"),
     (307, "POST", "POST"), (308, "POST", "POST")],
)  # fmt: skip
def test_the_method_and_the_body(status, method, then):
    following = hop(method).redirected(status, HERE)
    assert following.method == then
    assert (following.body, following.headers.get("Content-Type")) == (
        (b"body", "a/b") if then == method else (None, None)
    )


def test_to_the_same_origin_all_goes_along():
    there = URL("http://here.test:80/other")
    following = hop().redirected(302, there)
    assert following.headers == CIMultiDict(OWN)
    assert (following.address.user, following.address.password) == ("ada", "s@cret")
    assert following.address.with_user(None) == there


@pytest.mark.parametrize("there", ["http://there.test/", "https://here.test/", "http://here.test:81/"])
def test_to_another_origin_goes_what_the_standard_sends(there):
    following = hop().redirected(302, URL(there))
    assert set(following.headers) == {"Accept", "Last-Event-ID", "Content-Type"}
    assert following.address.user is None
    back = following.redirected(302, HERE.with_user(None))
    assert set(back.headers) == {"Accept", "Last-Event-ID", "Content-Type"}, "what was left behind stays there"


def test_a_user_in_the_address_is_sent_unless_there_is_an_authorization():
    assert sent(hop())["Authorization"] == "t"
    bare = Hop("GET", HERE, CIMultiDict(), None)
    assert sent(bare)["Authorization"] == "Basic YWRhOnNAY3JldA=="
    assert "Authorization" not in sent(Hop("GET", HERE.with_user(None), CIMultiDict(), None))


def test_the_zone_of_an_address_stays_on_this_machine():
    assert sent(Hop("GET", URL("http://[fe80::1%eth0]:81/"), CIMultiDict(), None))["Host"] == "[fe80::1]:81"
    assert "Host" not in sent(Hop("GET", URL("http://[fe80::1]:81/"), CIMultiDict(), None))
