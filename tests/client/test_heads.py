"""The heads of answers, cut from bytes that come in any pieces."""

import pytest

from sse_demo.client.heads import MAX_HEAD, MAX_INTERIM, BadHead, Heads

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"


def cut_all(chunks):
    """The heads, and what is left, when the bytes come in these pieces."""
    heads, held, cut = Heads(), bytearray(), []
    for chunk in chunks:
        held += chunk
        while held and not heads.is_complete and (head := heads.cut(held)) is not None:
            cut.append(head)
    return heads, cut, bytes(held)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_pieces_of_any_size_give_the_same_heads(size):
    whole = b"\r\n" + HINTS + HINTS + OK + b"data: HTTP/1.1 500 No\r\n\r\n"
    heads, cut, left = cut_all(whole[at : at + size] for at in range(0, len(whole), size))
    assert cut == [HINTS, HINTS, OK]
    assert left == b"data: HTTP/1.1 500 No\r\n\r\n"
    assert (heads.status, heads.reason, heads.is_complete) == (200, "OK", True)


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\n", b"\n\r\n"])
def test_lines_may_end_with_a_bare_line_feed(end):
    _, cut, left = cut_all([b"HTTP/1.1 200 OK" + end + b"x"])
    assert (cut, left) == ([b"HTTP/1.1 200 OK" + end], b"x")


@pytest.mark.parametrize(
    ("line", "status", "reason"),
    [
        (b"HTTP/1.1 204 No Content\r\n", 204, "No Content"),
        (b"HTTP/1.1 204\r\n", 204, ""),
        (b"HTTP/1.0  404  \xe4\r\n", 404, "\xe4"),
        (b"HTTP/1.1 101 Switching Protocols\n", 101, "Switching Protocols"),
        (b"HTTP/1.1 204 No Content", None, ""),
        (b"HTTP/1.1 20x\r\n", None, ""),
        (b"HTTP/1.1 103 Early Hints\r\n", None, ""),
    ],
)
def test_the_status_is_known_as_soon_as_its_line_is_complete(line, status, reason):
    heads, cut, _ = cut_all([line])
    assert (heads.status, heads.reason, heads.is_complete, cut) == (status, reason, False, [])


@pytest.mark.parametrize("start", [b"SSH-2.0", b"{}", b"\x15\x03\x01", b"http/1.1 200 OK\r\n\r\n", b"HTTPS/1"])
def test_what_is_no_http_is_told_at_once(start):
    with pytest.raises(BadHead, match="is no HTTP server: the answer begins with") as caught:
        cut_all([start])
    assert (caught.value.status, caught.value.too_large) == (None, False)


@pytest.mark.parametrize("interim", [b"", HINTS])
def test_a_head_has_a_limit_with_all_interim_answers_before_it(interim):
    room = MAX_HEAD - len(interim)
    start = b"HTTP/1.1 200 OK\r\nX: "
    fits = start + b"x" * (room - len(start) - 4) + b"\r\n\r\n"
    assert cut_all([interim, fits])[0].is_complete
    for chunks in ([interim, fits.replace(b"X", b"XX")], [interim, start, *[b"x" * 1000] * 70]):
        with pytest.raises(BadHead, match=f"a head of more than {MAX_HEAD} bytes") as caught:
            cut_all(chunks)
        assert (caught.value.status, caught.value.too_large) == (200, True)


def test_interim_answers_have_a_limit():
    assert cut_all([HINTS * MAX_INTERIM + OK])[0].is_complete
    with pytest.raises(BadHead, match=f"more than {MAX_INTERIM} interim answers") as caught:
        cut_all([HINTS * (MAX_INTERIM + 1)])
    assert (caught.value.status, caught.value.too_large) == (None, True)
