"""Ctrl-C, and a service manager's SIGTERM, at each moment of a command's life."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any


def end_at_once() -> None:
    """Have Ctrl-C end the process without a word, while there is nothing that would have to be tidied up.

    That is so while Python still loads what a command needs, and after the command has ended. Python itself would show
    a traceback.
    """
    _on_interrupt(lambda *_: os._exit(0))


@contextlib.contextmanager
def raised() -> Iterator[None]:
    """While a command runs, Ctrl-C raises ``KeyboardInterrupt``, and SIGTERM raises ``SystemExit``."""
    before = [(number, signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM)]
    _on_interrupt(signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def _on_interrupt(handler: Callable[[int, FrameType | None], Any]) -> None:
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as a shell has it for what runs in the background
        signal.signal(signal.SIGINT, handler)
