"""The checks of lesson 7."""

from __future__ import annotations

import copy
import inspect
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from numbers import Real
from typing import Any, Protocol

from ..deadline import within
from ..views import report as rows
from ..views.report import Report
from .exercise import Exercise

SAMPLES = 4_000  # waits, as of so many clients
LONGEST = 60  # seconds
PARTS = 4  # of the range, of which each must have its share of the waits
SHARE = (0.2, 0.3)  # of the waits, in each part: a quarter, and what chance adds to it (seven deviations)
NEAR = 0.99  # of the longest wait that is allowed: the longest of 4,000 is above that, and the shortest below the rest
OFTEN = SAMPLES // 100  # waits of one length: more have been cut off there
DIFFERENT = SAMPLES // 8  # lengths at least; a range of one second has 1,000 milliseconds
MANY = 1_000  # events
KILLED_AT = ("102", "950")  # events: a place that is written less often than every 101 events is found by the first
FEW = 100  # events that may come twice

Wait = Callable[[int], float]
Place = dict[str, Any]
Death = tuple[str, str, bool]  # in what, at which event, and whether what was asked for had been done by then


@Exercise
def wait(wait: Wait) -> Report:
    """Lesson 7: waits that grow, and differ by chance.

    Args:
        wait: Takes how many tries have failed in a row. Returns the seconds before the next try: a random time up to
            1, 2, 4 ... and never more than 60, each time of that range as likely as any other.
    """
    report = Report("wait")
    sampled: dict[int, list[float] | str] = {}

    def sample(tries: int) -> list[float] | str:
        """So many waits, or why there are none."""
        if tries not in sampled:
            slow = [told for told in sampled.values() if isinstance(told, str) and "still running" in told]
            sampled[tries] = slow[0] if slow else _sample(wait, tries)  # nobody waits for it again
        return sampled[tries]

    def expect(what: str, tries: int, trouble: Callable[[list[float]], str]) -> None:
        waits = sample(tries)
        remark = waits if isinstance(waits, str) else trouble(waits)
        report.add(not remark, what, remark)

    def up_to(longest: float) -> Callable[[list[float]], str]:
        return lambda waits: _wrong_range(waits, longest)

    def all_over(longest: float) -> Callable[[list[float]], str]:
        return lambda waits: _uneven(waits, longest)

    expect("wait(1) is 1 second at the most", 1, up_to(1))
    expect("wait(2) is 2 seconds at the most", 2, up_to(2))
    expect("wait(5) is 16 seconds at the most", 5, up_to(16))
    expect("wait(6) is 32 seconds at the most", 6, up_to(32))
    expect("wait(7) is 60 seconds at the most, and not 64", 7, up_to(LONGEST))
    expect("wait(10) is 60 seconds at the most, and not 512", 10, up_to(LONGEST))
    expect("wait(11) is 60 seconds at the most, and does not begin again", 11, up_to(LONGEST))
    expect("wait(65) is 60 seconds at the most, also where 64 bits are not enough", 65, up_to(LONGEST))
    expect("wait(5_000) is 60 seconds at the most, and no error", 5_000, up_to(LONGEST))
    expect("wait(1) is anything from 0 to 1, all of it equally likely", 1, all_over(1))
    expect("wait(5) is anything from 0 to 16, all of it equally likely", 5, all_over(16))
    expect("wait(10) is anything from 0 to 60, all of it equally likely", 10, all_over(LONGEST))
    expect("wait(5_000) is anything from 0 to 60, all of it equally likely", 5_000, all_over(LONGEST))
    return report


def _sample(wait: Wait, tries: int) -> list[float] | str:
    try:
        waits = within(rows.PATIENCE, lambda: [wait(tries) for _ in range(SAMPLES)])
    except TimeoutError:
        return f"{SAMPLES:,} calls of wait({tries}) were still running after {rows.PATIENCE:g} seconds"
    except KeyboardInterrupt:  # the reader's
        raise
    except BaseException as error:  # whatever a learner's code raises
        return f"wait({tries}) raised {type(error).__name__}: {error}"
    strange = [one for one in waits if isinstance(one, bool) or not isinstance(one, Real) or one != one]
    for coroutine in filter(inspect.iscoroutine, strange):
        coroutine.close()  # or each warns that nobody has waited for it
    return f"wait({tries}) returned {_short(strange[0])}, which is no number" if strange else [*map(_float, waits)]


def _float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:  # an integer that is too large
        return math.inf if number > 0 else -math.inf


def _short(value: object) -> str:
    return "a coroutine" if inspect.iscoroutine(value) else repr(value)[: rows.SHOWN]


def _wrong_range(waits: list[float], longest: float) -> str:
    shortest, most = min(waits), max(waits)
    if shortest >= 0 and NEAR * longest <= most <= longest:
        return ""
    return f"{SAMPLES:,} calls: from {_told_seconds(shortest)} to {_told_seconds(most)} seconds"


def _told_seconds(seconds: float) -> str:
    return f"{seconds:,.0f}" if 100 <= abs(seconds) < 1e6 else f"{seconds:.3g}"


def _uneven(waits: list[float], longest: float) -> str:
    parts = Counter(int(PARTS * one / longest) if one < longest else PARTS - 1 for one in waits if one >= 0)
    shares = [parts[part] / len(waits) for part in range(PARTS)]
    different = len(set(waits))
    (heap, often), *_ = Counter(waits).most_common(1)
    if all(SHARE[0] <= share <= SHARE[1] for share in shares) and different >= DIFFERENT:
        if often > OFTEN:
            return f"{SAMPLES:,} calls: {often:,} of them are {heap:.3g} seconds"
        shortest = min(waits)
        return "" if shortest <= (1 - NEAR) * longest else f"{SAMPLES:,} calls: none is below {shortest:.3g} seconds"
    told = ", ".join(f"{share:.0%}" for share in shares)
    values = "always the same wait" if different == 1 else f"{different:,} different waits"
    return f"{SAMPLES:,} calls: {values}, which are in these quarters of the range: {told}"


class _Stream(Protocol):
    def __call__(self, last_event_id: str = "") -> Iterator[_Event]: ...


Consume = Callable[[_Stream, Place, Callable[["_Event"], None], Callable[[str], None]], object]


class _Event:
    def __init__(self, id: str) -> None:
        self.id = id
        self.data = f"event {id}"


class _Crash(Exception):
    """An error, which the program may still notice."""


class _Kill(BaseException):
    """The end of the program."""


@Exercise
def consume(consume: Consume) -> Report:
    """Lesson 7: a consumer that loses no event, acknowledges what is done, and keeps its place for the next start.

    Args:
        consume: Takes ``stream``, ``place``, ``handle`` and ``acknowledge``. ``stream(last_event_id)`` gives the events
            after that id, ``place`` is a dictionary that survives a crash, ``handle(event)`` does the work, and
            ``acknowledge(id)`` tells the sender that it is done. Each of the two may crash, or the program may be
            killed in it.
    """
    report = Report("consume")
    five = [str(number) for number in range(1, 6)]
    many = [str(number) for number in range(1, MANY + 1)]

    def expect(what: str, *deaths: Death, ids: list[str] = five, kind: type[BaseException] = _Crash) -> None:
        report.expect(what, RIGHT, lambda: _Sender(ids, deaths, kind).outcome(consume))

    def everywhere(what: str, done: bool) -> list[Death]:
        return [(what, id, done) for id in five]

    calm = "five events without a crash: each is handled once, and then acknowledged once"
    report.expect(calm, five, lambda: _calm(consume, five))
    waits = "a stream that does not end: each event is handled before the next one is asked for"
    report.expect(waits, five, lambda: _one_by_one(consume, five))
    expect("crash in handle, at the third of five events", ("handle", "3", False))
    expect("crash in handle, at the first event", ("handle", "1", False))
    expect("crash in handle, at the last event", ("handle", "5", False))
    expect("crash in handle, at each event in turn", *everywhere("handle", False))
    expect("crash in handle, at the same event twice", ("handle", "2", False), ("handle", "2", False))
    expect("crash in acknowledge, before it has reached the sender", *everywhere("acknowledge", False))
    expect("crash in acknowledge, after it has reached the sender", *everywhere("acknowledge", True))
    for what in ("handle", "acknowledge"):
        for id in KILLED_AT:
            expect(f"killed in {what}, at event {id} of {MANY:,}", (what, id, False), ids=many, kind=_Kill)
    return report


RIGHT = f"nothing lost, at most {FEW} events twice"


def _calm(consume: Consume, ids: list[str]) -> list[str] | str:
    sender = _Sender(ids, (), _Crash)
    outcome = sender.outcome(consume)
    if outcome == RIGHT and sender.handled == ids != sender.acknowledged:
        return f"handled {', '.join(sender.handled)}; acknowledged {', '.join(sender.acknowledged)}"
    return outcome if outcome != RIGHT else sender.handled


def _one_by_one(consume: Consume, ids: list[str]) -> list[str] | str:
    sender = _Sender(ids, (), _Crash)
    sender.outcome(consume)
    return f"asked for the next one before it had handled {sender.hoarded[0]}" if sender.hoarded else sender.handled


class _Sender:
    """Events, and what a consumer makes of them that dies now and then and is started again."""

    def __init__(self, ids: list[str], deaths: Iterable[Death], kind: type[BaseException]) -> None:
        self.handled: list[str] = []
        self.acknowledged: list[str] = []
        self.hoarded: list[str] = []  # not handled when the next one was asked for
        self._too_early: list[str] = []  # acknowledged, and not handled by then
        self._ids = ids
        self._deaths = list(deaths)
        self._kind = kind
        self._place: Place = {}
        self._survives: Place | None = None  # the place of a program that was killed

    def outcome(self, consume: Consume) -> str:
        """What has come of it, in words."""
        for _ in range(len(self._deaths) + 1):
            left = len(self._deaths)
            try:
                _finish(consume(self._stream, self._place, self._handle, self._acknowledge))
            except KeyboardInterrupt:
                raise
            except BaseException:  # the death, or what the consumer makes of it
                if left == len(self._deaths):
                    raise
            if left == len(self._deaths):
                break
            if self._survives is not None:  # a program that is killed runs no `finally` and no `except`
                self._place = self._survives
                self._survives = None
        faults = [
            _told("handled", [id for id in self._ids if id not in set(self.handled)], "never"),
            _told("acknowledged before it was handled:", self._too_early, ""),
            _told("acknowledged", [id for id in self._ids if id not in set(self.acknowledged)], "never"),
            _too_many("handled", self.handled),
            _too_many("acknowledged", self.acknowledged),
        ]
        return "; ".join(filter(None, faults)) or RIGHT

    def _stream(self, last_event_id: str = "") -> Iterator[_Event]:
        start = self._ids.index(last_event_id) + 1 if last_event_id else 0
        for id in self._ids[start:]:
            yield _Event(id)
            if id not in self.handled:
                self.hoarded.append(id)

    def _handle(self, event: _Event) -> None:
        self._do("handle", event.id, self.handled)

    def _acknowledge(self, id: str) -> None:
        if id not in self._ids:
            raise ValueError(f"acknowledge() takes the id of an event, not {id!r}")
        if self._survives is None and id not in self.handled:
            self._too_early.append(id)
        self._do("acknowledge", id, self.acknowledged)

    def _do(self, what: str, id: str, record: list[str]) -> None:
        if self._survives is not None:
            return  # a program that was killed does nothing more
        for done in (False, True):
            if done:
                record.append(id)
            if (what, id, done) in self._deaths:
                self._deaths.remove((what, id, done))
                if self._kind is _Kill:
                    self._survives = copy.deepcopy(self._place)
                raise self._kind


def _finish(result: object) -> None:
    """What a consumer has returned may be code that has not run."""
    if inspect.iscoroutine(result) or inspect.isgenerator(result):
        result.close()
        raise TypeError(f"consume() returned a {type(result).__name__}, and none of its lines has run")


def _told(what: str, ids: list[str], how: str) -> str:
    shown = ", ".join(ids[:5]) + (f" and {len(ids) - 5} more" if len(ids) > 5 else "")
    return " ".join(filter(None, [how, what, shown])) if ids else ""


def _too_many(what: str, ids: list[str]) -> str:
    repeated = len(ids) - len(set(ids))
    return f"{repeated} events {what} twice" if repeated > FEW else ""
