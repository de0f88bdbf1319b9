import html
import re
import textwrap
import unicodedata

import pytest

from sse_demo import Event, EventStreamParser
from sse_demo.lab import check

LINE_END = re.compile(r"\r\n|\n|\r")


def each(**solutions):
    return pytest.mark.parametrize("answer", [pytest.param(value, id=name) for name, value in solutions.items()])


def missing(report):
    return [what for done, what, _ in report.rows if not done]


def refused(name, value):
    return "\n" in value or "\r" in value or (name == "id" and "\0" in value)


def encoder(
    lines=LINE_END.split,
    check_value=refused,
    is_given=lambda value: value is not None,
    line="{}: {}\n".format,
    encode=str.encode,
    order=("event", "id", "retry", "data"),
    end="\n",
    error=ValueError,
):
    """An encoder, with something of its own in one place."""

    def answer(data, event=None, id=None, retry=None):
        values = {"event": event, "id": id, "retry": retry}
        for name, value in values.items():
            if value is not None and check_value(name, str(value)):
                raise error(name)
        block = {name: line(name, value) for name, value in values.items() if is_given(value)}
        block["data"] = "".join(line("data", one) for one in lines(data))
        return encode("".join(block.get(name, "") for name in order) + end)

    return answer


def endless(*_, **__):
    while True:
        pass


def by_hand(data, event=None, id=None, retry=None):
    """As lines of bytes, and with no space where none is needed."""
    out = []
    for name, value in (("retry", retry), ("id", id), ("event", event)):
        if value is not None:
            value = str(value).encode()
            if set(value) & {10, 13} or (name == "id" and 0 in value):
                raise ValueError
            out.append(name.encode() + b": " + value)
    for line in data.encode().replace(b"\r\n", b"\r").replace(b"\n", b"\r").split(b"\r"):
        out.append((b"data: " if line.startswith(b" ") else b"data:") + line)
    return b"\r\n".join([*out, b"", b""])


# Exercise 1


@each(
    ours=lambda data, event="message", id=None, retry=None: Event(data, event, id, retry).encode(),
    plain=encoder(),
    data_first=encoder(order=("data", "retry", "id", "event")),
    lines_by_hand_that_end_with_crlf=by_hand,
    more_blank_lines=encoder(end="\n\n\n"),
    leaves_out_the_type_message=lambda data, event=None, id=None, retry=None: encoder()(
        data, None if event == "message" else event, id, retry
    ),
    retry_through_int=lambda data, event=None, id=None, retry=None: encoder()(
        data, event, id, retry if retry is None else int(retry)
    ),
    retry_of_another_type_is_a_type_error=lambda data, event=None, id=None, retry=None: encoder()(
        data, event, id, retry if retry is None else retry + 0
    ),
    a_comment_before_each_event=lambda data, **fields: b": hello\n" + encoder()(data, **fields),
    lines_that_end_with_cr=lambda data, **fields: encoder()(data, **fields).replace(b"\n", b"\r"),
    no_colon_where_there_is_no_value=encoder(
        line=lambda name, value: f"{name}: {value}\n" if value != "" else f"{name}\n"
    ),
    data_in_the_middle=encoder(order=("id", "data", "event", "retry")),
    retry_of_another_type_is_left_out=lambda data, event=None, id=None, retry=None: encoder()(
        data, event, id, retry if isinstance(retry, int) else None
    ),
)
def test_right_encoders(answer):
    assert check.encode(answer).passed, check.encode(answer)


@each(
    first_try=lambda data, **_: f"data: {data}\n\n".encode(),
    nothing_refused=encoder(check_value=lambda name, value: False),
    event_refuses_only_lf_and_id_only_cr=encoder(
        check_value=lambda name, value: {"event": "\n"}.get(name, "\r") in value
    ),
    dollar_matches_before_a_last_line_end=encoder(check_value=lambda name, value: not re.match(r"[^\r\n\0]*$", value)),
    looks_at_the_stripped_value=encoder(check_value=lambda name, value: "\n" in value.strip() or "\r" in value.strip()),
    more_than_one_of_splitlines=encoder(check_value=lambda name, value: len(value.splitlines()) > 1),
    replaces_what_it_must_refuse=encoder(
        check_value=lambda name, value: False, line=lambda name, value: f"{name}: {LINE_END.sub(' ', str(value))}\n"
    ),
    another_error=encoder(error=RuntimeError),
    lets_nul_through=encoder(check_value=lambda name, value: "\n" in value or "\r" in value),
    splitlines=encoder(lines=lambda data: data.splitlines() or [""]),
    strips_the_last_line_end=encoder(lines=lambda data: LINE_END.split(data.rstrip("\r\n"))),
    only_lf=encoder(lines=lambda data: data.split("\n")),
    cr_before_crlf=encoder(lines=lambda data: data.replace("\r", "\n").replace("\n\n", "\n").split("\n")),
    crlf_counts_twice=encoder(lines=lambda data: re.split(r"[\r\n]", data)),
    empty_lines_left_out=encoder(lines=lambda data: filter(None, LINE_END.split(data))),
    if_id_and_if_retry=encoder(is_given=bool),
    if_retry_only=encoder(is_given=lambda value: value is not None and value != 0),
    no_space_after_the_colon=encoder(line="{}:{}\n".format),
    retry_is_not_looked_at=encoder(check_value=lambda name, value: name != "retry" and refused(name, value)),
    retry_may_begin_with_a_number=encoder(
        check_value=lambda name, value: not re.match(r"\d+", value) if name == "retry" else refused(name, value)
    ),
    retry_may_end_with_a_line_end=encoder(
        check_value=lambda name, value: not re.match(r"\d+$", value) if name == "retry" else refused(name, value)
    ),
    retry_may_have_any_field_but_data=encoder(
        check_value=lambda name, value: "data" in value if name == "retry" else refused(name, value)
    ),
    nul_is_looked_for_after_the_start=encoder(
        check_value=lambda name, value: refused(name, value) and (name != "id" or value.find("\0") != 0)
    ),
    nul_is_looked_for_inside=encoder(
        check_value=lambda name, value: refused(name, value.strip("\0") if name == "id" else value)
    ),
    leaves_out_what_is_a_line_end_and_no_more=encoder(
        check_value=lambda name, value: bool(value.strip("\r\n")) and refused(name, value),
        is_given=lambda value: value == "" or (value is not None and str(value).strip("\r\n")),
    ),
    escapes_markup=lambda data, **fields: encoder()(html.escape(data), **fields),
    escapes_markup_in_a_type=lambda data, event=None, **fields: encoder()(data, event and html.escape(event), **fields),
    reads_escapes=lambda data, **fields: encoder()(data.replace("\\n", "\n"), **fields),
    doubles_backslashes=lambda data, **fields: encoder()(data.replace("\\", "\\\\"), **fields),
    formats_data=encoder(line=lambda name, value: (f"{name}: {value}\n").format()),
    formats_data_by_percent=encoder(line=lambda name, value: (f"{name}: {value}\n") % ()),
    normalises=lambda data, **fields: encoder()(unicodedata.normalize("NFC", data), **fields),
    type_in_small_letters=lambda data, event=None, **fields: encoder()(data, event and event.lower(), **fields),
    id_in_small_letters=lambda data, event=None, id=None, retry=None: encoder()(data, event, id and id.lower(), retry),
    folds_long_lines=encoder(lines=lambda data: textwrap.wrap(data, 70) or [""]),
    refuses_a_colon=encoder(check_value=lambda name, value: refused(name, value) or ":" in value),
    refuses_all_that_splitlines_splits=encoder(
        check_value=lambda name, value: refused(name, value) or (value and value.splitlines() != [value])
    ),
    refuses_what_cannot_be_printed=encoder(check_value=lambda name, value: not value.isprintable()),
    strips_the_id=lambda data, event=None, id=None, retry=None: encoder()(data, event, id and id.strip(" "), retry),
    takes_the_nul_out_of_data=lambda data, **fields: encoder()(data.replace("\0", ""), **fields),
    takes_the_byte_order_mark_out_of_data=lambda data, **fields: encoder()(data.lstrip("\ufeff"), **fields),
    strips_lines_of_data=encoder(lines=lambda data: [line.rstrip(" \t") for line in LINE_END.split(data)]),
    dedents=encoder(lines=lambda data: LINE_END.split(textwrap.dedent(data) if data.strip() else data)),
    byte_order_mark_before_each_event=encoder(encode=lambda text: text.encode("utf-8-sig")),
    latin_1=encoder(encode=lambda text: text.encode("latin-1", "replace")),
    str_and_no_bytes=encoder(encode=str),
    nothing=lambda data, **_: None,
    empty=lambda data, **_: b"",
    one_line_end_at_the_end=encoder(end=""),
    leaves_out_the_type=lambda data, event=None, **fields: encoder()(data, **fields),
    takes_no_argument=lambda: b"",
    ends_the_process=lambda *_, **__: exit(),
    a_class=type("Encoder", (), {"data": 1}),
)
def test_wrong_encoders(answer):
    assert missing(check.encode(answer))


def test_an_encoder_that_never_returns(monkeypatch):
    monkeypatch.setattr("sse_demo.lab.views.report.PATIENCE", 0.05)
    assert missing(check.encode(endless)) == ["it returns bytes"]
    report = check.encode(lambda data, **fields: endless() if "b" in data else encoder()(data, **fields))
    assert repr(report).count("still running") == 1, "it is not waited for again and again"


def test_an_encoder_is_told_which_event_was_forged():
    smuggles = encoder(check_value=lambda name, value: {"event": "\n"}.get(name, "\r") in value)
    report = check.encode(smuggles)
    assert missing(report) == [
        "a line end in event is refused",
        "a line end in id is refused",
        "a NUL in id is refused",
        "a text as retry forges and changes nothing",
    ]
    assert r"[('a', 'forged', ''), ('message', 'x', '')] at the client, from event='a\rdata: forged\r\r'" in repr(
        report
    )
    assert "('message', 'forged', 'a')" in repr(report)
    assert r"[('message', 'forged', ''), ('message', 'x', '')] at the client, from retry='500" in repr(report)
    assert "a text as retry forges and changes nothing" not in missing(
        check.encode(encoder(is_given=lambda value: False))
    )
    first_try = repr(check.encode(lambda data, **_: f"data: {data}\n\n".encode()))
    assert "('message', 'a', ''), ('logout', 'forged', '')" in first_try


@each(
    splitlines=("other characters end no line of data", encoder(lines=lambda data: data.splitlines() or [""])),
    trailing=("line ends at the end of data are kept", encoder(lines=lambda data: LINE_END.split(data.rstrip("\n")))),
    reset=('id="" takes the last event ID away', encoder(is_given=lambda value: value not in (None, ""))),
    retry_text=(
        "a text as retry forges and changes nothing",
        encoder(check_value=lambda name, value: name != "retry" and refused(name, value)),
    ),
    retry=("retry=0 is sent", encoder(is_given=lambda value: value is not None and value != 0)),
    nul=("a NUL in id is refused", encoder(check_value=lambda name, value: "\n" in value or "\r" in value)),
)
def test_a_single_mistake_is_told_by_name(answer):
    what, answer = answer
    assert what in missing(check.encode(answer))


# Exercise 2


class Right:
    """The parser of the lesson, in which a mistake can be made."""

    type_stays = id_for_one_event = nul_empties = keeps_nul = False
    value = staticmethod(lambda value: value.removeprefix(" "))
    name = staticmethod(str)
    has_data = staticmethod(bool)
    joined = staticmethod("\n".join)

    def __init__(self):
        self.after_cr, self.rest, self.first = False, b"", True
        self.data, self.event, self.id = [], "", ""

    def feed(self, chunk):
        return [event for line in self.lines(chunk) for event in self.line(line)]

    def lines(self, chunk):
        if self.after_cr and chunk:
            chunk, self.after_cr = chunk.removeprefix(b"\n"), False
        self.after_cr = self.after_cr or chunk.endswith(b"\r")
        *lines, self.rest = re.split(rb"\r\n|\n|\r", self.rest + chunk)
        for line in lines:
            yield line.decode("utf-8-sig" if self.first else "utf-8", "replace")
            self.first = False

    def line(self, line):
        if not line:
            data, event = self.data, self.event or "message"
            self.data, self.event = [], self.event if self.type_stays else ""
            events = [(event, self.joined(data), self.id)] if self.has_data(data) else []
            if self.id_for_one_event:
                self.id = ""
            return events
        name, _, value = line.partition(":")
        name, value = self.name(name), self.value(value)
        if name == "data":
            self.data.append(value)
        elif name == "event":
            self.event = value
        elif name == "id":
            if "\0" not in value or self.keeps_nul:
                self.id = value
            elif self.nul_empties:
                self.id = ""
        return []


def wrong(**changes):
    return type("Wrong", (Right,), {k: staticmethod(v) if callable(v) else v for k, v in changes.items()})


class Ours:
    def __init__(self):
        self.parser = EventStreamParser()

    def feed(self, chunk):
        return [(event.event, event.data, event.id or "") for event in self.parser.feed(chunk)]


class Generator(Ours):
    """``feed`` is a generator, and the events are lists."""

    def feed(self, chunk):
        yield from (list(event) for event in super().feed(chunk))


class ByBytes:
    """A state machine, byte by byte, with text buffers as in the standard."""

    def __init__(self):
        self.line, self.after_cr, self.start = bytearray(), False, True
        self.data = self.event = self.id = ""

    def feed(self, chunk):
        events = []
        for byte in chunk:
            if byte == 10 and self.after_cr:
                self.after_cr = False
                continue
            self.after_cr = byte == 13
            if byte not in (10, 13):
                self.line.append(byte)
                continue
            text = bytes(self.line).removeprefix(b"\xef\xbb\xbf" if self.start else b"").decode(errors="replace")
            self.line, self.start = bytearray(), False
            if text == "":
                if self.data:
                    events.append((self.event or "message", self.data[:-1], self.id))
                self.data = self.event = ""
                continue
            field, _, value = text.partition(":")
            value = value[1:] if value[:1] == " " else value
            if field == "data":
                self.data += value + "\n"
            if field == "event":
                self.event = value
            if field == "id" and not value.count("\0"):
                self.id = value
        return events


class ByAPattern(Right):
    """A line is taken apart by a regular expression."""

    def line(self, line):
        match = re.fullmatch("([^:]+):? ?(.*)", line, re.DOTALL)
        return super().line(": ".join(match.groups()) if match else line)


class ByATable(Right):
    """A method for each field, which only a table leads to."""

    def __init__(self):
        super().__init__()
        self.methods = {"data": self.on_data, "event": self.on_event, "id": self.on_id}

    def on_data(self, value):
        self.data.append(value)

    def on_event(self, value):
        self.event = value

    def on_id(self, value):
        self.id = self.id if "\0" in value else value

    def line(self, line):
        if not line:
            return super().line(line)
        name, _, value = line.partition(":")
        self.methods.get(name, str)(value.removeprefix(" "))
        return []


@each(plain=Right, ours=Ours, generator=Generator, by_bytes=ByBytes, by_a_pattern=ByAPattern, by_a_table=ByATable)
def test_right_parsers(answer):
    assert check.parser(answer).passed, check.parser(answer)


class EmptyChunkEndsTheStream(Right):
    def feed(self, chunk):
        if not chunk:
            self.rest, self.data = b"", []
        return super().feed(chunk)


class EmptyChunkForgetsTheCr(Right):
    def lines(self, chunk):
        self.after_cr = self.after_cr and bool(chunk)
        return super().lines(chunk)


class NulInAnyField(Right):
    def line(self, line):
        return super().line("unknown" if "\0" in line else line)


class NulInAType(Right):
    def line(self, line):
        return super().line("unknown" if "\0" in line and line.startswith("event") else line)


class RetryEndsTheType(Right):
    def line(self, line):
        self.event = "" if line.startswith("retry") else self.event
        return super().line(line)


class Starter(Right):
    def line(self, line):
        return []


class Naive(Right):
    def lines(self, chunk):
        return chunk.decode().split("\n")


class Splitlines(Right):
    def lines(self, chunk):
        *lines, self.rest = (self.rest + chunk).decode(errors="replace").splitlines(keepends=True) or [""]
        if self.rest.endswith(("\r", "\n")):
            lines, self.rest = [*lines, self.rest], ""
        self.rest = self.rest.encode()
        return [line.rstrip("\r\n") for line in lines]


class DecodesChunks(Right):
    def lines(self, chunk):
        return super().lines(chunk.decode(errors="replace").encode())


class ForgetsTheCr(Right):
    def lines(self, chunk):
        self.after_cr = False
        return super().lines(chunk)


class WaitsAfterCr(Right):
    def lines(self, chunk):
        *lines, self.rest = re.split(rb"\r\n|\n|\r(?=.)", self.rest + chunk, flags=re.DOTALL)
        for line in lines:
            yield line.decode("utf-8-sig" if self.first else "utf-8", "replace")
            self.first = False


class KeepsTheMark(Right):
    def lines(self, chunk):
        self.first = False
        return super().lines(chunk)


class Strict(Right):
    def lines(self, chunk):
        for line in super().lines(chunk):
            if "\ufffd" in line:
                raise UnicodeDecodeError("utf-8", b"", 0, 1, "strict")
            yield line


class Endless(Right):
    feed = endless


SHARED: list[str] = []


class SharedState(Right):
    def __init__(self):
        super().__init__()
        self.data = SHARED


class SetsWhatTheStreamNames(Right):
    def line(self, line):
        name, _, value = line.partition(":")
        if name and name not in ("data", "event", "id", "retry"):
            setattr(self, name, value)
        return super().line(line)


class CallsWhatTheStreamNames(Right):
    def line(self, line):
        method = getattr(self, line.partition(":")[0] or "none", None)
        if callable(method):
            method("")
        return super().line(line)


class StripsALineBeforeItIsBlank(Right):
    def line(self, line):
        return super().line(line if line.strip() else "")


class ANulIsABlankLine(Right):
    def line(self, line):
        return super().line(line.strip("\0") and line)


class NormalisesText(Right):
    def line(self, line):
        return super().line(unicodedata.normalize("NFC", line))


class UnescapesMarkup(Right):
    def line(self, line):
        return super().line(html.unescape(line))


class KeepsFiftyLines(Right):
    def line(self, line):
        self.data = self.data[-50:]
        return super().line(line)


class ALineWithoutAColonEndsTheData(Right):
    def line(self, line):
        self.data = self.data if ":" in line or line in ("", "data") else []
        return super().line(line)


class MessageInAnyCase(Right):
    def line(self, line):
        return super().line("event" if line.lower() == "event: message" else line)


class NoneForNothing(Right):
    def feed(self, chunk):
        return super().feed(chunk) or None


@each(
    starter=Starter,
    lstrip=wrong(value=str.lstrip),
    strip=wrong(value=str.strip),
    no_strip=wrong(value=str),
    lower_case_names=wrong(name=str.lower),
    names_stripped=wrong(name=str.strip),
    nul_in_id_kept=wrong(keeps_nul=True),
    nul_empties_the_id=wrong(nul_empties=True),
    id_for_one_event=wrong(id_for_one_event=True),
    type_stays=wrong(type_stays=True),
    empty_data_dropped=wrong(has_data=any),
    always_an_event=wrong(has_data=lambda data: True),
    data_joined_without_line_ends=wrong(joined="".join),
    naive=Naive,
    empty_chunk_ends_the_stream=EmptyChunkEndsTheStream,
    empty_chunk_forgets_the_cr=EmptyChunkForgetsTheCr,
    nul_in_any_field=NulInAnyField,
    nul_in_a_type=NulInAType,
    retry_ends_the_type=RetryEndsTheType,
    splitlines=Splitlines,
    decodes_chunks=DecodesChunks,
    cut_crlf=ForgetsTheCr,
    waits_after_cr=WaitsAfterCr,
    keeps_the_byte_order_mark=KeepsTheMark,
    fails_on_what_is_no_utf_8=Strict,
    sets_what_the_stream_names=SetsWhatTheStreamNames,
    calls_what_the_stream_names=CallsWhatTheStreamNames,
    strips_a_line_before_it_is_blank=StripsALineBeforeItIsBlank,
    a_nul_is_a_blank_line=ANulIsABlankLine,
    normalises_text=NormalisesText,
    unescapes_markup=UnescapesMarkup,
    keeps_fifty_lines=KeepsFiftyLines,
    a_line_without_a_colon_ends_the_data=ALineWithoutAColonEndsTheData,
    message_in_any_case=MessageInAnyCase,
    returns_none=NoneForNothing,
    one_list_for_all=SharedState,
    an_instance=Right(),
    no_parser=None,
    wants_an_argument=type("Wants", (Right,), {"__init__": lambda self, url: None}),
)
def test_wrong_parsers(answer):
    assert missing(check.parser(answer))


def test_a_parser_that_never_returns(monkeypatch):
    monkeypatch.setattr("sse_demo.lab.views.report.PATIENCE", 0.05)
    report = check.parser(Endless)
    assert len(missing(report)) == 11
    assert repr(report).count("still running") == 1, "it is not waited for eleven times"


def test_a_parser_that_breaks_one_rule_is_told_which_and_shown_the_bytes():
    report = check.parser(wrong(keeps_nul=True))
    assert [what for what in missing(report) if "NUL" not in what] == ["36 rules, and 79 streams cut at every place"]
    assert "1 broken. An id with a NUL is ignored. b'id:\\x00\\ndata\\n\\n' must give" in repr(report)


def test_a_parser_that_is_not_finished_passes_nothing():
    assert len(missing(check.parser(Starter))) == 11


# Exercise 3

ODD = (
    b"\xef\xbb\xbfdata: one\rdata: two\r\r"
    b"id: 1\x002\ndata: three\n\n"
    b"event: ping\nid: 9\n\n"
    b"data:four\n\n"
    b"id: 10\ndata: five\n"
)
ONE, THREE, FOUR = ("message", "one\ntwo", ""), ("message", "three", ""), ("message", "four", "9")


@each(
    tuples=[ONE, THREE, FOUR],
    lists=[list(ONE), list(THREE), list(FOUR)],
    tuple_of_tuples=(ONE, THREE, FOUR),
    by_the_parser=[(event.event, event.data, event.id or "") for event in EventStreamParser().feed(ODD)],
)
def test_right_lists(answer):
    assert check.odd_events(ODD, answer, "9").passed


@each(
    nothing=[],
    byte_order_mark_kept=[("message", "two", ""), THREE, FOUR],
    cr_ends_no_line=[("message", "one\rdata: two", ""), THREE, FOUR],
    nul_kept=[ONE, ("message", "three", "1\x002"), FOUR],
    nul_cuts_the_id=[ONE, ("message", "three", "1"), FOUR],
    event_without_data=[ONE, THREE, ("ping", "", "9"), FOUR],
    id_lost=[ONE, THREE, ("message", "four", "")],
    type_kept=[ONE, THREE, ("ping", "four", "9")],
    unfinished_event=[ONE, THREE, FOUR, ("message", "five", "10")],
    none_for_no_id=[("message", "one\ntwo", None), ("message", "three", None), FOUR],
    number_as_id=[ONE, THREE, ("message", "four", 9)],
    pairs=[ONE[:2], THREE[:2], FOUR[:2]],
    texts=["one\ntwo", "three", "four"],
    none=None,
    number=3,
    generator=(event for event in (ONE, THREE, FOUR)),
    text_of_three_letters="abc",
    range_of_three=range(3),
    set_of_three={1, 2, 3},
    dictionary_of_three={1: ONE, 2: THREE, 3: FOUR},
)
def test_wrong_lists(answer):
    report = check.odd_events(ODD, answer, "9")
    assert missing(report)
    assert "message" not in repr(report) or "has three texts" in repr(report), "the answer is not given away"


@each(of_the_unfinished_block="10", none=None, empty="", with_a_nul="1\x002", number=9)
def test_wrong_last_ids(answer):
    assert missing(check.odd_events(ODD, [ONE, THREE, FOUR], answer)) == ["the id that the browser sends back"]


def test_who_writes_none_is_told_that_an_id_is_a_text():
    report = check.odd_events(ODD, [("message", "one\ntwo", None), THREE, FOUR], "9")
    assert missing(report) == ["event 1: last event ID"]
    assert "it is a text, and not None" in repr(report)


@each(empty=(b"", [], ""), of_one_event=(b"data: x\n\n", [("message", "x", "")], ""))
def test_another_stream_than_the_lessons_is_no_answer(answer):
    assert missing(check.odd_events(*answer)) == ["the stream is that of the lesson"]
