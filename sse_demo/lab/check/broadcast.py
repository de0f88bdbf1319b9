"""The checks of lesson 9."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from ..report import Report
from .exercise import Exercise

Pairs = list[tuple[str, int]]


@Exercise
def newest(contestant: Callable[[Pairs], object]) -> Report:
    """Lesson 9: the newest value for each key.

    Args:
        contestant: Takes ``(key, value)`` pairs in the order in which they were published. Returns the newest pair of
            each key, in the same order, and leaves what it was given as it is.
    """
    report = Report("newest")

    def answer(pairs: Pairs) -> object:
        return _pairs(contestant(list(pairs)))

    def left() -> Pairs:
        given = [("A", 1), ("A", 2)]
        contestant(given)
        return given

    cases: list[tuple[str, Pairs, Pairs]] = [
        ("nothing", [], []),
        ("one key", [("A", 1), ("A", 2), ("A", 3)], [("A", 3)]),
        ("two keys", [("A", 1), ("B", 2)], [("A", 1), ("B", 2)]),
        ("in the order of the newest", [("A", 1), ("B", 2), ("A", 3)], [("B", 2), ("A", 3)]),
        ("values that fall", [("A", 3), ("B", 2), ("A", 1)], [("B", 2), ("A", 1)]),
        ("many", [("ABC"[n % 3], n) for n in range(1000)], [("B", 997), ("C", 998), ("A", 999)]),
    ]
    for what, pairs, wanted in cases:
        report.expect(what, wanted, answer, pairs)
    report.expect("what was given is left as it was", [("A", 1), ("A", 2)], left)
    return report


@Exercise
def urgent_first(contestant: Callable[[Pairs, set[str]], object]) -> Report:
    """Lesson 9: the events of urgent topics before the others.

    Args:
        contestant: Takes ``(topic, data)`` pairs and a set of urgent topics. Returns the pairs, those of the urgent
            topics first, and otherwise in their order.
    """
    report = Report("urgent_first")
    waiting = [("news", 3), ("alarm", 5), ("news", 1), ("fire", 4), ("alarm", 2)]  # neither rising nor falling

    def answer(urgent: set[str]) -> object:
        return _pairs(contestant(list(waiting), urgent))

    cases: list[tuple[str, set[str], Pairs]] = [
        ("nothing is urgent", set(), waiting),
        ("one topic", {"alarm"}, [("alarm", 5), ("alarm", 2), ("news", 3), ("news", 1), ("fire", 4)]),
        (
            "two topics keep their order",
            {"alarm", "fire"},
            [("alarm", 5), ("fire", 4), ("alarm", 2), ("news", 3), ("news", 1)],
        ),
        ("all of them", {"alarm", "fire", "news"}, waiting),
    ]
    for what, urgent, wanted in cases:
        report.expect(what, wanted, answer, urgent)
    return report


def _pairs(answer: object) -> object:
    """The pairs as tuples, in a list, to be compared. An answer that has no pairs stays as it is, to be shown."""
    if isinstance(answer, (str, Mapping)) or not isinstance(answer, Iterable):
        return answer
    return [tuple(pair) if isinstance(pair, list) else pair for pair in answer]
