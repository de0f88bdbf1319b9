"""Whose request it is, and what it takes to be let in."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ...hub.connection import Connection
from ..access.bearer import invalid_token
from ..access.identity import EVERYBODY, Identity, OperatorRight
from ..access.rights import require_publish, require_subscribe
from ..problems import Problem, problem
from ..service import App
from .quick_reset import QuickReset

if TYPE_CHECKING:
    from ..access.guard import Guard

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

    async def _execute(self, transforms: list[Any], *args: bytes, **kwargs: bytes) -> None:
        """Passes the middleware and answers, once the key of the client's token is known."""
        guard = self.application.service.guard
        waiting: Awaitable[object] | None = guard.prepare(self.request) if guard else None
        if waiting is not None:
            await waiting
        await super()._execute(transforms, *args, **kwargs)
