"""Those who show a token, a session or a ticket, for the tests of who may listen."""

import http.client
import json

from asking import events, request

from sse_demo.web.access.access import Access
from sse_demo.web.access.identity import Rights
from sse_demo.web.access.keys import secret_key
from sse_demo.web.access.signing import sign_token
from sse_demo.web.access.tokens import Issuer

COOKIE = "__Host-session"
KEY = secret_key("a secret that the issuer and the service share")
OTHER_KEY = secret_key("a secret that the service shares with another issuer")
AUDIENCE = "events"
ISSUERS = (
    Issuer(name="issuer", audience=AUDIENCE, keys=KEY),
    Issuer(name="other issuer", audience=AUDIENCE, keys=OTHER_KEY),
)
planted = []  # each secret that was given out, none of which may be told


def access(**options):
    return Access(**{"issuers": ISSUERS, **options})


def token(subject="ann", *, issuer="issuer", subscribe=("*",), publish=("*",), operate=(), expires_in=600.0, id=None):
    rights = Rights(subscribe=subscribe, publish=publish, operate=frozenset(operate))
    made = sign_token(
        KEY if issuer == "issuer" else OTHER_KEY,
        issuer=issuer,
        audience=AUDIENCE,
        subject=subject,
        rights=rights,
        expires_in=expires_in,
        token_id=id,
    )
    planted.append(made)
    return made


def bearer(subject="ann", **options):
    """The header with a new token."""
    return {"Authorization": f"Bearer {token(subject, **options)}"}


def cookie(value):
    return {"Cookie": f"{COOKIE}={value}"}


def log_in(server, subject="ann", headers=(), **options):
    """The value of the cookie of a new session."""
    status, answered, body = request(
        server, "POST", "/session", headers={**dict(headers), **bearer(subject, **options)}
    )
    assert (status, json.loads(body)["subject"]) == (200, subject)
    return cookie_in(answered)


def cookie_in(headers):
    """The value of the cookie that an answer sets."""
    name, _, value = headers["Set-Cookie"].partition(";")[0].partition("=")
    assert name == COOKIE
    planted.append(value)
    return value


def ticket(server, headers, query="topic=a"):
    status, _, body = request(server, "POST", f"/tickets?{query}", headers=headers)
    assert status == 201, body
    planted.append(json.loads(body)["ticket"])
    return planted[-1]


def status(server, path, headers=(), method="GET"):
    """The status of an answer that ends."""
    return request(server, method, path, headers=dict(headers))[0]


def stream_status(server, headers, query="topic=a"):
    """How a stream is answered, of which no more is read."""
    with Asked(server, f"/events?{query}", headers) as answer:
        return answer.status


class Asked:
    """An answer that may not end: its status, its headers, and its events up to its end."""

    def __init__(self, server, path, headers=()):
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        self._connection.request("GET", path, headers=dict(headers))
        self._answer = self._connection.getresponse()
        self.status, self.headers = self._answer.status, self._answer.headers
        self._received = b""

    def until(self, condition):
        """Read until the condition holds for the events so far."""
        while not condition(events(self._received)):
            data = self._answer.read1(65536)
            assert data, "the stream has ended"
            self._received += data
        return events(self._received)

    def take(self, count):
        return [event.data for event in self.until(lambda events: len(events) >= count)]

    def to_the_end(self):
        """All events of a stream that is ended in order. One that is broken off raises ``IncompleteRead``."""
        self._received += self._answer.read()
        return events(self._received)

    def close(self):
        self._answer.close()
        self._connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
