import asyncio

import pytest
from tornado.web import RequestHandler

from sse_demo.lab import CITIES, Background, CityStream, changed, content_type, heard


class Twice(CityStream):
    async def get(self):
        self.set_header("Content-Type", "text/event-stream")
        self.write("data: one\n\n")
        self.write("data: two\n\n")


@pytest.fixture
def background():
    background = Background()
    yield background
    background.stop()


def test_what_is_heard_is_the_data_of_each_event(background):
    assert heard(background.serve_handler(CityStream)) == list(CITIES)


def test_a_changed_handler_is_another_class(background):
    handler = changed(Twice, "two", "three")
    assert heard(background.serve_handler(handler)) == ["one", "three"]
    assert heard(background.serve_handler(Twice)) == ["one", "two"]
    assert handler.__name__ == "Twice"


def test_a_part_can_be_left_out(background):
    handler = changed(CityStream, 'self.set_header("Content-Type", "text/event-stream")')
    said = heard(background.serve_handler(handler))
    assert said == "sends text/html, not text/event-stream: this is no event stream"


def test_the_type_is_there_as_soon_as_the_headers_are(background):
    assert content_type(background.serve_handler(CityStream)) == "text/event-stream"


def test_headers_that_do_not_come_are_not_waited_for(background):
    class Mute(RequestHandler):
        async def get(self):
            await asyncio.sleep(5)

    assert content_type(background.serve_handler(Mute), 0.1) == "nothing within 0.1 s"


def test_a_text_that_is_not_there_is_told():
    with pytest.raises(ValueError, match="'four' is not in the method get of Twice"):
        changed(Twice, "four")


def test_a_handler_without_a_method_of_its_own_has_that_of_tornado():
    with pytest.raises(ValueError, match="is not in"):
        changed(RequestHandler, "flush")
