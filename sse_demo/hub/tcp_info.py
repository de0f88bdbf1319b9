"""What the system knows of a connection, asked when somebody wants to know: deliveries count nothing for it."""

from __future__ import annotations

import socket
import struct
import sys

_SIZE = 128  # bytes of Linux's struct tcp_info up to the end of tcpi_bytes_acked
_bytes_acked = struct.Struct("@120xQ").unpack_from


def acknowledged_bytes(connection: socket.socket) -> int | None:
    """How many bytes the other end has taken since the connection began, those of headers and of TLS among them.

    Returns:
        The bytes; ``None`` where the system does not tell: it is not Linux from 4.1 on, or the connection has ended.
    """
    if sys.platform != "linux":
        return None
    try:
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _SIZE)
    except OSError:
        return None
    return int(_bytes_acked(info)[0]) if len(info) == _SIZE else None
