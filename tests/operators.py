"""A server that knows who asks, those who read from it, and an operator, for the tests of who is there."""

import json
from contextlib import ExitStack, contextmanager

from asking import request, stream
from tokens import access, bearer, token

from sse_demo import serve

OPERATOR = {"sub": "operator", "scope": "operate:admin"}
READER = {"scope": "subscribe:*"}


class Served:
    """A server, those who read from it, and an operator.

    Args:
        server: The server.
        cleanup: Closes the readers at the end.
    """

    def __init__(self, server, cleanup):
        self.server = server
        self._cleanup = cleanup
        self.operator = bearer(token(**OPERATOR))

    def read(self, subject="ann", query="topic=a", path="/events", **headers):
        """The answer of an open stream of this subject, ``None`` for somebody who has not said who that is."""
        shown = bearer(token(sub=subject, **READER)) if subject else {}
        answer = self._cleanup.enter_context(stream(self.server, f"{path}?{query}", shown | named(headers)))
        assert answer.status == 200, answer.read()
        return answer

    def ask(self, method, path, body=None, **headers):
        """Status, headers and body of an answer to the operator; a body that is no text is sent as JSON."""
        if body is not None and not isinstance(body, (str, bytes)):
            body, headers = json.dumps(body), {"Content-Type": "application/json"} | headers
        return request(self.server, method, path, body, self.operator | named(headers))

    def list(self, query=""):
        """What ``GET /admin/subscribers`` tells the operator."""
        status, headers, body = self.ask("GET", f"/admin/subscribers?{query}")
        assert (status, headers["Cache-Control"]) == (200, "no-store"), body
        return json.loads(body)

    def rows(self, query=""):
        return self.list(query)["subscribers"]

    def figures(self):
        """The metrics, by name with labels."""
        text = request(self.server, "GET", "/metrics", None, bearer(token(scope="operate:metrics")))[2].decode()
        lines = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
        return {name: float(figure) for name, figure in lines}


def named(headers):
    """A header such as ``X_Request_ID`` by its name."""
    return {name.replace("_", "-"): value for name, value in headers.items()}


@contextmanager
def serving_with_access():
    """Gives a function that starts a server, with the options of ``Access``, and those of ``serve``."""
    with ExitStack() as cleanup:

        def start(access_options=None, **options):
            server = cleanup.enter_context(serve(access=access(**(access_options or {})), **options))
            return Served(server, cleanup.enter_context(ExitStack()))

        yield start
