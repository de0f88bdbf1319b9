"""JSON merge patches: the difference between two states of an object, itself an object (RFC 7396).

A member of a patch replaces the member of the same name, ``null`` removes it, and an object is merged in the same way.
Lists are replaced as a whole. Because ``null`` means "remove", an object in a state cannot have a member that is
``null``.

Each function takes a time that is linear in the size of what it is given.
"""

from __future__ import annotations

import math
from typing import Any

from ..errors import InvalidInput

MAX_DEPTH = 100  # objects and lists in each other


def merge_patch(target: Any, patch: Any) -> Any:
    """The state after the patch (RFC 7396, section 2). Neither argument is changed.

    >>> merge_patch({"price": 7, "size": {"x": 1, "y": 2}}, {"price": 8, "size": {"y": None}})
    {'price': 8, 'size': {'x': 1}}
    """
    if not isinstance(patch, dict):
        return patch
    result: dict[str, Any] = dict(target) if isinstance(target, dict) else {}
    to_do = [(result, patch)]
    while to_do:
        document, changes = to_do.pop()
        for name, value in changes.items():
            if value is None:
                document.pop(name, None)
            elif isinstance(value, dict):
                old = document.get(name)
                document[name] = inner = dict(old) if isinstance(old, dict) else {}
                to_do.append((inner, value))
            else:
                document[name] = value
    return result


def difference(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """The smallest patch that makes ``after`` of ``before``; ``{}`` when they are equal.

    Raises:
        InvalidInput: ``after`` has a member that is ``null`` where it differs from ``before``, which a patch cannot
            say; or the two are nested so deeply that comparing them comes to the end of Python's stack. No state that
            has passed :func:`require_state` is.

    >>> difference({"price": 7, "size": {"x": 1, "y": 2}}, {"price": 8, "size": {"x": 1}})
    {'price': 8, 'size': {'y': None}}
    """
    try:
        return _difference(before, after)
    except RecursionError:
        raise _too_deep() from None


def require_state(document: dict[str, Any]) -> None:
    """Raise unless the object can be a state, of which patches can be made.

    Raises:
        InvalidInput: Objects and lists are nested more than ``MAX_DEPTH`` deep; or an object has a member that is
            ``null``. In lists ``null`` is allowed, and also in the objects of a list.
    """
    _require_no_null(document, "the state", MAX_DEPTH)


def _difference(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    patch: dict[str, Any] = {name: None for name in before if name not in after}
    for name, value in after.items():
        old = before.get(name)
        if isinstance(old, dict) and isinstance(value, dict):
            if changed := _difference(old, value):
                patch[name] = changed
        elif name not in before or not _same(old, value):
            _require_no_null(value, name)
            patch[name] = value
    return patch


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON: Python takes ``1`` for ``True`` and ``1.0``, JSON does not take numbers for truth."""
    if isinstance(one, dict):
        same_names = isinstance(other, dict) and one.keys() == other.keys()
        return same_names and all(_same(value, other[name]) for name, value in one.items())
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(_same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def _require_no_null(value: Any, name: str, max_depth: float = math.inf) -> None:
    names = [] if value is None else _names_of_null(value, max_depth)
    if names is not None:
        where = ".".join([name, *reversed(names)])
        raise InvalidInput(f"{where} is null, which a merge patch cannot say (RFC 7396); leave it out instead")


def _names_of_null(value: Any, max_depth: float, in_a_list: bool = False) -> list[str] | None:
    """The names that lead to a member that is null, innermost first; ``None`` where there is none.

    The names are put together on the way back, so that a member that is no null costs nothing. In a list ``null`` is
    allowed; only the depth counts there.
    """
    if value and max_depth <= 0 and isinstance(value, (dict, list)):
        raise _too_deep()
    if isinstance(value, dict):
        for name, content in value.items():
            if content is None and not in_a_list:
                return [name]
            if isinstance(content, (dict, list)):
                names = _names_of_null(content, max_depth - 1, in_a_list)
                if names is not None:
                    return [*names, name]
    elif isinstance(value, list):
        for content in value:
            if isinstance(content, (dict, list)):
                _names_of_null(content, max_depth - 1, in_a_list=True)
    return None


def _too_deep() -> InvalidInput:
    return InvalidInput(f"a state is nested {MAX_DEPTH} deep at most")
