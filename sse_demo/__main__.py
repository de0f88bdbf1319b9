"""``python -m sse_demo``, and the command ``sse-demo``."""

import sys

from .cli import signals

signals.end_at_once()

from .cli.main import main  # noqa: E402  # from here on, Ctrl-C shows no traceback

if __name__ == "__main__":
    sys.exit(main())
