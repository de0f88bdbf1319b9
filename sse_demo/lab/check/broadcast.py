"""The checks of lesson 9."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from itertools import islice

from ..lessons.broadcast.small_hub import TURN, SmallLog
from ..views.report import Report
from .exercise import Exercise
from .listeners import RIGHT, Listener, SendTo, call_once, log_of, publish_to, storm

Pairs = list[tuple[str, object]]

MOST = 2_000  # pairs of an answer that are looked at: it may be an iterator without an end


@Exercise
def send_to(contestant: SendTo) -> Report:
    """Lesson 9: what a subscriber, which is a cursor into a log, is sent next.

    Args:
        contestant: Takes a subscriber, with ``cursor`` and ``take(event)``, and a log, with ``start``, ``end`` and
            ``log[number]``. Sends one event after the other, at most 100 in a call, until there is no more or the
            subscriber takes no more, and moves the cursor on. What the log has dropped is told first, by ``RESET``.
    """
    report = Report("send_to")

    def call(listener: Listener, log: SmallLog, times: int = 1) -> list[object]:
        """What the subscriber has got by the end of so many calls."""
        for _ in range(times):
            call_once(contestant, listener, log)
        return listener.got

    def cursor_after(listener: Listener, log: SmallLog) -> int:
        call(listener, log)
        return listener.cursor

    def refusals(listener: Listener, log: SmallLog) -> tuple[list[object], int, int]:
        """What it has got after one call, where its cursor stands, and how often it was asked in vain."""
        return call(listener, log), listener.cursor, listener.refused

    def later(listener: Listener, log: SmallLog, more: int = 0, room: float = math.inf) -> list[object]:
        """What it has got after one call, more events, and another call with more room."""
        call(listener, log)
        publish_to(log, more)
        listener.room = room
        return call(listener, log)

    def beside_a_sleeper() -> tuple[list[object], ...]:
        """What three subscribers have got, of which the second one sleeps."""
        log, listeners = SmallLog(), [Listener(), Listener(room=0), Listener()]
        for _ in range(5):
            publish_to(log, 1)
            for listener in listeners:
                call(listener, log)
        return tuple(listener.got for listener in listeners)

    def most_in_one_call(log: SmallLog) -> str:
        count = sum(one != "RESET" for one in call(Listener(), log))
        return f"1 to {TURN}" if 1 <= count <= TURN else str(count)

    def first_two(log: SmallLog) -> list[object]:
        return call(Listener(), log)[:2]

    five = list(range(5))
    report.expect("three events wait: all are sent, in order", [0, 1, 2], call, Listener(), log_of(3))
    report.expect("three were sent: the cursor is 3", 3, cursor_after, Listener(), log_of(3))
    report.expect("a second call sends nothing twice", [0, 1, 2], call, Listener(), log_of(3), 2)
    report.expect("an event that comes later is sent by the next call", [0, 1, 2], later, Listener(), log_of(2), 1)
    report.expect("a subscriber that begins at event 3 is sent 3 and 4 only", [3, 4], call, Listener(3), log_of(5))
    report.expect("an empty log: nothing is sent", [], call, Listener(), log_of(0))
    report.expect(
        "a subscriber with room for one: it gets 0, its cursor is 1, it is asked in vain once",
        ([0], 1, 1),
        refusals,
        Listener(room=1),
        log_of(3),
    )
    report.expect(
        "the event that it did not take is the first of the next call", five, later, Listener(room=1), log_of(5)
    )
    report.expect("a sleeper gets nothing, and the two beside it everything", (five, [], five), beside_a_sleeper)
    report.expect("1,000 events wait: one call sends at most 100", f"1 to {TURN}", most_in_one_call, log_of(1000))
    report.expect(
        "1,000 events wait: after enough calls all are sent", list(range(1000)), call, Listener(), log_of(1000), 1000
    )
    report.expect(
        "the log has dropped what is wanted: RESET, and then what is left",
        ["RESET", 7, 8, 9, 10, 11],
        call,
        Listener(2),
        log_of(12, most=5),
    )
    report.expect(
        "a subscriber that has read nothing is told, too: its cursor is 0, and 0 to 6 are gone",
        ["RESET", 7, 8, 9, 10, 11],
        call,
        Listener(0),
        log_of(12, most=5),
    )
    report.expect(
        "the log has dropped 0 to 999, and has 500: after RESET comes 1000",
        ["RESET", 1000],
        first_two,
        log_of(1500, 500),
    )
    report.expect(
        "the oldest event of the log is the one that is wanted: no RESET", five, call, Listener(0), log_of(5, most=5)
    )
    report.expect(
        "RESET is said once, and not by the next call again",
        ["RESET", 7, 8, 9, 10, 11, 12],
        later,
        Listener(2),
        log_of(12, most=5),
        1,
    )
    report.expect(
        "a subscriber that takes RESET, and then nothing, is not told again by the next call",
        ["RESET", 7, 8, 9, 10, 11],
        later,
        Listener(2, room=1),
        log_of(12, most=5),
    )
    report.expect(
        "500 events are left after a gap of 1,000: one call sends RESET and at most 100 events",
        f"1 to {TURN}",
        most_in_one_call,
        log_of(1500, most=500),
    )
    report.expect(
        "a subscriber that is full is told RESET when it has room again",
        ["RESET", 7, 8, 9, 10, 11],
        later,
        Listener(2, room=0),
        log_of(12, most=5),
    )
    report.expect(
        "a subscriber that does not take RESET: it got nothing, its cursor is still 2, it is asked in vain once",
        ([], 2, 1),
        refusals,
        Listener(2, room=0),
        log_of(12, most=5),
    )
    report.expect(
        "a subscriber that falls behind twice is told twice",
        ["RESET", 7, "RESET", 19, 20, 21, 22, 23],
        later,
        Listener(2, room=2),
        log_of(12, most=5),
        12,
    )
    report.expect("2,000 events, a log of 50, ten subscribers that are full now and then", RIGHT, storm, contestant)
    return report


@Exercise
def newest(contestant: Callable[[Pairs], object]) -> Report:
    """Lesson 9: the newest value for each key.

    Args:
        contestant: Takes ``(key, value)`` pairs in the order in which they were published; a value may be anything.
            Returns the newest pair of each key, in the same order, and leaves what it was given as it is.
    """
    report = Report("newest")

    def answer(pairs: Pairs) -> object:
        return _pairs(contestant(list(pairs)))

    def left(pairs: Pairs) -> Pairs:
        given = list(pairs)
        _pairs(contestant(given))
        return given

    cases: list[tuple[str, Pairs, Pairs]] = [
        ("no pairs: nothing", [], []),
        ("one key: its newest value", [("A", 1), ("A", 2), ("A", 3)], [("A", 3)]),
        ("two keys: both", [("A", 1), ("B", 2)], [("A", 1), ("B", 2)]),
        (
            "B was published before the newest A: B comes first",
            [("A", 1), ("B", 2), ("A", 3)],
            [("B", 2), ("A", 3)],
        ),
        (
            "the same key twice at the end: the other key is not lost",
            [("A", 1), ("B", 2), ("B", 3)],
            [("A", 1), ("B", 3)],
        ),
        (
            "A, a, A with a space and AB are four keys",
            [("A", 1), ("a", 2), ("A ", 3), ("AB", 4)],
            [("A", 1), ("a", 2), ("A ", 3), ("AB", 4)],
        ),
        ("values that fall: the newest, not the largest", [("A", 3), ("B", 2), ("A", 1)], [("B", 2), ("A", 1)]),
        (
            "A and B come again after C, and their older values were 0 and None: C comes first",
            [("A", 0), ("B", None), ("C", 1), ("A", 2), ("B", 3)],
            [("C", 1), ("A", 2), ("B", 3)],
        ),
        ("keys out of the alphabet's order stay so", [("C", 1), ("A", 2), ("B", 3)], [("C", 1), ("A", 2), ("B", 3)]),
        ("the same value again: its place is the newer one", [("A", 1), ("B", 1), ("A", 1)], [("B", 1), ("A", 1)]),
        ("the key is an empty string", [("", 1), ("A", 2), ("", 3)], [("A", 2), ("", 3)]),
        ("values are dictionaries", [("A", {"n": 1}), ("B", {}), ("A", {"n": 2})], [("B", {}), ("A", {"n": 2})]),
        ("values of several types", [("A", "x"), ("B", 1), ("A", None)], [("B", 1), ("A", None)]),
        ("1,000 pairs of three keys", [("ABC"[n % 3], n) for n in range(1000)], [("B", 997), ("C", 998), ("A", 999)]),
    ]
    for what, pairs, wanted in cases:
        report.expect(what, wanted, answer, pairs)
    for value in (0, "", None, False):
        what = f"the newest value is {value!r}: it counts like any other"
        report.expect(what, [("A", value)], answer, [("A", 1), ("A", value)])
    given: Pairs = [("B", 1), ("A", 9), ("B", 0), ("A", 5)]
    report.expect("the list that was given is left as it was", given, left, given)
    return report


def _pairs(answer: object) -> object:
    """The pairs as tuples, in a list, to be compared. An answer that has no pairs stays as it is, to be shown."""
    if isinstance(answer, (str, Mapping)) or not isinstance(answer, Iterable):
        return answer
    return [tuple(pair) if isinstance(pair, list) else pair for pair in islice(answer, MOST)]
