"""Subscribers without a socket, to which a solution of lesson 9 sends."""

from __future__ import annotations

import contextlib
import inspect
import math
import random
import re
from collections.abc import Callable

from ..lessons.broadcast.small_hub import RESET, SmallLog

ASKED_IN_VAIN = 20  # times that a full subscriber is asked in one call, before it complains
_number = re.compile(rb"data: (\d+)\n\n").fullmatch


class _AskedInVain(BaseException):  # which `except Exception` does not catch
    pass


class Listener:
    """A subscriber without a socket.

    Args:
        cursor: The number of the next event that it is to be sent.
        room: How many events it takes until it is full.

    Attributes:
        got: What it has taken: the numbers of events, ``"RESET"``, and what is neither as it came.
        refused: How often it was asked in vain.
    """

    def __init__(self, cursor: int = 0, room: float = math.inf) -> None:
        self.cursor = cursor
        self.room = room
        self.got: list[object] = []
        self.refused = 0

    def take(self, event: bytes) -> bool:
        """Whether it takes the event."""
        if self.room <= 0:
            self.refused += 1
            if self.refused == ASKED_IN_VAIN:
                raise _AskedInVain
            return self.refused > ASKED_IN_VAIN  # or a solution that takes whatever is raised would never end
        self.room -= 1
        self.got.append(_plain(event))
        return True


SendTo = Callable[[Listener, SmallLog], object]


def call_once(contestant: SendTo, listener: Listener, log: SmallLog) -> None:
    """Call a solution once.

    Raises:
        TypeError: The solution is an async function.
        RuntimeError: It asks a full subscriber again and again.
    """
    listener.refused = 0
    with contextlib.suppress(_AskedInVain):
        answer = contestant(listener, log)
        if inspect.iscoroutine(answer):
            answer.close()  # or Python warns of it beside the report
            raise TypeError("it is an async function, which does nothing until it is awaited")
    if listener.refused >= ASKED_IN_VAIN:
        raise RuntimeError(f"a full subscriber was asked {ASKED_IN_VAIN} times in one call")


#: What there is to say of a solution that makes no mistake.
RIGHT = "each event in order, none twice, RESET before each gap and nowhere else"


def storm(contestant: SendTo) -> str:
    """2,000 events, and ten subscribers that are full now and then.

    Returns:
        ``RIGHT``, or the first thing that was not.
    """
    chance, log = random.Random(9), SmallLog(50)
    listeners = [Listener(room=0) for _ in range(10)]
    for _ in range(2000):
        publish_to(log, 1)
        for listener in listeners:
            listener.room = chance.choice([0, 0, 0, 1, 2, 3])
            call_once(contestant, listener, log)
    for listener in listeners:
        listener.room = math.inf
        for _ in range(log.end - log.start + 1):
            call_once(contestant, listener, log)
        if wrong := _first_fault(listener.got, log.end):
            return wrong
    return RIGHT


def _first_fault(got: list[object], end: int) -> str:
    """What is wrong with the events that a subscriber has got; ``""`` where nothing is."""
    expected, told = 0, False
    for one in got:
        if one == "RESET":
            told = True  # perhaps for the second time: the log goes on
        elif not isinstance(one, int):
            return f"{one!r}, which is no event of the log"
        elif one < expected:
            return f"{one} after {expected - 1}"
        elif (one > expected) != told:
            return f"{one} after {expected - 1}, {'with' if told else 'without'} RESET"
        else:
            expected, told = one + 1, False
    return "" if expected == end else f"{expected - 1} is the last, and not {end - 1}"


def log_of(count: int, most: int = 100_000) -> SmallLog:
    """A log to which so many events were published, of which it keeps the newest."""
    log = SmallLog(most)
    publish_to(log, count)
    return log


def publish_to(log: SmallLog, count: int) -> None:
    """Publish so many more events. Each has its number as its data."""
    for number in range(log.end, log.end + count):
        log.append(b"data: %d\n\n" % number)


def _plain(event: object) -> object:
    if event == RESET:
        return "RESET"
    match = _number(event) if isinstance(event, bytes) else None
    return int(match[1]) if match else event
