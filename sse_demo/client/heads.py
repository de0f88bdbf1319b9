"""The heads of answers, cut from the bytes of a connection within limits (RFC 9112, 2.1). No input or output."""

from __future__ import annotations

import re

import aiohttp

MAX_HEAD = 64 * 1024  # bytes of the head of an answer, with all interim answers (1xx) before it
MAX_INTERIM = 10  # interim answers (1xx) before an answer
SHOWN = 40  # bytes of an answer that is no HTTP which an error shows

_blank_line = re.compile(rb"\n\r?\n")
_status_line = re.compile(rb"HTTP/\d\.\d[ \t]+(\d\d\d)(?:[ \t]+([^\r\n]*))?\r?\n")


class BadHead(aiohttp.ClientError):
    """The head of an answer cannot be read.

    Attributes:
        status: The status, where the status line could be read.
        too_large: Whether the head is beyond a limit. Another try would bring the same.
    """

    def __init__(self, what: str, status: int | None = None, *, too_large: bool = False) -> None:
        super().__init__(what)
        self.status = status
        self.too_large = too_large


class Heads:
    """Cuts off the interim answers (1xx), and then the head of the answer itself.

    Attributes:
        status: The status of the answer, as soon as there is its status line; ``None`` before.
        reason: The words beside it.
        is_complete: Whether the head of the answer has been cut off.
    """

    def __init__(self) -> None:
        self.status: int | None = None
        self.reason = ""
        self.is_complete = False
        self._searched = 0  # bytes without a blank line
        self._size = 0  # bytes of interim answers
        self._interim = 0

    def cut(self, held: bytearray) -> bytes | None:
        """Cut the next head off; ``None`` where it is not there as a whole.

        Args:
            held: All that has arrived and has not been cut off; not nothing.

        Raises:
            BadHead: This is no HTTP, or it is beyond a limit.
        """
        if held[0] in b"\r\n":  # empty lines before an answer
            held[:] = held.lstrip(b"\r\n")
        if not held.startswith(b"HTTP/"[: len(held)]):
            raise BadHead(f"is no HTTP server: the answer begins with {bytes(held[:SHOWN])!r}")
        line = _status_line.match(held)
        status = int(line[1]) if line is not None else None
        is_interim = status is not None and 100 <= status < 200 and status != 101
        if line is not None and not is_interim:
            self.status, self.reason = status, (line[2] or b"").decode("latin-1")
        blank = _blank_line.search(held, max(self._searched - 2, 0))
        size = self._size + (blank.end() if blank is not None else len(held))
        if size > MAX_HEAD:
            raise BadHead(f"sends a head of more than {MAX_HEAD} bytes", self.status, too_large=True)
        if blank is None:
            self._searched = len(held)
            return None
        if is_interim:
            self._interim += 1
            self._size = size
            if self._interim > MAX_INTERIM:
                raise BadHead(f"sends more than {MAX_INTERIM} interim answers (1xx)", too_large=True)
        self._searched = 0
        self.is_complete = not is_interim
        head = bytes(held[: blank.end()])
        del held[: blank.end()]
        return head

    def broken(self, error: Exception) -> Exception:
        """The error for a head that the library cannot read, or at whose end the connection broke.

        Args:
            error: The library's own.
        """
        if self.status is not None:
            why = f": {why_unreadable(error)}" if isinstance(error, aiohttp.ClientResponseError) else ""
            what = f"answered {self.status} {self.reason}".rstrip()
            return BadHead(f"{what}, and the rest of its head cannot be read{why}", self.status)
        if isinstance(error, aiohttp.ClientResponseError):
            return BadHead(f"sends a head that cannot be read: {why_unreadable(error)}")
        return error


def why_unreadable(error: BaseException) -> str:
    """The library's reason why something is no HTTP, in one line."""
    reason = str(getattr(error, "message", error)).strip()
    return reason.removeprefix("Bad status line:").strip().partition(":\n")[0]
