"""What the service itself says in a stream: hello, heartbeat, reset, and the two events of a state.

None of these has an id of its own. A client that loses its connection right after one of them still resumes at the
last published event that it received.
"""

from __future__ import annotations

import json

from .event import Event

#: A comment for a stream on which nothing happens. A connection that is dead shows it when the comment is sent. No
#: blank line follows: many clients take each blank line for the end of an event, also where no data came before it.
HEARTBEAT = b":\n"


def hello(retry: float) -> bytes:
    """The first lines of a stream: an empty comment, so that the first byte comes at once, and the reconnection time.

    The reconnection time counts from the end of its line (9.2.6). No blank line follows, as after a heartbeat.

    Args:
        retry: The time in seconds that the client waits before it reconnects; not negative. The wire carries it in
            whole milliseconds.

    >>> hello(2.0)
    b':\\nretry: 2000\\n'
    """
    return b":\nretry: %d\n" % round(retry * 1000)


def reset(reason: str, next_id: str | None) -> bytes:
    """The event that tells a subscriber that the log cannot give everything after its last event ID.

    Args:
        reason: ``"unknown"``: the id is none of this log's, because the server was restarted or the id is made up. All
            that the log has follows. ``"expired"``: the log has dropped some of the events after the id. The
            events that are left follow.
        next_id: The id of the next event that follows; ``None`` where none follows yet.

    >>> reset("expired", "a-7")
    b'event: reset\\ndata: {"reason": "expired", "next_id": "a-7"}\\n\\n'
    """
    return Event(json.dumps({"reason": reason, "next_id": next_id}), event="reset").encode()


def snapshot_event(document_json: str) -> Event:
    """The event that carries a state as a whole.

    Args:
        document_json: The state, a JSON object as text.
    """
    return Event(document_json, event="snapshot")


def patch_event(patch_json: str) -> Event:
    """The event that carries the difference between two states, for :func:`~sse_demo.wire.patch.merge_patch`.

    Args:
        patch_json: A merge patch (RFC 7396), a JSON object as text.
    """
    return Event(patch_json, event="patch")
