"""What the HTTP side allows its clients."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..fields import Checked, names, seconds, share, switch, whole

MAX_RETRY = 24 * 3600.0  # seconds; a client that stays away for longer has left

# As browsers write it in the header Origin, with which it is compared: in lower case, and without a path.
_ORIGIN = re.compile(r"\*|null|[a-z][a-z0-9+.-]*://[a-z0-9._:\[\]-]+")


@dataclass(frozen=True, kw_only=True)
class WebLimits(Checked):
    """The limits of connections, and the pages that may read and publish from elsewhere (Fetch standard, 3.2).

    Attributes:
        max_connections: Event streams open at the same time; one more is answered with 503.
        max_topics_per_connection: Topics that one connection may follow.
        request_timeout: Time for a request to arrive, and for which an idle connection is kept.
        retry: Time that a client is told to wait before it comes back after it has lost its connection; a day at the
            most.
        retry_jitter: Spread of ``retry``, from 0 to 1: with 0.5 each client is told a random 50 to 150 % of it, so that
            they do not all come back at once.
        allow_origins: Pages beside the server's own that may read and publish, such as ``"https://example.org"``, in
            lower case and without a path; or ``"*"`` for every page in the world.
        allow_credentials: The browsers of these pages send cookies, too. Then the origins have to be named.
    """

    max_connections: int | float = whole(10_000)
    max_topics_per_connection: int | float = whole(100)
    request_timeout: float = seconds(60.0)
    retry: float = seconds(2.0, most=MAX_RETRY)
    retry_jitter: float = share(0.5)
    allow_origins: tuple[str, ...] = names(
        "origins", _ORIGIN, 'an origin such as "https://example.org" (lower case, no path), or "*"'
    )
    allow_credentials: bool = switch(False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.allow_credentials and "*" in self.allow_origins:
            raise ValueError("allow_credentials needs origins that are named, and not *")
