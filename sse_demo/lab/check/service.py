"""The checks of lesson 4."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import time
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from ...start import serve
from ...web.handlers import Handler, Middleware, problem
from ...web.handlers.chain import start_middleware
from ...web.routing import Group, Route
from ...web.server import Server
from ..report import Report
from .exercise import Exercise

SLOW = 0.2  # seconds
LATER = 0.1  # seconds from the first of two requests to the second
ROUNDED_MS = 1  # that an answer may say too much, or too little

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
        connection = await self.open_event_stream()
        await asyncio.sleep(SLOW)
        connection.end()


def _closed(handler: Handler) -> Generator[None, None, None]:
    raise problem(403, "closed")
    yield


@Exercise
def timing(middleware: Middleware) -> Report:
    """Lesson 4: a middleware that says in ``Server-Timing`` how long an answer has taken.

    Args:
        middleware: Sets the header to ``total;dur=`` and a number of milliseconds.
    """
    report = Report("timing")
    meeting, here = _meeting()
    failures: list[str] = []
    right = "total;dur=N, N milliseconds"

    def watched(handler: Handler) -> Generator[None, None, None]:
        try:
            yield from start_middleware(middleware, handler)
        except Exception as error:
            failures.append(f"{type(error).__name__}: {error}")
            raise

    routes = [
        Route("/slow", _Slow),
        Route("/quick", _Quick),
        Route("/meeting", meeting),
        Route("/stream", _Stream),
        Route("/closed", _Quick, [_closed]),
    ]
    with serve(routes=[Group("/timing", routes, [watched])]) as server, ThreadPoolExecutor(2) as pool:

        def told(path: str, least: float = 0) -> str:
            """``right``, or what the answer says instead. A request takes at least so many seconds."""
            begin = time.perf_counter()
            status, headers, _ = _ask(server, f"/timing{path}")
            most_ms = (time.perf_counter() - begin) * 1000
            if failures:
                return f"{status}, since the middleware raised {failures[-1]}"
            given = headers.get("Server-Timing", "no header Server-Timing")
            total = _total(given)
            if total is None:
                return given
            said_ms = float(total[1])
            if said_ms > most_ms + ROUNDED_MS:
                return f"total;dur={said_ms:.0f} for what took {most_ms:.0f} ms"
            if said_ms < float(headers.get("Took", "0")) - ROUNDED_MS:
                return f"total;dur={said_ms:.0f} for what took {least * 1000:.0f} ms or more"
            return right

        def two_at_once() -> str:
            first = pool.submit(told, "/meeting", 2 * LATER)
            while not here and not first.done():
                time.sleep(0.001)
            time.sleep(LATER)
            second = pool.submit(told, "/meeting", SLOW)
            return first.result() if first.result() != right else second.result()

        report.expect("a quick answer", right, told, "/quick")
        report.expect("a slow one, in milliseconds", right, told, "/slow", SLOW)
        report.expect("two that overlap", right, two_at_once)
        report.expect("one that was refused", right, told, "/closed")
        report.expect("a stream", right, told, "/stream")
        report.expect("the answer itself is as before", (200, "ok"), lambda: _ask(server, "/timing/quick")[::2])
    return report


@Exercise
def routes(contestant: Sequence[Route | Group], word: str) -> Report:
    """Lesson 4: routes for ``/v1/rooms`` and their members, and for ``/admin/rooms`` behind a lock.

    Args:
        contestant: The routes.
        word: What opens the lock, as ``Authorization: Bearer word``.
    """
    report = Report("routes")
    try:
        server = serve(routes=contestant)
    except Exception as error:  # whatever there is in the list
        report.add(False, "a server that has these routes", f"{type(error).__name__}: {error}")
        return report
    with server:

        def answer(path: str, word: str | None = None) -> object:
            """The JSON of the answer, or its status."""
            headers = {"Authorization": f"Bearer {word}"} if word else {}
            status, _, body = _ask(server, path, headers=headers)
            return json.loads(body) if status == 200 else status

        def version(path: str, method: str = "GET") -> str | None:
            return _ask(server, path, method)[1].get("X-Api-Version")

        member = "/v1/rooms/tea/members/ann"
        report.expect("/v1/rooms/{room}", {"room": "tea"}, answer, "/v1/rooms/tea")
        report.expect("/v1/rooms/{room}/members/{member}", {"room": "tea", "member": "ann"}, answer, member)
        report.expect("/admin/rooms/{room} is locked", 401, answer, "/admin/rooms/tea")
        report.expect("it stays so at another word", 401, answer, "/admin/rooms/tea", f"not {word}")
        report.expect("and opens at the right one", {"room": "tea"}, answer, "/admin/rooms/tea", word)
        report.expect("there is nothing at /rooms/{room}", 404, answer, "/rooms/tea")
        report.expect("a room has the version", "1", version, "/v1/rooms/tea")
        report.expect("a member has it", "1", version, member)
        report.expect("a refused request has it (a DELETE: 405)", "1", version, "/v1/rooms/tea", "DELETE")
        report.expect("what is not below /v1 has not", None, version, "/admin/rooms/tea")
    return report


def _ask(
    server: Server, path: str, method: str = "GET", headers: Mapping[str, str] | None = None
) -> tuple[int, http.client.HTTPMessage, str]:
    """The status, the headers and the body of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()
    finally:
        connection.close()
