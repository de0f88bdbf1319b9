"""Whose request it is, and what it takes to be let in."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from tornado.httputil import HTTPServerRequest

from ...hub.connection import Connection
from ..access.bearer import invalid_token
from ..access.identity import EVERYBODY, Identity, OperatorRight
from ..access.rights import require_publish, require_publisher, require_subscribe
from ..problems import Problem, problem
from ..service import App
from .chain import Chain, Middleware
from .quick_reset import QuickReset

if TYPE_CHECKING:
    from ..access.guard import Guard
    from .handler import Handler

#: What it takes to be let in: nothing, where a handler decides by itself; to be known; or a right of an operator.
Need = Literal["nothing", "identity"] | OperatorRight


class Identified(QuickReset):
    """A handler that knows who asks. Without access control everybody may do everything.

    Attributes:
        application: The application, which knows the service.
        request_id: The id of the request, which the answer and the log tell. The middleware ``request_id`` sets it.
        identity: Who asks. The middleware ``who_asks`` finds out.
        logs_in: A token that is sent here begins a session, whatever session there was before.
        needs: What it takes to be let in, where the service has access control.
        refused_because: Why somebody was not let in, for the log.
    """

    application: App
    request_id = ""
    identity: Identity = EVERYBODY
    needs: ClassVar[Need] = "identity"
    logs_in: ClassVar[bool] = False
    refused_because = ""

    @property
    def guard(self) -> Guard:
        """Knows who asks. Only a service with access control has one."""
        guard = self.application.service.guard
        assert guard is not None, "the service has no access control"
        return guard

    def ticket_topics(self) -> Sequence[str] | None:
        """The topics for which a ticket may be shown here; ``None`` where none is taken."""
        return None

    def require_subscribe(self, topics: Sequence[str]) -> None:
        """Refuse somebody who may not read one of these topics.

        Raises:
            Problem: 401 or 403.
        """
        with self.noting_refusal():
            self._require_right_of_now()
            require_subscribe(self.identity, topics)

    def require_publish(self, topics: Sequence[str]) -> None:
        """Refuse somebody who may not publish to one of these topics.

        Raises:
            Problem: 401 or 403.
        """
        with self.noting_refusal():
            self._require_right_of_now()
            require_publish(self.identity, topics)

    def require_publisher(self) -> None:
        """Refuse somebody who may publish nothing at all, before it is read to which topics it would be.

        Raises:
            Problem: 401 or 403.
        """
        with self.noting_refusal():
            require_publisher(self.identity)

    def _require_right_of_now(self) -> None:
        """The right may have ended since the middleware has seen it, as while a body was on its way."""
        guard = self.application.service.guard
        if guard and guard.ends(self.identity) <= time.time():
            raise invalid_token("the right has ended")

    def require_stream(self) -> None:
        """Refuse somebody who has as many event streams as one may have.

        Raises:
            Problem: 429.
        """
        guard = self.application.service.guard
        if guard and guard.streams.is_full(self.identity, str(self.request.remote_ip)):
            with self.noting_refusal():
                raise problem(429, "you have as many event streams as one may have here", {"Retry-After": 5})

    def watch_stream(self, connection: Connection, *, finite: bool) -> bool:
        """End the stream when the right of whom it belongs to ends. Returns whether it may begin at all."""
        guard = self.application.service.guard
        return guard is None or guard.streams.add(
            connection,
            self.identity,
            str(self.request.remote_ip),
            path=self.request.path,
            request_id=self.request_id,
            finite=finite,
        )

    @contextmanager
    def noting_refusal(self) -> Iterator[None]:
        """Note why somebody is not let in: the reason for the log is the cause of the problem, if it has one."""
        try:
            yield
        except Problem as refused:
            self.refused_because = str(refused.__cause__ or refused.log_message)
            raise

    def __init__(self, application: App, request: HTTPServerRequest, **options: Any) -> None:
        self._chain = Chain(options.get("middleware", ()))  # also where a subclass has an `initialize` of its own
        super().__init__(application, request, **options)

    def initialize(self, middleware: Sequence[Middleware] = ()) -> None:
        if middleware:
            self._chain = Chain(middleware)

    def prepare(self) -> None:
        """Passes the middleware, the outermost first."""
        self._chain.enter(cast("Handler", self))

    def _require_middleware(self) -> None:
        if not self._chain.begun:
            raise RuntimeError(f"{type(self).__name__}.prepare() must call super().prepare(), which lets requests in")

    async def _execute(self, transforms: list[Any], *args: bytes, **kwargs: bytes) -> None:
        """Passes the middleware and answers, once the key of the client's token is known."""
        guard = self.application.service.guard
        if guard:
            self.identity = guard.anonymous  # until the middleware has found out
            waiting: Awaitable[object] | None = guard.prepare(self.request)
            if waiting is not None:
                await waiting
        if self.request.method not in self.SUPPORTED_METHODS:
            return await super()._execute(transforms, *args, **kwargs)
        own, name = vars(self), self.request.method.lower()
        own[name] = partial(self._answer, getattr(self, name))
        try:
            await super()._execute(transforms, *args, **kwargs)
        finally:
            del own[name]  # which refers to the handler itself

    def _answer(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Run the method, for somebody who has been let in and still may: a body may have taken its time to come.

        Raises:
            RuntimeError: The request has not passed the middleware.
            Problem: 401.
        """
        self._require_middleware()
        with self.noting_refusal():
            self._require_right_of_now()
        return method(*args, **kwargs)
