"""TCP connections that last: each says something all the time, and is told when somebody else than before has got it: reset."""

import contextlib
import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from lab.asking import again_and_again
from lab.network import Host

PORT = 5002
EACH, EVERY = 4, 0.1
"""Connections to each address; seconds between two words of one."""


@dataclass(slots=True)
class Lasting:
    """How many were begun, and how many of them have ended since."""

    begun: int = 0
    reset: int = 0
    open: list[socket.socket] = field(default_factory=list)


@contextlib.contextmanager
def lasting(client: Host, addresses: Sequence[str]) -> Iterator[Lasting]:
    """Keep connections to all addresses open while the block runs."""
    seen = Lasting()
    for address in addresses:
        for _ in range(EACH):
            with client.inside():
                seen.open.append(socket.create_connection((address, PORT), timeout=5))
            seen.begun += 1
            seen.open[-1].setblocking(False)

    def step() -> None:
        for each in list(seen.open):
            try:
                with contextlib.suppress(BlockingIOError):
                    each.send(b".")
                with contextlib.suppress(BlockingIOError):
                    if not each.recv(1 << 16):
                        raise ConnectionResetError
            except OSError:
                each.close()
                seen.open.remove(each)
                seen.reset += 1
        time.sleep(EVERY)

    try:
        with again_and_again(step):
            yield seen
    finally:
        for each in seen.open:
            each.close()


@contextlib.contextmanager
def answering(hosts: Sequence[Host]) -> Iterator[None]:
    """Send back what comes by such connections on every host, in the caller's process."""
    with contextlib.ExitStack() as stack, selectors.DefaultSelector() as ears:
        for host in hosts:
            with host.inside():
                listener = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("0.0.0.0", PORT))
            listener.listen(1024)
            listener.setblocking(False)
            ears.register(listener, selectors.EVENT_READ, True)

        def step() -> None:
            for key, _ in ears.select(0.2):
                found = key.fileobj
                if not isinstance(found, socket.socket):
                    continue
                try:
                    if key.data:
                        connection, _ = found.accept()
                        connection.setblocking(False)
                        ears.register(connection, selectors.EVENT_READ, False)
                    elif content := found.recv(1 << 16):
                        found.send(content)
                    else:
                        ears.unregister(found)
                        found.close()
                except BlockingIOError:
                    continue
                except OSError:
                    ears.unregister(found)
                    found.close()

        try:
            with again_and_again(step):
                yield
        finally:
            for key in list(ears.get_map().values()):
                if isinstance(key.fileobj, socket.socket) and not key.data:
                    key.fileobj.close()
