"""What a token, a session and a ticket cost, and what a thief can do with each: measured, and tried."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from http.client import HTTPConnection
from statistics import median
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from ....start import serve
from ....web.access.access import Access
from ....web.access.identity import Identity, Rights
from ....web.access.keys import Key, secret_key
from ....web.access.sessions import Sessions
from ....web.access.signing import sign_token
from ....web.access.tickets import Tickets
from ....web.access.tokens import Issuer, Tokens
from ....web.server import Server
from ...look import OTHER, OURS, QUIET
from ...one_request import ask
from ...views.still_chart import StillChart
from .code_flow import bearer, cookie_of

CHECKS = 50  # of each kind, of which the median counts
LIFE = 3600.0  # seconds for which the tokens are valid
TOPIC = "prices"
RIGHTS = Rights(subscribe=(TOPIC,))
ISSUER, AUDIENCE = "login", "events"
TRIED = f"{'stolen':10}{'used again':>12}{'after a logout':>17}{'then, at a second server':>27}"


class Cost(NamedTuple):
    """What one kind of credential costs.

    Attributes:
        size: Bytes that it adds to a request.
        first_us: Microseconds until it is known whose it is.
        next_us: The same, where it was checked before.
    """

    size: int
    first_us: float
    next_us: float


class Costs:
    """What was measured.

    Args:
        measured: By the name of the credential.
    """

    def __init__(self, measured: Mapping[str, Cost]) -> None:
        self.measured = measured

    @property
    def largest(self) -> str:
        """The credential with the most bytes."""
        return max(self.measured, key=lambda name: self.measured[name].size)

    @property
    def slowest(self) -> str:
        """The credential whose first check takes the longest."""
        return max(self.measured, key=lambda name: self.measured[name].first_us)

    def chart(self) -> StillChart:
        """The time of a check against the bytes of a request, on a logarithmic scale."""
        chart = StillChart("What it costs to tell who asks", x="bytes that each request carries", y="µs for a check")
        for name, (size, first, following) in self.measured.items():
            color = OURS if name.startswith("token") else OTHER
            chart.axes.plot([size, size], [first, following], ":", color=color, linewidth=1)
            chart.axes.plot([size], [first], "o", color=color)
            chart.axes.plot([size], [following], "o", color=color, fillstyle="none")
            place, side = ((-8, -4), "right") if name.endswith("HS256") else ((8, -4), "left")
            chart.axes.annotate(name, (size, first), place, textcoords="offset points", ha=side, color=QUIET)
        chart.axes.plot([], [], "o", color=QUIET, label="first check")
        chart.axes.plot([], [], "o", color=QUIET, fillstyle="none", label="next check of the same")
        chart.axes.set(
            yscale="log",
            yticks=[1, 10, 100],
            yticklabels=[1, 10, 100],
            xlim=(0, 1.25 * max(cost.size for cost in self.measured.values())),
        )
        chart.axes.margins(y=0.2)
        chart.axes.legend(loc="center left", bbox_to_anchor=(0.02, 0.58), frameon=False, labelcolor=QUIET)
        return chart


def measure_credentials() -> Costs:
    """Check each kind of credential some times, by the server's own code. The medians count."""
    measured = {
        "token, HS256": _token_cost(secret_key(secrets.token_bytes(32))),
        "token, RS256": _token_cost(Key(rsa.generate_private_key(65537, 2048), ("RS256",), private=True)),
        "token, ES256": _token_cost(Key(ec.generate_private_key(ec.SECP256R1()), ("ES256",), private=True)),
    }
    identity = Identity(subject="ann", rights=RIGHTS, kind="token", expires=time.time() + LIFE, issuer=ISSUER)
    sessions = Sessions(
        [secrets.token_bytes(32)], idle=LIFE, most=CHECKS, most_of_subject=CHECKS, made_room=lambda session: None
    )
    cookies = [sessions.begin(identity)[0] for _ in range(CHECKS)]
    using = _median_us(sessions.use, cookies)
    measured["session"] = Cost(len(f"Cookie: __Host-session={cookies[0]}\r\n"), using, using)
    tickets = Tickets(age=LIFE, most=CHECKS, most_of_subject=CHECKS)
    given = [tickets.give(identity, [TOPIC]) for _ in range(CHECKS)]
    taking = _median_us(lambda ticket: tickets.take(ticket, [TOPIC]), given)
    measured["ticket"] = Cost(len(f"&ticket={given[0]}"), taking, taking)
    return Costs(measured)


def _token(key: Key) -> str:
    return sign_token(key, issuer=ISSUER, audience=AUDIENCE, subject="ann", rights=RIGHTS, expires_in=LIFE)


def _token_cost(key: Key) -> Cost:
    tokens = Tokens([Issuer(name=ISSUER, audience=AUDIENCE, keys=key)])
    signed = [_token(key) for _ in range(CHECKS)]
    size = len(f"Authorization: Bearer {signed[0]}\r\n")
    return Cost(size, _median_us(tokens.identify, signed), _median_us(tokens.identify, signed))


def _median_us(check: Callable[[str], object], values: Sequence[str]) -> float:
    times = []
    for value in values:
        begin = time.perf_counter()
        check(value)
        times.append(time.perf_counter() - begin)
    return median(times) * 1e6


def try_stolen() -> str:
    """What a thief can do with each kind of credential: a table of what two servers with one issuer have answered.

    The thief uses what the owner has used. Then the owner logs out everywhere, at the first server, and the thief uses
    it again, there and at the second server.
    """
    key = secret_key(secrets.token_bytes(32))
    access = Access(issuers=[Issuer(name=ISSUER, audience=AUDIENCE, keys=key)])
    token = _token(key)
    with ExitStack() as stack:
        first, second = (stack.enter_context(serve(demo=False, access=access)) for _ in range(2))
        cookie = cookie_of(ask(f"{first.url}/session", "POST", bearer(token)))
        used, unused = (
            ask(f"{first.url}/tickets?topic={TOPIC}", "POST", bearer(token)).json()["ticket"] for _ in range(2)
        )
        shown: dict[str, tuple[Mapping[str, str], str]] = {
            "token": (bearer(token), ""),
            "session": (cookie, ""),
            "ticket": ({}, f"&ticket={used}"),
        }
        lines = {name: [name] for name in shown}
        for headers, query in shown.values():
            _status(first, headers, query)  # the owner's own
        for name, (headers, query) in shown.items():
            lines[name].append(_status(first, headers, query))
        ask(f"{first.url}/session?everywhere=true", "DELETE", cookie)
        shown["ticket"] = ({}, f"&ticket={unused}")  # one that nobody has used
        for name, (headers, query) in shown.items():
            lines[name] += [_status(server, headers, query) for server in (first, second)]
    return "\n".join([TRIED, *(f"{a:10}{b:>12}{c:>17}{d:>27}" for a, b, c, d in lines.values())])


def _status(server: Server, headers: Mapping[str, str], query: str) -> str:
    """How a stream is answered, of which no more is read."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=5)
    try:
        connection.request("GET", f"/events?topic={TOPIC}{query}", headers=dict(headers))
        status = connection.getresponse().status
    finally:
        connection.close()
    return "let in" if status == 200 else str(status)
