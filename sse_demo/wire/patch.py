"""JSON merge patches: the difference between two states of an object, itself an object (RFC 7396).

A member of a patch replaces the member of the same name, ``null`` removes it, and an object is merged in the same way.
Lists are replaced as a whole. Because ``null`` means "remove", an object in a state cannot have a member that is
``null``.
"""

from __future__ import annotations

from typing import Any

MAX_DEPTH = 100  # objects and lists in each other


def merge_patch(target: Any, patch: Any) -> Any:
    """The state after the patch (RFC 7396, section 2). Neither argument is changed.

    >>> merge_patch({"price": 7, "size": {"x": 1, "y": 2}}, {"price": 8, "size": {"y": None}})
    {'price': 8, 'size': {'x': 1}}
    """
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge_patch(result.get(name), value)
    return result


def difference(before: dict, after: dict) -> dict:
    """The smallest patch that makes ``after`` of ``before``; ``{}`` when they are equal.

    Raises ``ValueError`` where ``after`` has a member that is ``null``, which a patch cannot say.

    >>> difference({"price": 7, "size": {"x": 1, "y": 2}}, {"price": 8, "size": {"x": 1}})
    {'price': 8, 'size': {'y': None}}
    """
    patch = {name: None for name in before if name not in after}
    for name, value in after.items():
        old = before.get(name)
        if isinstance(old, dict) and isinstance(value, dict):
            if changed := difference(old, value):
                patch[name] = changed
        elif name not in before or not _same(old, value):
            check_no_null(value, name)
            patch[name] = value
    return patch


def check_no_null(value: Any, name: str = "the state") -> None:
    """Raise ``ValueError`` where an object has a member that is ``null``. In lists, ``null`` is allowed."""
    if value is None:
        raise ValueError(f"{name} is null, which a merge patch cannot say (RFC 7396); leave it out instead")
    if isinstance(value, dict):
        for member, content in value.items():
            check_no_null(content, f"{name}.{member}")


def check_depth(value: Any, left: int = MAX_DEPTH) -> None:
    """Raise ``ValueError`` for what is nested so deeply that comparing it could come to the end of Python's stack."""
    if left < 0:
        raise ValueError(f"a state is nested {MAX_DEPTH} deep at most")
    for content in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        check_depth(content, left - 1)


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON: Python takes ``1`` for ``True`` and ``1.0``, JSON does not take numbers for truth."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and one == other
