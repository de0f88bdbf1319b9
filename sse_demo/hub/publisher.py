"""Publishing: from any thread into the log.

One thread appends, for every log. So nothing that happens to a publisher, such as Ctrl-C, a closed event loop or a
disk that has stalled, can leave half of anything. Publishers that come while the log is busy wait in a queue, and all
that wait are appended together: a log on a disk pays for one commit where many publish at the same time.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import weakref
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from queue import Empty, SimpleQueue
from typing import Final

from ..errors import LogError, LogUncertain, Overloaded, Overtaken, Rejected, ServerStopped
from ..logs.contract import EventLog, Publication, is_at_once
from .messages import Message, cause_of, publications_of, require_valid, size_of
from .report import report
from .settings import HubSettings
from .topics import TopicKinds
from .waiting import Waiting

MAX_BATCH = 1_000  # publications that are appended together
BATCH_BYTES = 8 * 1024 * 1024  # likewise
HERE_BYTES = 64 * 1024  # the most that is appended in the publisher's own thread: to make room for it takes little time
MAX_TRIES = 100  # for a state that others keep changing at the same time

_STOP: Final = None

_logger = logging.getLogger("sse_demo.hub")
_appending_here: set[int] = set()  # the threads that append for themselves at this moment


class LogThread(threading.Thread):
    """A thread that appends. Python may run a finalizer in it, which must not wait for what only this thread does."""


class Publisher:
    """Checks what is published and appends it to the log. All methods may be called from any thread.

    Args:
        log: The log.
        settings: The limits, and the kinds of topics.
        wait_for_delivery: Called in the publisher's own thread after each batch. While it waits, nothing more is
            appended.
    """

    def __init__(self, log: EventLog, settings: HubSettings, wait_for_delivery: Callable[[], None]) -> None:
        self._log = log
        self._log_is_at_once = is_at_once(log)
        self._settings = settings
        self._wait_for_delivery = wait_for_delivery
        # A SimpleQueue may be used by a signal handler or a finalizer that interrupts another use of it.
        self._queue: SimpleQueue[Waiting | None] = SimpleQueue()
        self._sizes: deque[int] = deque()  # of all that wait
        self._published: Counter[int] = Counter()  # by the thread that has appended
        self._ended = False
        self._process = os.getpid()
        self._thread = LogThread(target=_work, args=(self._queue, weakref.ref(self)), name="sse_demo log", daemon=True)
        self._thread.start()
        weakref.finalize(self, self._queue.put, _STOP)  # or the thread would outlive a publisher that nobody has closed

    @property
    def is_running(self) -> bool:
        """Whether something can be published: the publisher is not closed, and its thread runs in this process."""
        return not self._ended and os.getpid() == self._process and not sys.is_finalizing()

    @property
    def published(self) -> int:
        """Messages that were accepted, those that were known included."""
        return sum(self._published.copy().values())

    def append_here(self, messages: Sequence[Message]) -> list[str] | None:
        """Append in this thread, which is an event loop's: it spares the way to another thread and back.

        The main thread never does so, because a signal may interrupt it. No state may be among the messages.

        Returns:
            The ids. ``None`` where the log may make this thread wait, others wait for the log, or the messages are
            large: then nothing has been done.

        Raises:
            SSEError: As :meth:`Hub.publish_many` does.
        """
        if not self._log_is_at_once or self._sizes or _is_main_thread() or not self.is_running:
            return None
        if size_of(messages) > HERE_BYTES:
            return None
        require_valid(messages, self._settings)
        thread = threading.get_ident()
        _appending_here.add(thread)
        try:
            prepared = publications_of(messages, self._log, self._settings)
            try:
                new = self._log.append([item for item in prepared if isinstance(item, Publication)])
            except Rejected as rejected:
                raise cause_of(messages, rejected.causes) from None
            except BaseException as error:
                raise _reason(error) from error
        finally:
            _appending_here.discard(thread)
        self._published[thread] += len(prepared)
        return _ids(prepared, iter(new))

    def submit(self, waiting: Waiting) -> None:
        """Have messages appended. See :meth:`Hub.publish`. What is wrong with them is raised here, or told later."""
        require_valid(waiting.messages, self._settings)
        if not self.is_running:
            raise ServerStopped("nothing can be published: the hub is closed, or it belongs to another process")
        settings = self._settings
        if len(self._sizes) >= settings.max_waiting or sum(self._sizes.copy()) > settings.max_waiting_bytes:
            raise Overloaded(f"{len(self._sizes):,} publications wait for the log, which is the limit")
        self._sizes.append(waiting.size)
        self._queue.put(waiting)
        if self._ended:  # a moment ago, and nobody takes from the queue any more
            self._refuse_all()

    def close(self) -> None:
        """Append what waits, and no more. In a thread that appends, where a finalizer may close, do not wait for it."""
        if self.is_running:
            self._queue.put(_STOP)
            if not is_log_thread():
                self._thread.join()

    # In the thread that appends

    def _append(self, batch: list[Waiting]) -> None:
        try:
            for part in _independent(batch, self._settings):
                self._append_part(part)
        except BaseException as error:  # a mistake of ours: this thread has to go on, and nobody may wait for ever
            report(_logger, "publishing has failed", error)
            for one in batch:
                if not one.is_told and not one.is_withdrawn:
                    one.refuse(LogUncertain(f"publishing has failed: {error!r}"))
        finally:
            for _ in batch:
                self._sizes.popleft()
        self._wait_for_delivery()

    def _append_part(self, waiting: list[Waiting]) -> None:
        """Append messages of which none depends on another one: all that the log does not refuse by itself."""
        for _ in range(MAX_TRIES):
            due = [(one, prepared) for one in waiting if (prepared := self._prepare(one)) is not None]
            batch = [item for _, prepared in due for item in prepared if isinstance(item, Publication)]
            try:
                new = iter(self._log.append(batch) if batch else ())
            except Rejected as rejected:
                waiting = _refuse(due, rejected.causes)
                if not waiting:
                    return
            except BaseException as error:
                reason = _reason(error)
                for one, _ in due:
                    one.refuse(reason)
                return
            else:
                for one, prepared in due:
                    ids = _ids(prepared, new)
                    self._published[threading.get_ident()] += len(ids)
                    one.accept(ids)
                return
        for one in waiting:
            one.refuse(Overtaken("others change the state all the time; try again later"))

    def _prepare(self, waiting: Waiting) -> list[Publication | str] | None:
        """What is to be appended, or for a message that changes nothing the id that it gets.

        ``None`` where the publisher does not wait any more, or has been told what is wrong.
        """
        if waiting.is_withdrawn:
            return None
        try:
            return publications_of(waiting.messages, self._log, self._settings)
        except Exception as error:
            waiting.refuse(error)
            return None

    def _refuse_all(self) -> None:
        """Tell those who have come too late."""
        with contextlib.suppress(Empty):
            while True:
                waiting = self._queue.get_nowait()
                if waiting is not _STOP:
                    waiting.refuse(ServerStopped("the hub is closed; nothing has been published"))


def _work(queue: SimpleQueue[Waiting | None], publisher_of: weakref.ref[Publisher]) -> None:
    """Append what comes, until there is a stop in the queue or nobody holds the publisher any more."""
    stopping = False
    while not stopping:
        first = queue.get()
        publisher = publisher_of()
        if publisher is None:
            return
        batch, stopping = _batch(first, queue)
        publisher._append(batch)
        if stopping:
            publisher._ended = True
            publisher._refuse_all()
        del publisher, batch, first  # or they would live until the next publication


def is_log_thread() -> bool:
    """Whether this thread appends at this moment, for whichever publisher: then nobody can wait here for an append."""
    return isinstance(threading.current_thread(), LogThread) or threading.get_ident() in _appending_here


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _reason(error: BaseException) -> LogError:
    """What publishers are told where the log fails. A log of one's own may raise what it likes."""
    if isinstance(error, LogError):
        return error
    report(_logger, "the log has failed", error)
    return LogUncertain(f"the log has failed: {error!r}")


def _ids(prepared: Sequence[Publication | str], new: Iterator[str]) -> list[str]:
    return [next(new) if isinstance(item, Publication) else item for item in prepared]


def _refuse(
    due: Sequence[tuple[Waiting, Sequence[Publication | str]]], causes: Mapping[int, Exception]
) -> list[Waiting]:
    """Tell those whose publications have been rejected. Returns the others, and those who have been overtaken."""
    again = []
    place = 0  # in the batch of all publications
    for one, prepared in due:
        own: dict[int, Exception] = {}
        for number, item in enumerate(prepared):
            if isinstance(item, Publication):
                if place in causes and not isinstance(causes[place], Overtaken):
                    own[number] = causes[place]
                place += 1
        if own:
            one.refuse(cause_of(one.messages, own))
        else:
            again.append(one)
    return again


def _batch(first: Waiting | None, queue: SimpleQueue[Waiting | None]) -> tuple[list[Waiting], bool]:
    """What waits, as far as it fits into a batch, and whether a stop has come."""
    batch: list[Waiting] = []
    size = 0
    waiting = first
    while waiting is not _STOP:
        batch.append(waiting)
        size += waiting.size
        if len(batch) >= MAX_BATCH or size >= BATCH_BYTES:
            return batch, False
        try:
            waiting = queue.get_nowait()
        except Empty:
            return batch, False
    return batch, True


def _independent(batch: list[Waiting], kinds: TopicKinds) -> Iterator[list[Waiting]]:
    """Cut a batch into parts in which no state changes twice: the second change depends on the first."""
    part: list[Waiting] = []
    changed: set[str] = set()
    for waiting in batch:
        states = {message.topic for message in waiting.messages if kinds.is_state(message.topic)} if kinds.state else ()
        if not changed.isdisjoint(states):
            yield part
            part, changed = [], set()
        changed.update(states)
        part.append(waiting)
    if part:
        yield part
