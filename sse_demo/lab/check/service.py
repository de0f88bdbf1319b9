"""The checks of lesson 4."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import re
import sys
import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import cast

from ...start import serve
from ...web.handlers import Handler, Middleware, Problem, problem
from ...web.handlers.chain import Chain, start_middleware
from ...web.routing import Group, Route
from ...web.server import Server
from ..live_rings import each_route
from ..one_request import Answer, ask
from ..report import Report
from .exercise import Exercise

SLOW = 0.2  # seconds
LATER = 0.1  # seconds from the first of two requests to the second
ROUNDED_MS = 1  # that an answer may say too much, or too little
TIMEOUT = 2.0  # seconds for an answer, and for the end of a server
AT_MOST = 20  # times that code which never ends is ended
RIGHT = "total;dur=N, N milliseconds"

# `total` with its `dur`, among other parameters: Server Timing, 2
_total = re.compile(r'total\s*;(?:[^,]*;)?\s*dur\s*=\s*"?([0-9.]+(?:e-\d+)?)"?\s*(?:[;,]|$)').match


class _Quick(Handler):
    def get(self) -> None:
        self.write("ok")


class _Slow(Handler):
    """Says itself how many milliseconds it took, in one more header."""

    async def get(self) -> None:
        start = time.perf_counter()
        await self.work()
        self.set_header("Took", str((time.perf_counter() - start) * 1000))

    async def work(self) -> None:
        await asyncio.sleep(SLOW)


def _meeting() -> tuple[type[_Slow], list[_Slow]]:
    """A handler for two requests, and the list of those that have come.

    The first request goes on when the second one has come, and ends before it.
    """
    here: list[_Slow] = []
    both = asyncio.Event()

    class Meeting(_Slow):
        async def work(self) -> None:
            here.append(self)
            if len(here) == 1:
                await both.wait()
                await asyncio.sleep(LATER)
            else:
                both.set()
                await super().work()

    return Meeting, here


class _Stream(Handler):
    async def get(self) -> None:
        await self.send_events(["one", "two"])


def _closed(handler: Handler) -> Generator[None, None, None]:
    raise problem(403, "closed")
    yield


class _Asking:
    """Asks a server that may hang. Once it does, it is not asked again."""

    def __init__(self, server: Server) -> None:
        self._url = server.url
        self._hangs = False

    def __call__(self, path: str, method: str = "GET", headers: Mapping[str, str] | None = None) -> Answer:
        if self._hangs:
            raise TimeoutError("the server still hangs")
        try:
            return ask(f"{self._url}{path}", method, headers, timeout=TIMEOUT)
        except TimeoutError:
            self._hangs = True
            raise TimeoutError(f"the server has not answered within {TIMEOUT:g} s") from None


@contextlib.contextmanager
def _serving(routes: Sequence[Route | Group]) -> Iterator[_Asking]:
    """A server that is gone at the end, also where a learner's code keeps its thread busy for ever."""
    server = serve(routes=routes, demo=False)
    try:
        yield _Asking(server)
    finally:
        stopping = threading.Thread(target=server.stop, daemon=True)
        stopping.start()
        stopping.join(TIMEOUT)
        for _ in range(AT_MOST):
            if _is_in_middleware(server._thread.ident):
                thread = ctypes.c_ulong(server._thread.ident or 0)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(_Stuck))
            stopping.join(LATER)
            if not stopping.is_alive():
                break


def _is_in_middleware(thread: int | None) -> bool:
    """Whether a thread runs the code of a middleware at this moment."""
    frame = sys._current_frames().get(thread or 0)
    while frame is not None and frame.f_globals.get("__name__") != Chain.__module__:
        frame = frame.f_back
    return frame is not None


class _Stuck(Exception):
    """Is raised in the thread of a server, in code that never ends."""


@Exercise
def timing(middleware: Middleware) -> Report:
    """Lesson 4: a middleware that says in ``Server-Timing`` how long an answer has taken.

    Args:
        middleware: Sets the header to ``total;dur=`` and a number of milliseconds.
    """
    report = Report("timing")
    meeting, here = _meeting()
    failures: list[str] = []
    ended: list[Handler] = []  # the requests whose generator has come to its end

    def watched(handler: Handler) -> Generator[None, None, None]:
        try:
            yield from start_middleware(middleware, handler)
            ended.append(handler)
        except Problem:
            raise
        except (Exception, SystemExit) as error:  # what ends a thread must not end the server's
            failures.append(f"{type(error).__name__}: {error}")
            raise RuntimeError(failures[-1]) from error

    routes = [
        Route("/slow", _Slow),
        Route("/quick", _Quick),
        Route("/meeting", meeting),
        Route("/stream", _Stream),
        Route("/closed", _Quick, [_closed]),
    ]
    with _serving([Group("/timing", routes, [watched])]) as asking, ThreadPoolExecutor(2) as pool:

        def told(path: str, least: float = 0) -> str:
            """``RIGHT``, or what the answer says instead. A request takes at least so many seconds."""
            begin = time.perf_counter()
            answer = asking(f"/timing{path}")
            most_ms = (time.perf_counter() - begin) * 1000
            if failures:
                return f"{answer.status}, since the middleware raised {failures[-1]}"
            given = answer.headers.get("Server-Timing", "no header Server-Timing")
            total = _total(given)
            if total is None:
                return given
            said_ms = float(total[1])
            if said_ms > most_ms + ROUNDED_MS:
                return f"total;dur={said_ms:.0f} for what took {most_ms:.0f} ms"
            if said_ms < float(answer.headers.get("Took", "0")) - ROUNDED_MS:
                return f"total;dur={said_ms:.0f} for what took {least * 1000:.0f} ms or more"
            return RIGHT

        def two_at_once() -> str:
            first = pool.submit(told, "/meeting", 2 * LATER)
            while not here and not first.done():
                time.sleep(0.001)
            time.sleep(LATER)
            second = pool.submit(told, "/meeting", SLOW)
            return first.result() if first.result() != RIGHT else second.result()

        def yields() -> str:
            ended.clear()
            asking("/timing/quick")
            return "once" if ended or failures else "twice or more often"

        def status_and_body() -> tuple[int, str]:
            answer = asking("/timing/quick")
            return answer.status, answer.text

        report.expect("a quick answer has its time", RIGHT, told, "/quick")
        report.expect("a slow answer has its time, in milliseconds", RIGHT, told, "/slow", SLOW)
        report.expect("two requests at the same time have a time each", RIGHT, two_at_once)
        report.expect("a refused request (403) has its time, too", RIGHT, told, "/closed")
        report.expect("a stream has the time to its first byte", RIGHT, told, "/stream")
        report.expect("the middleware yields once", "once", yields)
        report.expect("the status and the body stay as they are", (200, "ok"), status_and_body)
    return report


@Exercise
def routes(contestant: Sequence[Route | Group], word: str) -> Report:
    """Lesson 4: routes for ``/v1/rooms`` and their members, and for ``/admin/rooms`` behind a lock.

    Args:
        contestant: The routes.
        word: What opens the lock, as ``Authorization: Bearer word``.
    """
    report = Report("routes")
    if stranger := _stranger(contestant):
        report.add(False, "routes is a list of Route and Group", f"there is {stranger}")
        return report
    inside: list[str] = []
    watched = each_route(contestant, lambda route: replace(route, handler=_noting(route.handler, inside)))
    with contextlib.ExitStack() as stack:
        try:
            asking = stack.enter_context(_serving(watched))
        except Exception as error:  # whatever there is in the list
            report.add(False, "a server starts with these routes", f"{type(error).__name__}: {error}")
            return report
        _knock(report, asking, word, inside)
    return report


def _knock(report: Report, asking: _Asking, word: str, inside: list[str]) -> None:
    """The rows about what the server answers.

    Args:
        report: Gets the rows.
        asking: Asks the server.
        word: What opens the lock.
        inside: The requests that have come to a handler behind the lock.
    """
    room, member, locked = "/v1/rooms/tea", "/v1/rooms/tea/members/ann", "/admin/rooms/tea"
    others = [f"not-{word}", f"{word}!", f"x{word}", word[:-1], word.upper(), "", f"{word} {word}", "caf\xe9"]
    methods = ("HEAD", "POST", "PUT", "DELETE", "OPTIONS")

    def content(path: str, headers: Mapping[str, str] | None = None) -> object:
        """The JSON of an answer, or its status."""
        answer = asking(path, headers=headers)
        return answer.json() if answer.status == 200 else answer.status

    def not_401(requests: Mapping[str, tuple[str, Mapping[str, str]]]) -> dict[str, int]:
        """Of some requests to the locked room: those that are answered otherwise, with their status."""
        statuses = {what: asking(locked, method, headers).status for what, (method, headers) in requests.items()}
        return {what: status for what, status in statuses.items() if status != 401}

    def scheme() -> str | None:
        return (asking(locked).headers.get("WWW-Authenticate") or "nothing").split()[0]

    def version(path: str, method: str = "GET", headers: Mapping[str, str] | None = None) -> str | None:
        return asking(path, method, headers).headers.get("X-Api-Version")

    key = {"Authorization": f"Bearer {word}"}
    other_words = {other: ("GET", {"Authorization": f"Bearer {other}"}) for other in others}
    other_words[f"Basic {word}"] = ("GET", {"Authorization": f"Basic {word}"})
    report.expect("GET /v1/rooms/tea gives the room", {"room": "tea"}, content, room)
    report.expect(
        "GET /v1/rooms/tea/members/ann gives both parameters", {"room": "tea", "member": "ann"}, content, member
    )
    report.expect("GET /rooms/tea is 404", 404, content, "/rooms/tea")
    report.expect("GET /admin/rooms/tea without a word is 401", 401, content, locked)
    report.expect("every other word is 401", {}, not_401, other_words)
    report.expect("no method passes without the word", {}, not_401, {method: (method, {}) for method in methods})
    report.expect("behind the lock no handler has been run", [], lambda: sorted(set(inside)))
    report.expect("a 401 says Bearer in WWW-Authenticate", "Bearer", scheme)
    report.expect("with the word, GET /admin/rooms/tea gives the room", {"room": "tea"}, content, locked, key)
    report.expect("GET /v1/rooms/tea has X-Api-Version", "1", version, room)
    report.expect("GET /v1/rooms/tea/members/ann has X-Api-Version", "1", version, member)
    report.expect("DELETE /v1/rooms/tea (405) has X-Api-Version", "1", version, room, "DELETE")
    report.expect("DELETE /v1/rooms/tea/members/ann (405) has X-Api-Version", "1", version, member, "DELETE")
    report.expect("GET /admin/rooms/tea has no X-Api-Version", None, version, locked, "GET", key)
    report.expect("a 401 has no X-Api-Version", None, version, locked)


def _stranger(entries: object) -> str:
    """The first entry that is neither a route nor a group, in words; or ``""``."""
    if not isinstance(entries, (list, tuple)):
        return f"a {type(entries).__name__} where a list belongs"
    for entry in entries:
        if isinstance(entry, Group):
            if stranger := _stranger(entry.routes):
                return stranger
        elif not isinstance(entry, Route):
            return f"a {type(entry).__name__} where a Route or a Group belongs"
        elif not (isinstance(entry.handler, type) and issubclass(entry.handler, Handler)):
            return f"a Route for {entry.path}, whose handler is no class made from Handler"
    return ""


def _noting(handler: type[Handler], inside: list[str]) -> type[Handler]:
    """The same handler, which notes that a request without the word has come through to it."""

    class Noting(handler):  # type: ignore[valid-type, misc]
        def prepare(self) -> None:
            super().prepare()
            if not self._finished and self.request.path.startswith("/admin"):
                inside.append(f"{self.request.method} {self.request.path}")

    return cast("type[Handler]", Noting)
