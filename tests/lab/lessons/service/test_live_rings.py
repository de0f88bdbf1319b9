import asyncio
import contextlib
import logging
from urllib.request import Request, urlopen

import pytest

from sse_demo import Group, Handler, Route, problem, serve
from sse_demo.lab.lessons.service.live_rings import LiveRings, each_route
from sse_demo.lab.one_request import ask


class Room(Handler):
    def get(self, room):
        self.write({"guests": {"tea": 3}[room]})


class Talk(Handler):
    async def get(self, room):
        await self.send_events(self.words(room))

    async def words(self, room):
        yield "a word"
        if room == "cellar":
            raise ZeroDivisionError
        while room == "tea":
            await asyncio.sleep(0.01)
            yield "a word"


def labelled(handler):
    yield
    handler.set_header("X-Label", "yes")


def locked(handler):
    if "Authorization" not in handler.request.headers:
        raise problem(401, "locked")
    yield


def known(handler):
    try:
        yield
    except KeyError:
        raise problem(404, "no such room") from None


def swallowing(handler):
    with contextlib.suppress(KeyError):
        yield


def answering(handler):
    handler.finish("here")
    return
    yield


def late(handler):
    yield
    raise ValueError


ROUTES = [
    Group(
        "/house",
        [
            Route("/rooms/{room}", Room),
            Group("/known", [Route("/{room}", Room, [known])]),
            Route("/swallowed/{room}", Room, [swallowing]),
            Route("/late/{room}", Room, [late]),
            Route("/talk/{room}", Talk),
        ],
        [labelled, locked],
    ),
    Route("/answered", Room, [answering]),
]
KEY = {"Authorization": "any"}
GIVEN = "  in: request_id, access_log, recovery"


@pytest.fixture(scope="module", autouse=True)
def quiet():
    logging.getLogger("sse_demo.app").propagate = False
    yield
    logging.getLogger("sse_demo.app").propagate = True


@pytest.fixture
def rings():
    return LiveRings()


@pytest.fixture
def server(rings):
    with serve(routes=rings.watch(ROUTES)) as server:
        yield server


@pytest.mark.parametrize(
    ("path", "headers", "told"),
    [
        (
            "/house/rooms/tea",
            KEY,
            [
                f"{GIVEN}, labelled, locked, handler",
                "  out: handler, locked, labelled, recovery, access_log, request_id",
            ],
        ),
        (
            "/house/rooms/tea",
            {},
            [f"{GIVEN}, labelled", "  locked refuses the request", "  out: labelled, recovery, access_log, request_id"],
        ),
        (
            "/house/rooms/attic",
            KEY,
            [
                f"{GIVEN}, labelled, locked, handler",
                "  handler raises KeyError",
                "  KeyError passes locked, labelled",
                "  recovery turns KeyError into an answer",
                "  out: access_log, request_id",
            ],
        ),
        (
            "/house/known/attic",
            KEY,
            [
                f"{GIVEN}, labelled, locked, known, handler",
                "  handler raises KeyError",
                "  known turns KeyError into an answer",
                "  out: locked, labelled, recovery, access_log, request_id",
            ],
        ),
        (
            "/house/swallowed/attic",
            KEY,
            [
                f"{GIVEN}, labelled, locked, swallowing, handler",
                "  handler raises KeyError",
                "  KeyError passes swallowing, locked, labelled",
                "  recovery turns KeyError into an answer",
                "  out: access_log, request_id",
            ],
        ),
        (
            "/house/late/tea",
            KEY,
            [
                f"{GIVEN}, labelled, locked, late, handler",
                "  out: handler",
                "  late raises ValueError",
                "  ValueError passes locked, labelled",
                "  recovery turns ValueError into an answer",
                "  out: access_log, request_id",
            ],
        ),
        (
            "/house/talk/attic",
            KEY,
            [
                f"{GIVEN}, labelled, locked, handler",
                "  handler begins a stream",
                "  out: locked, labelled, recovery, access_log, request_id",
                "  handler has sent the whole stream",
            ],
        ),
        ("/answered", {}, [GIVEN, "  answering refuses the request", "  out: recovery, access_log, request_id"]),
    ],
)
def test_each_step_is_told(rings, server, path, headers, told):
    status = ask(f"{server.url}{path}", headers=headers).status
    assert repr(rings.newest).splitlines() == [f"GET {path}", *told, f"  answer: {status}"]
    assert rings.newest.rings.is_over
    assert f">{status}</text>" in rings.html
    assert f">{status}</text>" in rings.newest.html


def test_a_stream_that_goes_on_is_shown_as_it_is_and_so_is_its_end(rings, server, eventually):
    with urlopen(Request(f"{server.url}/house/talk/tea", headers=KEY), timeout=5):
        now = rings.newest
        assert repr(now).splitlines()[-2:] == [
            "  out: locked, labelled, recovery, access_log, request_id",
            "  answer: 200",
        ]
        assert not now.rings.is_over
    eventually(lambda: "the reader of handler has left" in rings.html)


def test_an_exception_after_the_first_byte_meets_no_ring(rings, server):
    with pytest.raises(Exception, match="IncompleteRead"):
        ask(f"{server.url}/house/talk/cellar", headers=KEY)
    assert "  handler raises ZeroDivisionError: the stream breaks off" in repr(rings.newest)
    assert "passes" not in repr(rings.newest)


def test_a_method_that_nobody_answers_is_refused_by_the_handler(rings, server):
    assert ask(f"{server.url}/house/rooms/tea", "DELETE", KEY).status == 405
    assert "  handler refuses the request" in repr(rings.newest)


def test_what_is_watched_answers_as_before(server):
    assert ask(f"{server.url}/house/rooms/tea", headers=KEY).json() == {"guests": 3}
    assert ask(f"{server.url}/house/rooms/tea", headers=KEY).headers["X-Label"] == "yes"


def test_routes_in_groups_are_changed_one_by_one():
    seen = []
    each_route(ROUTES, lambda route: seen.append(route.path) or route)
    assert len(seen) == 6


def test_before_the_first_request_there_is_nothing_to_see():
    rings = LiveRings()
    assert "no request yet" in rings.html
    assert repr(rings) == "LiveRings()"
