import asyncio

import pytest
from tornado.web import Application, RequestHandler

from sse_demo.lab import Background, TimeLine, arrivals
from sse_demo.lab.lessons.server.time_line import in_words
from sse_demo.lab.look import OURS, WAITING


class Numbers(RequestHandler):
    async def get(self):
        for number in range(3):
            self.write(f"data: {number}\n\n")
            if not self.get_query_argument("late", ""):
                await self.flush()
            await asyncio.sleep(0.15)


@pytest.fixture
def url():
    background = Background()
    yield f"http://{background.serve(Application([('/', Numbers)]))}/"
    background.stop()


def test_it_says_when_each_event_has_come(url):
    times = arrivals(url)
    assert in_words(times) == "3 one by one"
    assert times[0] < times[1] < times[2] < 5
    assert in_words(arrivals(f"{url}?late=1")) == "3 together, late"


def test_a_stream_that_says_nothing_is_an_error(url):
    with pytest.raises(TimeoutError):
        arrivals(f"{url}?late=1", timeout=0.1)


def test_a_server_that_is_gone_is_told_in_a_line():
    background = Background()
    address = background.serve(Application([("/", Numbers)]))
    background.stop()
    with pytest.raises(ConnectionError, match=r"nobody answers at .*: run the cell again"):
        arrivals(f"http://{address}/")


def dots_of(chart):
    return [line for line in chart.axes.lines if len(line.get_xydata()) == 1]


def test_a_time_line_has_a_dot_for_each_event_and_says_in_words_how_they_came():
    line = TimeLine("three", {"good": [0.0, 0.2, 0.4], "late": [0.4, 0.4, 0.4], "empty": []})
    assert repr(line) == ("TimeLine('three')\n    good: 3 one by one\n    late: 3 together, late\n    empty: none")
    dots = [dot.get_xydata()[0] for dot in dots_of(line)]
    assert [x for x, _ in dots] == [0.0, 0.2, 0.4, 0.4, 0.4, 0.4]
    assert len({y for x, y in dots[3:]}) == 3  # above each other, since they would cover each other
    assert [line.get_color() for line in dots_of(line)] == [OURS] * 3 + [WAITING] * 3
    assert [text.get_text() for text in line.axes.texts] == ["1", "2", "3"] * 2


@pytest.mark.parametrize("streams", [{}, {"none": []}, {"one": [0.0]}])
def test_a_time_line_can_be_drawn_of_little(streams):
    assert "image/png" in TimeLine("little", streams)._repr_mimebundle_()[0]
