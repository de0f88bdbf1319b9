"""The middleware that a request passes on its way in, and once more, the other way round, on its way out."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator, Sequence
from contextlib import ExitStack
from types import GeneratorType
from typing import TYPE_CHECKING

from tornado.web import HTTPError

if TYPE_CHECKING:
    from .handler import Handler

#: A generator function that takes the handler and yields once. The code before the ``yield`` runs before the request is
#: handled. The code after it runs when the answer is ready and its headers can still be set. To stop a request, raise a
#: ``problem(...)`` or call ``handler.finish`` before the ``yield``. An exception of the handler is raised at the
#: ``yield``, unless it is a problem already.
Middleware = Callable[["Handler"], Generator[None, None, None]]


class Chain:
    """The middleware of one request.

    Args:
        middleware: The generator functions, the outermost first.

    Attributes:
        begun: The request has begun to pass the middleware.
    """

    def __init__(self, middleware: Sequence[Middleware]) -> None:
        self.begun = False
        self._middleware = middleware
        self._waiting: list[Generator[None, None, None]] = []  # at their `yield`, the outermost first

    def __len__(self) -> int:
        return len(self._middleware)

    def enter(self, handler: Handler) -> None:
        """Pass the middleware, the outermost first, until one of them answers the request itself.

        Raises:
            RuntimeError: A middleware has neither yielded nor answered.
            TypeError: A middleware is no generator function.
        """
        self.begun = True
        for middleware in self._middleware:
            generator = start_middleware(middleware, handler)
            try:
                next(generator)
            except StopIteration:
                if not handler._finished:
                    raise RuntimeError(f"{middleware!r} has neither yielded nor answered") from None
            else:
                self._waiting.append(generator)
            if handler._finished:
                return

    def leave(self) -> None:
        """Run what each middleware does once the answer is ready, the innermost first."""
        while self._waiting:
            next(self._waiting.pop(), None)

    def close(self) -> None:
        """End each middleware at its ``yield``, the innermost first: there will be no answer."""
        with ExitStack() as waiting:
            while self._waiting:
                waiting.callback(self._waiting.pop(0).close)

    def throw(self, error: Exception) -> Exception:
        """Throw an exception into each middleware, the innermost first, until one turns it into an HTTP error.

        Returns:
            The HTTP error; or the last exception, which no middleware has turned into one.
        """
        while self._waiting and not isinstance(error, HTTPError):
            try:
                self._waiting.pop().throw(error)
            except StopIteration:
                pass  # the middleware has looked at the exception, and leaves it as it is
            except Exception as other:
                error = other
        return error


def start_middleware(middleware: Middleware, handler: Handler) -> Generator[None, None, None]:
    """The generator of a middleware for one request, before its first step.

    Raises:
        TypeError: The middleware is no generator function.
    """
    generator: object = middleware(handler)
    if type(generator) is not GeneratorType and not isinstance(generator, Generator):
        if isinstance(generator, Coroutine):
            generator.close()
        raise TypeError(f"{middleware!r} must be a generator function, with one yield")
    return generator
