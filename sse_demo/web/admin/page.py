"""The page that shows who is there, and what it may do: nothing but what stands in it."""

from __future__ import annotations

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path

PAGE = Path(__file__).with_name("page.html")


@cache
def page() -> str:
    """The page, with the line ends by which browsers count."""
    return PAGE.read_text("utf-8")


@cache
def content_security_policy() -> str:
    """The header ``Content-Security-Policy`` of the page (CSP 3).

    Its own script and its own style run, told by their digests, and no other. It speaks with this server alone, no page
    shows it in a frame, and text cannot become a script (Trusted Types).
    """
    directives = {
        "default-src": "'none'",
        "script-src": _digest("script"),
        "style-src": _digest("style"),
        "img-src": "data:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
    }
    return "; ".join(f"{name} {value}" for name, value in directives.items())


def _digest(element: str) -> str:
    (content,) = re.findall(f"<{element}>(.*?)</{element}>", page(), re.DOTALL)
    return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"
