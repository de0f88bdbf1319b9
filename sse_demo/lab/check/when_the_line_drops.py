"""The checks of lesson 6."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..report import Report

SAMPLES = 500


class _Crash(Exception):
    pass


def backoff(wait: Callable[[int], float]) -> Report:
    """``wait(tries)`` gives the seconds before the next try: up to 1, 2, 4 ... and never more than 60, by chance."""
    report = Report("backoff")

    def waits(tries: int) -> list[float]:
        return [wait(tries) for _ in range(SAMPLES)]

    report.expect("a number of seconds", True, lambda: isinstance(wait(1) + 0.0, float))
    report.expect("after one failed try, from nothing to 1 second", True, lambda: _between(waits(1), 0, 1))
    report.expect("after two, up to 2", True, lambda: _between(waits(2), 0, 2) and max(waits(2)) > 1)
    report.expect("after five, up to 16", True, lambda: _between(waits(5), 0, 16) and max(waits(5)) > 8)
    report.expect("never more than 60", True, lambda: _between(waits(10), 0, 60) and max(waits(10)) > 30)
    report.expect("by chance: 500 clients wait differently", True, lambda: len(set(waits(5))) > SAMPLES / 2)
    report.expect("over the whole range: some come back early", True, lambda: min(waits(5)) < 1)
    report.expect("after 5,000 failed tries, too", True, lambda: _between(waits(5_000), 0, 60))
    return report


def consumer(consume: Callable[[Callable, dict, Callable], None]) -> Report:
    """``consume(stream, place, handle)`` handles each event once it may, and keeps its place for the next start.

    ``stream(last_event_id)`` gives the events after that id, ``place`` is a dictionary that survives a crash, and
    ``handle(event)`` may crash.
    """
    report = Report("nothing lost")
    everything = ["1", "2", "3", "4", "5"]

    def run(*crashes: str) -> list[str]:
        """What was handled to its end, with a crash at these events, the first time each comes."""
        handled: list[str] = []
        place: dict = {}
        left = list(crashes)

        def stream(last_event_id: str = "") -> Iterator[_Event]:
            start = everything.index(last_event_id) + 1 if last_event_id else 0
            return (_Event(id) for id in everything[start:])

        def handle(event: _Event) -> None:
            if event.id in left:
                left.remove(event.id)
                raise _Crash
            handled.append(event.id)

        for _ in range(len(crashes) + 1):
            try:
                consume(stream, place, handle)
            except _Crash:
                continue
            break
        return handled

    report.expect("without a crash, each event once", everything, run)
    report.expect("a crash in the third loses nothing", everything, lambda: run("3"))
    report.expect("nor a crash in the first", everything, lambda: run("1"))
    report.expect("nor in the last", everything, lambda: run("5"))
    report.expect("nor in each of them", everything, lambda: run(*everything))
    report.expect("nor twice in the same", everything, lambda: run("2", "2"))
    return report


class _Event:
    def __init__(self, id: str):
        self.id = id
        self.data = f"event {id}"


def _between(values: list[float], least: float, most: float) -> bool:
    return all(least <= value <= most for value in values)
