import pytest

from sse_demo import serve
from sse_demo.lab.one_request import ask


@pytest.fixture(scope="module")
def server():
    with serve() as server:
        yield server


def test_an_answer_has_a_status_headers_and_a_body(server):
    answer = ask(f"{server.url}/ping")
    assert (answer.status, answer.json()) == (200, {"message": "pong"})
    assert answer.headers["content-type"].startswith("application/json")


def test_a_request_has_a_method_headers_a_query_and_a_body(server):
    assert ask(f"{server.url}/events?topic=news", "POST", body=b"tea").status == 202
    refused = ask(f"{server.url}/events?topic=news", headers={"Accept": "application/json"})
    assert refused.status == 406
    assert refused.json()["title"] == "Not Acceptable"


def test_a_header_that_is_none_is_not_sent(server):
    answer = ask(f"{server.url}/ping", headers={"Accept": None, "X-Request-Id": None})
    assert answer.status == 200


def test_nothing_is_waited_for_for_ever(server):
    with pytest.raises(TimeoutError):
        ask(f"{server.url}/events?topic=quiet", timeout=0.1)


def test_a_server_that_is_gone_is_an_error():
    with serve() as gone:
        url = gone.url
    with pytest.raises(ConnectionError):
        ask(url)
