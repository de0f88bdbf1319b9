"""``LoopThread``: an event loop in a daemon thread, for what goes on while cells run."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar, TypeVarTuple

from ..client.own_loop import new_loop, run_and_close

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")


class LoopThread(threading.Thread):
    """A daemon thread with an event loop.

    The thread lives until :meth:`stop` is called or until its main coroutine has ended. Every other coroutine that
    still runs on the loop is cancelled then.

    Args:
        name: The name of the thread.
        main: The main coroutine. Without one the thread waits for :meth:`stop`.
    """

    def __init__(self, name: str, main: Coroutine[Any, Any, object] | None = None) -> None:
        super().__init__(name=name, daemon=True)
        self._loop = new_loop()
        # Made here, and not in the thread: then `main` has begun, and can clean up, before stop() can cancel it.
        # The context is a new one, since ipykernel keeps in the present one which cell is running.
        self._main = self._loop.create_task(main or asyncio.Event().wait(), context=contextvars.Context())
        self.start()

    def run(self) -> None:
        """Run the loop. The thread calls this method by itself."""
        with contextlib.suppress(asyncio.CancelledError):  # stop() was called
            run_and_close(self._loop, self._main)

    def submit(self, coroutine: Coroutine[Any, Any, Result]) -> Future[Result]:
        """Run another coroutine on the loop, and return the future of its result. From any thread."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def call(self, function: Callable[[*Arguments], object], *args: *Arguments) -> None:
        """Call a function on the loop, soon. From any thread."""
        self._loop.call_soon_threadsafe(function, *args)

    def cancel(self) -> None:
        """Cancel everything that runs, soon."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: the thread had ended before
            self.call(self._main.cancel)

    def stop(self) -> None:
        """Cancel everything that runs, and wait until the thread has ended. The thread itself does not wait."""
        self.cancel()
        if threading.current_thread() is not self:
            self.join()
