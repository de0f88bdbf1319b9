"""The checks of lesson 8."""

from __future__ import annotations

from collections.abc import Callable

from ..report import Report


def newest(contestant: Callable[[list], list]) -> Report:
    """Lesson 8: of ``(key, value)`` pairs the newest for each key, in the order in which they were published."""
    report = Report("newest")
    for what, pairs, wanted in [
        ("nothing", [], []),
        ("one key", [("A", 1), ("A", 2), ("A", 3)], [("A", 3)]),
        ("two keys", [("A", 1), ("B", 2)], [("A", 1), ("B", 2)]),
        ("in the order of the newest", [("A", 1), ("B", 2), ("A", 3)], [("B", 2), ("A", 3)]),
        ("many", [("ABC"[n % 3], n) for n in range(1000)], [("B", 997), ("C", 998), ("A", 999)]),
    ]:
        report.expect(what, wanted, lambda pairs=pairs: [tuple(pair) for pair in contestant(list(pairs))])
    given = [("A", 1), ("A", 2)]
    report.expect("what was given is left as it was", [("A", 1), ("A", 2)], lambda: (contestant(given), given)[1])
    return report


def urgent_first(contestant: Callable[[list, set], list]) -> Report:
    """Lesson 8: of ``(topic, data)`` pairs those of the urgent topics first, and otherwise in their order."""
    report = Report("urgent_first")
    waiting = [("news", 1), ("alarm", 2), ("news", 3), ("fire", 4), ("alarm", 5)]
    for what, urgent, wanted in [
        ("nothing is urgent", set(), waiting),
        ("one topic", {"alarm"}, [("alarm", 2), ("alarm", 5), ("news", 1), ("news", 3), ("fire", 4)]),
        (
            "two topics keep their order",
            {"alarm", "fire"},
            [("alarm", 2), ("fire", 4), ("alarm", 5), ("news", 1), ("news", 3)],
        ),
        ("all of them", {"alarm", "fire", "news"}, waiting),
    ]:
        report.expect(what, wanted, lambda urgent=urgent: [tuple(pair) for pair in contestant(list(waiting), urgent)])
    return report
