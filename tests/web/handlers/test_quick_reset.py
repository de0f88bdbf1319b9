"""How an answer begins."""

import time
from email.utils import parsedate_to_datetime

from asking import request
from tornado.web import RequestHandler

from sse_demo import serve
from sse_demo.web.handlers import Handler
from sse_demo.web.routing import Route


class Reset(Handler):
    def get(self):
        states = []
        for reset in (self.clear, lambda: RequestHandler.clear(self)):
            self.set_status(404, "Gone")
            self.set_header("X-Mine", "yes")
            self.write("what is to be forgotten")
            reset()
            headers = {name: value for name, value in self._headers.get_all() if name not in ("Date", "Server")}
            states.append((headers, {name: repr(value) for name, value in vars(self).items() if name != "_headers"}))
        self.clear()
        self.write({"same": states[0] == states[1]})


def test_an_answer_is_reset_to_what_tornado_resets_it_to():
    with serve(routes=[Route("/reset", Reset)]) as server:
        status, headers, body = request(server, "GET", "/reset")
        assert (status, body) == (200, b'{"same": true}')
        assert "Server" not in headers
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_the_date_is_that_of_the_answer(server):
    dates = [parsedate_to_datetime(request(server, "GET", "/ping")[1]["Date"]).timestamp() for _ in range(2)]
    assert all(abs(date - time.time()) < 5 for date in dates)
