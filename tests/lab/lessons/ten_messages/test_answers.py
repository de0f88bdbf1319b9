import time
from functools import partial
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from sse_demo import Event, listen
from sse_demo.lab import LiveEvents, serve_answers


def visit(url, last_event_id=None):
    request = Request(url, headers={"Last-Event-ID": last_event_id} if last_event_id else {})
    with urlopen(request, timeout=10) as answer:
        return answer.status, answer.read()


def test_a_function_decides_on_the_status_and_the_events():
    def menu(last_event_id):
        return (204, []) if last_event_id == "1" else (200, [Event("tea", id="1")])

    with serve_answers(menu, pause=0) as server:
        status, body = visit(f"{server.url}/menu")
        assert (status, b"id: 1\ndata: tea\n\n" in body) == (200, True)
        assert visit(f"{server.url}/menu", "1") == (204, b"")
        live = LiveEvents(f"{server.url}/menu", last_event_id="1")
        live.wait_closed()


def test_each_function_has_an_address_and_events_come_one_by_one():
    def tea(last_event_id):
        return 200, (Event(word) for word in ("green", "black"))

    def full(last_event_id):
        return 503, []

    with serve_answers(tea, full, pause=0.2) as server:
        begun = time.monotonic()
        assert [event.data for event in listen(f"{server.url}/tea", reconnect=False)] == ["green", "black"]
        assert time.monotonic() - begun > 0.15
        with pytest.raises(HTTPError, match="503"):
            visit(f"{server.url}/full")


def test_a_function_without_a_name_is_given_one():
    with serve_answers(menu=lambda last_event_id: (200, [Event("tea")]), order=partial(int, base=2)) as server:
        assert b"data: tea\n\n" in visit(f"{server.url}/menu")[1]
        with pytest.raises(HTTPError) as error:
            visit(f"{server.url}/order", "2")
        assert b"order has raised ValueError" in error.value.read()


@pytest.mark.parametrize("answer", [None, 200, (200,), ("200", []), (100, []), (200, ["tea"]), (200, 5)], ids=repr)
def test_what_is_no_answer_is_told_to_the_client_and_not_printed(answer, capfd):
    def menu(last_event_id):
        return answer

    with serve_answers(menu) as server, pytest.raises(HTTPError) as error:
        visit(f"{server.url}/menu")
    assert error.value.code == 500
    assert b"menu has raised TypeError" in error.value.read()
    assert capfd.readouterr().err == ""


def test_a_function_that_never_returns_holds_up_nobody(monkeypatch):
    monkeypatch.setattr("sse_demo.lab.lessons.ten_messages.answers.PATIENCE", 0.1)
    done = []

    def never(last_event_id):
        while not done:
            time.sleep(0.01)

    with serve_answers(never) as server:
        with pytest.raises(HTTPError) as error:
            visit(f"{server.url}/never")
        assert b"never has not answered within 0.1 s" in error.value.read()
        done.append(True)
