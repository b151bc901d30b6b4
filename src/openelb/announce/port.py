"""What a link's thread needs of the link: frames in and out, and what the kernel does for it there.

Not known here: how that is done. `host.sockets` has it.
"""

from typing import Protocol

from openelb.announce.delegation import Graces
from openelb.model.addresses import Address


class Port(Protocol):
    """Raw Ethernet sockets for ARP and neighbour discovery on one link, and a bell to wake who waits at them.

    Every method but `wake`, `wait` and `close` raises OSError when the link is gone or down.
    """

    def open(self) -> None:
        """Open the sockets, in place of those before. Nothing is received until `admit`."""

    def mac(self) -> bytes:
        """The MAC of the link as it is now: a bond may change it at any time."""

    def forwards(self) -> bool:
        """Whether the host is a router of IPv6 there, as it is now: answers say so."""

    def admit(self, addresses: frozenset[Address], others: frozenset[Address]) -> None:
        """Let questions for these addresses through and what is said in their name, of the `others` only the latter, and keep
        other frames out, as well as the kernel can.
        """

    def delegate(self, graces: Graces, valid_until: float) -> str:
        """Have the kernel answer for exactly these addresses, for their graces from now, also when this process is gone; not at
        all when `valid_until` (monotonic seconds) is over.

        Returns why it does not, in a sentence; empty when it does. What it answers for, nobody else may.
        """

    @property
    def delegated_answers(self) -> int:
        """How many questions the kernel has answered."""

    def wait(self, timeout: float) -> None:
        """Return when a frame is there, the bell was rung or so many seconds have passed (maybe none, maybe infinity)."""

    def wake(self) -> None:
        """Ring the bell, from any thread."""

    def receive(self) -> bytes | None:
        """The next frame that is there, or None."""

    def send(self, frame: bytes) -> bool:
        """Send a frame. False when the kernel had no room for it: it is lost, as it may be on any LAN."""

    def close(self, *, kept: bool = False) -> None:
        """Give back everything; nothing else is called afterwards. What is `kept` is what the kernel answers, for its graces."""
