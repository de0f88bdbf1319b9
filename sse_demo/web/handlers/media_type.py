"""What a publisher says that its body is: the header ``Content-Type``."""

from __future__ import annotations

from functools import lru_cache

from ..problems import problem

NDJSON = "application/x-ndjson"
# The last but one is what curl -d sends.
TEXT_TYPES = ("", "application/json", "application/x-www-form-urlencoded", NDJSON)
UTF_8 = ("utf-8", "utf8", "us-ascii")


@lru_cache(maxsize=256)  # clients send few different ones
def media_type(content_type: str) -> str:
    """The media type in the value of ``Content-Type``, in lower case.

    Raises:
        Problem: 415 for what is no text, and for text that says that it is not UTF-8.
    """
    found, *parameters = (part.strip().lower() for part in content_type.split(";"))
    if found not in TEXT_TYPES and not found.startswith("text/"):
        raise problem(415, f"an event is text or JSON, not {found}")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip(' "') not in UTF_8:
            raise problem(415, f"the body must be UTF-8, not {value}")
    return found
