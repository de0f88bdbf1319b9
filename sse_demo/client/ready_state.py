"""The states of an event stream, and what is told when they change."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class ReadyState(IntEnum):
    """As in the HTML standard, 9.2.2."""

    CONNECTING = 0
    OPEN = 1
    CLOSED = 2


class StateChange(NamedTuple):
    """What the hook ``on_state_change`` is told.

    Attributes:
        state: The new state. It is the old one where a try has failed and another follows.
        reason: Why, in words.
        tries: How many tries there have been in a row, since a connection has last brought something.
        wait: The seconds until the next try; 0 unless the state is ``CONNECTING``.
        error: What broke the connection; ``None`` when it was ended in order.
    """

    state: ReadyState
    reason: str
    tries: int
    wait: float
    error: Exception | None
