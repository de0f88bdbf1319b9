"""The files of ``serve`` that somebody renews while the server runs: its certificate, and the keys of tokens."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator

from ..web.renewed_files import RenewedFiles
from ..web.tls import Certificate

LOOK_EVERY = 2.0  # seconds between two looks at the files


def certificate_of(cert: str | None, key: str | None) -> Certificate | None:
    """The certificate in these files; ``None`` where none is named.

    Raises:
        OSError: A file cannot be read.
        ValueError: The files hold no certificate with its key.
    """
    if cert is not None:
        return Certificate(cert, key)
    if key is not None:
        raise ValueError("--tls-key is the key of a certificate, which --tls-cert names")
    return None


@contextlib.contextmanager
def renewed(*files: RenewedFiles) -> Iterator[None]:
    """In this block, read what is in the files again when they change, and on SIGHUP.

    Open connections go on. Files that cannot be used change nothing, and a warning says so. Where there are none, a
    SIGHUP does what it always does.
    """
    if not files:
        yield
        return
    wake, stopped = threading.Event(), threading.Event()

    def watch() -> None:
        while True:
            asked = wake.wait(LOOK_EVERY)
            wake.clear()
            if stopped.is_set():
                return
            for one in files:
                if asked or one.has_changed():
                    one.read_again()

    watcher = threading.Thread(target=watch, name="renewed files", daemon=True)
    watcher.start()
    try:
        with _on_hangup(wake):
            yield
    finally:
        stopped.set()
        wake.set()
        watcher.join()


@contextlib.contextmanager
def _on_hangup(wake: threading.Event) -> Iterator[None]:
    hangup = getattr(signal, "SIGHUP", None)  # Windows has none
    if hangup is None:
        yield
        return
    before = signal.signal(hangup, lambda *_: wake.set())
    try:
        yield
    finally:
        signal.signal(hangup, before)
