"""The checks of lesson 3."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from ...handlers import Handler, Middleware, problem
from ...routing import Group, Route
from ...server import Server, serve
from ..report import Report

SLOW = 200  # milliseconds
PATIENCE = 2_000  # more of them, for a machine that is busy


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
    with serve(routes=[Group("/timing", routes, [middleware])]) as server, ThreadPoolExecutor(1) as pool:

        def total(path: str) -> float | str:
            """The milliseconds, or what is there instead."""
            _, headers, _ = _ask(server, f"/timing{path}")
            given = headers.get("Server-Timing", "no header Server-Timing")
            milliseconds = re.fullmatch(r"total;\s*dur=([0-9.]+(?:e-\d+)?)", given)
            return float(milliseconds[1]) if milliseconds else given

        def taken(least: float, total: float | str) -> str:
            if isinstance(total, float) and least <= total < least + PATIENCE:
                return f"{least} ms or more"
            return f"{total:.0f} ms" if isinstance(total, float) else total

        def two_at_once() -> str:
            slow = pool.submit(total, "/slow")
            while not slow.done():
                total("/quick")
            return taken(SLOW, slow.result())

        some, many = "0 ms or more", f"{SLOW} ms or more"
        report.expect("a quick answer", some, lambda: taken(0, total("/quick")))
        report.expect("a slow one, in milliseconds", many, lambda: taken(SLOW, total("/slow")))
        report.expect("with others at the same time", many, two_at_once)
        report.expect("one that was refused", some, lambda: taken(0, total("/closed")))
        report.expect("a stream", some, lambda: taken(0, total("/stream")))
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
        report.expect("and opens at the word", {"room": "tea"}, lambda: answer("/admin/rooms/tea", word))
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
