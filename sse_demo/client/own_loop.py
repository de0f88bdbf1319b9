"""An event loop that a thread has for itself, and that is closed at its end."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, NoReturn, TypeVar

NOTICE_WITHIN = 1.0  # seconds between two looks of a thread that waits whether a signal has come

Result = TypeVar("Result")


def new_loop() -> asyncio.AbstractEventLoop:
    """A loop of the kind that works in every thread and on every system."""
    return asyncio.SelectorEventLoop()


def run_and_close(loop: asyncio.AbstractEventLoop, main: Awaitable[Result]) -> Result:
    """Run a coroutine or a task on the loop, cancel whatever else runs there, and close the loop.

    :class:`asyncio.Runner` would also wait for the threads that look names up, which may take half a minute.
    """
    try:
        try:
            return loop.run_until_complete(main)
        finally:
            loop.run_until_complete(_end_tasks())
    finally:
        loop.close()


def run_in_a_thread(main: Coroutine[Any, Any, Result], name: str) -> Result:
    """Run a coroutine in a thread of its own, and return its result or raise its error.

    This works where the caller's own event loop is running, too, as in a notebook. When the caller is interrupted, the
    coroutine is cancelled.
    """
    try:
        loop = new_loop()
    except OSError:  # no files are left
        main.close()
        raise
    task = loop.create_task(main)
    # A queue, since an interrupt may leave the lock of a Future taken, and the thread would wait for it for ever.
    ended: SimpleQueue[Callable[[], Result]] = SimpleQueue()

    def run() -> None:
        try:
            result = run_and_close(loop, task)
        except BaseException as error:  # for the caller, whatever it is
            ended.put(partial(_raise, error))
        else:
            ended.put(lambda: result)

    thread = threading.Thread(target=run, name=name, daemon=True)
    try:
        thread.start()  # which waits for the thread, and may be interrupted, too
        outcome = next_of(ended)
    finally:
        with contextlib.suppress(RuntimeError):  # the loop is closed, unless the caller is interrupted
            loop.call_soon_threadsafe(task.cancel)
        if thread.is_alive():
            thread.join()
    return outcome()


def next_of(queue: SimpleQueue[Result]) -> Result:
    """Wait for the next item. A signal is noticed soon, also if it comes right before Python begins to wait."""
    while True:
        with contextlib.suppress(Empty):
            return queue.get(timeout=NOTICE_WITHIN)


def _raise(error: BaseException) -> NoReturn:
    raise error


async def _end_tasks() -> None:
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()
