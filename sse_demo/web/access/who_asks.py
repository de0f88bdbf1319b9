"""The middleware that lets in, or does not."""

from __future__ import annotations

from collections.abc import Generator

from ..handlers import Handler, Middleware
from .guard import Guard
from .rights import require_known, require_right


def who_asks(guard: Guard) -> Middleware:
    """Find out who asks, and let in only whom the handler may be used by. See :attr:`Handler.needs`."""

    def access(handler: Handler) -> Generator[None, None, None]:
        try:
            with handler.noting_refusal():
                topics = handler.ticket_topics()
                trusts_page = handler.origin_is_allowed and handler.service.settings.allow_credentials
                identity = handler.identity = guard.identify(
                    handler.request, topics, logs_in=handler.logs_in, from_trusted_page=trusts_page
                )
                if handler.needs == "identity":
                    require_known(identity)
                elif handler.needs != "nothing":
                    require_right(identity, handler.needs)
            yield
            if identity.is_known and "Cache-Control" not in handler._headers:
                handler.set_header("Cache-Control", "no-store")  # a cache does not know that a cookie is somebody's
        finally:  # a handler may refuse, too
            guard.count(handler.request, handler.identity, refused=bool(handler.refused_because))

    return access
