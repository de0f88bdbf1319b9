"""``judge``: which rules of the standard a parser breaks, and the bytes that show it.

A contestant is a function from the chunks of a stream to its events, or a class with a method ``feed(chunk)`` that
returns events. An event is a tuple ``(event, data, last_event_id)``, or has attributes ``event``, ``data`` and ``id``,
or is a text, the data of a message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Protocol

from ....wire.vectors import VECTORS, cuts
from .rules import RULES, Case, Read, Rule

SHOWN = 40  # bytes of a chunk


class _Parser(Protocol):
    def feed(self, chunk: bytes, /) -> Iterable[Any]: ...


Contestant = type[_Parser] | Callable[[list[bytes]], Iterable[Any]]


class Departure(NamedTuple):
    """A rule that a contestant breaks.

    Attributes:
        rule: The rule.
        case: The shortest stream that shows it, with the events of the standard.
        got: What the contestant gives instead: a list of events, or in words how it failed.
    """

    rule: Rule
    case: Case
    got: list[Any] | str

    @property
    def remark(self) -> str:
        """The stream, what it must give, and what it gives."""
        return f"{in_short(self.case)} must give {in_words(self.case.events)}, and gives {in_words(self.got)}"


class Verdict(NamedTuple):
    """What is known of one contestant.

    Attributes:
        departures: What it does differently, by the name of the rule.
        asked: The names of the rules that it was asked for. A rule is left out where the contestant breaks another
            one on which it builds.
    """

    departures: dict[str, Departure]
    asked: frozenset[str]

    @property
    def reads_something(self) -> bool:
        """Whether it reads the plainest of events. Otherwise there is nothing to judge."""
        return RULES[0].name not in self.departures


def judge(contestant: Contestant) -> Verdict:
    """Find the rules that a contestant breaks.

    A contestant that breaks none of them reads all the streams of :data:`VECTORS` as well, however they are cut, but
    for those that begin with an id. The first that it does not read as it must counts as a departure.
    """
    departures: dict[str, Departure] = {}
    asked = set()
    for rule in RULES:
        if departures and RULES[0].name in departures:
            break
        if any(name in departures or name not in asked for name in rule.after):
            continue
        asked.add(rule.name)
        if departure := _departure(contestant, rule):
            departures[rule.name] = departure
    if not departures and (departure := _departure_from_vectors(contestant)):
        departures[departure.rule.name] = departure
        asked.add(departure.rule.name)
    return Verdict(departures, frozenset(asked))


def _departure(contestant: Contestant, rule: Rule) -> Departure | None:
    wrong = [case for case in rule.cases if not _is_right(contestant, case, rule.only_last)]
    if not wrong:
        return None
    if rule.short and not _is_right(contestant, rule.short, rule.only_last):
        wrong.append(rule.short)
    case = min(wrong, key=lambda case: case.size)
    return Departure(rule, case, read(contestant, case.chunks))


def _departure_from_vectors(contestant: Contestant) -> Departure | None:
    for vector in VECTORS:
        if vector.start_id:  # not every contestant can be told one
            continue
        for chunks in cuts(vector.stream):
            case = Case(tuple(chunks), vector.events)
            if not _is_right(contestant, case):
                return Departure(Rule(vector.name, vector.rule, (case,)), case, read(contestant, case.chunks))
    return None


def _is_right(contestant: Contestant, case: Case, only_last: bool = False) -> bool:
    got, wanted = read(contestant, case.chunks), list(case.events)
    return got[-1:] == wanted[-1:] if only_last and isinstance(got, list) else got == wanted


def read(contestant: Contestant, chunks: Iterable[bytes]) -> list[Any] | str:
    """What a contestant makes of the chunks of a stream: its events, or in words how it failed."""
    try:
        return [_fields(event) for event in _run(contestant, list(chunks))]
    except (Exception, SystemExit) as error:  # whatever a contestant raises
        return f"raises {type(error).__name__}"


def _run(contestant: Contestant, chunks: list[bytes]) -> Iterable[Any]:
    if isinstance(contestant, type):
        parser = contestant()
        return [event for chunk in chunks for event in parser.feed(chunk)]
    return contestant(chunks)


def _fields(event: Any) -> Any:
    if isinstance(event, str):
        return "message", event, ""
    if isinstance(event, (tuple, list)) and not hasattr(event, "event"):
        return tuple(event)
    return event.event, event.data, event.id or ""


def in_short(case: Case) -> str:
    """The chunks of a stream, the long ones by their beginnings."""
    return " then ".join(_short(chunk) for chunk in case.chunks)


def _short(chunk: bytes) -> str:
    return repr(chunk) if len(chunk) <= SHOWN else f"{chunk[:SHOWN]!r} and {len(chunk) - SHOWN:,} bytes"


def in_words(events: Iterable[Read] | str) -> str:
    """The events of a stream, or how a contestant failed."""
    if isinstance(events, str):
        return events
    return ", ".join(repr(event) for event in events) or "nothing"
