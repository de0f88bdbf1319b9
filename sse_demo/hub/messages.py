"""The messages that a publisher hands over: what is wrong with them, and what the log is to keep of them."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..errors import EventTooLarge, InvalidInput, Rejected, SSEError
from ..logs.contract import EventLog, Publication
from ..wire.event import Event
from .settings import HubSettings
from .states import change_of_state, empty_change
from .topics import require_topic

MAX_KEY_LENGTH = 255  # characters of a key, and of an idempotency key
# Comparing a large document holds Python's global lock nearly all the time. After more than LONG seconds of it, the
# event loop has REST times as long for itself.
LONG, REST = 0.005, 2.0


class Message(NamedTuple):
    """One event on its way to the log.

    Attributes:
        topic: The topic's name.
        event: What is published.
        key: The key under which the event is kept.
        idempotency_key: The publisher's own name for this publication.
    """

    topic: str
    event: Event
    key: str | None = None
    idempotency_key: str | None = None


def require_valid(messages: Sequence[Message], settings: HubSettings) -> None:
    """Raise what is wrong with the messages, as far as they themselves tell it.

    Raises:
        InvalidInput: A bad topic name, an event with an id, a key without a use.
        EventTooLarge: The data alone has more than ``max_event_size`` bytes.
        Rejected: Of several messages, some are wrong; or several change the same state.
    """
    causes: dict[int, Exception] = {}
    states: set[str] = set()
    for number, message in enumerate(messages):
        try:
            _require_valid(message, settings)
            if settings.is_state(message.topic):
                if message.topic in states:
                    raise InvalidInput(f"the state {message.topic} can change once in what is published together")
                states.add(message.topic)
        except SSEError as error:
            causes[number] = error
    if causes:
        raise cause_of(messages, causes)


def size_of(messages: Sequence[Message]) -> int:
    """The bytes that messages take while they wait."""
    getsizeof = sys.getsizeof
    size = 0
    for topic, event, key, idempotency_key in messages:
        size += getsizeof(event.data) + getsizeof(event.event) + getsizeof(topic)
        size += getsizeof(key or "") + getsizeof(idempotency_key or "")
    return size


def publications_of(messages: Sequence[Message], log: EventLog, settings: HubSettings) -> list[Publication | str]:
    """What the log is to keep of each message. For a state that has not changed: the id that it has already.

    To be called in the thread that appends, since it compares states.

    Raises:
        InvalidInput: What is published to a state is none.
        EventTooLarge: A block has more than ``max_event_size`` bytes.
        Rejected: That is so of some of several messages.
    """
    publications: list[Publication | str] = []
    causes: dict[int, Exception] = {}
    for number, message in enumerate(messages):
        try:
            publications.append(_publication(message, log, settings))
        except Exception as error:
            causes[number] = error
    if causes:
        raise cause_of(messages, causes)
    return publications


def _publication(message: Message, log: EventLog, settings: HubSettings) -> Publication | str:
    topic, event, key, idempotency_key = message
    if key is None and settings.coalesces(topic):
        key = ""
    idempotency = None
    if idempotency_key is not None:
        published = json.dumps([topic, key, event.encode().decode()])
        idempotency = idempotency_key, hashlib.sha256(published.encode()).digest()
    if not settings.is_state(topic):
        block = event.encode()
        _require_size(len(block), settings)
        return Publication(topic, block, key, idempotency)
    before = log.snapshot(topic)
    # A snapshot over a limit that was lowered since is as good as none: subscribers could not take it.
    known = before if before and len(before.block) <= settings.max_event_size else None
    began = time.thread_time()
    change = change_of_state(topic, known, event)
    if (taken := time.thread_time() - began) > LONG:
        time.sleep(taken * REST)
    if change is None:
        assert before is not None
        if idempotency is None:
            return before.id
        change = empty_change(event), before.block  # so that the key is remembered
    else:
        for block in change:
            _require_size(len(block), settings)
    return Publication(topic, change[0], None, idempotency, change[1], before.position if before else 0)


def cause_of(messages: Sequence[Message], causes: Mapping[int, Exception]) -> Exception:
    """What the publisher is told: the error itself, or of several messages which of them are wrong."""
    return Rejected(causes) if len(messages) > 1 else causes[0]


def _require_valid(message: Message, settings: HubSettings) -> None:
    topic, event, key, idempotency_key = message
    require_topic(topic)
    if event.id is not None:
        raise InvalidInput("the hub gives the ids; put an id of your own into the data")
    if key is not None:
        if not settings.coalesces(topic):
            raise InvalidInput(f"{topic} does not coalesce, so it has no use for a key; see the setting coalesce")
        _require_key("a key", key)
    if idempotency_key is not None:
        _require_key("an idempotency key", idempotency_key)
    _require_size(len(event.data), settings)


def _require_size(size: int, settings: HubSettings) -> None:
    limit = settings.max_event_size
    if size > limit:
        raise EventTooLarge(f"the event has {size:,} bytes, more than the limit of {limit:,}")


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
