"""The checks of lesson 7."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from ..report import Report
from .exercise import Exercise

SAMPLES = 500  # waits, as of so many clients
MANY = 1_000  # events
LATE = 950  # the event at which the program is killed
FEW = 100  # events that may come twice

Place = dict[str, Any]


class _Crash(Exception):
    """An error in a handler, which the program may still notice."""


class _Kill(BaseException):
    """The end of the program."""


@Exercise
def wait(wait: Callable[[int], float]) -> Report:
    """Lesson 7: waits that grow, and differ by chance.

    Args:
        wait: Takes how many tries have failed in a row. Returns the seconds before the next try: a random time up to
            1, 2, 4 ... and never more than 60.
    """
    report = Report("backoff")

    def waits(tries: int) -> list[float]:
        return [wait(tries) for _ in range(SAMPLES)]

    def expect(what: str, tries: int, right: Callable[[list[float]], bool]) -> None:
        try:
            values = waits(tries)
            done = min(values) >= 0 and right(values)
            remark = (
                f"wait({tries}), {SAMPLES} times: from {min(values):.3g} to {max(values):.3g} seconds, "
                f"{len(set(values))} different"
            )
        except Exception as error:
            done, remark = False, f"it raised {type(error).__name__}: {error}"
        report.add(done, what, "" if done else remark)

    report.expect("a number of seconds", True, lambda: isinstance(wait(1) + 0.0, float))
    expect("after one failed try, from nothing to 1 second", 1, lambda values: 0.5 < max(values) <= 1)
    expect("after two, up to 2", 2, lambda values: 1 < max(values) <= 2)
    expect("after five, up to 16", 5, lambda values: 8 < max(values) <= 16)
    expect("after ten, up to 60, and never more", 10, lambda values: 50 < max(values) <= 60)
    expect("over the whole range: some come back early", 5, lambda values: min(values) < 1)
    expect("after ten as well", 10, lambda values: min(values) < 5)
    expect(f"by chance: {SAMPLES} clients wait differently", 5, _differ)
    expect("after ten as well: most are not cut to 60", 10, _differ)
    expect("after 5,000 failed tries, too", 5_000, lambda values: 50 < max(values) <= 60 and _differ(values))
    return report


class _Stream(Protocol):
    def __call__(self, last_event_id: str = "") -> Iterator[_Event]: ...


Consume = Callable[[_Stream, Place, Callable[["_Event"], None]], object]


@Exercise
def consume(consume: Consume) -> Report:
    """Lesson 7: a consumer that loses no event, and keeps its place for the next start.

    Args:
        consume: Takes ``stream``, ``place`` and ``handle``. ``stream(last_event_id)`` gives the events after that id,
            ``place`` is a dictionary that survives a crash, and ``handle(event)`` may crash. The consumer may keep its
            place only now and then: some events may come twice, but not all.
    """
    report = Report("nothing lost")
    five = ["1", "2", "3", "4", "5"]

    def lost(*crashes: str) -> str:
        handled = _handled(consume, five, crashes, _Crash)
        missing = [id for id in five if id not in handled]
        return f"lost: {', '.join(missing)}" if missing else "nothing lost"

    def twice() -> str:
        handled = _handled(consume, [str(number) for number in range(1, MANY + 1)], [str(LATE)], _Kill)
        return _at_most_few(len(handled) - len(set(handled))) if len(set(handled)) == MANY else "some are lost"

    report.expect("without a crash, each event once", five, lambda: _handled(consume, five, (), _Crash))
    report.expect("a crash in the third loses nothing", "nothing lost", lambda: lost("3"))
    report.expect("nor a crash in the first", "nothing lost", lambda: lost("1"))
    report.expect("nor in the last", "nothing lost", lambda: lost("5"))
    report.expect("nor in each of them", "nothing lost", lambda: lost(*five))
    report.expect("nor twice in the same", "nothing lost", lambda: lost("2", "2"))
    report.expect(f"killed in event {LATE}, it goes on near there", _at_most_few(0), twice)
    return report


def _handled(consume: Consume, ids: list[str], crashes: Iterable[str], kind: type[BaseException]) -> list[str]:
    """The events that were handled to their end, with a crash at some events, the first time each of these comes."""
    handled: list[str] = []
    place: Place = {}
    left = list(crashes)
    kept: Place | None = None  # the place of a program that was killed

    def stream(last_event_id: str = "") -> Iterator[_Event]:
        start = ids.index(last_event_id) + 1 if last_event_id else 0
        return (_Event(id) for id in ids[start:])

    def handle(event: _Event) -> None:
        nonlocal kept
        if kept is not None:
            return  # a program that was killed does nothing more
        if event.id in left:
            left.remove(event.id)
            if kind is _Kill:
                kept = dict(place)
            raise kind
        handled.append(event.id)

    for _ in range(len(left) + 1):
        try:
            consume(stream, place, handle)
        except kind:
            pass
        else:
            if kept is None:
                break
        if kept is not None:  # a program that is killed runs no `finally` and no `except`
            place.clear()
            place.update(kept)
            kept = None
    return handled


class _Event:
    def __init__(self, id: str):
        self.id = id
        self.data = f"event {id}"


def _at_most_few(repeated: int) -> str:
    return f"at most {FEW} events come twice" if repeated <= FEW else f"{repeated} events come twice"


def _differ(waits: list[float]) -> bool:
    return len(set(waits)) > len(waits) / 2
