"""Routes and groups of routes, with their middleware, as rules for Tornado's own router."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tornado.routing import Rule, URLSpec

from .handlers import Handler, Middleware

_parameter = re.compile(r"{([^{}]*)}")
_name_in_pattern = re.compile(r"\?P<\w+>")


@dataclass(frozen=True)
class Route:
    """One address and the handler that answers it.

    Attributes:
        path: A path that begins with a slash. A ``{name}`` in it stands for one part of an address, up to the next
            slash: the handler's method is given it as an argument of that name, decoded, so that a ``%2F`` in it has
            become a slash.
        handler: The handler's class.
        middleware: What a request passes before it comes to the handler.
    """

    path: str
    handler: type[Handler]
    middleware: Sequence[Middleware] = ()


@dataclass(frozen=True)
class Group:
    """Routes, and other groups, below one prefix and behind the same middleware.

    Attributes:
        prefix: What the path of each route begins with; it may be empty.
        routes: The routes and groups.
        middleware: What a request passes before it comes to one of them.
    """

    prefix: str
    routes: Sequence[Route | Group]
    middleware: Sequence[Middleware] = ()


def url_specs(group: Group) -> list[Rule]:
    """The rules for all routes of a group, in their order.

    Middleware comes in the order in which it is written, that of an outer group before that of an inner one, and that
    of the route last.

    Raises:
        ValueError: A path cannot be one, or is there twice, whatever its parameters are called.
        TypeError: Middleware is no list.
    """
    rules: dict[str, Rule] = {}
    for path, handler, middleware in _flatten(group, "", ()):
        pattern = _pattern(path)
        shape = _name_in_pattern.sub("", pattern)
        if shape in rules:
            raise ValueError(f"two routes have the path {path}")
        rules[shape] = URLSpec(pattern, handler, {"middleware": middleware})
    return list(rules.values())


def _flatten(
    group: Group, prefix: str, outer: tuple[Middleware, ...]
) -> Iterator[tuple[str, type[Handler], tuple[Middleware, ...]]]:
    prefix, outer = prefix + group.prefix, (*outer, *_list(group.middleware))
    for entry in group.routes:
        if isinstance(entry, Group):
            yield from _flatten(entry, prefix, outer)
        else:
            yield prefix + entry.path, entry.handler, (*outer, *_list(entry.middleware))


def _list(middleware: Sequence[Middleware]) -> Sequence[Middleware]:
    if callable(middleware):
        raise TypeError(f"middleware is a list, as in [{getattr(middleware, '__name__', middleware)}]")
    return middleware


def _pattern(path: str) -> str:
    """The regular expression of a path."""
    if not path.startswith("/"):
        raise ValueError(f"a path begins with a slash, unlike {path!r}")
    parts = _parameter.split(path)  # text, name, text, name ... text
    names = parts[1::2]
    if len(set(names)) < len(names) or not all(name.isidentifier() for name in names):
        raise ValueError(f"in {path!r} each parameter needs a name of its own, as in /rooms/{{room}}")
    for index, part in enumerate(parts):
        parts[index] = f"(?P<{part}>[^/]+)" if index % 2 else re.escape(part)
    return "".join(parts)
