"""Which answer an error of this package becomes, whatever handler or middleware lets it out."""

import json
import logging

import pytest
from asking import answer, assert_problem, request

from sse_demo import EventSourceError, Hub, errors, serve
from sse_demo.web.handlers import Handler, Problem, problem
from sse_demo.web.problems import refusal
from sse_demo.web.routing import Route
from sse_demo.web.service import ServerFull

SECRET = "/home/alice/events.db"


def refused(server, reason):
    """How often, by the metrics."""
    lines = request(server, "GET", "/metrics")[2].decode().splitlines()
    return [float(line.split()[1]) for line in lines if line.startswith(f'sse_refused_total{{reason="{reason}"}}')]


def letting_out(error):
    class Failing(Handler):
        def get(self):
            raise error

    return Failing


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.InvalidInput("no such name"), 400),
        (errors.EventTooLarge("too many bytes"), 413),
        (errors.IdempotencyConflict("another event"), 422),
    ],
)
def test_what_is_wrong_with_a_request_is_told(error, status):
    with serve(routes=[Route("/", letting_out(error))]) as server:
        assert "Retry-After" not in assert_problem(request(server, "GET", "/"), status, str(error))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (errors.TopicFull("a has 7 subscribers"), "topic_full"),
        (errors.Overloaded("too many wait"), "overloaded"),
        (errors.ServerStopped("it has been stopped"), "stopped"),
        (ServerFull("7 event streams are open"), "server_full"),
    ],
)
def test_what_holds_only_for_now_says_when_to_come_again_and_is_counted(error, reason):
    with serve(routes=[Route("/", letting_out(error))]) as server:
        for count in (1, 2):
            headers = assert_problem(request(server, "GET", "/"), 503, str(error))
            assert int(headers["Retry-After"]) > 0
            assert refused(server, reason) == [count]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (errors.LogError(SECRET), "the log cannot take events for now"),
        (errors.Overtaken(SECRET), "the log cannot take events for now"),
        (errors.LogFull(SECRET), "its disk is full, or it has 7 topics"),
        (errors.LogUncertain(SECRET), "not known whether the event has been kept; the same Idempotency-Key again"),
    ],
)
def test_the_text_of_an_error_of_the_log_is_for_the_operator_alone(caplog, error, told):
    with serve(routes=[Route("/", letting_out(error))], max_topics=7) as server:
        status, headers, body = answer(server.url)
        assert_problem((status, headers, body), 503, told)
        assert SECRET not in body.decode()
        assert refused(server, "log") == [1]
    (record,) = (record for record in caplog.records if record.name == "sse_demo.app")
    assert record.levelno == logging.WARNING
    assert record.getMessage() == f"GET / refused, request {headers['X-Request-ID']}: {SECRET}"


def test_the_log_of_a_file_that_is_gone_gives_no_path_away(tmp_path, caplog):
    with serve(log=tmp_path / "events.db", routes=[]) as server:
        server.hub.log.close()
        status, _, body = answer(f"{server.url}/events?topic=a", "POST", Content_Length="0")
    assert status == 503
    assert str(tmp_path) not in body.decode()


def test_the_status_of_somebody_elses_answer_is_not_ours(caplog):
    error = EventSourceError("http://elsewhere.test/?token=secret answered 404", "http://elsewhere.test/", 1, 404)
    with serve(routes=[Route("/", letting_out(error))]) as server:
        status, _, body = answer(server.url)
    assert (status, "secret" in body.decode()) == (500, False)
    assert "answered 404" in caplog.text


def test_an_error_of_ones_own_family_is_told_by_its_status():
    class NoRoom(errors.SSEError):
        status = 507

    class Closed(errors.SSEError):
        status = 503

    with serve(
        routes=[Route("/room", letting_out(NoRoom("none is free"))), Route("/", letting_out(Closed("no")))]
    ) as server:
        assert_problem(request(server, "GET", "/room"), 507, "none is free")
        assert_problem(request(server, "GET", "/"), 503, "no")
        assert refused(server, "other") == [1]


def test_a_middleware_of_ones_own_sees_the_error_first():
    def explain(handler):
        try:
            yield
        except errors.TopicFull:
            raise problem(429, "not so many") from None

    with serve(routes=[Route("/", letting_out(errors.TopicFull("full")), [explain])]) as server:
        assert_problem(request(server, "GET", "/"), 429, "not so many")
        assert refused(server, "topic_full") == []


def test_a_middleware_may_let_out_such_an_error_too():
    def overloaded(handler):
        raise errors.Overloaded("not now")
        yield

    with serve(routes=[Route("/", letting_out(AssertionError), [overloaded])]) as server:
        assert_problem(request(server, "GET", "/"), 503, "not now")


def test_a_problem_has_headers_of_its_own():
    made = problem(401, "100% locked", {"WWW-Authenticate": "Bearer", "Retry-After": 5})
    assert isinstance(made, Problem)
    with serve(routes=[Route("/", letting_out(made))]) as server:
        status, headers, body = answer(server.url)
    assert (status, json.loads(body)["detail"]) == (401, "100% locked")
    assert (headers["WWW-Authenticate"], headers["Retry-After"]) == ("Bearer", "5")


def test_each_error_of_the_family_that_the_hub_raises_has_a_status():
    hub = Hub()
    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, errors.SSEError) and kind.status:
            made = kind({}) if kind is errors.Rejected else kind("text")
            assert refusal(made, hub).status_code == kind.status
    hub.close()


def test_what_a_problem_tells_is_cut_off():
    assert problem(400, "x" * 1000).log_message == "x" * 1000
    assert problem(400, "x" * 1001).log_message == "x" * 1000 + " ..."
