"""Many events in one request: a line of JSON for each (``application/x-ndjson``)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any, NoReturn

from ...errors import SSEError
from ...hub.hub import Hub
from ...hub.messages import Message
from ...wire.event import Event
from ...wire.strict_json import read_json
from ..problems import Problem, problem, refusal

_MEMBERS = ("data", "topic", "event", "key", "retry")


def messages_in(text: str, default: Message, most: float, retry_range_ms: tuple[int, int]) -> list[Message]:
    """The message of each line. Blank lines are none.

    A line that is an object with the member ``data`` is an event, and may have ``topic``, ``event``, ``key`` and
    ``retry``, too; ``null`` is as good as none. Any other line is the data of an event.

    Args:
        text: The body of the request.
        default: What holds for a line that does not say otherwise. Its topic may be empty.
        most: How many events one request may have.
        retry_range_ms: The shortest and the longest ``retry``.

    Raises:
        Problem: 400 where a line cannot be an event, or there is none; 413 where there are too many.
    """
    messages: list[Message] = []
    for number, line in _lines(text):
        if len(messages) >= most:
            raise problem(413, f"the request has more than {most:,} events, which is the limit")
        try:
            messages.append(_message(line, default, len(messages), retry_range_ms))
        except json.JSONDecodeError as error:
            raise problem(400, f"line {number} is no JSON: {error.msg} at column {error.colno}") from None
        except ValueError as error:
            raise problem(400, f"line {number}: {error}") from None
    if not messages:
        raise problem(400, "the request has no event: each line is the JSON of one")
    return messages


def number_of_line(text: str, place: int) -> int:
    """The number of the line that has the event at this place, counted from 0."""
    return next(islice(_lines(text), place, None))[0]


def raise_for_line(number: int, cause: Exception, hub: Hub) -> NoReturn:
    """Raise what is wrong with a line that the hub has refused.

    Raises:
        Problem: With the status of the line's own error.
    """
    answer = refusal(cause, hub) if isinstance(cause, SSEError) else None
    if answer is None:
        raise cause
    raise Problem(answer.status_code, f"line {number}: {answer.log_message}", answer.headers) from cause


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, with their numbers. JSON has no line end but in a blank between its tokens."""
    for number, line in enumerate(text.split("\n"), start=1):
        if stripped := line.strip(" \t\r"):
            yield number, stripped


def _message(line: str, default: Message, place: int, retry_range_ms: tuple[int, int]) -> Message:
    value = read_json(line)
    topic, event, key, idempotency_key = default
    if isinstance(value, dict) and "data" in value:
        data = value["data"]
        if len(value) > 1:
            _require_members(value, retry_range_ms)
            own = {name: member for name, member in value.items() if member is not None}
            topic = own.get("topic", topic)
            key = own.get("key", key)
            event = Event("", own.get("event", event.event), retry=own.get("retry", event.retry))
        text = data if isinstance(data, str) else _json(data)
    else:
        text = line
    if not topic:
        raise ValueError("neither the line nor the query names a topic")
    if idempotency_key is not None:
        idempotency_key = f"{idempotency_key}/{place}"
    return Message(topic, Event(text, event.event, retry=event.retry), key, idempotency_key)


def _json(data: Any) -> str:
    try:
        return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError:  # 1e999 is JSON, but no number that Python could hold
        raise ValueError("data has a number that is too large") from None


def _require_members(value: dict[str, Any], retry_range_ms: tuple[int, int]) -> None:
    """Raise ``ValueError`` for an object that has ``data`` and is no event all the same."""
    for name, member in value.items():
        if member is None and name in _MEMBERS:
            continue
        if name not in _MEMBERS:
            allowed = ", ".join(_MEMBERS)
            raise ValueError(f"an event has the members {allowed}, and not {name!r}; put your own into its data")
        if name == "retry":
            least, most = retry_range_ms
            if not isinstance(member, int) or isinstance(member, bool) or not least <= member <= most:
                raise ValueError(f"retry must be a whole number from {least} to {most}, not {member!r}")
        elif name != "data" and not isinstance(member, str):
            raise ValueError(f"{name} must be a text, not {json.dumps(member)[:100]}")
