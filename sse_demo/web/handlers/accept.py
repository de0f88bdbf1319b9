"""What a client says that it takes: the header ``Accept`` (RFC 9110, 12.5.1)."""

from __future__ import annotations

_RANGES = ("text/event-stream", "text/*", "*/*", "*")  # the most specific one that the client names decides

MAX_RANGES = 100  # of those that a client names; what comes after them counts for nothing

_USUAL = ("", "*/*", "text/event-stream")  # what nearly all clients say: no need to read it


def takes_event_streams(accept: str) -> bool:
    """Whether a client with this ``Accept`` takes an event stream. A client that says nothing takes anything.

    Some clients write ``*`` where they mean ``*/*``.
    """
    if accept in _USUAL:
        return True
    qualities: dict[str, str] = {}
    for item in accept.lower().split(",", MAX_RANGES)[:MAX_RANGES]:
        media_range, *parameters = (part.strip() for part in item.split(";"))
        qualities[media_range] = next((p[2:] for p in parameters if p.startswith("q=")), "1")
    quality = next((qualities[media_range] for media_range in _RANGES if media_range in qualities), "0")
    return bool(quality.strip("0."))


def asks_for_event_stream(accept: str) -> bool:
    """Whether a client with this ``Accept`` names event streams, as a browser's ``EventSource`` does.

    For an address that has something else for those who take anything.
    """
    return "text/event-stream" in accept.lower() and takes_event_streams(accept)
