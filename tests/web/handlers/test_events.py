"""``GET /events``: a subscription, and how its stream begins."""

import json
import re

import pytest
from asking import assert_problem, next_events, publish, request, stream

from sse_demo import serve
from sse_demo.web.handlers import PublishHandler, SubscribeHandler
from sse_demo.web.routing import Route


def test_each_client_is_told_another_time_to_wait_before_it_comes_back():
    with serve(retry=10) as server:
        waits = set()
        for _ in range(20):
            with stream(server, "/events?topic=a") as answer:
                waits.add(int(answer.read1(100).split()[-1]))
    assert len(waits) > 10
    assert all(5000 <= wait <= 15000 for wait in waits)


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("", "topic"),
        ("topic=", "topic name"),
        ("topic=a%20b", "topic name"),
        ("topic=a%0Ab", "topic name"),
        ("topic=%C3%A9", "topic name"),
        ("topic=" + "x" * 129, "128"),
        ("&".join(f"topic={n}" for n in range(101)), "100"),
        ("topic=a&recent=-1", "recent"),
        ("topic=a&recent=1000000", "recent"),
        ("topic=a&recent=2.5", "recent"),
    ],
)
def test_a_wrong_subscription_is_explained(server, query, word):
    assert_problem(request(server, "GET", f"/events?{query}"), 400, word)


def test_a_client_that_is_nearly_always_told_to_come_back_at_once_may_be_told_so():
    with serve(retry=0.001, retry_jitter=1) as server, stream(server, "/events?topic=a") as answer:
        assert re.fullmatch(rb":\nretry: [012]\n", answer.read1(100))


def test_a_return_goes_on_after_the_last_id_of_the_header_or_the_query(server):
    ids = [json.loads(publish(server, b"%d" % number)[2])["id"] for number in range(4)]
    for path, headers, due in [
        (f"/events?topic=a&last_event_id={ids[0]}", {}, ["1", "2", "3"]),
        ("/events?topic=a", {"Last-Event-ID": ids[1]}, ["2", "3"]),
        (f"/events?topic=a&last_event_id={ids[0]}", {"Last-Event-ID": ids[2]}, ["3"]),  # the header wins
    ]:
        with stream(server, path, headers) as answer:
            assert [event.data for event in next_events(answer, len(due))] == due


def test_a_topic_that_is_full_is_explained():
    with serve(max_subscribers_per_topic=1) as server, stream(server, "/events?topic=a"):
        headers = assert_problem(request(server, "GET", "/events?topic=a"), 503, "a has 1 subscribers")
        assert int(headers["Retry-After"]) > 0
        assert b'sse_refused_total{reason="topic_full"} 1.0' in request(server, "GET", "/metrics")[2]


def test_to_subscribe_and_to_publish_may_have_two_addresses():
    routes = [Route("/listen", SubscribeHandler), Route("/tell", PublishHandler)]
    with serve(routes=routes) as server, stream(server, "/listen?topic=a") as answer:
        assert publish(server, b"hi", "/tell?topic=a")[0] == 202
        assert next_events(answer)[0].data == "hi"
        assert request(server, "OPTIONS", "/listen")[1]["Allow"] == "GET, HEAD, OPTIONS"
        assert request(server, "OPTIONS", "/tell")[1]["Allow"] == "POST, OPTIONS"
        assert_problem(publish(server, b"hi", "/listen?topic=a"), 405, "GET, HEAD, OPTIONS")
