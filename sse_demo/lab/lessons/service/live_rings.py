"""``LiveRings``: the newest request on its way through the middleware of a service, drawn while it is on its way."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any

from tornado.web import HTTPError

from ....web.handlers import Handler, Middleware
from ....web.handlers.chain import start_middleware
from ....web.routing import Group, Route
from ...views.view import View
from .rings import ENDS, Rings, Step, What

GIVEN = ("request_id", "access_log", "cross_origin", "recovery")  # of the service's own middleware, what is drawn
GRACE = 0.3  # seconds in which a request comes to its end whose answer has been read


class RingsView(View):
    """The way of one request, as a picture that stays. Its steps appear one after the other. Its text is the same way.

    A widget, and not HTML: JupyterLab takes drawings out of the HTML of a notebook that has not been run yet.

    Attributes:
        rings: The way.
    """

    def __init__(self, rings: Rings) -> None:
        self.rings = rings
        super().__init__(html=rings.html())

    def __repr__(self) -> str:
        return repr(self.rings)


class LiveRings(View):
    """Shows the way of the newest request. Each middleware is a ring around the handler.

    >>> rings = LiveRings()
    >>> server = serve(routes=rings.watch(routes))  # doctest: +SKIP
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._newest = Rings("no request yet", ())
        self._drawn = 0
        self._over = threading.Event()
        super().__init__()
        self.html = "<div>no request yet</div>"

    def __repr__(self) -> str:
        return "LiveRings()"

    def watch(self, routes: Sequence[Route | Group]) -> list[Route | Group]:
        """The same routes, whose requests are drawn."""
        return each_route(routes, lambda route: replace(route, handler=_watched(route.handler, self)))

    @property
    def newest(self) -> RingsView:
        """The way of the newest request, as a picture that stays. Of an open stream, what has happened so far."""
        self._over.wait(GRACE)
        with self._lock:
            return RingsView(replace(self._newest, steps=list(self._newest.steps)))

    def begin(self, rings: Rings) -> None:
        """A request has come."""
        with self._lock:
            self._newest, self._drawn = rings, 0
            self._over.clear()

    def note(self, rings: Rings, step: Step) -> None:
        """Something has happened to a request."""
        with self._lock:
            rings.steps.append(step)
            if rings is not self._newest:
                return
            is_out = step.place == 0 and step.what in ("out", "refuses", "explains", "passes", "fails")
            if is_out or step.what in ENDS:
                self.html = rings.html(self._drawn)
                self._drawn = len(rings.steps)
                if rings.is_over:
                    self._over.set()


def each_route(routes: Sequence[Route | Group], change: Callable[[Route], Route]) -> list[Route | Group]:
    """The same routes and groups, with each route changed."""
    return [
        replace(entry, routes=each_route(entry.routes, change)) if isinstance(entry, Group) else change(entry)
        for entry in routes
    ]


def _watched(handler: type[Handler], live: LiveRings) -> type[Handler]:
    class Watched(handler):  # type: ignore[valid-type, misc]
        """Tells of each step."""

        def initialize(self, middleware: Sequence[Middleware] = ()) -> None:
            shown = [one for one in middleware if not _is_given(one) or _name(one) in GIVEN]
            given = sum(map(_is_given, shown))
            request = f"{self.request.method} {self.request.path}"
            self._rings = Rings(request, [_name(one) for one in shown], given)
            self._entered: int | None = None  # the ring whose code before the `yield` is running
            live.begin(self._rings)
            places = itertools.count()
            super().initialize([self._told(one, next(places)) if one in shown else one for one in middleware])

        def prepare(self) -> None:
            super().prepare()
            if not self._finished:
                self._tell(self._inside, "in")

        def flush(self, include_footers: bool = False) -> Any:
            if not self._headers_written:
                self._rings.status = self.get_status()
                if self._entered is not None:  # it answers by itself
                    self._tell(self._entered, "refuses")
                elif self._rings.steps[-1:] == [Step(self._inside, "in")]:
                    self._tell(self._inside, "out")
            return super().flush(include_footers)

        async def send_events(self, events: Any) -> bool:
            self._tell(self._inside, "sends")
            sent: bool = await super().send_events(events)
            self._tell(self._inside, "sent" if sent else "left")
            return sent

        def log_exception(
            self, typ: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None
        ) -> None:
            inside = Step(self._inside, "in") in self._rings.steps and self._rings.steps[-1].what != "fails"
            if value is not None and inside:
                refuses = isinstance(value, HTTPError)
                what: What = "breaks" if self._headers_written else "refuses" if refuses else "fails"
                self._tell(self._inside, what, "" if refuses else type(value).__name__)
            super().log_exception(typ, value, tb)

        @property
        def _inside(self) -> int:
            return len(self._rings.names)

        def _tell(self, place: int, what: What, error: str = "") -> None:
            live.note(self._rings, Step(place, what, error))

        def _told(self, middleware: Middleware, place: int) -> Middleware:
            """The same middleware, which tells of each step."""

            def told(handler: Handler) -> Generator[None, None, None]:
                generator = start_middleware(middleware, handler)
                self._entered = place
                try:
                    next(generator)
                except StopIteration:
                    return
                except Exception as error:
                    self._tell(place, "refuses" if isinstance(error, HTTPError) else "fails", _class(error))
                    raise
                finally:
                    self._entered = None
                self._tell(place, "in")
                try:
                    yield
                except GeneratorExit:
                    generator.close()
                    raise
                except Exception as error:
                    try:
                        generator.throw(error)
                    except StopIteration:
                        self._tell(place, "passes", _class(error))
                    except Exception as other:
                        self._tell(place, "explains" if isinstance(other, HTTPError) else "passes", _class(error))
                        raise
                else:
                    try:
                        next(generator, None)
                    except Exception as error:
                        self._tell(place, "fails", _class(error))
                        raise
                    self._tell(place, "out")

            return told

    return Watched


def _is_given(middleware: Middleware) -> bool:
    return getattr(middleware, "__module__", "").startswith("sse_demo.web")


def _name(middleware: Middleware) -> str:
    return getattr(middleware, "__name__", repr(middleware))


def _class(error: Exception) -> str:
    return "" if isinstance(error, HTTPError) else type(error).__name__
