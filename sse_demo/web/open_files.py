"""How many files a process may have open: each connection is one."""

from __future__ import annotations

import contextlib


def allow_files(count: int) -> None:
    """Ask the system for so many open files, or for as many as it grants.

    Many systems allow a process 1,024 open files unless it asks for more. Where the system grants fewer than ``count``,
    the server accepts connections until they are used up, and then waits until one of them ends.

    Args:
        count: Files, and connections, that this process wants to have open at the same time.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        with contextlib.suppress(OSError, ValueError):  # macOS says "unlimited" and does not mean it
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard) if hard > 0 else count, hard))
