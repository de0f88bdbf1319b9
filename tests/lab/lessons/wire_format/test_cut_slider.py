"""The Python half. How it looks and is dragged is the browser's, in the test below."""

import pytest

from sse_demo import EventStreamParser
from sse_demo.lab.lessons.wire_format.cut_slider import CutMap, CutSlider

STREAM = b"data: one\n\ndata: two\n\n"


def forgetful(chunks):
    return [event for chunk in chunks for event in EventStreamParser().feed(chunk)]


def test_it_says_what_a_parser_makes_of_the_two_chunks():
    slider = CutSlider(STREAM, forgetful, at=15)
    assert slider.events == [("message", "one", "")]
    assert "wrong: it must be one, two" in slider.result
    slider.at = 11
    assert slider.events == [("message", "one", ""), ("message", "two", "")]
    assert "the same events as without a cut" in slider.result
    assert slider.shown == 11
    assert repr(slider) == "CutSlider(22 bytes)"


def test_it_remembers_which_places_were_tried_and_what_came_of_it():
    slider = CutSlider(STREAM, forgetful)
    for place in (11, 15, 11):
        slider.at = place
    assert len(slider.tried) == len(STREAM) + 1
    assert {place: outcome for place, outcome in enumerate(slider.tried) if outcome} == {0: 1, 11: 1, 15: -1}


def test_a_parser_that_minds_no_cut():
    slider = CutSlider(STREAM, EventStreamParser)
    for place in range(len(STREAM) + 1):
        slider.at = place
    assert set(slider.tried) == {1}


@pytest.mark.parametrize(("at", "place"), [(-5, 0), (22, 22), (99, 22)])
def test_the_cut_stays_inside(at, place):
    slider = CutSlider(STREAM, forgetful)
    slider.at = at
    assert slider.at == place


def test_sliders_of_the_same_stream_move_together_whichever_of_them_is_made_again():
    first = CutSlider(STREAM, forgetful, at=15)
    second = CutSlider(STREAM, EventStreamParser, at=15)
    other = CutSlider(STREAM + b"\n", forgetful, at=3)
    second.at = 11
    assert first.at == 11
    first = CutSlider(STREAM, forgetful, at=15)
    assert second.at == 15
    first.at = 4
    assert (second.at, second.shown, other.at) == (4, 4, 3)
    second.at = 99
    assert first.at == len(STREAM)
    first.close()
    second.at = 5
    assert second.at == 5


def test_every_byte_is_seen():
    assert CutSlider("é x\r\n\t".encode(), forgetful).labels == ["c3", "a9", "␣", "x", "␍", "↵", "\\t"]


def test_a_parser_that_fails_and_events_with_markup():
    def broken(chunks):
        if len(chunks) > 1 and chunks[0]:
            raise KeyError
        return ["<b>"]

    slider = CutSlider(b"ab", broken)
    assert "&lt;b&gt;" in slider.result
    slider.at = 1
    assert slider.events == "raises KeyError"
    assert "raises KeyError" in slider.result
    assert "no event" in CutSlider(b"ab", lambda chunks: []).result
    assert "<i>empty</i>" in CutSlider(b"data\n\n", forgetful).result


def test_a_map_shows_all_places_at_once():
    board = CutMap(b"data: x\n\n", forgetful)
    assert board.harmless == [True] + [False] * 8 + [True]
    assert repr(board).splitlines() == [
        "forgetful, cut in two at each of 10 places",
        " d a t a : ␣ x ↵ ↵",
        ". x x x x x x x x .",
        "2 cuts are harmless, 8 are not",
    ]
    html = board._repr_html_()
    assert html.count("position:absolute") == 10
    assert "2 cuts are harmless, 8 are not" in html
    assert CutMap(b"data: x\n\n", EventStreamParser).harmless == [True] * 10
