"""A server for the routes of a learner, which may hang or end the program, and what their answers are."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from tornado.web import HTTPError

from ...start import serve
from ...web.handlers import Handler
from ...web.routing import Group, Route
from ...web.server import Server
from ..deadline import raise_in
from ..lessons.service.live_rings import each_route
from ..one_request import Answer, ask

TIMEOUT = 2.0  # seconds for an answer, and for the end of a server
AT_MOST = 20  # times that code which never ends is ended
PAUSE = 0.1  # seconds between two of them

ENDS = (SystemExit, KeyboardInterrupt)  # what would end the thread of a server, and the program


class Asking:
    """Asks a server that may hang. Once it does, it is not asked again.

    Attributes:
        failures: The exceptions that have become a 500.
    """

    def __init__(self, url: str, failures: list[str]) -> None:
        self._url = url
        self._hangs = False
        self.failures = failures

    def __call__(self, path: str, method: str = "GET", headers: Mapping[str, str] | None = None) -> Answer:
        if self._hangs:
            raise TimeoutError("the server still hangs")
        self.failures.clear()
        try:
            return ask(f"{self._url}{path}", method, headers, timeout=TIMEOUT)
        except TimeoutError:
            self._hangs = True
            raise TimeoutError(f"the server has not answered within {TIMEOUT:g} s") from None

    def status(self, path: str, method: str = "GET", headers: Mapping[str, str] | None = None) -> int | str:
        """The status of an answer. That of a 500 says why."""
        status = self(path, method, headers).status
        return f"{status} ({self.failures[0]})" if status == 500 and self.failures else status


@contextlib.contextmanager
def serving(routes: Sequence[Route | Group], inside: list[str] | None = None) -> Iterator[Asking]:
    """A server that is gone at the end, also where a learner's code keeps its thread busy for ever.

    Args:
        routes: What it serves.
        inside: Gets the requests that come through to a handler, such as ``GET /rooms/tea``.
    """
    failures: list[str] = []
    visits = inside if inside is not None else []
    server = serve(
        routes=each_route(routes, lambda route: replace(route, handler=_safe(route.handler, failures, visits))),
        demo=False,
    )
    try:
        yield Asking(server.url, failures)
    finally:
        _stop(server)


def _safe(handler: type[Handler], failures: list[str], visits: list[str]) -> type[Handler]:
    """The same handler, behind whose middleware nothing ends the program. It notes what fails, and who comes in."""

    class Safe(handler):  # type: ignore[valid-type, misc]
        async def _execute(self, *args: Any, **kwargs: Any) -> None:
            try:
                await super()._execute(*args, **kwargs)
            except ENDS as error:
                self._fail(error)

        def _fail(self, error: BaseException) -> None:
            """Answer with 500. A middleware that ends the program on the way out has been taken from the chain."""
            try:
                raise RuntimeError(_named(error)) from error
            except RuntimeError as failure:
                try:
                    self._handle_request_exception(failure)
                except ENDS as other:
                    self._fail(other)

        def prepare(self) -> None:
            super().prepare()
            if not self._finished:
                visits.append(f"{self.request.method} {self.request.path}")

        def send_error(self, status_code: int = 500, **kwargs: Any) -> None:
            _, error, _ = kwargs.get("exc_info") or (None, None, None)
            if error is not None and not isinstance(error, HTTPError):
                failures.append(_named(error.__cause__ if isinstance(error.__cause__, ENDS) else error))
            super().send_error(status_code, **kwargs)

    return cast("type[Handler]", Safe)


def _named(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _stop(server: Server) -> None:
    stopping = threading.Thread(target=server.stop, daemon=True)
    stopping.start()
    stopping.join(TIMEOUT)
    for _ in range(AT_MOST):
        if _is_handling(server._thread.ident):
            raise_in(server._thread, _Stuck)
        stopping.join(PAUSE)
        if not stopping.is_alive():
            break


def _is_handling(thread: int | None) -> bool:
    """Whether a thread runs a middleware or a handler at this moment."""
    frame = sys._current_frames().get(thread or 0)
    while frame is not None and frame.f_globals.get("__name__") != __name__:
        frame = frame.f_back
    return frame is not None


class _Stuck(Exception):
    """Is raised in the thread of a server, in code that never ends."""
