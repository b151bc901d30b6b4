"""A question put on a link as a raw frame, and who answers it within a time."""

import socket
import time
from collections.abc import Callable


def put(
    interface: str,
    ethertype: int,
    question: Callable[[bytes], bytes],
    answering_mac: Callable[[bytes], str | None],
    *,
    within: float,
) -> frozenset[str]:
    """Every MAC that answers within so many seconds on the interface of the caller's network namespace. The `question` is made
    for the MAC of the interface; of each frame that comes, `answering_mac` tells who claims what was asked for.
    """
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ethertype)) as link:
        link.bind((interface, ethertype))
        link.send(question(link.getsockname()[4]))
        end = time.monotonic() + within
        answers = set[str]()
        while (left := end - time.monotonic()) > 0:
            link.settimeout(left)
            try:
                mac = answering_mac(link.recv(2048))
            except TimeoutError:
                break
            if mac:
                answers.add(mac)
        return frozenset(answers)
