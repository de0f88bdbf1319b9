"""Publishing: from any thread into the log.

One thread appends, for every log. So nothing that happens to a publisher, such as Ctrl-C, a closed event loop or a
disk that has stalled, can leave half of anything. Publishers that come while the log is busy wait in a queue, and all
that wait are appended together: a log on a disk pays for one commit where many publish at the same time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from typing import Final

from ..errors import EventTooLarge, InvalidInput, LogError, LogUncertain, Overloaded, Overtaken, Rejected, ServerStopped
from ..logs.contract import EventLog, Publication
from .settings import HubSettings
from .states import change_of_state, empty_change
from .topics import require_topic
from .waiting import Waiting, report

MAX_BATCH = 1_000  # publications that are appended together
BATCH_BYTES = 8 * 1024 * 1024  # likewise
MAX_KEY_LENGTH = 255  # characters of a key, and of an idempotency key
# Comparing a large document holds Python's global lock nearly all the time. After more than LONG seconds of it, the
# event loop has REST times as long for itself.
LONG, REST = 0.005, 2.0
MAX_TRIES = 100  # for a state that others keep changing at the same time

_STOP: Final = None

_logger = logging.getLogger("sse_demo.hub")


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
        self.published = 0  #: publications that were accepted, those that were known included
        self._log = log
        self._settings = settings
        self._wait_for_delivery = wait_for_delivery
        # A SimpleQueue may be used by a signal handler or a finalizer that interrupts another use of it.
        self._queue: SimpleQueue[Waiting | None] = SimpleQueue()
        self._sizes: deque[int] = deque()  # of all that wait
        self._ended = False
        self._process = os.getpid()
        self._thread = LogThread(target=_work, args=(self._queue, weakref.ref(self)), name="sse_demo log", daemon=True)
        self._thread.start()
        weakref.finalize(self, self._queue.put, _STOP)  # or the thread would outlive a publisher that nobody has closed

    @property
    def is_running(self) -> bool:
        """Whether something can be published: the publisher is not closed, and its thread runs in this process."""
        return not self._ended and os.getpid() == self._process and not sys.is_finalizing()

    def submit(self, waiting: Waiting) -> None:
        """Have a publication appended. See :meth:`Hub.publish`. What is wrong with it is raised here, or told later."""
        self._require_valid(waiting)
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

    def _require_valid(self, waiting: Waiting) -> None:
        require_topic(waiting.topic)
        if waiting.event.id is not None:
            raise InvalidInput("the hub gives the ids; put an id of your own into the data")
        if self._settings.coalesces(waiting.topic):
            waiting.key = waiting.key or ""
        elif waiting.key is not None:
            raise InvalidInput(
                f"{waiting.topic} does not coalesce, so it has no use for a key; see the setting coalesce"
            )
        for name, key in {"a key": waiting.key, "an idempotency key": waiting.idempotency_key}.items():
            if key is not None:
                _require_key(name, key)
        self._require_size(len(waiting.event.data))

    def _require_size(self, size: int) -> None:
        limit = self._settings.max_event_size
        if size > limit:
            raise EventTooLarge(f"the event has {size:,} bytes, more than the limit of {limit:,}")

    # In the publisher's own thread

    def _append(self, batch: list[Waiting]) -> None:
        try:
            for part in _independent(batch, self._settings.is_state):
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
        """Append publications of which none depends on another one: all that the log does not refuse by itself."""
        for _ in range(MAX_TRIES):
            due = [(one, publication) for one in waiting if (publication := self._prepare(one))]
            if not due:
                return
            try:
                ids = self._log.append([publication for _, publication in due])
            except Rejected as rejected:
                for number, cause in rejected.causes.items():
                    if not isinstance(cause, Overtaken):  # which is looked at again
                        due[number][0].refuse(cause)
                told = {number for number, cause in rejected.causes.items() if not isinstance(cause, Overtaken)}
                waiting = [one for number, (one, _) in enumerate(due) if number not in told]
            except BaseException as error:  # a log of one's own may raise what it likes
                reason = error if isinstance(error, LogError) else LogUncertain(f"the log has failed: {error!r}")
                if reason is not error:
                    report(_logger, "the log has failed", error)
                for one, _ in due:
                    one.refuse(reason)
                return
            else:
                for (one, _), id in zip(due, ids, strict=True):
                    self.published += 1
                    one.accept(id)
                return
        for one in waiting:
            one.refuse(Overtaken(f"others change the state {one.topic} all the time; try again later"))

    def _prepare(self, waiting: Waiting) -> Publication | None:
        """What is to be appended. ``None`` where that is nothing, and the publisher has been told."""
        if waiting.is_withdrawn:
            return None
        try:
            return self._publication(waiting)
        except Exception as error:
            waiting.refuse(error)
            return None

    def _publication(self, waiting: Waiting) -> Publication | None:
        topic, event, key = waiting.topic, waiting.event, waiting.key
        idempotency = None
        if waiting.idempotency_key is not None:
            published = json.dumps([topic, key, event.encode().decode()])
            idempotency = waiting.idempotency_key, hashlib.sha256(published.encode()).digest()
        if not self._settings.is_state(topic):
            block = event.encode()
            self._require_size(len(block))
            return Publication(topic, block, key, idempotency)
        before = self._log.snapshot(topic)
        # A snapshot over a limit that was lowered since is as good as none: subscribers could not take it.
        known = before if before and len(before.block) <= self._settings.max_event_size else None
        began = time.thread_time()
        change = change_of_state(topic, known, event)
        if (taken := time.thread_time() - began) > LONG:
            time.sleep(taken * REST)
        if change is None:
            assert before is not None
            if idempotency is None:
                waiting.accept(before.id)
                return None
            change = empty_change(event), before.block  # so that the key is remembered
        else:
            for block in change:
                self._require_size(len(block))
        return Publication(topic, change[0], None, idempotency, change[1], before.position if before else 0)

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
    """Whether this is a thread that appends, of whichever publisher: then nobody can wait here for an append."""
    return isinstance(threading.current_thread(), LogThread)


def _require_key(name: str, key: str) -> None:
    if not isinstance(key, str):
        raise TypeError(f"{name} must be a str, not {type(key).__name__}")
    if len(key) > MAX_KEY_LENGTH:
        raise InvalidInput(f"{name} has {MAX_KEY_LENGTH} characters at the most, and this one {len(key):,}")
    try:
        key.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput(f"{name} contains a lone surrogate, which UTF-8 cannot carry: {error}") from None
    if "\0" in key:
        raise InvalidInput(f"{name} must not contain a NUL: {key!r}")


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


def _independent(batch: list[Waiting], is_state: Callable[[str], bool]) -> Iterator[list[Waiting]]:
    """Cut a batch into parts in which no state changes twice: the second change depends on the first."""
    part: list[Waiting] = []
    states: set[str] = set()
    for waiting in batch:
        if is_state(waiting.topic):
            if waiting.topic in states:
                yield part
                part, states = [], set()
            states.add(waiting.topic)
        part.append(waiting)
    if part:
        yield part
