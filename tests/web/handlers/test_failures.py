"""What becomes of an exception: what is logged of it, in one line."""

import pytest
from asking import raw

from sse_demo import serve
from sse_demo.errors import LogError
from sse_demo.web.handlers import Handler
from sse_demo.web.routing import Route


class Fails(Handler):
    needs = "nothing"
    error: Exception

    def get(self, room):
        raise self.error


@pytest.mark.parametrize(("error", "status"), [(RuntimeError("a fault"), b"500"), (LogError("a fault"), b"503")])
def test_what_stands_in_an_address_ends_no_line_of_the_log_and_is_obeyed_by_no_terminal(error, status, caplog):
    handler = type("FailsSo", (Fails,), {"error": error})
    with serve(routes=[Route("/rooms/{room}", handler)]) as server:
        head = b"GET /rooms/\x9b2J\x85forged HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        assert raw(server, head).split()[1] == status
    (told,) = [record.getMessage() for record in caplog.records if record.name == "sse_demo.app"]
    assert told.startswith(r"GET /rooms/\x9b2J\x85forged ")
    assert told.isprintable()
