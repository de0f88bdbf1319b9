"""``within`` and ``raise_in``: an end for code that may never return."""

from __future__ import annotations

import _thread
import ctypes
import signal
import threading
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

ON_ITS_WAY = 0.1  # seconds in which an interrupt arrives that was sent at the last moment

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class Interrupted(TimeoutError):
    """A function was interrupted, since its time was over."""


def within(
    seconds: float, function: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> Result:
    """Call a function, and interrupt it when its time is over, as Ctrl-C would do.

    Only the main thread, in which cells run, can be interrupted. In another one the function has all the time it takes.

    Args:
        seconds: The time.
        function: What is called.
        args: Its arguments.
        kwargs: Its arguments by name.

    Raises:
        Interrupted: The time was over.
    """
    if threading.current_thread() is not threading.main_thread():
        return function(*args, **kwargs)
    strike = _Strike()
    timer = threading.Timer(seconds, strike.fall)
    timer.daemon = True
    try:
        try:
            timer.start()  # where nothing can interrupt outside of this block
            result = function(*args, **kwargs)
        finally:
            timer.cancel()
            strike.spare()
        if strike.has_fallen:
            time.sleep(ON_ITS_WAY)
    except KeyboardInterrupt:
        if not strike.has_fallen:
            raise
    if strike.has_fallen:
        raise Interrupted(f"it was still running after {seconds:g} s")
    return result


def raise_in(thread: threading.Thread, error: type[BaseException]) -> None:
    """Have an exception raised in another thread, at the next line of Python that it runs."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(error))


class _Strike:
    """One interrupt of the main thread, which comes in time or not at all."""

    def __init__(self) -> None:
        self.has_fallen = False
        self._lock = threading.Lock()
        self._is_over = False

    def fall(self) -> None:
        """In the thread of the timer."""
        with self._lock:
            if not self._is_over:
                self.has_fallen = True
                if hasattr(signal, "pthread_kill"):  # it also wakes a call of the system that waits
                    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
                else:
                    _thread.interrupt_main()

    def spare(self) -> None:
        """In the main thread, when the function has come to its end."""
        with self._lock:
            self._is_over = True
