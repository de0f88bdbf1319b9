"""The rules of the score board, and what the libraries of lesson 2 do differently: a model that has just these
departures gives what they give.
"""

import contextlib
import itertools
import random
import re

import pytest

from sse_demo import EventStreamParser
from sse_demo.lab.lessons.wire_format.judge import judge, read
from sse_demo.lab.lessons.wire_format.libraries import PARSERS
from sse_demo.lab.lessons.wire_format.rules import RULES, Case
from sse_demo.lab.lessons.wire_format.score import ScoreBoard, score_board
from sse_demo.wire.vectors import VECTORS, cuts

DEPARTURES = {
    "httpx-sse": {"no-data", "bom"},
    "sseclient-py": {"id-stays", "id-with-nul", "mixed", "invalid", "bom", "unfinished"},
    "launchdarkly-eventsource": {"id-without-data", "invalid", "bom"},
}
LIBRARIES = pytest.mark.parametrize("name", DEPARTURES)
BLANK_AFTER = {(b"\r", b"\r"), (b"\n", b"\n"), (b"\r\n", b"\n"), (b"\r\n", b"\r\n")}  # that sseclient-py notices


def model(departures, stream):
    """The standard, but for these departures, for a stream in one piece."""
    if "bom" not in departures:
        stream = stream.removeprefix(b"\xef\xbb\xbf")
    pieces = re.split(rb"(\r\n|\n|\r)", stream)
    lines = list(zip(pieces[0::2], [*pieces[1::2], b""], strict=True))
    events, data, event, id, kept, retry, before = [], [], "", "", "", False, b""

    def end():
        nonlocal data, event, id, kept, retry
        if "id-without-data" not in departures or data:
            kept = id
        if data or ("no-data" in departures and (event or id or retry)):
            events.append((event or "message", "\n".join(data), kept))
        data, event, id, retry = [], "", "" if "id-stays" in departures else kept, False

    for line, line_end in lines:
        if not line_end and "unfinished" not in departures:
            break
        text = line.decode("utf-8", "strict" if "invalid" in departures else "replace")
        name, _, value = text.partition(":")
        value = value.removeprefix(" ")
        if not line and ("mixed" not in departures or (before, line_end) in BLANK_AFTER):
            end()
        elif name == "data":
            data.append(value)
        elif name == "event":
            event = value
        elif name == "id" and ("\0" not in value or "id-with-nul" in departures):
            id = value
        elif name == "retry":
            with contextlib.suppress(ValueError):
                retry = bool(str(int(value)))
        before = line_end
    if "unfinished" in departures:
        end()
    return events


def modelled(departures, stream):
    return read(lambda chunks: model(departures, b"".join(chunks)), [stream])


WORDS = (b"data", b"data: x", b"data:", b"event: a", b"id: 1", b"id: 2", b"id", b"id: \0", b": c", b"x", b"", b"", b"")
ODD = (b"data: \xff", b"\xff", b"\xef\xbb\xbfdata: y")


def some_streams(seed, number=1500):
    chance = random.Random(seed)
    for _ in range(number):
        ends = chance.choice([(b"\n",), (b"\r\n",), (b"\r",), (b"\n", b"\r", b"\r\n")])
        words = WORDS + ODD if chance.random() < 0.3 else WORDS
        lines = [chance.choice(words) + chance.choice(ends) for _ in range(chance.randrange(1, 9))]
        yield b"".join(lines).removesuffix(b"\n" if chance.random() < 0.2 else b"no")


# The rules themselves


def test_our_parser_keeps_every_rule_and_reads_every_vector():
    verdict = judge(EventStreamParser)
    assert verdict.departures == {}
    assert verdict.asked == {rule.name for rule in RULES}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_case_gives_the_events_of_the_standard(rule):
    for case in (*rule.cases, *([rule.short] if rule.short else [])):
        assert model(set(), b"".join(case.chunks)) == list(case.events)


def test_the_rules_on_which_one_builds_come_before_it():
    for number, rule in enumerate(RULES):
        assert set(rule.after) <= {earlier.name for earlier in RULES[:number]}


# The libraries


@LIBRARIES
def test_a_library_has_these_departures(name):
    assert set(judge(PARSERS[name]).departures) == DEPARTURES[name]


@LIBRARIES
def test_these_departures_explain_all_that_a_library_does(name):
    streams = [vector.stream for vector in VECTORS if not vector.start_id]
    differ = 0
    for stream in (*streams, *some_streams(name)):
        assert read(PARSERS[name], [stream]) == modelled(DEPARTURES[name], stream), stream
        differ += modelled(DEPARTURES[name], stream) != modelled(set(), stream)
    assert differ > 100, "the streams must show them"


@LIBRARIES
def test_each_departure_is_one_of_its_own(name):
    for departure in DEPARTURES[name]:
        others = DEPARTURES[name] - {departure}
        assert any(modelled(others, s) != modelled(DEPARTURES[name], s) for s in some_streams(name)), departure


@LIBRARIES
def test_no_library_minds_where_a_chunk_ends(name):
    for vector in VECTORS:
        if len(vector.stream) < 500:
            whole = read(PARSERS[name], [vector.stream])
            assert all(read(PARSERS[name], chunks) == whole for chunks in cuts(vector.stream))


def streams_of(lines, size):
    """All streams of exactly so many bytes that have these lines."""
    if size == 0:
        yield b""
    for line in lines:
        if len(line) <= size:
            for rest in streams_of(lines, size - len(line)):
                yield line + rest


@LIBRARIES
def test_what_shows_a_departure_is_as_short_as_can_be(name):
    for departure in judge(PARSERS[name]).departures.values():
        key = departure.rule.name
        words = [b"", b"data", b"id", b"id:1"] if key != "mixed" else [b"", b"data"]
        words += {"id-with-nul": [b"id:\0"], "invalid": [b"\xff"], "bom": [b"\xef\xbb\xbfdata"]}.get(key, [])
        ends = [b"\n", b"\r", b"\r\n"] if key == "mixed" else [b"\n"]
        lines = [word + end for word, end in itertools.product(words, ends)]
        size = departure.case.size

        def shows(stream, key=key):
            """All that the library does with it is this departure, and it is not the id of a block without data."""
            right, got = modelled(set(), stream), modelled({key}, stream)
            alone = key != "id-stays" or modelled({"id-without-data"}, stream) == right
            return right != got == modelled(DEPARTURES[name], stream) and alone

        assert shows(b"".join(departure.case.chunks))
        for shorter in range(size):
            for unfinished in (b"", *words) if key == "unfinished" else (b"",):
                if len(unfinished) <= shorter:
                    streams = streams_of(lines, shorter - len(unfinished))
                    assert not [s for s in streams if shows(s + unfinished)]


# Contestants


def naive(chunks):
    for chunk in chunks:
        for block in chunk.decode().split("\n\n"):
            data = [line[6:] for line in block.split("\n") if line.startswith("data: ")]
            if data:
                yield "\n".join(data)


def feeds(**departures):
    """A contestant made of ours, with something done to its chunks or its events."""

    class Contestant:
        def __init__(self):
            self.parser = EventStreamParser()

        def feed(self, chunk):
            chunk = departures.get("chunk", bytes)(chunk)
            events = [(event.event, event.data, event.id or "") for event in self.parser.feed(chunk)]
            return departures.get("events", list)(events)

    return Contestant


def raises(_):
    raise SystemExit


@pytest.mark.parametrize(
    ("contestant", "rules"),
    [
        pytest.param(feeds(events=lambda events: []), {"data"}, id="returns nothing"),
        pytest.param(feeds(events=lambda events: None), {"data"}, id="returns None"),
        pytest.param(feeds(events=raises), {"data"}, id="ends the process"),
        pytest.param(feeds(events=lambda events: [1 for _ in events]), {"data"}, id="returns numbers"),
        pytest.param(
            feeds(events=lambda events: [(kind, data.strip(), id) for kind, data, id in events]),
            {"empty-line", "value-kept"},
            id="strips the data",
        ),
        pytest.param(
            feeds(events=lambda events: [("message", data, id) for _, data, id in events]), {"type"}, id="no types"
        ),
        pytest.param(feeds(events=lambda events: [(kind, data, "") for kind, data, _ in events]), {"id"}, id="no ids"),
        pytest.param(
            lambda chunks: [event for chunk in chunks for event in EventStreamParser().feed(chunk)],
            {"kept"},
            id="forgets what is unfinished",
        ),
        pytest.param(
            feeds(chunk=lambda chunk: chunk.decode(errors="replace").encode()), {"cut-character"}, id="decodes chunks"
        ),
    ],
)
def test_a_mistake_is_one_departure(contestant, rules):
    assert set(judge(contestant).departures) == rules


def test_an_event_may_be_a_tuple_an_object_or_a_text():
    assert read(lambda chunks: ["x"], []) == read(lambda chunks: [("message", "x", "")], []) == [("message", "x", "")]
    assert read(EventStreamParser, [b"id: 1\ndata: x\n\n"]) == [("message", "x", "1")]


def test_what_no_rule_finds_is_found_by_the_vectors():
    class Small(EventStreamParser):
        def __init__(self):
            super().__init__(max_event_size=1000)

    (departure,) = judge(Small).departures.values()
    assert departure.rule.text == "A line may be long."
    assert departure.got == "raises EventTooLarge"


# The board


def test_a_parser_that_returns_nothing_gets_nothing():
    board = score_board({"ours": EventStreamParser, "none": lambda chunks: []})
    assert isinstance(board, ScoreBoard)
    assert board.broken == {"ours": 0, "none": None}
    assert repr(board).splitlines()[1:] == ["ours  0; 0", "none  no event; no event"]
    assert board._repr_html_().count("<tr>") == 3, "the heads, and two rows of numbers"


def test_a_parser_that_never_ends_is_interrupted(monkeypatch):
    monkeypatch.setattr("sse_demo.lab.lessons.wire_format.score.PATIENCE", 0.05)

    def endless(chunks):
        while True:
            pass

    board = score_board({"endless": endless})
    assert board.broken == {"endless": None}
    assert "still running" in repr(board["endless"])


def test_the_board_shows_who_breaks_what_and_the_bytes():
    board = score_board(PARSERS | {"naive": naive})
    assert list(board.broken.values())[:4] == [0, 2, 6, 3]
    text = repr(board)
    assert "A block without data is no event.\n  b'id:1\\n\\n'\n  httpx-sse\n" in text
    assert "b'da' then b'ta: x\\n\\n'\n  naive" in text
    html = board._repr_html_()
    assert html.count("✗") == sum(board.broken.values())
    assert 'title="not asked"' in html
    assert "httpx-<wbr>sse" in html


def test_all_that_one_does_differently():
    departures = score_board({"<a>": PARSERS["httpx-sse"]})["<a>"]
    assert len(departures.departures) == 2
    assert "  the standard: nothing\n  <a>: ('message', '', '1')" in repr(departures)
    assert "&lt;a&gt;" in departures._repr_html_()
    assert departures.departures[0].remark == "b'id:1\\n\\n' must give nothing, and gives ('message', '', '1')"
    assert Case((b"ab", b"c"), ()).size == 3
