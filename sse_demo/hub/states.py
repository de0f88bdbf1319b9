"""State topics: what is published is the whole document, and what goes out is the difference.

The room between the two: a document is read and compared here, once, in the publisher's own thread. What is kept of
it are the bytes of its snapshot, in the log, where they are counted.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from ..errors import InvalidInput
from ..logs.contract import Snapshot
from ..wire.event import Event
from ..wire.parser import EventStreamParser
from ..wire.patch import difference, require_state
from ..wire.service_events import patch_event, snapshot_event
from ..wire.strict_json import read_json
from .report import report

_logger = logging.getLogger("sse_demo.hub")


def change_of_state(topic: str, before: Snapshot | None, event: Event) -> tuple[bytes, bytes] | None:
    """The blocks that a new document comes to: the event for those who have the one before, and the snapshot.

    Args:
        topic: The topic's name.
        before: The newest snapshot of the topic. Without one the event is the snapshot itself, and so it is where the
            patch would be larger.
        event: What was published. Its data is the whole document, a JSON object.

    Returns:
        Both blocks, without ids; ``None`` where nothing has changed.

    Raises:
        InvalidInput: The data is no JSON object that can be a state, or the event has a type of its own.
    """
    document = _document(event)
    snapshot = snapshot_event(_json(document))
    known = _known(topic, before)
    change = snapshot
    if known is not None:
        patch = difference(known, document)
        if not patch:
            return None
        change = min(patch_event(_json(patch)), snapshot, key=_size)  # a patch names all that is gone
    return change._replace(retry=event.retry).encode(), snapshot.encode()


def empty_change(event: Event) -> bytes:
    """The block of an event that changes nothing."""
    return patch_event("{}")._replace(retry=event.retry).encode()


def _document(event: Event) -> dict[str, Any]:
    if event.event != "message":
        raise InvalidInput(f"events of a state topic are called snapshot and patch, not {event.event!r}")
    try:
        document = read_json(event.data)
    except ValueError as error:
        raise InvalidInput(f"a state is a JSON object, not {event.data[:50]!r}: {error}") from None
    if not isinstance(document, dict):
        raise InvalidInput(f"a state is a JSON object, not {event.data[:50]!r}")
    require_state(document)
    return document


def _known(topic: str, snapshot: Snapshot | None) -> dict[str, Any] | None:
    """The document of a snapshot. One that cannot be read is as good as none: the next change is sent whole."""
    if snapshot is None:
        return None
    try:
        (event,) = EventStreamParser(max_event_size=len(snapshot.block)).feed(snapshot.block)
        document = read_json(event.data)
        if isinstance(document, dict):
            return document
        raise ValueError(f"it is no object, but {event.data[:50]!r}")
    except ValueError as error:
        report(_logger, f"the snapshot of {topic} cannot be read, and the next change is sent whole", error)
        return None


def _size(event: Event) -> int:
    return len(event.data.encode())


def _json(document: dict[str, Any]) -> str:
    try:
        return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError as error:  # 1e999 is JSON, but no number that Python could hold
        raise InvalidInput(f"a state has numbers that can be told apart: {error}") from None
