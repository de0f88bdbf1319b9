import time

import pytest

from sse_demo.lab import check
from sse_demo.lab.check import service as check_service
from sse_demo.web.handlers import Handler, problem
from sse_demo.web.routing import Group, Route

WORD = "a word of the test"


@pytest.fixture(autouse=True)
def in_a_third_of_the_time(monkeypatch):
    monkeypatch.setattr(check_service, "SLOW", check_service.SLOW / 3)
    monkeypatch.setattr(check_service, "LATER", check_service.LATER / 3)


def _timing(handler):
    start = time.perf_counter()
    yield
    handler.set_header("Server-Timing", f"total;dur={(time.perf_counter() - start) * 1000}")


def test_a_right_timing_passes():
    assert check.timing(_timing).passed


@pytest.mark.parametrize(
    "form", ["total; dur={:.0f}", 'total;desc="all of it";dur={}', 'total;dur="{}"', "total;dur={}, db;dur=1"]
)
def test_other_forms_are_allowed(form):
    def timing(handler):
        start = time.perf_counter()
        yield
        handler.set_header("Server-Timing", form.format((time.perf_counter() - start) * 1000))

    assert check.timing(timing).passed


def _shared():
    started = {}

    def timing(handler):
        started["at"] = time.perf_counter()
        yield
        handler.set_header("Server-Timing", f"total;dur={(time.perf_counter() - started['at']) * 1000}")

    return timing


def _stack():
    started = []

    def timing(handler):
        started.append(time.perf_counter())
        yield
        handler.set_header("Server-Timing", f"total;dur={(time.perf_counter() - started.pop()) * 1000}")

    return timing


def _by_path():
    started = {}

    def timing(handler):
        started[handler.request.path] = time.perf_counter()
        yield
        passed = time.perf_counter() - started[handler.request.path]
        handler.set_header("Server-Timing", f"total;dur={passed * 1000}")

    return timing


def _always_the_same(handler):
    yield
    handler.set_header("Server-Timing", "total;dur=250")


def _seconds(handler):
    start = time.perf_counter()
    yield
    handler.set_header("Server-Timing", f"total;dur={time.perf_counter() - start}")


def _with_unit(handler):
    yield
    handler.set_header("Server-Timing", "total;dur=0.0ms")


def _before(handler):
    handler.set_header("Server-Timing", "total;dur=0")
    yield


def _successes_only(handler):
    start = time.perf_counter()
    yield
    if handler.get_status() == 200:
        handler.set_header("Server-Timing", f"total;dur={(time.perf_counter() - start) * 1000}")


def _nothing(handler):
    yield


def _no_generator(handler):
    handler.set_header("Server-Timing", "total;dur=0")


@pytest.mark.parametrize(
    ("timing", "missing"),
    [
        (_shared(), ["two that overlap"]),
        (_stack(), ["two that overlap"]),
        (_by_path(), ["two that overlap"]),
        (_seconds, ["a slow one, in milliseconds", "two that overlap"]),
        (_before, ["a slow one, in milliseconds", "two that overlap", "one that was refused"]),
        (_with_unit, ["a quick answer", "a slow one, in milliseconds", "two that overlap",
                      "one that was refused", "a stream"]),
        (_successes_only, ["one that was refused"]),
        (_nothing, ["a quick answer", "a slow one, in milliseconds", "two that overlap",
                    "one that was refused", "a stream"]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_timing_is_said(timing, missing):
    report = check.timing(timing)
    assert [what for done, what, _ in report.rows if not done] == missing


def test_a_time_that_has_not_passed_is_refused():
    report = check.timing(_always_the_same)
    (remark,) = [remark for _, what, remark in report.rows if what == "a quick answer"]
    assert "dur=250 for what took" in remark


async def _async(handler):
    handler.set_header("Server-Timing", "total;dur=0")


@pytest.mark.parametrize("middleware", [_no_generator, _async])
def test_what_is_no_middleware_is_told_so(middleware):
    report = check.timing(middleware)
    assert not report.passed
    assert "must be a generator function, with one yield" in report.rows[0][2]


class _Echo(Handler):
    def get(self, **parameters):
        self.write(parameters)


def _version(handler):
    yield
    handler.set_header("X-Api-Version", "1")


def _locked(handler):
    if handler.request.headers.get("Authorization") != f"Bearer {WORD}":
        raise problem(401, "locked")
    yield


def _locked_for_nobody_who_says_something(handler):
    if "Authorization" not in handler.request.headers:
        raise problem(401, "locked")
    yield


_rooms = Route("/rooms/{room}", _Echo)
_members = Route("/rooms/{room}/members/{member}", _Echo)
_admin = Group("/admin", [_rooms], [_locked])


def test_right_routes_pass():
    assert check.routes([Group("/v1", [_rooms, _members], [_version]), _admin], WORD).passed


@pytest.mark.parametrize(
    ("routes", "missing"),
    [
        ([Group("/v1", [_rooms, _members], [_version]), Group("/admin", [_rooms])],
         ["/admin/rooms/{room} is locked", "it stays so at another word"]),
        ([Group("/v1", [_rooms, _members], [_version]),
          Group("/admin", [_rooms], [_locked_for_nobody_who_says_something])], ["it stays so at another word"]),
        ([Group("/v1", [_rooms], [_version]), _admin], ["/v1/rooms/{room}/members/{member}", "a member has it"]),
        ([Group("/v1", [_rooms, _members]), _admin], ["a room has the version", "a member has it",
                                                      "a refused request has it (a DELETE: 405)"]),
        ([Group("", [Group("/v1", [_rooms, _members]), _admin], [_version])], ["what is not below /v1 has not"]),
        ([Group("/v1", [_rooms, _members], [_version]), _admin, _rooms], ["there is nothing at /rooms/{room}"]),
        ([_rooms, _rooms], ["a server that has these routes"]),
        ("routes", ["a server that has these routes"]),
        ([Group("/admin", [_rooms], _locked)], ["a server that has these routes"]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_routes_is_said(routes, missing):
    report = check.routes(routes, WORD)
    assert [what for done, what, _ in report.rows if not done] == missing
