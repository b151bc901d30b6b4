"""Who listens at a unix socket."""

import contextlib
import socket
import struct

_UCRED = struct.Struct("iII")
"""struct ucred: the process, its user, its group (unix(7), SO_PEERCRED)."""


def owner(path: str) -> int:
    """The number of the process that listens there; 0 when nobody does, or none that can be seen from here."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking, contextlib.suppress(OSError):
        asking.connect(path)
        pid: int = _UCRED.unpack(asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))[0]
        return pid
    return 0
