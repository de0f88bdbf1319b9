"""Publishing: from any thread into the log.

Publishers that come while the log is busy wait in a queue, and the next of them to have its turn appends for all. So a
log on a disk pays for one commit where many publish at the same time.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from ..errors import EventTooLarge, IdempotencyConflict
from ..logs.memory import Entry, EventLog, Publication
from ..wire.event import Event
from ..wire.parser import EventStreamParser
from ..wire.patch import MAX_DEPTH, check_depth, check_no_null, difference
from .settings import HubSettings
from .topics import TopicKinds, require_topic

SNAPSHOTS = (
    "#snapshots"  # the newest snapshot of each state topic, under its name as the key; no topic can be called so
)


class Waiting(Future):
    """A publication that waits for its turn. Its result is its id."""

    def __init__(self, publication: Publication, state: dict | None):
        super().__init__()
        self.publication = publication
        self.state = state  # the whole of it, where the topic is a state
        # What no other one may have in the same batch, because it depends on this one:
        self.claims = {("topic", publication.topic)} if state is not None else set()
        if publication.idempotency:
            self.claims.add(("key", publication.idempotency[0]))


class Publisher:
    """Checks what is published and appends it to the log. All methods may be called from any thread.

    ``on_appended`` is given the new entries, in the order of the log, before any of their publishers is told.
    """

    def __init__(
        self, log: EventLog, topics: TopicKinds, settings: HubSettings, on_appended: Callable[[list[Entry]], None]
    ):
        self._log = log
        self._topics = topics
        self._settings = settings
        self._on_appended = on_appended
        self._queue: list[Waiting] = []
        self._queueing = threading.Lock()
        self._appending = threading.Lock()  # its owner appends, and may touch the states
        self._states: OrderedDict[str, tuple[dict, str]] = OrderedDict()  # by topic: the state, and its newest id
        # A log that waits for a disk is written by a thread of its own: the event loop goes on, and nothing, such as
        # Ctrl-C in the main thread, can interrupt an append half way.
        self._writer = ThreadPoolExecutor(1, "sse_demo log") if log.blocking else None

    def submit(self, topic: str, event: Event | str, key: str | None, idempotency_key: str | None) -> Waiting:
        """See :meth:`Hub.publish`. What the publisher did wrong is raised here, or when the result is asked for."""
        waiting = self._check(event if isinstance(event, Event) else Event(event), topic, key, idempotency_key)
        with self._queueing:
            self._queue.append(waiting)
        if self._writer:
            self._writer.submit(self._append, waiting)
        else:
            self._append(waiting)
        return waiting

    def know(self, snapshots: Iterable[Entry]) -> None:
        """The states of an earlier run."""
        for entry in snapshots:
            (event,) = EventStreamParser().feed(entry.wire)
            self._states[entry.key] = json.loads(event.data), entry.id

    def close(self) -> None:
        """Wait for the last append."""
        if self._writer:
            self._writer.shutdown()

    def _check(self, event: Event, topic: str, key: str | None, idempotency_key: str | None) -> Waiting:
        require_topic(topic)
        if event.id is not None:
            raise ValueError("the hub gives the ids; put an id of your own into the data")
        if self._topics.coalesces(topic):
            key = key or ""
        elif key is not None:
            raise ValueError(f"{topic} does not coalesce, so it has no use for a key; see the setting coalesce")
        wire = event.encode()
        limit = self._settings.max_event_size
        if len(wire) > limit:
            raise EventTooLarge(f"the event has {len(wire):,} bytes, more than the limit of {limit:,}")
        idempotency = None
        if idempotency_key is not None:
            published = json.dumps([topic, key, wire.decode()])
            idempotency = idempotency_key, hashlib.sha256(published.encode()).digest()
        state = _state(event) if self._topics.is_state(topic) else None
        return Waiting(Publication(topic, event, key, idempotency), state)

    def _append(self, waiting: Waiting) -> None:
        """Append all that is in the queue, unless somebody else has done that for this one."""
        with self._appending:
            if waiting.done():
                return
            with self._queueing:
                queue, self._queue = self._queue, []
            for batch in _independent(queue):
                try:
                    self._append_batch(batch)
                except Exception:  # each on its own, so that the error is told to the one who made it
                    for one in batch:
                        if not one.done():
                            self._append_one(one)

    def _append_one(self, waiting: Waiting) -> None:
        try:
            self._append_batch([waiting])
        except Exception as error:
            waiting.set_exception(error)

    def _append_batch(self, batch: list[Waiting]) -> None:
        due: list[tuple[Waiting, Publication]] = []
        for waiting in batch:
            if (id := self._known_id(waiting)) is not None:
                waiting.set_result(id)
            else:
                due += [(waiting, publication) for publication in self._publications(waiting)]
        if not due:
            return
        entries = self._log.append([publication for _, publication in due])
        self._on_appended(entries)
        for (waiting, _), entry in zip(due, entries, strict=True):
            if not waiting.done():  # a change of state is two entries, and the first has its id
                if waiting.state is not None:
                    self._keep_state(waiting, entry.id)
                waiting.set_result(entry.id)

    def _known_id(self, waiting: Waiting) -> str | None:
        """The id that the same publication was given before, or the state's where nothing has changed."""
        topic, _, _, idempotency = waiting.publication
        if idempotency:
            key, fingerprint = idempotency
            known, id = self._log.idempotency_keys.get(key, (fingerprint, None))
            if known != fingerprint:
                raise IdempotencyConflict(f"the idempotency key {key!r} was used for another event")
            if id:
                return id
        state, id = self._states.get(topic, (None, None))
        return id if waiting.state is not None and state is not None and not difference(state, waiting.state) else None

    def _publications(self, waiting: Waiting) -> list[Publication]:
        """What goes into the log: the event; or for a state its change, and the whole for those who come later."""
        if waiting.state is None:
            return [waiting.publication]
        topic = waiting.publication.topic
        snapshot = Event(_json(waiting.state), event="snapshot")
        known = self._states.get(topic)
        change = Event(_json(difference(known[0], waiting.state)), event="patch") if known else snapshot
        return [
            waiting.publication._replace(event=change._replace(retry=waiting.publication.event.retry)),
            Publication(SNAPSHOTS, snapshot, key=topic),
        ]

    def _keep_state(self, waiting: Waiting, id: str) -> None:
        """The newest, and no more of them than there can be topics. Another one is sent whole when it changes."""
        topic = waiting.publication.topic
        self._states[topic] = waiting.state, id
        self._states.move_to_end(topic)
        if len(self._states) > self._settings.max_topics:
            self._states.popitem(last=False)


def _independent(queue: list[Waiting]) -> Iterator[list[Waiting]]:
    """Cut the queue into batches in which nothing depends on anything else."""
    batch: list[Waiting] = []
    claimed: set[tuple[str, str]] = set()
    for waiting in queue:
        if not claimed.isdisjoint(waiting.claims):
            yield batch
            batch, claimed = [], set()
        batch.append(waiting)
        claimed |= waiting.claims
    yield batch


def _state(event: Event) -> dict:
    if event.event != "message":
        raise ValueError(f"events of a state topic are called snapshot and patch, not {event.event!r}")
    try:
        state = json.loads(event.data, parse_constant=no_number)
        if not isinstance(state, dict):
            raise ValueError(f"a state is a JSON object, not {event.data[:50]!r}")
        check_depth(state)
        check_no_null(state)
        Event(_json(state))  # an escape such as "\\ud800" stands for no character
    except json.JSONDecodeError as error:
        raise ValueError(f"a state is a JSON object, not {event.data[:50]!r}: {error}") from None
    except RecursionError:  # of what reads JSON
        raise ValueError(f"a state is nested {MAX_DEPTH} deep at most") from None
    return state


def no_number(name: str) -> None:
    """For ``json.loads``, which would take ``NaN`` and ``Infinity``: JSON has neither (RFC 8259, 6)."""
    raise ValueError(f"{name} is no JSON number")


def _json(value: dict) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
