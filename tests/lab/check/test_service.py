import contextlib
import contextvars
import hashlib
import hmac
import threading
import time
from functools import partial
from urllib.parse import unquote

import pytest

from sse_demo.lab import check
from sse_demo.lab.check import service as check_service
from sse_demo.lab.check import serving
from sse_demo.web.handlers import Handler, problem
from sse_demo.web.routing import Group, Route

WORD = "a-word-of-the-test"
QUICK = "a quick answer has its time"
IN_MS = "a slow answer has its time, in milliseconds"
TWO = "two requests at the same time have a time each"
NESTED = "two requests have a time each where the second ends first"
REFUSED = "a refused request (403) has its time, too"
STREAM = "a stream has the time to its first byte"
ONCE = "the middleware yields once"
AS_BEFORE = "the status and the body stay as they are"


@pytest.fixture(autouse=True)
def in_a_third_of_the_time(monkeypatch):
    for module, name in ((check_service, "SLOW"), (check_service, "LATER"), (serving, "TIMEOUT")):
        monkeypatch.setattr(module, name, getattr(module, name) / 3)


def missing(report):
    return [what for done, what, _ in report.rows if not done]


def told(handler, seconds, form="total;dur={}"):
    handler.set_header("Server-Timing", form.format(seconds * 1000))


# Exercise 1


def a_local_variable(handler, form="total;dur={}"):
    start = time.perf_counter()
    yield
    told(handler, time.perf_counter() - start, form)


def an_attribute_of_the_handler(handler):
    handler.begun = time.monotonic()
    try:
        yield
    finally:
        told(handler, time.monotonic() - handler.begun)


started_by_handler = {}


def a_dict_with_a_key_for_each_request(handler):
    started_by_handler[handler] = time.time()
    yield
    told(handler, time.time() - started_by_handler.pop(handler))


def what_tornado_has_measured(handler):
    yield
    told(handler, handler.request.request_time())


local = contextvars.ContextVar("local")


def a_context_variable(handler):
    local.set(time.perf_counter())
    yield
    told(handler, time.perf_counter() - local.get())


def two_lines_of_the_header(handler):
    start = time.perf_counter_ns()
    yield
    handler.add_header("Server-Timing", "cache;desc=miss")
    handler.add_header("Server-Timing", f"total;dur={(time.perf_counter_ns() - start) // 1_000_000}")


class AnObject:
    def __call__(self, handler):
        yield from a_local_variable(handler)


def an_exception_looked_at(handler):
    start = time.perf_counter()
    try:
        yield
    except Exception:
        raise
    else:
        told(handler, time.perf_counter() - start)


@pytest.mark.parametrize(
    "timing",
    [
        a_local_variable,
        an_attribute_of_the_handler,
        a_dict_with_a_key_for_each_request,
        what_tornado_has_measured,
        a_context_variable,
        two_lines_of_the_header,
        AnObject(),
        an_exception_looked_at,
        partial(a_local_variable, form="total; dur={:.0f}"),
        partial(a_local_variable, form='total;desc="all of it";dur={}'),
        partial(a_local_variable, form='total;dur="{}"'),
        partial(a_local_variable, form="total;dur={}, db;dur=1"),
        partial(a_local_variable, form="db;dur=1, total;Dur={}"),
        partial(a_local_variable, form='total;desc="in, and out; all";dur={}'),
    ],
    ids=lambda timing: (
        timing.keywords["form"] if isinstance(timing, partial) else getattr(timing, "__name__", "object")
    ),
)
def test_a_right_timing_passes(timing):
    assert check.timing(timing).passed


def one_start_for_all():
    started = {}

    def timing(handler):
        started["at"] = time.perf_counter()
        yield
        told(handler, time.perf_counter() - started["at"])

    return timing


def a_stack_of_starts():
    started = []

    def timing(handler):
        started.append(time.perf_counter())
        yield
        told(handler, time.perf_counter() - started.pop())

    return timing


def a_queue_of_starts():
    started = []

    def timing(handler):
        started.append(time.perf_counter())
        yield
        told(handler, time.perf_counter() - started.pop(0))

    return timing


def a_start_for_each_path():
    started = {}

    def timing(handler):
        started[handler.request.path] = time.perf_counter()
        yield
        told(handler, time.perf_counter() - started[handler.request.path])

    return timing


def seconds(handler):
    start = time.perf_counter()
    yield
    told(handler, (time.perf_counter() - start) / 1000)


def the_time_of_the_processor(handler):
    start = time.process_time()
    yield
    told(handler, time.process_time() - start)


def before_the_yield(handler):
    told(handler, 0)
    yield


def a_unit_behind_the_number(handler):
    yield
    handler.set_header("Server-Timing", "total;dur=0.0ms")


def a_comma_in_the_number(handler):
    start = time.perf_counter()
    yield
    handler.set_header("Server-Timing", f"total;dur={(time.perf_counter() - start) * 1000:.1f}".replace(".", ","))


def answers_with_200_only(handler):
    start = time.perf_counter()
    yield
    if handler.get_status() == 200:
        told(handler, time.perf_counter() - start)


def nothing(handler):
    yield


def a_second_yield(handler):
    yield from a_local_variable(handler)
    yield


def a_body_of_its_own(handler):
    start = time.perf_counter()
    yield
    told(handler, time.perf_counter() - start)
    handler.write("in time")


def another_status(handler):
    yield from a_local_variable(handler)
    handler.set_status(203)


def no_failures(handler):
    start = time.perf_counter()
    try:
        yield
    except Exception:
        raise problem(503, "later, perhaps") from None
    told(handler, time.perf_counter() - start)


def an_end_of_its_own(handler):
    yield from a_local_variable(handler)
    handler.finish()


def a_body_that_is_cleared(handler):
    start = time.perf_counter()
    yield
    handler.clear()
    told(handler, time.perf_counter() - start)


a_thread = threading.local()


def a_start_for_each_thread(handler):
    a_thread.start = time.perf_counter()
    yield
    told(handler, time.perf_counter() - a_thread.start)


def an_error(handler):
    yield
    raise KeyError("start")


@pytest.mark.parametrize(
    ("timing", "wrong"),
    [
        (one_start_for_all(), [TWO, NESTED]),
        (a_stack_of_starts(), [TWO]),
        (a_queue_of_starts(), [NESTED]),
        (a_start_for_each_path(), [TWO, NESTED]),
        (seconds, [IN_MS, TWO, NESTED]),
        (the_time_of_the_processor, [IN_MS, TWO, NESTED]),
        (before_the_yield, [IN_MS, TWO, NESTED, REFUSED]),
        (a_unit_behind_the_number, [QUICK, IN_MS, TWO, NESTED, REFUSED, STREAM]),
        (a_comma_in_the_number, [QUICK, IN_MS, TWO, NESTED, REFUSED, STREAM]),
        (answers_with_200_only, [REFUSED]),
        (nothing, [QUICK, IN_MS, TWO, NESTED, REFUSED, STREAM]),
        (a_second_yield, [ONCE]),
        (another_status, [AS_BEFORE]),
        (no_failures, [AS_BEFORE]),
        (a_body_that_is_cleared, [AS_BEFORE]),
        (a_start_for_each_thread, [TWO, NESTED]),
        (partial(a_local_variable, form="app;dur={}"), [QUICK, IN_MS, TWO, NESTED, REFUSED, STREAM]),
        (partial(a_local_variable, form="total:dur={}"), [QUICK, IN_MS, TWO, NESTED, REFUSED, STREAM]),
        (partial(a_local_variable, form="total,dur={}"), [QUICK, IN_MS, TWO, NESTED, REFUSED, STREAM]),
        (an_error, [QUICK, IN_MS, TWO, NESTED, REFUSED, STREAM, AS_BEFORE]),
    ],
    ids=lambda timing: (
        timing.keywords["form"]
        if isinstance(timing, partial)
        else timing.__qualname__.partition(".")[0]
        if callable(timing)
        else ""
    ),
)
def test_what_is_wrong_with_a_timing_is_said(timing, wrong):
    assert missing(check.timing(timing)) == wrong


def test_a_middleware_that_ends_streams_is_told_so():
    assert AS_BEFORE in missing(check.timing(an_end_of_its_own))


def test_a_time_that_has_not_passed_is_refused():
    def always_the_same(handler):
        yield
        told(handler, 0.25)

    (remark,) = [remark for _, what, remark in check.timing(always_the_same).rows if what == QUICK]
    assert "dur=250 for what took" in remark


def no_generator(handler):
    told(handler, 0)


async def a_coroutine(handler):
    told(handler, 0)


async def an_async_generator(handler):
    yield


@pytest.mark.parametrize("middleware", [no_generator, a_coroutine, an_async_generator])
def test_what_is_no_middleware_is_told_so(middleware):
    report = check.timing(middleware)
    assert not report.passed
    assert "must be a generator function, with one yield" in report.rows[0][2]


def without_a_yield(handler):
    return
    yield


def leaving_python(handler):
    raise SystemExit
    yield


def interrupting_python(handler):
    raise KeyboardInterrupt
    yield


def leaving_python_on_the_way_out(handler):
    try:
        yield
    finally:
        raise SystemExit


LEAVING = [leaving_python, interrupting_python, leaving_python_on_the_way_out]


@pytest.mark.parametrize("middleware", [None, "timing", lambda: None, without_a_yield, *LEAVING])
def test_what_cannot_be_called_or_does_not_yield_ends_in_rows(middleware):
    assert QUICK in missing(check.timing(middleware))


def test_a_middleware_that_never_ends_is_ended():
    laps = []

    def endless(handler):
        while True:
            laps.append(1)
            time.sleep(0.001)
        yield

    begin = time.monotonic()
    report = check.timing(endless)
    assert time.monotonic() - begin < 6
    assert "has not answered" in report.rows[0][2]
    assert not any(done for done, _, _ in report.rows)
    time.sleep(0.2)
    count = len(laps)
    time.sleep(0.2)
    assert len(laps) == count


# Exercise 2

GETS_ROOM = "GET /v1/rooms/tea gives the room"
GETS_MEMBER = "GET /v1/rooms/tea/members/ann gives both parameters"
NOT_AT_ROOT = "GET /rooms/tea is 404"
NO_WORD = "GET /admin/rooms/tea or /attic without a word is 401"
OTHER_WORDS = "every other Authorization is 401"
ELSEWHERE = "no query, cookie or other header opens the lock"
METHODS = "no method passes without the word"
NOT_RUN = "behind the lock no handler has been run"
SCHEME = "each 401 says Bearer in WWW-Authenticate"
OPENS = "with the word, GET /admin/rooms/tea gives the room"
AGAIN = "after a request with the word, one without it is 401 again"
ROOM = "GET /v1/rooms/tea has X-Api-Version"
MEMBER = "GET /v1/rooms/tea/members/ann has X-Api-Version"
ROOM_405 = "DELETE /v1/rooms/tea (405) has X-Api-Version"
MEMBER_405 = "DELETE /v1/rooms/tea/members/ann (405) has X-Api-Version"
NOT_ADMIN = "GET /admin/rooms/tea has no X-Api-Version"
NOT_401 = "a 401 has no X-Api-Version"
A_LIST = "routes is a list of Route and Group"
STARTS = "a server starts with these routes"


class Echo(Handler):
    def get(self, **parameters):
        self.write(parameters)


def version(handler):
    yield
    handler.set_header("X-Api-Version", "1")


def refuse():
    raise problem(401, "locked", {"WWW-Authenticate": "Bearer"})


def locked(handler):
    if handler.request.headers.get("Authorization") != f"Bearer {WORD}":
        refuse()
    yield


def compared_digests(handler):
    said = handler.request.headers.get("Authorization", "")
    if not hmac.compare_digest(said.encode(), f"Bearer {WORD}".encode()):
        refuse()
    yield


def scheme_in_any_case(handler):
    scheme, _, word = handler.request.headers.get("Authorization", "").partition(" ")
    if (scheme.lower(), word) != ("bearer", WORD):
        refuse()
    yield


def compared_hashes(handler):
    said, right = (hashlib.sha256(text.encode()).digest() for text in (said_by(handler), f"Bearer {WORD}"))
    if said != right:
        refuse()
    yield


def with_a_reason(handler):
    if said_by(handler).split() != ["Bearer", WORD]:
        raise problem(401, "locked", {"WWW-Authenticate": 'Bearer realm="rooms", error="invalid_token"'})
    yield


def what_is_not_ascii_replaced(handler):
    if said_by(handler).encode("ascii", "replace") != f"Bearer {WORD}".encode():
        refuse()
    yield


def an_answer_of_its_own(handler):
    if handler.request.headers.get("Authorization") != f"Bearer {WORD}":
        handler.set_status(401)
        handler.set_header("WWW-Authenticate", 'Bearer realm="rooms"')
        handler.finish("locked")
        return
    yield


class Versioned(Echo):
    def set_default_headers(self):
        super().set_default_headers()
        self.set_header("X-Api-Version", "1")


def version_in_the_end(handler):
    try:
        yield
    finally:
        handler.set_header("X-Api-Version", "1")


room = Route("/rooms/{room}", Echo)
members = Route("/rooms/{room}/members/{member}", Echo)
v1 = Group("/v1", [room, members], [version])
admin = Group("/admin", [room], [locked])


@pytest.mark.parametrize(
    "routes",
    [
        pytest.param([v1, admin], id="two groups"),
        pytest.param(
            (
                Group("/v1/rooms/{room}", (Route("", Echo), Route("/members/{member}", Echo)), (version,)),
                Group("/admin", (Group("/rooms", [Route("/{room}", Echo)]),), (compared_digests,)),
            ),
            id="groups in groups, and tuples",
        ),
        pytest.param(
            [
                Route("/v1/rooms/{room}", Echo, [version_in_the_end]),
                Route("/v1/rooms/{room}/members/{member}", Echo, [version_in_the_end]),
                Route("/admin/rooms/{room}", Echo, [scheme_in_any_case]),
            ],
            id="flat routes",
        ),
        pytest.param([v1, Group("/admin", [room], [an_answer_of_its_own])], id="a lock that answers by itself"),
        pytest.param([v1, Group("/admin", [room], [compared_hashes])], id="hashes"),
        pytest.param([v1, Group("/admin", [room], [with_a_reason])], id="a 401 with a realm and a reason"),
        pytest.param([v1, Group("/admin", [room], [what_is_not_ascii_replaced])], id="ASCII with replacements"),
        pytest.param(
            [Group("/v1", [Route(one.path, Versioned) for one in (room, members)]), admin], id="a handler's own headers"
        ),
    ],
)
def test_right_routes_pass(routes):
    assert missing(check.routes(routes, WORD)) == []


def any_word(handler):
    if "Authorization" not in handler.request.headers:
        refuse()
    yield


def words_that_begin_so(handler):
    if not handler.request.headers.get("Authorization", "").startswith(f"Bearer {WORD}"):
        refuse()
    yield


def words_that_contain_it(handler):
    if WORD not in handler.request.headers.get("Authorization", ""):
        refuse()
    yield


def a_part_of_the_word(handler):
    _, _, word = handler.request.headers.get("Authorization", "x").partition(" ")
    if word not in WORD or not word:
        refuse()
    yield


def any_capitals(handler):
    if handler.request.headers.get("Authorization", "").lower() != f"bearer {WORD}":
        refuse()
    yield


def digests_of_text(handler):
    if not hmac.compare_digest(handler.request.headers.get("Authorization", ""), f"Bearer {WORD}"):
        refuse()
    yield


def said_by(handler):
    return handler.request.headers.get("Authorization", "")


def a_bare_word(handler):
    if said_by(handler).removeprefix("Bearer ") != WORD:
        refuse()
    yield


def any_number_of_schemes(handler):
    if said_by(handler).replace("Bearer ", "") != WORD:
        refuse()
    yield


def one_of_several(handler):
    if f"Bearer {WORD}" not in [one.strip() for one in said_by(handler).split(",")]:
        refuse()
    yield


def in_the_query(handler):
    if handler.get_argument("token", "") != WORD:
        yield from locked(handler)
    else:
        yield


def in_a_cookie(handler):
    if handler.get_cookie("token") != WORD:
        yield from locked(handler)
    else:
        yield


def a_trusted_address(handler):
    if handler.request.headers.get("X-Forwarded-For") != "127.0.0.1":
        yield from locked(handler)
    else:
        yield


def stays_open():
    let_in = set()

    def lock(handler):
        if said_by(handler) == f"Bearer {WORD}":
            let_in.add(handler.request.remote_ip)
        if handler.request.remote_ip not in let_in:
            refuse()
        yield

    return lock


def ascii_without_the_rest(handler):
    if said_by(handler).encode("ascii", "ignore") != f"Bearer {WORD}".encode():
        refuse()
    yield


def unquoted(handler):
    if unquote(said_by(handler)) != f"Bearer {WORD}":
        refuse()
    yield


def any_of_its_lines(handler):
    if f"Bearer {WORD}" not in handler.request.headers.get_list("Authorization"):
        refuse()
    yield


def one_room(handler):
    if handler.request.path == "/admin/rooms/tea":
        yield from locked(handler)
    else:
        yield


def from_a_page_of_ours(handler):
    if "127.0.0.1" not in handler.request.headers.get("Referer", ""):
        yield from locked(handler)
    else:
        yield


def from_this_machine(handler):
    if handler.request.host_name != "localhost":
        yield from locked(handler)
    else:
        yield


def from_an_origin(handler):
    if "Origin" not in handler.request.headers:
        yield from locked(handler)
    else:
        yield


def says_the_word(handler):
    if said_by(handler) != f"Bearer {WORD}":
        raise problem(401, f"expected {WORD}, got {said_by(handler)}", {"WWW-Authenticate": "Bearer"})
    yield


def goes_on_after_401(handler):
    if said_by(handler) != f"Bearer {WORD}":
        handler.set_status(401)
        handler.set_header("WWW-Authenticate", "Bearer")
    yield


def a_plain_401(handler):
    if said_by(handler) != f"Bearer {WORD}":
        handler.send_error(401)
    yield


def all_but(method):
    def lock(handler):
        if handler.request.method != method:
            yield from locked(handler)
        else:
            yield

    return lock


def a_scheme_for_no_word_only(handler):
    if not said_by(handler):
        refuse()
    yield from without_a_scheme(handler)


def the_second_part(handler):
    if said_by(handler).split(" ")[1] != WORD or not said_by(handler).startswith("Bearer "):
        refuse()
    yield


def get_alone(handler):
    if handler.request.method == "GET":
        yield from locked(handler)
    else:
        yield


def after_the_yield(handler):
    yield
    with contextlib.closing(locked(handler)) as lock:
        next(lock)


def without_a_scheme(handler):
    if handler.request.headers.get("Authorization") != f"Bearer {WORD}":
        raise problem(401, "locked")
    yield


def forbidden(handler):
    if handler.request.headers.get("Authorization") != f"Bearer {WORD}":
        raise problem(403, "locked")
    yield


def version_before(handler):
    handler.set_header("X-Api-Version", "1")
    yield


def behind(lock):
    return [v1, Group("/admin", [room], [lock])]


@pytest.mark.parametrize(
    ("routes", "wrong"),
    [
        pytest.param(
            [v1, Group("/admin", [room])],
            [NO_WORD, OTHER_WORDS, ELSEWHERE, METHODS, NOT_RUN, SCHEME, AGAIN],
            id="no lock",
        ),
        pytest.param(behind(any_word), [OTHER_WORDS, NOT_RUN], id="any word"),
        pytest.param(behind(words_that_begin_so), [OTHER_WORDS, NOT_RUN], id="words that begin so"),
        pytest.param(behind(words_that_contain_it), [OTHER_WORDS, NOT_RUN], id="words that contain it"),
        pytest.param(behind(a_part_of_the_word), [OTHER_WORDS, NOT_RUN], id="a part of the word"),
        pytest.param(behind(any_capitals), [OTHER_WORDS, NOT_RUN], id="any capitals"),
        pytest.param(behind(digests_of_text), [OTHER_WORDS], id="compare_digest of text that is not ASCII"),
        pytest.param(behind(a_bare_word), [OTHER_WORDS, NOT_RUN], id="a word without its scheme"),
        pytest.param(behind(any_number_of_schemes), [OTHER_WORDS, NOT_RUN], id="any number of schemes"),
        pytest.param(behind(one_of_several), [OTHER_WORDS, NOT_RUN], id="one of several words"),
        pytest.param(behind(in_the_query), [ELSEWHERE, NOT_RUN], id="a word in the query"),
        pytest.param(behind(in_a_cookie), [ELSEWHERE, NOT_RUN], id="a word in a cookie"),
        pytest.param(behind(a_trusted_address), [ELSEWHERE, NOT_RUN], id="X-Forwarded-For is trusted"),
        pytest.param(behind(stays_open()), [AGAIN], id="a lock that stays open"),
        pytest.param(behind(ascii_without_the_rest), [OTHER_WORDS, NOT_RUN], id="what is not ASCII is ignored"),
        pytest.param(behind(unquoted), [OTHER_WORDS, NOT_RUN], id="a word in percent signs"),
        pytest.param(behind(any_of_its_lines), [OTHER_WORDS, NOT_RUN], id="the second line of the header"),
        pytest.param(behind(one_room), [NO_WORD, NOT_RUN], id="one room alone is locked"),
        pytest.param(behind(from_a_page_of_ours), [ELSEWHERE, NOT_RUN], id="Referer is trusted"),
        pytest.param(behind(from_this_machine), [ELSEWHERE, NOT_RUN], id="Host is trusted"),
        pytest.param(behind(from_an_origin), [ELSEWHERE, NOT_RUN], id="Origin is trusted"),
        pytest.param(behind(says_the_word), [SCHEME], id="a 401 that says the word"),
        pytest.param(behind(goes_on_after_401), [METHODS, NOT_RUN], id="the handler runs after the 401"),
        pytest.param(behind(a_plain_401), [SCHEME], id="send_error(401)"),
        pytest.param(behind(all_but("PATCH")), [METHODS, NOT_RUN], id="PATCH is not locked"),
        pytest.param(behind(all_but("OPTIONS")), [METHODS, NOT_RUN], id="OPTIONS is not locked"),
        pytest.param(behind(a_scheme_for_no_word_only), [SCHEME], id="a wrong word without WWW-Authenticate"),
        pytest.param(behind(the_second_part), [NO_WORD, OTHER_WORDS, ELSEWHERE, METHODS, AGAIN], id="IndexError"),
        pytest.param(behind(get_alone), [METHODS, NOT_RUN], id="GET alone is locked"),
        pytest.param(behind(after_the_yield), [NOT_RUN], id="the lock comes after the handler"),
        pytest.param(behind(without_a_scheme), [SCHEME], id="a 401 without WWW-Authenticate"),
        pytest.param(
            behind(forbidden), [NO_WORD, OTHER_WORDS, ELSEWHERE, METHODS, SCHEME, AGAIN], id="403 instead of 401"
        ),
        pytest.param([Group("/v1", [room], [version]), admin], [GETS_MEMBER, MEMBER, MEMBER_405], id="no members"),
        pytest.param(
            [Group("/v1", [room, members]), admin], [ROOM, MEMBER, ROOM_405, MEMBER_405], id="no version at all"
        ),
        pytest.param(
            [Group("/v1", [room, members], [version_before]), admin], [ROOM_405, MEMBER_405], id="a version too early"
        ),
        pytest.param(
            [Group("/v1", [Group("", [room], [version]), Group("", [members], [version_before])]), admin],
            [MEMBER_405],
            id="a refused DELETE of a member has no version",
        ),
        pytest.param(
            [Group("", [Group("/v1", [room, members]), admin], [version])], [NOT_ADMIN, NOT_401], id="version for all"
        ),
        pytest.param([v1, admin, room], [NOT_AT_ROOT], id="the old route is left"),
        pytest.param(
            [Group("", [v1, Group("/admin", [room])], [locked])],
            [GETS_ROOM, GETS_MEMBER, ROOM, MEMBER, ROOM_405, MEMBER_405],
            id="all is locked",
        ),
        pytest.param([room, room], [STARTS], id="a route that is there twice"),
        pytest.param([Group("/admin", [room], locked)], [STARTS], id="middleware that is no list"),
        pytest.param([Route("rooms", Echo)], [STARTS], id="a path without a slash"),
        pytest.param("routes", [A_LIST], id="text"),
        pytest.param(None, [A_LIST], id="None"),
        pytest.param([v1, None], [A_LIST], id="None in the list"),
        pytest.param([("/v1/rooms/(.*)", Echo)], [A_LIST], id="a tuple as Tornado has it"),
        pytest.param([Group("/v1", [("/rooms/(.*)", Echo)])], [A_LIST], id="a tuple in a group"),
        pytest.param([Group("/v1", None)], [A_LIST], id="a group of nothing"),
        pytest.param([Route("/v1", Echo.get)], [A_LIST], id="a function as a handler"),
    ],
)
def test_what_is_wrong_with_routes_is_said(routes, wrong):
    assert missing(check.routes(routes, WORD)) == wrong


def test_what_is_in_the_list_by_mistake_is_named():
    ((_, _, remark),) = check.routes([("/v1", Echo)], WORD).rows
    assert remark == "there is a tuple where a Route or a Group belongs"


def test_a_lock_that_never_ends_is_ended():
    def endless(handler):
        while True:
            time.sleep(0.001)
        yield

    begin = time.monotonic()
    report = check.routes(behind(endless), WORD)
    assert time.monotonic() - begin < 6
    assert missing(report)[0] == NO_WORD


@pytest.mark.parametrize("lock", LEAVING)
@pytest.mark.filterwarnings("error")
def test_a_lock_that_leaves_python_ends_in_rows(lock, capfd):
    rows = {what: remark for _, what, remark in check.routes(behind(lock), WORD).rows}
    assert "500 (KeyboardInterrupt)" in rows[OPENS] or "500 (SystemExit)" in rows[OPENS]
    assert rows[GETS_ROOM] == ""
    assert "Exception in thread" not in capfd.readouterr().err


def test_a_handler_that_never_ends_is_ended():
    laps = []

    class Endless(Echo):
        def get(self, **parameters):
            while True:
                laps.append(1)
                time.sleep(0.001)

    report = check.routes([v1, Group("/admin", [Route(room.path, Endless)], [locked])], WORD)
    assert missing(report)[0] == OPENS
    time.sleep(0.1)
    count = len(laps)
    time.sleep(0.1)
    assert len(laps) == count


def test_a_handler_that_leaves_python_ends_in_a_row(capfd):
    class Leaving(Echo):
        def get(self, **parameters):
            raise SystemExit(3)

    report = check.routes([v1, Group("/admin", [Route(room.path, Leaving)], [locked])], WORD)
    assert missing(report) == [OPENS]
    assert "500 (SystemExit: 3)" in str(report)


def test_what_a_lock_raises_is_said():
    (remark,) = [remark for _, what, remark in check.routes(behind(the_second_part), WORD).rows if what == NO_WORD]
    assert "500 (IndexError: list index out of range) for GET without a word" in remark
