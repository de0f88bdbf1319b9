"""Files that somebody renews while the server runs: a certificate, the keys of an issuer."""

from __future__ import annotations

import logging
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import ClassVar

_logger = logging.getLogger("sse_demo.server")

_Version = tuple[int, int, int] | None  # of a file; None where it cannot be read


class RenewedFiles(ABC):
    """What is in some files, as it was read last. Its methods may be called from any thread.

    Args:
        paths: The files.

    Attributes:
        what: What the files have, in a word.

    Raises:
        OSError: A file cannot be read.
        ValueError: The files are not usable.
    """

    what: ClassVar[str]

    def __init__(self, paths: Iterable[str | os.PathLike[str]]) -> None:
        self._paths = [os.fspath(path) for path in paths]
        self._seen = self._versions()
        self._load()

    def has_changed(self) -> bool:
        """Whether a file is another one than at the last attempt to read it."""
        return self._versions() != self._seen

    def read_again(self) -> bool:
        """Read the files again, for the connections to come.

        Files that cannot be used, such as a certificate whose key is still to be written, change nothing: the server
        goes on with what it has, and a warning tells why.

        Returns:
            Whether the files are in use.
        """
        self._seen = self._versions()  # before they are read: what changes meanwhile is seen the next time
        try:
            self._load()
        except (OSError, ValueError) as error:
            _logger.warning("goes on with the %s that it has: %s", self.what, error)
            return False
        _logger.info("has read %s again", " and ".join(self._paths))
        return True

    @abstractmethod
    def _load(self) -> None:
        """Read the files, and use what they have. Raises what the class does, and changes nothing then."""

    def _versions(self) -> list[_Version]:
        return [_version(path) for path in self._paths]


def _version(path: str) -> _Version:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
