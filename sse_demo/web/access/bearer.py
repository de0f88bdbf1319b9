"""Refusals as RFC 6750, 3 has them: what is wrong, in the answer and in ``WWW-Authenticate``."""

from __future__ import annotations

from ..problems import Problem, problem

REALM = "sse_demo"


def challenge(error: str | None = None, description: str | None = None) -> str:
    """The header ``WWW-Authenticate``.

    Args:
        error: ``invalid_request``, ``invalid_token`` or ``insufficient_scope``; ``None`` where nothing was sent with
            which somebody could be known.
        description: What is wrong, for the developer of the client.
    """
    parts = [f'Bearer realm="{REALM}"']
    if error:
        parts.append(f'error="{error}"')
    if description:
        # What RFC 6750, 3 allows there: printable ASCII without the quotation mark and the backslash.
        said = "".join(one if " " <= one <= "~" and one not in '"\\' else "?" for one in description)
        parts.append(f'error_description="{said}"')
    return ", ".join(parts)


def who_are_you(detail: str = "say who you are: Authorization: Bearer TOKEN, a session, or a ticket") -> Problem:
    """401 for somebody who has not told who they are."""
    return problem(401, detail, {"WWW-Authenticate": challenge()})


def invalid_token(detail: str) -> Problem:
    """401: who has sent this is not let in."""
    return problem(401, detail, {"WWW-Authenticate": challenge("invalid_token", detail)})


def invalid_request(detail: str) -> Problem:
    """400: what was sent cannot be understood, or contradicts itself."""
    return problem(400, detail, {"WWW-Authenticate": challenge("invalid_request", detail)})


def insufficient_scope(detail: str) -> Problem:
    """403: who this is is known, and that one may not do so."""
    return problem(403, detail, {"WWW-Authenticate": challenge("insufficient_scope", detail)})
