"""The port on which a server listens."""

from __future__ import annotations

import errno
import logging
import socket

from tornado.ioloop import IOLoop

BACKLOG = 1024  # connections that wait to be accepted; the system may allow fewer
PAUSE = 1.0  # seconds in which no connection is accepted after one could not be
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

_log = logging.getLogger("sse_demo.server")


def listen_on(host: str, port: int) -> ListeningSocket:
    """A socket that is bound to this address and listens. Port 0 is any that is free.

    Raises ``OSError``; where the port is in use, it says what to do.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        opened = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            hint = f"port {port} on {host} is in use; choose another one, or port=0 for any that is free"
            raise OSError(error.errno, hint) from None
        raise
    listening = ListeningSocket(fileno=opened.detach())
    listening.setblocking(False)
    return listening


class ListeningSocket(socket.socket):
    """Pauses when the process has no file descriptor left.

    The connection that could not be accepted stays in the backlog and keeps the socket readable, so that the event loop
    would try again at once, fail, and log it, for as long as nobody leaves.
    """

    def accept(self):
        try:
            return super().accept()
        except OSError as error:
            if error.errno not in _EXHAUSTED:
                raise
            _log.warning("accepts no connection for %g s: %s", PAUSE, error)
            loop = IOLoop.current()
            loop.update_handler(self, IOLoop.NONE)
            loop.call_later(PAUSE, self._go_on, loop)
            raise BlockingIOError(error.errno, "nothing to accept for now") from error

    def _go_on(self, loop: IOLoop) -> None:
        if self.fileno() >= 0:  # the server may have been stopped
            loop.update_handler(self, IOLoop.READ)
