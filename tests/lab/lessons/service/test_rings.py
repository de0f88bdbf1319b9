import re

import pytest

from sse_demo.lab.lessons.service.rings import Rings, Step
from sse_demo.lab.look import GOOD, WAITING, WRONG

IN = [Step(0, "in"), Step(1, "in"), Step(2, "in")]


def rings(*steps, status=200):
    return Rings("GET /rooms/<tea>", ["recovery", "locked"], 1, list(steps), status)


def test_the_text_tells_the_steps_in_their_order_and_the_status_last():
    assert repr(rings(*IN, Step(2, "out"), Step(1, "out"), Step(0, "out"))).splitlines() == [
        "GET /rooms/<tea>",
        "  in: recovery, locked, handler",
        "  out: handler, locked, recovery",
        "  answer: 200",
    ]


def test_an_exception_is_told_with_its_way():
    way = rings(*IN, Step(2, "fails", "KeyError"), Step(1, "passes", "KeyError"), Step(0, "explains", "KeyError"))
    assert repr(way).splitlines()[2:5] == [
        "  handler raises KeyError",
        "  KeyError passes locked",
        "  recovery turns KeyError into an answer",
    ]


@pytest.mark.parametrize(
    ("steps", "status", "over"),
    [
        (IN, 0, False),
        ([*IN, Step(2, "out")], 200, True),
        ([*IN, Step(2, "sends"), Step(0, "out")], 200, False),
        ([*IN, Step(2, "sends"), Step(0, "out"), Step(2, "sent")], 200, True),
        ([*IN, Step(2, "sends"), Step(0, "out"), Step(2, "breaks", "KeyError")], 200, True),
    ],
)
def test_a_request_is_over_with_its_answer_and_a_stream_with_its_end(steps, status, over):
    assert rings(*steps, status=status).is_over is over


def test_the_picture_has_a_ring_for_each_middleware_and_one_for_the_handler():
    shown = rings(*IN, Step(2, "out"), Step(1, "out"), Step(0, "out")).html()
    assert shown.count("<rect") == 3
    assert [name in shown for name in (">recovery<", ">locked<", ">handler<")] == [True] * 3
    assert "&lt;tea&gt;" in shown
    assert "<tea>" not in shown
    assert f'fill="{GOOD}">200</text>' in shown
    assert WRONG not in shown


@pytest.mark.parametrize(
    ("steps", "color"),
    [
        ([Step(0, "in"), Step(1, "refuses"), Step(0, "out")], WAITING),
        ([*IN, Step(2, "refuses")], WAITING),
        ([*IN, Step(2, "fails", "KeyError")], WRONG),
        ([*IN, Step(2, "sends"), Step(0, "out"), Step(2, "breaks", "KeyError")], WRONG),
        ([Step(0, "in"), Step(1, "fails", "KeyError"), Step(0, "explains", "KeyError")], WRONG),
        ([*IN, Step(2, "out"), Step(1, "fails", "KeyError"), Step(0, "explains", "KeyError")], WRONG),
    ],
)
def test_where_something_goes_wrong_there_is_a_colour(steps, color):
    assert color in rings(*steps).html()


def test_steps_appear_one_after_the_other_and_those_drawn_before_are_there():
    shown = rings(*IN, Step(2, "out")).html(drawn=3)
    assert re.findall(r"sse-ring .3s ([\d.]+)s", shown) == ["0.00", "0.25"]
    assert re.findall(r"sse-ring .3s ([\d.]+)s", rings(*IN).html()) == ["0.00", "0.25", "0.50", "0.75"]


def test_a_picture_of_nothing():
    assert "<svg" in Rings("no request yet", ()).html()
