"""Server-Sent Events in Python: the wire format, a client, a server, and the lessons that explain them.

Each public name is loaded when it is asked for, so that the parser needs neither the client's packages nor the
server's.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .extras import needs

if TYPE_CHECKING:
    __version__: str

    from .client.listen import listen as listen
    from .client.publish import publish as publish
    from .client.publish import publish_async as publish_async
    from .client.publish_many import publish_many as publish_many
    from .client.publish_many import publish_many_async as publish_many_async
    from .client.ready_state import ReadyState as ReadyState
    from .client.ready_state import StateChange as StateChange
    from .client.reconnection import TRANSIENT_STATUSES as TRANSIENT_STATUSES
    from .client.reconnection import Backoff as Backoff
    from .client.source import EventSource as EventSource
    from .errors import EventSourceError as EventSourceError
    from .errors import EventTooLarge as EventTooLarge
    from .errors import IdempotencyConflict as IdempotencyConflict
    from .errors import InvalidInput as InvalidInput
    from .errors import LogError as LogError
    from .errors import LogFull as LogFull
    from .errors import LogUncertain as LogUncertain
    from .errors import Overloaded as Overloaded
    from .errors import Overtaken as Overtaken
    from .errors import PublishError as PublishError
    from .errors import Rejected as Rejected
    from .errors import ServerStopped as ServerStopped
    from .errors import SSEError as SSEError
    from .errors import TopicFull as TopicFull
    from .hub.hub import Hub as Hub
    from .hub.messages import Message as Message
    from .logs.memory import MemoryLog as MemoryLog
    from .logs.sqlite import SqliteLog as SqliteLog
    from .settings import Settings as Settings
    from .start import serve as serve
    from .web.access.access import Access as Access
    from .web.access.identity import Rights as Rights
    from .web.access.jwks import Jwks as Jwks
    from .web.access.keys import pem_key as pem_key
    from .web.access.keys import secret_key as secret_key
    from .web.access.signing import sign_token as sign_token
    from .web.access.tokens import Issuer as Issuer
    from .web.app import make_app as make_app
    from .web.async_server import AsyncServer as AsyncServer
    from .web.handlers import Handler as Handler
    from .web.handlers import problem as problem
    from .web.routing import Group as Group
    from .web.routing import Route as Route
    from .web.server import Server as Server
    from .web.server_socket import bind as bind
    from .web.tls import Certificate as Certificate
    from .wire.event import Comment as Comment
    from .wire.event import Event as Event
    from .wire.parser import EventStreamParser as EventStreamParser
    from .wire.patch import merge_patch as merge_patch

_HOMES = {
    "client.listen": ["listen"],
    "client.publish": ["publish", "publish_async"],
    "client.publish_many": ["publish_many", "publish_many_async"],
    "client.ready_state": ["ReadyState", "StateChange"],
    "client.reconnection": ["TRANSIENT_STATUSES", "Backoff"],
    "client.source": ["EventSource"],
    "errors": [
        "EventSourceError",
        "EventTooLarge",
        "IdempotencyConflict",
        "InvalidInput",
        "LogError",
        "LogFull",
        "LogUncertain",
        "Overloaded",
        "Overtaken",
        "PublishError",
        "Rejected",
        "SSEError",
        "ServerStopped",
        "TopicFull",
    ],
    "hub.hub": ["Hub"],
    "hub.messages": ["Message"],
    "logs.memory": ["MemoryLog"],
    "logs.sqlite": ["SqliteLog"],
    "settings": ["Settings"],
    "start": ["serve"],
    "web.access.access": ["Access"],
    "web.access.identity": ["Rights"],
    "web.access.jwks": ["Jwks"],
    "web.access.keys": ["pem_key", "secret_key"],
    "web.access.signing": ["sign_token"],
    "web.access.tokens": ["Issuer"],
    "web.app": ["make_app"],
    "web.async_server": ["AsyncServer"],
    "web.handlers": ["Handler", "problem"],
    "web.routing": ["Group", "Route"],
    "web.server": ["Server"],
    "web.server_socket": ["bind"],
    "web.tls": ["Certificate"],
    "wire.event": ["Comment", "Event"],
    "wire.parser": ["EventStreamParser"],
    "wire.patch": ["merge_patch"],
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

# Of the wings, and of rooms in them, that need one.
_EXTRA_OF = {"client": "client", "hub": "server", "start": "server", "web.access": "auth", "web": "server"}

__all__ = sorted(_HOME_OF)


if not TYPE_CHECKING:  # type checkers know the names from above, and a name that is none is an error for them

    def __getattr__(name: str) -> Any:
        if name == "__version__":
            return _version()
        if name not in _HOME_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        home = _HOME_OF[name]
        with needs(_extra_of(home), name):
            value = getattr(import_module(f".{home}", __name__), name)
        globals()[name] = value
        return value


def _extra_of(home: str) -> str | None:
    return next((extra for place, extra in _EXTRA_OF.items() if f"{home}.".startswith(f"{place}.")), None)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version  # takes as long as the rest of this package

    try:
        return version("sse-demo")
    except PackageNotFoundError as error:
        raise AttributeError("sse_demo is not installed, and has no version") from error


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
