"""``score_board``: which rules of the standard each of several parsers breaks, and the bytes that show it.

A contestant is a function from the chunks of a stream to its events, or a class with a method ``feed(chunk)`` that
returns events. An event is a tuple ``(event, data, last_event_id)``, or has attributes ``event``, ``data`` and ``id``,
or is a text, the data of a message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import Any, NamedTuple, Protocol

from ..wire.parser import EventStreamParser
from ..wire.vectors import VECTORS, cuts
from .deadline import within
from .look import GOOD, QUIET, WAITING, WRONG
from .report import PATIENCE
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
        return f"{_bytes(self.case)} must give {_given(self.case.events)}, and gives {_given(self.got)}"


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


def score_board(contestants: Mapping[str, Contestant]) -> ScoreBoard:
    """Find out which rules each contestant breaks.

    Args:
        contestants: By name.
    """
    verdicts = {}
    for name, contestant in contestants.items():
        try:
            verdicts[name] = within(2 * PATIENCE, judge, contestant)
        except TimeoutError as error:
            late = Departure(RULES[0], RULES[0].cases[0], str(error))
            verdicts[name] = Verdict({RULES[0].name: late}, frozenset())
    return ScoreBoard(verdicts)


class ScoreBoard:
    """A table of the rules that are broken, with the shortest bytes that show it, and by whom.

    Args:
        verdicts: By the name of the contestant, what :func:`judge` has found.

    Attributes:
        broken: How many rules each contestant breaks, by its name. ``None`` where it reads no event at all.
    """

    def __init__(self, verdicts: Mapping[str, Verdict]) -> None:
        self.verdicts = dict(verdicts)
        self.broken = {
            name: len(verdict.departures) if verdict.reads_something else None for name, verdict in verdicts.items()
        }

    def __getitem__(self, name: str) -> Departures:
        """All that one contestant does differently."""
        return Departures(name, list(self.verdicts[name].departures.values()))

    def _rules(self) -> dict[str, Departure]:
        """Each rule that is broken by somebody, with the shortest proof; in the order of the rules."""
        shortest: dict[str, Departure] = {}
        order = [rule.name for rule in RULES]
        for name, verdict in self.verdicts.items():
            for key, departure in verdict.departures.items():
                known = shortest.get(key)
                if self.broken[name] is not None and not (known and known.case.size <= departure.case.size):
                    shortest[key] = departure
        return dict(sorted(shortest.items(), key=lambda item: order.index(item[0]) if item[0] in order else len(order)))

    def _count(self, name: str, about_cuts: bool) -> str:
        verdict = self.verdicts[name]
        if self.broken[name] is None:
            return "no event"
        return str(sum(one.rule.is_about_cuts == about_cuts for one in verdict.departures.values()))

    def _mark(self, name: str, key: str) -> str:
        verdict = self.verdicts[name]
        if key in verdict.departures and self.broken[name] is not None:
            return "broken"
        return "kept" if key in verdict.asked and self.broken[name] is not None else "not asked"

    def __repr__(self) -> str:
        width = max(len(name) for name in self.verdicts)
        lines = [f"{'':{width}}  {_HEADS[False]}; {_HEADS[True]}"]
        lines += [f"{name:{width}}  {self._count(name, False)}; {self._count(name, True)}" for name in self.verdicts]
        for key, departure in self._rules().items():
            who = [name for name in self.verdicts if self._mark(name, key) == "broken"]
            lines += ["", departure.rule.text, f"  {_bytes(departure.case)}", f"  {', '.join(who)}"]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        head = "".join(
            f'<th style="text-align:center;padding:4px">{escape(name).replace("-", "-<wbr>")}</th>'
            for name in self.verdicts
        )
        counts = "".join(
            f'<tr><td style="{_RULE}">{_HEADS[about_cuts]}</td>'
            + "".join(_number(self._count(name, about_cuts)) for name in self.verdicts)
            + "</tr>"
            for about_cuts in (False, True)
        )
        rows = "".join(
            f'<tr><td style="{_RULE}">{escape(departure.rule.text)}<br>{_code(_bytes(departure.case))}</td>'
            + "".join(_MARKS[self._mark(name, key)] for name in self.verdicts)
            + "</tr>"
            for key, departure in self._rules().items()
        )
        return f"<table><tr><th></th>{head}</tr>{counts}{rows}</table>"


class Departures:
    """What one contestant does differently: a row for each rule that it breaks.

    Args:
        name: Of the contestant.
        departures: What :func:`judge` has found.
    """

    def __init__(self, name: str, departures: list[Departure]) -> None:
        self.name = name
        self.departures = departures

    def __repr__(self) -> str:
        lines = [self.name]
        for one in self.departures:
            lines += ["", one.rule.text, f"  {_bytes(one.case)}"]
            lines += [f"  the standard: {_given(one.case.events)}", f"  {self.name}: {_given(one.got)}"]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><td style="{_LEFT}">{escape(one.rule.text)}<br>{_code(_bytes(one.case))}</td>'
            f'<td style="{_LEFT}">{_code(_given(one.case.events))}</td>'
            f'<td style="{_LEFT}">{_code(_given(one.got))}</td></tr>'
            for one in self.departures
        )
        heads = "".join(f'<th style="{_LEFT}">{escape(head)}</th>' for head in ("", "the standard", self.name))
        return f"<table><tr>{heads}</tr>{rows}</table>"


_HEADS = {
    about_cuts: f"of {sum(rule.is_about_cuts == about_cuts for rule in RULES)} rules about {what}, it breaks"
    for about_cuts, what in {False: "what is in the stream", True: "where a chunk may end"}.items()
}
_LEFT = "text-align:left;overflow-wrap:anywhere"
_RULE = f"{_LEFT};min-width:13em"
_MARKS = {
    mark: f'<td title="{mark}" style="padding:4px;text-align:center;color:{color};font-weight:600">{sign}</td>'
    for mark, color, sign in (
        ("kept", GOOD, "✓"),
        ("broken", WRONG, "✗"),
        ("not asked", QUIET, "-"),
    )
}


def _number(count: str) -> str:
    color = {"0": GOOD}.get(count, WRONG if count.isdigit() else WAITING)
    return f'<td style="padding:4px;text-align:center;color:{color};font-weight:600">{count}</td>'


def _code(text: str) -> str:
    return f'<code style="overflow-wrap:anywhere;white-space:pre-wrap">{escape(text)}</code>'


def _bytes(case: Case) -> str:
    return " then ".join(_short(chunk) for chunk in case.chunks)


def _short(chunk: bytes) -> str:
    return repr(chunk) if len(chunk) <= SHOWN else f"{chunk[:SHOWN]!r} and {len(chunk) - SHOWN:,} bytes"


def _given(events: Iterable[Read] | str) -> str:
    if isinstance(events, str):
        return events
    return ", ".join(repr(event) for event in events) or "nothing"


def httpx_sse(chunks: list[bytes]) -> Iterable[Read]:
    """httpx-sse, behind a response of httpx."""
    import httpx
    import httpx_sse

    response = httpx.Response(200, headers={"Content-Type": "text/event-stream"}, content=iter(chunks))
    return [(event.event, event.data, event.id) for event in httpx_sse.EventSource(response).iter_sse()]


def sseclient(chunks: list[bytes]) -> Iterable[Read]:
    """sseclient-py, which takes any iterable of bytes."""
    from sseclient import SSEClient

    return [(event.event, event.data, event.id or "") for event in SSEClient(iter(chunks)).events()]


def launchdarkly(chunks: list[bytes]) -> Iterable[Read]:
    """The reader of launchdarkly-eventsource."""
    from ld_eventsource.actions import Event
    from ld_eventsource.reader import _BufferedLineReader, _SSEReader

    lines = _BufferedLineReader.lines_from(chunks)
    given = [item for item in _SSEReader(lines).events_and_comments() if isinstance(item, Event)]
    return [(event.event, event.data, event.last_event_id or "") for event in given]


#: This package's parser, and those that people would otherwise choose, in the versions of ``requirements.txt``.
PARSERS: dict[str, Contestant] = {
    "sse_demo": EventStreamParser,
    "httpx-sse": httpx_sse,
    "sseclient-py": sseclient,
    "launchdarkly-eventsource": launchdarkly,
}
