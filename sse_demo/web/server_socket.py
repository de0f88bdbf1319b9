"""The socket of a server: bound to its address before the server runs, so that its caller is told of a port in use."""

from __future__ import annotations

import errno
import logging
import socket
from typing import Any

from tornado.ioloop import IOLoop

BACKLOG = 1024  # connections that wait to be accepted; the system may allow fewer
PAUSE = 1.0  # seconds in which no connection is accepted after one could not be
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

_logger = logging.getLogger("sse_demo.server")


def bind(host: str, port: int) -> ServerSocket:
    """A socket that is bound to this address and accepts connections.

    Args:
        host: An address of this machine, or a name of one. ``"127.0.0.1"`` is reached from this machine only,
            ``"0.0.0.0"`` from the whole network.
        port: 0 is any that is free.

    Raises:
        ValueError: The port is none, or the host is empty: that would be every address of this machine.
        OSError: The address cannot be had. Where the port is in use, the error says what to do.
    """
    require_port(port)
    if not isinstance(host, str) or not host:
        raise ValueError(f'host must be an address or a name, such as "127.0.0.1" or "0.0.0.0", not {host!r}')
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        opened = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            hint = f"port {port} on {host} is in use; choose another one, or port=0 for any that is free"
            raise OSError(error.errno, hint) from None
        raise
    bound = ServerSocket(fileno=opened.detach())
    bound.setblocking(False)
    return bound


def require_port(port: int) -> None:
    """Raise ``ValueError`` for what is no port."""
    if isinstance(port, bool) or not isinstance(port, int) or not 0 <= port <= 65535:
        raise ValueError(f"port must be a whole number from 0 to 65535, not {port!r}")


class ServerSocket(socket.socket):
    """Pauses when the process has no file descriptor left.

    The connection that could not be accepted stays in the backlog and keeps the socket readable. The event loop would
    try again at once, fail, and log it, for as long as nobody leaves.
    """

    def accept(self) -> tuple[socket.socket, Any]:
        try:
            return super().accept()
        except OSError as error:
            if error.errno not in _EXHAUSTED:
                raise
            _logger.warning("accepts no connection for %g s: %s", PAUSE, error)
            loop = IOLoop.current()
            loop.update_handler(self, IOLoop.NONE)
            loop.call_later(PAUSE, self._go_on, loop)
            raise BlockingIOError(error.errno, "nothing to accept for now") from error

    def _go_on(self, loop: IOLoop) -> None:
        if self.fileno() >= 0:  # the server may have been stopped
            loop.update_handler(self, IOLoop.READ)
