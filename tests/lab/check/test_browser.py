import hmac
import re
from itertools import chain
from urllib.parse import urlsplit

import pytest
from tornado.httputil import HTTPHeaders

from sse_demo import EventStreamParser
from sse_demo.lab import check
from sse_demo.lab.check.browser import ADMIN, SHOP, STRANGERS

# Lesson 6, the first exercise.


def heard(stream, types):
    parser = EventStreamParser()
    events = [(event.event, event.data) for event in parser.feed(stream) if event.event in types]
    return events, parser.last_event_id


def byte_by_byte(stream, types):
    parser, events = EventStreamParser(), []
    for byte in stream:
        for event in parser.feed(bytes([byte])):
            if any(event.event == name for name in types):
                events.append([event.event, event.data])
    return [events, parser.last_event_id]


def by_hand(stream, types):
    data, event, id, last = [], "", "", ""

    def events():
        nonlocal data, event, id, last
        for line in re.split("\r\n|\n|\r", stream.decode("utf-8-sig", "replace"))[:-1]:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if not line:
                last = id
                if data and (event or "message") in types:
                    yield event or "message", "\n".join(data)
                data, event = [], ""
            elif name == "data":
                data.append(value)
            elif name == "event":
                event = value
            elif name == "id" and "\0" not in value:
                id = value

    return tuple(events()), last


def a_generator(stream, types):
    events, last = heard(stream, types)
    return (event for event in events), last


def filtered(stream, types):
    parser = EventStreamParser()
    wanted = filter(lambda event: types & {event.event}, parser.feed(stream))
    return [*((event.event, event.data) for event in wanted)], parser.last_event_id


def in_two_parts(stream, types):
    parser = EventStreamParser()
    middle = len(stream) // 2
    events = [*parser.feed(stream[:middle]), *parser.feed(stream[middle:])]
    return [(event.event, event.data) for event in events if event.event in types], parser.last_event_id


def by_listener(stream, types):
    """A queue for each type, and the order by number."""
    parser, queues = EventStreamParser(), {type: [] for type in types}
    for number, event in enumerate(parser.feed(stream)):
        if event.event in queues:
            queues[event.event].append((number, event.event, event.data))
    return [pair for _, *pair in sorted(chain(*queues.values()))], parser.last_event_id


def in_order(stream, types):
    parser, events = EventStreamParser(), []
    for event in parser.feed(stream):
        match event.event:
            case type if type in frozenset(types):
                events += [(type, event.data)]
    return events, parser.last_event_id


RIGHTLY_HEARD = [heard, byte_by_byte, by_hand, a_generator, filtered, in_two_parts, by_listener, in_order]


@pytest.mark.parametrize("right", RIGHTLY_HEARD, ids=lambda right: right.__name__)
def test_what_a_page_hears(right):
    assert check.heard(right).passed


def starter(stream, types):
    events = EventStreamParser().feed(stream)
    return [(event.event, event.data) for event in events], ""


def id_of_the_last_heard(stream, types):
    events = [event for event in EventStreamParser().feed(stream) if event.event in types]
    return [(event.event, event.data) for event in events], (events[-1].id or "") if events else ""


def id_of_the_last_event(stream, types):
    events = EventStreamParser().feed(stream)
    return heard(stream, types)[0], (events[-1].id or "") if events else ""


def empty_id_is_none(stream, types):
    ids = [event.id for event in EventStreamParser().feed(stream) if event.id]
    return heard(stream, types)[0], ids[-1] if ids else ""


def onmessage_hears_all(stream, types):
    events = EventStreamParser().feed(stream)
    return [(one.event, one.data) for one in events if one.event in types or "message" in types], heard(stream, types)[
        1
    ]


def message_is_always_heard(stream, types):
    return heard(stream, types | {"message"})


def any_case(stream, types):
    parser = EventStreamParser()
    return [(one.event, one.data) for one in parser.feed(stream) if one.event.lower() in types], parser.last_event_id


def part_of_a_type(stream, types):
    parser = EventStreamParser()
    return [(one.event, one.data) for one in parser.feed(stream) if one.event in str(types)], parser.last_event_id


def not_those_of_the_connection(stream, types):
    return heard(stream, types - {"open", "error"})


def unfinished_block(stream, types):
    return heard(stream + b"\n\n", types)


def id_line_by_line(stream, types):
    ids = re.findall(rb"(?m)^id: ?(.*?)\r?$", stream)
    return heard(stream, types)[0], ids[-1].decode() if ids else ""


def each_once(stream, types):
    events, last = heard(stream, types)
    return list(dict.fromkeys(events)), last


def sorted_by_type(stream, types):
    events, last = heard(stream, types)
    return sorted(events), last


def no_crlf(stream, types):
    blocks = stream.decode().split("\n\n")[:-1]
    fields = [dict(line.partition(": ")[::2] for line in block.split("\n")) for block in blocks]
    events = [(one.get("event", "message"), one["data"]) for one in fields if "data" in one]
    return [event for event in events if event[0] in types], next(
        (one["id"] for one in fields[::-1] if "id" in one), ""
    )


def events_alone(stream, types):
    return heard(stream, types)[0]


def no_empty_data(stream, types):
    events, last = heard(stream, types)
    return [event for event in events if event[1]], last


def stripped_data(stream, types):
    events, last = heard(stream, types)
    return [(event, data.strip()) for event, data in events], last


def data_in_latin_1(stream, types):
    events, last = heard(stream, types)
    return [(event, data.encode().decode("latin-1")) for event, data in events], last


def one_parser_for_all(stream, types, parser=EventStreamParser()):  # noqa: B008  the mistake
    events = [(event.event, event.data) for event in parser.feed(stream) if event.event in types]
    return events, parser.last_event_id


def id_is_a_number(stream, types):
    events, last = heard(stream, types)
    return events, str(int(last)) if last else ""


def type_is_kept(stream, types):
    return heard(re.sub(rb"(event: .*\n)\n", rb"\1", stream), types)


def fails_at_a_retry(stream, types):
    return ([], "") if b"retry" in stream else heard(stream, types)


def ends_the_program(stream, types):
    raise SystemExit


def split_lines(stream, types):
    """The lines as Python sees them."""
    return by_hand("\n".join([*stream.decode("utf-8-sig", "replace").splitlines(), ""]).encode(), types)


def no_cr_alone(stream, types):
    return by_hand(stream.replace(b"\r\n", b"\n").replace(b"\r", b" "), types)


def strict_utf_8(stream, types):
    stream.decode()
    return heard(stream, types)


def data_needs_a_colon(stream, types):
    return heard(stream.replace(b"data\n", b"nothing\n"), types)


def begins_alike(stream, types):
    parser = EventStreamParser()
    events = [one for one in parser.feed(stream) if one.event.startswith(tuple(types))]
    return [(one.event, one.data) for one in events], parser.last_event_id


def no_listener_is_all(stream, types):
    events, last = heard(stream, types or {"message", "price"})
    return events, last


def nobody_listens(stream, types):
    return heard(stream, types) if types else ([], "")


def ids_are_reset(stream, types):
    """An id is that of its block only."""
    last = [event.id for event in EventStreamParser().feed(stream)][-1:]
    return heard(stream, types)[0], (last[0] if last else "") or ""


WRONGLY_HEARD = [
    split_lines,
    no_cr_alone,
    strict_utf_8,
    data_needs_a_colon,
    begins_alike,
    no_listener_is_all,
    nobody_listens,
    ids_are_reset,
    starter,
    id_of_the_last_heard,
    id_of_the_last_event,
    empty_id_is_none,
    onmessage_hears_all,
    message_is_always_heard,
    any_case,
    part_of_a_type,
    not_those_of_the_connection,
    unfinished_block,
    id_line_by_line,
    each_once,
    sorted_by_type,
    no_crlf,
    events_alone,
    no_empty_data,
    stripped_data,
    data_in_latin_1,
    one_parser_for_all,
    id_is_a_number,
    type_is_kept,
    fails_at_a_retry,
    ends_the_program,
]


@pytest.mark.parametrize("wrong", WRONGLY_HEARD, ids=lambda wrong: wrong.__name__)
def test_what_a_page_does_not_hear(wrong):
    assert not check.heard(wrong).passed


def test_an_id_that_nobody_hears_has_a_row_of_its_own():
    missing = [what for done, what, _ in check.heard(id_of_the_last_heard).rows if not done]
    assert "the id of an event that nobody hears is the last id as well" in missing


# The second exercise.


def cors_headers(origin, allowed, credentials):
    answer = {"Vary": "Origin"}
    if "*" in allowed:
        answer["Access-Control-Allow-Origin"] = "*"
    elif origin in allowed:
        answer["Access-Control-Allow-Origin"] = origin
        if credentials:
            answer["Access-Control-Allow-Credentials"] = "true"
    return answer


def in_other_letters(origin, allowed, credentials):
    answer = cors_headers(origin, allowed, credentials) | {"Vary": "accept, origin"}
    return {name.lower(): value for name, value in answer.items()}


def without_vary_for_everybody(origin, allowed, credentials):
    return {"Access-Control-Allow-Origin": "*"} if "*" in allowed else cors_headers(origin, allowed, credentials)


def one_by_one(origin, allowed, credentials):
    if allowed == {"*"}:
        return HTTPHeaders({"Access-Control-Allow-Origin": "*", "Vary": "Origin"})
    for one in sorted(allowed):
        if origin is not None and hmac.compare_digest(one.encode(), origin.encode()):
            headers = HTTPHeaders({"Access-Control-Allow-Origin": one, "Vary": "Origin"})
            if credentials:
                headers["Access-Control-Allow-Credentials"] = "true"
            return headers
    return HTTPHeaders({"Vary": "Origin"})


def with_other_headers(origin, allowed, credentials):
    return cors_headers(origin, allowed, credentials) | {"Access-Control-Expose-Headers": "X-Request-Id"}


def split_and_compared(origin, allowed, credentials):
    def parts(one):
        url = urlsplit(one or "")
        return url.scheme, url.hostname, url.port

    known = {parts(one) for one in allowed} if origin else set()
    is_one = parts(origin) in known and bool(urlsplit(origin or "").hostname)
    return cors_headers(origin, allowed if is_one or "*" in allowed else set(), credentials)


def star_first(origin, allowed, credentials):
    match origin, "*" in allowed:
        case _, True:
            return {"access-control-allow-origin": "*", "vary": "Origin, Accept-Encoding"}
        case str(), False if origin in sorted(allowed):
            cookies = {"Access-Control-Allow-Credentials": "true"} if credentials else {}
            return {"Access-Control-Allow-Origin": origin, "Vary": "origin"} | cookies
    return {"Vary": "Origin"}


def by_intersection(origin, allowed, credentials):
    named = allowed & {origin, "*"}
    headers = HTTPHeaders()
    headers.add("Vary", "Accept-Language")
    headers.add("Vary", "Origin")
    if named:
        headers["Access-Control-Allow-Origin"] = named.pop()
    if credentials and headers.get("Access-Control-Allow-Origin", "*") != "*":
        headers["Access-Control-Allow-Credentials"] = "true"
    return headers


def by_whole_pattern(origin, allowed, credentials):
    pattern = "|".join(map(re.escape, sorted(allowed)))
    is_named = bool(allowed) and bool(re.fullmatch(pattern, origin or "-"))
    return cors_headers(origin, {origin} if is_named else allowed & {"*"}, credentials)


def pairs(origin, allowed, credentials):
    return [*cors_headers(origin, frozenset(allowed), credentials).items()]


RIGHT = [
    star_first,
    by_intersection,
    by_whole_pattern,
    pairs,
    cors_headers,
    in_other_letters,
    without_vary_for_everybody,
    one_by_one,
    with_other_headers,
    split_and_compared,
]


@pytest.mark.parametrize("right", RIGHT, ids=lambda right: right.__name__)
def test_the_right_headers(right):
    report = check.cors_headers(right)
    assert report.passed, report


def told(origin, credentials):
    cookies = {"Access-Control-Allow-Credentials": "true"} if credentials else {}
    return {"Access-Control-Allow-Origin": origin, "Vary": "Origin", **cookies}


def lets_in(rule):
    """Headers that are right, but for the rule that says which origin is allowed."""

    def wrong(origin, allowed, credentials):
        if "*" in allowed:
            return told("*", False)
        return told(origin, credentials) if origin is not None and rule(origin, allowed) else {"Vary": "Origin"}

    return wrong


def names(value):
    """Headers that are right, but for the value that an allowed origin is told."""

    def wrong(origin, allowed, credentials):
        right = cors_headers(origin, allowed, credentials)
        if "*" not in allowed and origin in allowed:
            right["Access-Control-Allow-Origin"] = value(allowed)
        return right

    return wrong


def and_then(change):
    """Headers that are right, and then changed."""

    def wrong(origin, allowed, credentials):
        right = cors_headers(origin, allowed, credentials)
        changed = change(right, origin, allowed, credentials)
        return right if changed is None else changed

    return wrong


def first_of_them(origin, allowed, credentials):
    return told(next(iter(allowed)), credentials)


def the_same_dictionary(origin, allowed, credentials, kept={}):  # noqa: B006  the mistake
    kept |= cors_headers(origin, allowed, credentials)
    return kept


COOKIES, ALLOW = "Access-Control-Allow-Credentials", "Access-Control-Allow-Origin"

WRONG = {
    "a star for all": lambda origin, allowed, credentials: {ALLOW: "*"},
    "whoever asks, the starter": lambda origin, allowed, credentials: {ALLOW: origin, COOKIES: "true"},
    "whoever asks, without cookies": lets_in(lambda origin, allowed: True),
    "joined with commas": names(lambda allowed: ", ".join(sorted(allowed))),
    "joined with spaces": names(lambda allowed: " ".join(sorted(allowed))),
    "the whole set": names(str),
    "the first of them": first_of_them,
    "the first of them to those allowed": names(lambda allowed: next(iter(sorted(allowed)))),
    "the last of them to those allowed": names(lambda allowed: sorted(allowed)[-1]),
    "one is taken out": names(lambda allowed: allowed.pop()),
    "the same end": lets_in(lambda origin, allowed: any(origin.endswith(one.split("://")[-1]) for one in allowed)),
    "the same beginning": lets_in(lambda origin, allowed: origin.startswith(tuple(allowed))),
    "the beginning of one": lets_in(lambda origin, allowed: any(one.startswith(origin) for one in allowed if origin)),
    "one in the origin": lets_in(lambda origin, allowed: any(one in origin for one in allowed)),
    "the origin in one": lets_in(lambda origin, allowed: origin in " ".join(allowed)),
    "a pattern with dots": lets_in(lambda origin, allowed: any(re.fullmatch(one, origin) for one in allowed)),
    "a pattern with a beginning": lets_in(
        lambda origin, allowed: any(re.match(re.escape(one), origin) for one in allowed)
    ),
    "subdomains": lets_in(
        lambda origin, allowed: any(
            origin == one or (origin.startswith("https://") and origin.endswith("." + one.split("://")[1]))
            for one in allowed
        )
    ),
    "any port": lets_in(
        lambda origin, allowed: any(
            (urlsplit(origin).scheme, urlsplit(origin).hostname) == (urlsplit(one).scheme, urlsplit(one).hostname)
            for one in allowed
        )
    ),
    "any scheme": lets_in(
        lambda origin, allowed: urlsplit(origin).netloc in {urlsplit(one).netloc for one in allowed} and origin
    ),
    "null": lets_in(lambda origin, allowed: origin in allowed or origin == "null"),
    "an empty origin": lets_in(lambda origin, allowed: not origin or origin in allowed),
    "cookies with the star": lambda origin, allowed, credentials: (
        cors_headers(origin, allowed, credentials) | ({COOKIES: "true"} if credentials else {})
    ),
    "never cookies": lambda origin, allowed, credentials: cors_headers(origin, allowed, False),
    "always cookies": lambda origin, allowed, credentials: cors_headers(origin, allowed, True),
    "True is not true": and_then(lambda right, *_: right | {COOKIES: "True"} if COOKIES in right else None),
    "the page instead of the star": lambda origin, allowed, credentials: (
        told(origin, credentials) if "*" in allowed else cors_headers(origin, allowed, credentials)
    ),
    "a star only for pages": and_then(lambda right, origin, *_: {"Vary": "Origin"} if origin is None else None),
    "no Vary": and_then(lambda right, *_: {name: value for name, value in right.items() if name != "Vary"}),
    "Vary for those allowed only": and_then(lambda right, *_: right if ALLOW in right else {}),
    "no Vary with cookies": and_then(
        lambda right, origin, allowed, credentials: credentials and right.pop("Vary") and None
    ),
    "an empty set is everybody": lambda origin, allowed, credentials: cors_headers(
        origin, allowed or {"*"}, credentials
    ),
    "a dot at the end": lets_in(lambda origin, allowed: origin.rstrip(".") in allowed),
    "the machine of a developer": lets_in(
        lambda origin, allowed: origin in allowed or urlsplit(origin).hostname == "localhost"
    ),
    "Vary of something else": and_then(lambda right, *_: right | {"Vary": "Accept"}),
    "one dictionary for all": the_same_dictionary,
    "no answer to a stranger": lambda origin, allowed, credentials: (
        cors_headers(origin, allowed, credentials) if origin in allowed or "*" in allowed else None
    ),
    "false for no cookies": and_then(
        lambda right, origin, allowed, credentials: None if credentials else right | {COOKIES: "false"}
    ),
    "cookies for a stranger": and_then(lambda right, origin, allowed, credentials: {COOKIES: "true"} | right),
    "a star where cookies are not allowed": lambda origin, allowed, credentials: cors_headers(
        origin, allowed if credentials else {"*"}, credentials
    ),
    "null where cookies are not allowed": lets_in(lambda origin, allowed: origin in {*allowed, "null"}),
    "in the set, or without an origin": lambda origin, allowed, credentials: cors_headers(
        origin, allowed if origin else {"*"}, credentials
    ),
    "the host alone": lets_in(
        lambda origin, allowed: (urlsplit(origin).hostname or "") in {urlsplit(one).hostname for one in allowed}
    ),
    "without the port": lets_in(lambda origin, allowed: re.sub(r":\d+$", "", origin) in allowed or origin in allowed),
    "with www.": lets_in(lambda origin, allowed: origin.replace("://www.", "://") in allowed),
    "Vary in the value": and_then(lambda right, *_: {ALLOW: right.get(ALLOW, "Vary: Origin")}),
    "one value for all": and_then(lambda right, *_: right | {ALLOW: right.get(ALLOW)}),
    "the origin in a list": names(list),
    "an answer without a dictionary": lambda origin, allowed, credentials: origin in allowed and origin,
    "no function": None,
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_the_wrong_headers(wrong):
    assert not check.cors_headers(wrong).passed


def test_an_answer_that_does_not_end_is_waited_for_once(monkeypatch):
    monkeypatch.setattr("sse_demo.lab.views.report.PATIENCE", 0.2)

    def never(*_):
        while True:
            pass

    for one in check.heard, check.cors_headers:
        remarks = [remark for _, _, remark in one(never).rows]
        assert sum("still running" in remark for remark in remarks) == 1
        assert all(remark.endswith("not tried any more") for remark in remarks[1:])


def test_nobody_among_the_strangers_is_allowed():
    assert not {SHOP, ADMIN} & set(STRANGERS)
