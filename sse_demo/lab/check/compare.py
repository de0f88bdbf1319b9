"""Whether ``hmac.compare_digest`` decides, in a function that somebody else has written."""

from __future__ import annotations

import contextlib
import gc
import hmac
import sys
import threading
from collections.abc import Callable, Iterator
from types import CellType
from typing import Any

DECIDES = "it decides"

Name = tuple[dict[str, object], str]  # the namespace of a module, and a name in it


def compare_digest_decides(accepts_right: Callable[[], bool], accepts_forged: Callable[[], bool]) -> str:
    """Whether the answer of ``compare_digest`` decides. It is made to lie, and whoever verifies has to believe it.

    Args:
        accepts_right: Verifies what is signed, and returns whether that was accepted.
        accepts_forged: The same, of what somebody else has signed.

    Returns:
        ``"it decides"``, or what happens instead.
    """
    with _lying(False) as liar:
        accepted = accepts_right()
    if not liar.asked:  # or it is kept where it cannot be replaced
        return DECIDES if _calls_compare_digest(accepts_right) else "it is never called"
    if accepted:
        return "it is called, and its answer changes nothing"
    with _lying(True):
        believed = accepts_forged()
    return DECIDES if believed else "it is called, and something else compares, too"


def _calls_compare_digest(function: Callable[[], object]) -> bool:
    """Whether ``compare_digest`` is called, by whichever name, in the function or in another that it calls."""
    called, before = [], sys.getprofile()

    def look(frame: object, event: str, arg: object) -> None:
        if event == "c_call" and arg is hmac.compare_digest:
            called.append(arg)

    sys.setprofile(look)
    try:
        function()
    finally:
        sys.setprofile(before)
    return bool(called)


class _Liar:
    """Stands in for ``compare_digest``. In the thread that has made it, it gives one answer, whatever it is asked."""

    def __init__(self, original: Callable[[Any, Any], bool], answer: bool) -> None:
        self.asked = 0
        self._original = original
        self._answer = answer
        self._thread = threading.get_ident()

    def __call__(self, a: Any, b: Any, /) -> bool:
        right = self._original(a, b)  # which raises what it always raises
        if threading.get_ident() != self._thread:
            return right
        self.asked += 1
        return self._answer


@contextlib.contextmanager
def _lying(answer: bool) -> Iterator[_Liar]:
    """Have ``compare_digest`` give this answer, by whichever name a module, a notebook or a closure knows it."""
    original = hmac.compare_digest
    names, cells = _holders_of(original)
    liar = _Liar(original, answer)
    try:
        _put(liar, names, cells)
        yield liar
    finally:
        _put(original, names, cells)


def _holders_of(thing: object) -> tuple[list[Name], list[CellType]]:
    """The names of modules, and the variables of closures, that have a thing as their value."""
    referrers = gc.get_referrers(thing)
    modules = [one for one in referrers if isinstance(one, dict) and "__name__" in one]
    names = [(module, name) for module in modules for name, value in list(module.items()) if value is thing]
    return names, [one for one in referrers if isinstance(one, CellType)]


def _put(function: object, names: list[Name], cells: list[CellType]) -> None:
    for module, name in names:
        module[name] = function
    for cell in cells:
        cell.cell_contents = function
