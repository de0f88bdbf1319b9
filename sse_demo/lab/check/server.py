"""The checks of lesson 3."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from ...start import serve
from ...web.handlers import Handler, Middleware, problem
from ...web.handlers.chain import start_middleware
from ...web.routing import Group, Route
from ...web.server import Server
from ..report import Report

SLOW = 200  # milliseconds
LATER = 100  # milliseconds after the first of two requests has come, the second is sent
ROUNDED = 1  # millisecond that may be too much, or too little

# `total` with its `dur`, among other parameters: Server Timing, 2
_total = re.compile(r'total\s*;(?:[^,]*;)?\s*dur\s*=\s*"?([0-9.]+(?:e-\d+)?)"?\s*(?:[;,]|$)').match


class _Quick(Handler):
    def get(self) -> None:
        self.write("ok")


class _Slow(Handler):
    """Says itself what it took, with one more header."""

    async def get(self) -> None:
        start = time.perf_counter()
        await self.work()
        self.set_header("Took", str((time.perf_counter() - start) * 1000))

    async def work(self) -> None:
        await asyncio.sleep(SLOW / 1000)


def _meeting() -> type[_Slow]:
    """A handler for two requests: the first one goes on when the second has come, and ends before it."""

    class Meeting(_Slow):
        here: list[_Slow] = []  # noqa: RUF012  of this class, which is made for two requests
        both = asyncio.Event()

        async def work(self) -> None:
            self.here.append(self)
            if len(self.here) == 1:
                await self.both.wait()
                await asyncio.sleep(LATER / 1000)
            else:
                self.both.set()
                await super().work()

    return Meeting


class _Stream(Handler):
    async def get(self) -> None:
        connection = await self.open_event_stream()
        await asyncio.sleep(SLOW / 1000)
        connection.end()


def _closed(handler: Handler):
    raise problem(403, "closed")
    yield


def timing(middleware: Middleware) -> Report:
    """Lesson 3: a middleware that says in ``Server-Timing`` how many milliseconds an answer has taken."""
    report = Report("timing")
    meeting, failures = _meeting(), []

    def watched(handler: Handler):
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

        def told(path: str, least: int = 0) -> str:
            """``N is right``, or what is said instead. A request takes at least so many milliseconds."""
            begin = time.perf_counter()
            status, headers, _ = _ask(server, f"/timing{path}")
            most = (time.perf_counter() - begin) * 1000
            if failures:
                return f"{status}, since the middleware raised {failures[-1]}"
            given = headers.get("Server-Timing", "no header Server-Timing")
            total = _total(given)
            if total is None:
                return given
            said = float(total[1])
            if said > most + ROUNDED:
                return f"total;dur={said:.0f} for what took {most:.0f} ms"
            if said < float(headers.get("Took", 0)) - ROUNDED:
                return f"total;dur={said:.0f} for what took {least} ms or more"
            return right

        def two_at_once() -> str:
            first = pool.submit(told, "/meeting", 2 * LATER)
            while not meeting.here and not first.done():
                time.sleep(0.001)
            time.sleep(LATER / 1000)
            second = pool.submit(told, "/meeting", SLOW)
            return first.result() if first.result() != right else second.result()

        right = "total;dur=N, N milliseconds"
        report.expect("a quick answer", right, lambda: told("/quick"))
        report.expect("a slow one, in milliseconds", right, lambda: told("/slow", SLOW))
        report.expect("two that overlap", right, two_at_once)
        report.expect("one that was refused", right, lambda: told("/closed"))
        report.expect("a stream", right, lambda: told("/stream"))
        report.expect("the answer itself is as before", (200, "ok"), lambda: _ask(server, "/timing/quick")[::2])
    return report


def routes(contestant: Sequence[Route | Group], word: str) -> Report:
    """Lesson 3: routes for ``/v1/rooms``, their members, and ``/admin/rooms`` behind a lock that ``word`` opens."""
    report = Report("routes")
    try:
        server = serve(routes=contestant)
    except Exception as error:  # whatever there is in the list
        report.add(False, "a server that has these routes", f"{type(error).__name__}: {error}")
        return report
    with server:

        def answer(path: str, word: str | None = None) -> dict | int:
            """What is echoed, or the status."""
            headers = {"Authorization": f"Bearer {word}"} if word else {}
            status, _, body = _ask(server, path, headers=headers)
            return json.loads(body) if status == 200 else status

        def version(path: str, method: str = "GET") -> str | None:
            return _ask(server, path, method)[1].get("X-Api-Version")

        report.expect("/v1/rooms/{room}", {"room": "tea"}, lambda: answer("/v1/rooms/tea"))
        report.expect(
            "/v1/rooms/{room}/members/{member}",
            {"room": "tea", "member": "ann"},
            lambda: answer("/v1/rooms/tea/members/ann"),
        )
        report.expect("/admin/rooms/{room} is locked", 401, lambda: answer("/admin/rooms/tea"))
        report.expect("it stays so at another word", 401, lambda: answer("/admin/rooms/tea", f"not {word}"))
        report.expect("and opens at the right one", {"room": "tea"}, lambda: answer("/admin/rooms/tea", word))
        report.expect("there is nothing at /rooms/{room}", 404, lambda: answer("/rooms/tea"))
        report.expect("a room has the version", "1", lambda: version("/v1/rooms/tea"))
        report.expect("a member has it", "1", lambda: version("/v1/rooms/tea/members/ann"))
        report.expect("a refused request has it (a DELETE: 405)", "1", lambda: version("/v1/rooms/tea", "DELETE"))
        report.expect("what is not below /v1 has not", None, lambda: version("/admin/rooms/tea"))
    return report


def _ask(server: Server, path: str, method: str = "GET", headers: dict | None = None) -> tuple:
    """The status, the headers and the body of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()
    finally:
        connection.close()
