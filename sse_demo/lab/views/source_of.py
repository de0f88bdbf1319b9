"""``source_of``: shows code that a lesson speaks of, and that is written in the package."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from textwrap import dedent


class _Source:
    """Code as a cell shows it: in the colours of the page, light or dark."""

    def __init__(self, code: str) -> None:
        self.code = code

    def __repr__(self) -> str:
        return self.code

    def _repr_markdown_(self) -> str:
        return f"```python\n{self.code}\n```"


def source_of(*things: type | Callable[..., object]) -> _Source:
    """The source of classes and functions, for the last line of a cell.

    Args:
        things: Of this package, or of any other.
    """
    return _Source("\n\n".join(dedent(inspect.getsource(thing)).strip() for thing in things))
