"""Methods during which nothing else of the same object is begun, by whatever interrupts them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar


class Busy(Protocol):
    """An object that says when it is not to be disturbed."""

    is_busy: bool


_B = TypeVar("_B", bound=Busy)
_P = ParamSpec("_P")
_T = TypeVar("_T")


def alone(method: Callable[Concatenate[_B, _P], _T]) -> Callable[Concatenate[_B, _P], _T]:
    """Note in ``is_busy`` that the method runs. A finalizer or a signal handler that interrupts it can look there."""

    @wraps(method)
    def run(self: _B, /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        before, self.is_busy = self.is_busy, True
        try:
            return method(self, *args, **kwargs)
        finally:
            self.is_busy = before

    return run
