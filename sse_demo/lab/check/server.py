"""The checks of lesson 3."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from ...handlers import Handler, Middleware, problem
from ...routing import Group, Route
from ...server import Server, serve
from ..report import Report

SLOW = 200  # milliseconds
LATER = 100  # milliseconds after the first of two requests, the second begins
ROUNDED = 1  # millisecond that may be too much

# `total` with its `dur`, among other parameters: Server Timing, 2
_total = re.compile(r'total\s*;(?:[^,]*;)?\s*dur\s*=\s*"?([0-9.]+(?:e-\d+)?)"?\s*(?:[;,]|$)').match


class _Slow(Handler):
    async def get(self) -> None:
        await asyncio.sleep(SLOW / 1000)


class _Quick(Handler):
    def get(self) -> None:
        self.write("ok")


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
    routes = [
        Route("/slow", _Slow),
        Route("/quick", _Quick),
        Route("/stream", _Stream),
        Route("/closed", _Quick, [_closed]),
    ]
    with serve(routes=[Group("/timing", routes, [middleware])]) as server, ThreadPoolExecutor(2) as pool:

        def taken(path: str, least: float = 0) -> str:
            """Has it taken as long as this, and not longer than it took? Or what is there instead."""
            start = time.perf_counter()
            _, headers, _ = _ask(server, f"/timing{path}")
            most = (time.perf_counter() - start) * 1000
            given = headers.get("Server-Timing", "no header Server-Timing")
            total = _total(given)
            if total is None:
                return given
            milliseconds = float(total[1])
            if milliseconds > most + ROUNDED:
                return f"{milliseconds:.0f} ms for what took {most:.0f} ms"
            return f"{least} ms or more" if milliseconds >= least else f"{milliseconds:.0f} ms"

        def two_at_once() -> str:
            first = pool.submit(taken, "/slow", SLOW)
            time.sleep(LATER / 1000)
            second = pool.submit(taken, "/slow", SLOW)
            return min(first.result(), second.result(), key=lambda result: result == many)

        some, many = "0 ms or more", f"{SLOW} ms or more"
        report.expect("a quick answer", some, lambda: taken("/quick"))
        report.expect("a slow one, in milliseconds", many, lambda: taken("/slow", SLOW))
        report.expect("two that overlap", many, two_at_once)
        report.expect("one that was refused", some, lambda: taken("/closed"))
        report.expect("a stream", some, lambda: taken("/stream"))
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
        report.expect("a request that is refused has it", "1", lambda: version("/v1/rooms/tea", "DELETE"))
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
