"""The checks of lesson 8."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from ..report import Report


def newest(contestant: Callable[[list], list]) -> Report:
    """Lesson 8: of ``(key, value)`` pairs the newest for each key, in the order in which they were published."""
    report = Report("newest")
    for what, pairs, wanted in [
        ("nothing", [], []),
        ("one key", [("A", 1), ("A", 2), ("A", 3)], [("A", 3)]),
        ("two keys", [("A", 1), ("B", 2)], [("A", 1), ("B", 2)]),
        ("in the order of the newest", [("A", 1), ("B", 2), ("A", 3)], [("B", 2), ("A", 3)]),
        ("values that fall", [("A", 3), ("B", 2), ("A", 1)], [("B", 2), ("A", 1)]),
        ("many", [("ABC"[n % 3], n) for n in range(1000)], [("B", 997), ("C", 998), ("A", 999)]),
    ]:
        report.expect(what, wanted, lambda pairs=pairs: _pairs(contestant(list(pairs))))
    given = [("A", 1), ("A", 2)]
    report.expect("what was given is left as it was", [("A", 1), ("A", 2)], lambda: (contestant(given), given)[1])
    return report


def urgent_first(contestant: Callable[[list, set], list]) -> Report:
    """Lesson 8: of ``(topic, data)`` pairs those of the urgent topics first, and otherwise in their order."""
    report = Report("urgent_first")
    waiting = [("news", 3), ("alarm", 5), ("news", 1), ("fire", 4), ("alarm", 2)]  # neither rising nor falling
    for what, urgent, wanted in [
        ("nothing is urgent", set(), waiting),
        ("one topic", {"alarm"}, [("alarm", 5), ("alarm", 2), ("news", 3), ("news", 1), ("fire", 4)]),
        (
            "two topics keep their order",
            {"alarm", "fire"},
            [("alarm", 5), ("fire", 4), ("alarm", 2), ("news", 3), ("news", 1)],
        ),
        ("all of them", {"alarm", "fire", "news"}, waiting),
    ]:
        report.expect(what, wanted, lambda urgent=urgent: _pairs(contestant(list(waiting), urgent)))
    return report


def _pairs(answer: object) -> object:
    """The pairs as tuples, in a list, to be compared; and an answer that has none as it came, to be shown."""
    if isinstance(answer, (str, Mapping)) or not isinstance(answer, Iterable):
        return answer
    return [tuple(pair) if isinstance(pair, list) else pair for pair in answer]
