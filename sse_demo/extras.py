"""What is to be said where a part of the package misses what an extra installs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def needs(extra: str | None, what: str) -> Iterator[None]:
    """Import in this block what the extra installs.

    Args:
        extra: The extra, as in ``pip install "sse-demo[server]"``; ``None`` where the standard library is enough.
        what: The name or the option that its user has asked for.

    Raises:
        ImportError: A package is missing. The error names the package and the command that installs it.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if extra is None or error.name is None or error.name.startswith("sse_demo"):
            raise
        hint = f'{what} needs {error.name}, which is not installed here: pip install "sse-demo[{extra}]"'
        raise ImportError(hint, name=error.name) from error
