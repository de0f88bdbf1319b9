"""What is read from standard input: whole, or line by line as the lines come."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import queue
import stat
import sys
import threading
import time
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from .arguments import read_all

MAX_INPUT = 64 * 1024 * 1024  # bytes of a text, or of a line: more than any server takes as one event
BATCH_LINES = 200
BATCH_BYTES = 64 * 1024  # unless a single line has more


class Batch(NamedTuple):
    """Lines that are sent together.

    Attributes:
        first: The number of the first line, from 1.
        lines: The lines, without their ends.
        size: The bytes that they have, with their ends.
    """

    first: int
    lines: list[str]
    size: int

    @property
    def last(self) -> int:
        """The number of the last line."""
        return self.first + len(self.lines) - 1


def is_terminal() -> bool:
    """Whether somebody types what is read."""
    return sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()


def whole() -> bytes:
    """All of standard input.

    Raises:
        OSError: Standard input is closed, or cannot be read.
        ValueError: It is too large.
    """
    with _opened() as file:
        return read_all(file, "standard input", MAX_INPUT)


def whole_text() -> str:
    """All of standard input, as text. Raises what :func:`whole` does, and ``ValueError`` for what is no text."""
    return _decoded(whole(), "standard input")


def size() -> int | None:
    """The bytes that standard input has; ``None`` where nobody knows, as with a pipe."""
    with contextlib.suppress(AttributeError, io.UnsupportedOperation):  # it is closed, or no file
        found = os.fstat(sys.stdin.fileno())
        return found.st_size if stat.S_ISREG(found.st_mode) else None
    return None


def batches(wait: float | None) -> Iterator[Batch]:
    """The lines of standard input, several at a time.

    Args:
        wait: The seconds that a line waits for others. With ``None`` it waits until a batch is full or the input has
            ended: so the same input is always cut in the same way.

    Raises:
        OSError: Standard input is closed, or cannot be read.
        ValueError: A line is too long, or no text. The lines before it come first.
    """
    reader = _Reader(_opened())
    batch, due = Batch(1, [], 0), 0.0
    try:
        while True:
            line = reader.next(None if wait is None or not batch.lines else max(0.0, due - time.monotonic()))
            fits = isinstance(line, _Line) and len(batch.lines) < BATCH_LINES and batch.size + line.size <= BATCH_BYTES
            if batch.lines and not fits:
                yield batch
                batch = Batch(batch.last + 1, [], 0)
            if isinstance(line, _Line):
                due = due if batch.lines else time.monotonic() + (wait or 0)
                batch = Batch(batch.first, [*batch.lines, line.text], batch.size + line.size)
            elif isinstance(line, EOFError):
                return
            elif line is not None:
                raise line
    finally:
        reader.stop()


class _Line(NamedTuple):
    """A line without its end, and the bytes that it has with its end."""

    text: str
    size: int


class _Reader:
    """Reads lines in a thread of its own, so that they can be waited for only so long.

    Args:
        file: It is closed by the thread, once the thread has read to its end or is told to stop.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._items: queue.Queue[_Line | Exception] = queue.Queue(2 * BATCH_LINES)
        self._stopped = False
        threading.Thread(target=self._run, args=(file,), name="standard input", daemon=True).start()

    def next(self, timeout: float | None) -> _Line | Exception | None:
        """The next line; or what has ended the input, which is an ``EOFError`` at its end; ``None`` after the timeout.

        Args:
            timeout: In seconds; ``None`` waits for ever.
        """
        try:
            return self._items.get(timeout=timeout)
        except queue.Empty:
            return None

    def stop(self) -> None:
        """Have the thread end, as soon as it does not wait for input."""
        self._stopped = True
        with contextlib.suppress(queue.Empty):
            while True:  # it may wait for room
                self._items.get_nowait()

    def _run(self, file: BinaryIO) -> None:
        try:
            with file:
                for number in itertools.count(1):
                    if self._stopped:
                        break
                    self._items.put(_line(file, number))
        except Exception as error:  # for the user, whatever it is
            self._items.put(error)


def _line(file: BinaryIO, number: int) -> _Line:
    data = file.readline(MAX_INPUT + 1)
    if not data:
        raise EOFError
    if len(data) > MAX_INPUT:
        raise ValueError(f"line {number} of standard input has more than {MAX_INPUT:,} bytes")
    text = _decoded(data, f"line {number} of standard input")
    return _Line(text.removesuffix("\n").removesuffix("\r"), len(data))


def _decoded(data: bytes, name: str) -> str:
    encoding = getattr(sys.stdin, "encoding", None) or "utf-8"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise ValueError(f"{name} is no text in {encoding}: {error.reason}") from None


def _opened() -> BinaryIO:
    """Standard input as bytes.

    A file of one's own: Python, at its end, would wait for the lock of ``sys.stdin``, which a thread that reads holds.
    """
    if sys.stdin is None:
        raise OSError("standard input is closed, so there is nothing to be read")
    try:
        return open(sys.stdin.fileno(), "rb", closefd=False)
    except io.UnsupportedOperation:  # the text of a program that runs a command in its own process
        return io.BytesIO(sys.stdin.read().encode())
