import itertools
import time
import uuid
from functools import cache
from http import HTTPStatus

import pytest

from sse_demo import Event, serve
from sse_demo.lab import check

EVENTS = [Event("tea", id="1"), Event("coffee", id="2"), Event("cake", id="3")]
NAMES = ["tea", "coffee", "cake"]


@pytest.fixture(scope="module")
def server():
    with serve() as server:
        yield server


@pytest.fixture
def gone():
    """The address of a server that has been stopped."""
    with serve() as server:
        url = server.url
    return url


# four_messages


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("?count=4&interval=0.25", id="as in the solution"),
        pytest.param("?interval=0.25&count=4", id="the other order"),
        pytest.param("?count=04&interval=.250&title=mine#here", id="other spellings, and more than is needed"),
    ],
)
def test_four_messages_accepts(server, query):
    report = check.four_messages(f"{server.url}/stream{query}")
    assert report.passed, report


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("", id="as it was"),
        pytest.param("?count=4", id="two seconds apart"),
        pytest.param("?interval=0.25", id="ten of them"),
        pytest.param("?count=4&interval=0.4", id="an interval of the lesson's text"),
        pytest.param("?count=4&interval=0,25", id="a decimal comma"),
        pytest.param("?count=5&interval=0.25", id="counted from zero"),
        pytest.param("?count=4,interval=0.25", id="a comma"),
        pytest.param("?count=4?interval=0.25", id="two question marks"),
        pytest.param("&count=4&interval=0.25", id="no question mark"),
        pytest.param("?count=4&interval=250", id="milliseconds"),
        pytest.param("?count=four&interval=0.25", id="a word"),
        pytest.param("?count=&interval=0.25", id="no number"),
        pytest.param("?Count=4&Interval=0.5", id="capital letters"),
        pytest.param("?count=4&interval=0.25&last_event_id=1", id="the first two have been seen"),
        pytest.param("?count=4&interval=0.25&last_event_id=9", id="all have been seen"),
        pytest.param("?count=4&interval=0.25&count=10", id="a second count"),
        pytest.param("?count=4;interval=0.25", id="a semicolon"),
        pytest.param("?count=-4&interval=0.25", id="fewer than none"),
        pytest.param("?count=4.0&interval=0.25", id="a number with a point"),
        pytest.param("?count=4&interval=1/4", id="a fraction"),
        pytest.param("/?count=4&interval=0.25", id="another address"),
    ],
)
def test_four_messages_refuses(server, query):
    assert not check.four_messages(f"{server.url}/stream{query}").passed


@pytest.mark.parametrize(
    "url", [None, 4, b"http://127.0.0.1/stream", "", "stream", "http://[", "http://a.example/stream"]
)
def test_four_messages_of_what_is_no_address_is_a_row(url):
    assert not check.four_messages(url).passed


def test_four_messages_of_a_server_that_is_gone_ends_at_once(gone):
    begun = time.monotonic()
    report = check.four_messages(f"{gone}/stream?count=4&interval=0.25")
    assert not report.passed
    assert "nothing answers there" in repr(report)
    assert time.monotonic() - begun < 4


# stop_id


@pytest.mark.parametrize("right", ["9", "10", "99", "09", "9 "])
def test_stop_id_accepts_whatever_the_server_answers_with_204(server, right):
    assert check.stop_id(f"{server.url}/stream", right).passed
    assert "9" not in repr(check.stop_id(f"{server.url}/stream?count=3", "2")), (
        "the solution's output gives nothing away"
    )


@pytest.mark.parametrize(
    "wrong",
    [
        None, 9, b"9", "", "8", "-1", "nine", "9.0", "9999999999", "9\r\nLast-Event-ID: 9", "9\n", "٩", "2", "+9", "9,",
        "9;", "0x9", "9 9",
    ],
)  # fmt: skip
def test_stop_id_refuses(server, wrong):
    report = check.stop_id(f"{server.url}/stream", wrong)
    assert not report.passed
    if wrong in (None, "", "8", "nine"):
        assert "9" not in repr(report), "the answer is not given away"


def test_stop_id_of_a_server_that_is_gone_says_so(gone):
    report = check.stop_id(f"{gone}/stream", "9")
    assert not report.passed
    assert "no server answers at this address" in repr(report)


# menu


def by_index(last_event_id):
    ids = [event.id for event in EVENTS]
    rest = EVENTS[ids.index(last_event_id) + 1 :] if last_event_id in ids else EVENTS
    return (200, rest) if rest else (204, [])


def by_name(last_event_id):
    """The texts are the ids, and the rest comes from a generator."""
    if last_event_id == "cake":
        return 204, None
    seen = NAMES.index(last_event_id) + 1 if last_event_id in NAMES else 0
    return 200, (Event(name, id=name) for name in NAMES[seen:])


def by_number(last_event_id):
    """Numbers from zero, and a number that cannot be is none."""
    try:
        first = int(last_event_id) + 1
    except ValueError:
        first = 0
    if not 0 <= first <= 3 or str(first - 1) != last_event_id:
        first = 0
    events = [Event(name, id=str(number)) for number, name in enumerate(NAMES)][first:]
    return (200 if events else 204), events


def by_cases(last_event_id):
    if last_event_id == "c":
        return 204, []
    if last_event_id == "b":
        return 200, [Event("cake", id="c")]
    if last_event_id == "a":
        return 200, (Event("coffee", id="b"), Event("cake", id="c"))
    return 200, [Event("tea", id="a"), Event("coffee", id="b"), Event("cake", id="c")]


def by_an_id_of_two_words(last_event_id):
    """A header keeps a space that is not at an end."""
    events = [Event(name, id=id) for name, id in zip(NAMES, ("black tea", "iced coffee", "apple cake"), strict=True)]
    seen = [number for number, event in enumerate(events, 1) if event.id == last_event_id]
    rest = events[seen[0] if seen else 0 :]
    return (200, rest) if rest else (204, ())


def by_a_table(last_event_id):
    """With a status of the standard library, and tuples."""
    seen = {"": 0, "1": 1, "2": 2}.get(last_event_id, 0)
    return (HTTPStatus.NO_CONTENT, ()) if last_event_id == "3" else (HTTPStatus.OK, tuple(EVENTS[seen:]))


def by_ids_with_accents(last_event_id):
    ids = ["thé", "café", "gâteau"]
    rest = [Event(name, id=id) for name, id in zip(NAMES, ids, strict=True)]
    rest = rest[ids.index(last_event_id) + 1 :] if last_event_id in ids else rest
    return (200, rest) if rest else (204, [])


@cache
def by_answers_that_are_kept(last_event_id):
    return by_index(last_event_id)


@pytest.mark.parametrize(
    "right",
    [
        by_index, by_name, by_number, by_cases, by_an_id_of_two_words, by_a_table, by_ids_with_accents,
        by_answers_that_are_kept,
    ],
    ids=lambda right: right.__name__,
)  # fmt: skip
def test_menu_accepts(right):
    report = check.menu(right)
    assert report.passed, report


def as_it_was(last_event_id):
    return 200, [Event(name) for name in NAMES]


def ids_and_no_end(last_event_id):
    return 200, EVENTS


def an_empty_stream_at_the_end(last_event_id):
    return 200, by_index(last_event_id)[1]


def the_end_for_whoever_has_seen_something(last_event_id):
    return (204, []) if last_event_id else (200, EVENTS)


def without_what_was_seen_last(last_event_id):
    events = [event for event in EVENTS if event.id != last_event_id]
    return (204, []) if last_event_id == "3" else (200, events)


def from_what_was_seen_last(last_event_id):
    ids = [event.id for event in EVENTS]
    return 200, EVENTS[ids.index(last_event_id) :] if last_event_id in ids else EVENTS


def new_ids_for_each_visit(last_event_id):
    return 200, [Event(name, id=uuid.uuid4().hex) for name in NAMES]


def numbered_anew(last_event_id):
    status, rest = by_index(last_event_id)
    return status, [Event(event.data, id=str(number)) for number, event in enumerate(rest, 1)]


def compared_as_texts(last_event_id):
    rest = [event for event in EVENTS if event.id > last_event_id]
    return (200, rest) if rest else (204, [])


def numbers_without_limits(last_event_id):
    rest = EVENTS[int(last_event_id or 0) :]
    return (200, rest) if rest else (204, [])


def the_end_for_strangers(last_event_id):
    ids = ["", "1", "2", "3"]
    rest = EVENTS[ids.index(last_event_id) :] if last_event_id in ids else []
    return (200, rest) if rest else (204, [])


def one_id_for_all(last_event_id):
    return (204, []) if last_event_id == "1" else (200, [Event(name, id="1") for name in NAMES])


def an_id_for_the_last_alone(last_event_id):
    return (204, []) if last_event_id == "3" else (200, [Event("tea"), Event("coffee"), Event("cake", id="3")])


def messages_with_the_204(last_event_id):
    return by_index(last_event_id)[0], EVENTS if last_event_id in ("", "3") else by_index(last_event_id)[1]


def the_end_as_an_error(last_event_id):
    status, rest = by_index(last_event_id)
    return (404 if status == 204 else status), rest


def the_id_as_a_number(last_event_id):
    return 200, [Event(name, id=number) for number, name in enumerate(NAMES)]


def no_answer(last_event_id):
    by_index(last_event_id)


def the_events_alone(last_event_id):
    return by_index(last_event_id)[1]


def texts(last_event_id):
    return 200, NAMES


def without_an_end(last_event_id):
    return 200, (Event("tea", id=str(number)) for number in itertools.count())


def takes_nothing():
    return 200, EVENTS


def in_a_text(last_event_id):
    """Asks whether the id is part of a text, and not whether it is one of the ids."""
    if not last_event_id or last_event_id not in "123":
        return 200, EVENTS
    rest = EVENTS["123".index(last_event_id) + 1 :]
    return (200, rest) if rest else (204, [])


def by_its_first_letters(last_event_id):
    known = [id for id in ("1", "2", "3") if last_event_id.startswith(id)]
    return by_index(known[0] if known else "")


def in_any_case(last_event_id):
    return by_name(last_event_id.lower())


def as_a_number(last_event_id):
    try:
        seen = int(last_event_id)
    except ValueError:
        seen = 0
    return by_index(str(seen))


def with_a_space_before_each_id(last_event_id):
    return spaced(last_event_id, " {}")


def with_a_space_after_each_id(last_event_id):
    return spaced(last_event_id, "{} ")


def spaced(last_event_id, form):
    events = [Event(name, id=form.format(name)) for name in NAMES]
    ids = [event.id for event in events]
    rest = events[ids.index(last_event_id) + 1 :] if last_event_id in ids else events
    return (200, rest) if rest else (204, [])


def in_a_list_as_text(last_event_id):
    """Asks whether the id is part of the list's text, and takes its last digit."""
    known = last_event_id[-1:] in list("123") and last_event_id in "1,2,3"
    return by_index(last_event_id[-1] if known else "")


def in_the_repr_of_a_list(last_event_id):
    digits = [character for character in last_event_id if character in "123"]
    return by_index(digits[-1] if digits and last_event_id in str(list("123")) else "")


def fails_for_a_digit_that_is_no_number(last_event_id):
    """``"²".isdigit()`` is true, and ``int("²")`` raises."""
    number = int(last_event_id) if last_event_id.isdigit() else 0
    return by_index(str(number) if str(number) == last_event_id else "")


def without_quotes(last_event_id):
    return by_index(last_event_id.strip('"'))


def without_a_sign(last_event_id):
    return by_index(last_event_id.lstrip("+"))


def before_a_hyphen(last_event_id):
    return by_index(last_event_id.partition("-")[0])


def after_a_colon(last_event_id):
    return by_index(last_event_id.rpartition(":")[2])


def first_of_several(last_event_id):
    return by_index(last_event_id.split(",")[0])


def as_a_fraction(last_event_id):
    try:
        return by_index(f"{float(last_event_id):g}")
    except ValueError:
        return 200, EVENTS


def an_error_for_strangers(last_event_id):
    return by_index(last_event_id) if last_event_id in ("", "1", "2", "3") else (404, [])


def exits(last_event_id):
    raise SystemExit


@pytest.mark.parametrize(
    "wrong",
    [
        as_it_was, ids_and_no_end, an_empty_stream_at_the_end, the_end_for_whoever_has_seen_something,
        without_what_was_seen_last, from_what_was_seen_last, new_ids_for_each_visit, numbered_anew, compared_as_texts,
        numbers_without_limits, the_end_for_strangers, one_id_for_all, an_id_for_the_last_alone, messages_with_the_204,
        the_end_as_an_error, the_id_as_a_number, no_answer, the_events_alone, texts, without_an_end, takes_nothing,
        exits, None, "204", in_a_text, by_its_first_letters, in_any_case, as_a_number, with_a_space_before_each_id,
        with_a_space_after_each_id, in_a_list_as_text, in_the_repr_of_a_list, fails_for_a_digit_that_is_no_number,
        without_quotes, without_a_sign, before_a_hyphen, after_a_colon, first_of_several, as_a_fraction,
        an_error_for_strangers,
    ],
    ids=lambda wrong: getattr(wrong, "__name__", repr(wrong)),
)  # fmt: skip
def test_menu_refuses(wrong):
    report = check.menu(wrong)
    assert not report.passed, report


def test_menu_that_remembers_visits_instead_of_ids_is_refused():
    visits, left = [], list(EVENTS)

    def the_first_visit_alone(last_event_id):
        visits.append(last_event_id)
        return (200, EVENTS) if len(visits) == 1 else (204, [])

    def the_list_itself(last_event_id):
        events = left[:]
        left.clear()
        return (200, events) if events else (204, [])

    def one_list_for_all(last_event_id):
        """Takes away what a client has seen, until somebody comes who has seen nothing."""
        if last_event_id not in ("1", "2", "3"):
            left[:] = EVENTS
            return 200, EVENTS
        while left and left[0].id <= last_event_id:
            left.pop(0)
        return (200, left[:]) if left else (204, [])

    assert not check.menu(the_first_visit_alone).passed
    assert not check.menu(the_list_itself).passed
    assert not check.menu(one_list_for_all).passed


def test_menu_says_what_is_wrong_with_an_id():
    assert "'tea ', which loses its outer spaces" in repr(check.menu(with_a_space_after_each_id))
    assert "expected all of it, got something else for '01'" in repr(check.menu(as_a_number))
    assert "expected 3 different ids, got 3 messages without an id" in repr(check.menu(as_it_was))


def test_menu_that_never_returns_is_waited_for_once(monkeypatch):
    monkeypatch.setattr("sse_demo.lab.views.report.PATIENCE", 0.2)

    def hangs(last_event_id):
        while last_event_id:
            pass
        return 200, EVENTS

    report = check.menu(hangs)
    assert repr(report).count("still running") == 1
    assert not report.passed
