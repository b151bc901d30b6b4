"""Raw questions without end: who answers for an address on a link, judged from a list that only grows.

They are put in a thread while a block runs. No neighbour cache has a part in it: every question is a frame of its own.
"""

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from lab import arp, ndp
from lab.network import Host
from lab.wait import NotYetError, require, until


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: when it was put (monotonic seconds), and the nodes that answered before the next one."""

    at: float
    by: frozenset[str]


@dataclass(frozen=True, slots=True)
class Answers:
    """Who answered for an address, question by question, one `every` so many seconds. Moments are of the monotonic clock,
    spans in seconds.
    """

    address: str
    every: float
    asked: list[Asked] = field(default_factory=list)

    def since(self, moment: float = 0.0) -> list[Asked]:
        """The questions put at that moment or later."""
        return list(itertools.takewhile(lambda each: each.at >= moment, reversed(self.asked)))[::-1]

    def answered_without(self, node: str, moment: float, *, timeout: float = 20.0) -> float:
        """How long after the moment another node than that one answered first; waits until it does."""

        def first() -> float:
            for each in self.since(moment):
                if each.by - {node}:
                    return each.at - moment
            raise NotYetError(f"nobody but {node} has answered")

        return until(first, what=f"another node than {node} to answer for {self.address}", timeout=timeout, every=0.02)

    def settled(self, *, timeout: float = 20.0) -> str:
        """The node that has answered every question of the last second, and alone; waits until there is one."""
        one_second = round(1 / self.every)

        def look() -> str:
            last = self.asked[-one_second:]
            require(len(last) == one_second and len({each.by for each in last}) == 1, f"of late {told(last)}")
            require(len(last[0].by) == 1, f"of late {told(last)}")
            return next(iter(last[0].by))

        return until(look, what=f"one node to answer for {self.address}", timeout=timeout)

    def longest_silence(self, moment: float = 0.0) -> float:
        """The longest span in which nobody answered question after question."""
        return self._longest_run(moment, lambda by: not by)

    def gap(self, moment: float) -> float:
        """The longest time since the moment without a question that was answered, beyond that between two."""
        asked = self.since(moment)
        answered = [each.at for each in asked if each.by]
        spans = (b - a for a, b in itertools.pairwise([moment, *answered, max([moment, *(each.at for each in asked)])]))
        return max(0.0, max(spans) - self.every)

    def longest_dispute(self, moment: float = 0.0) -> float:
        """The longest span in which more than one node answered question after question."""
        return self._longest_run(moment, lambda by: len(by) > 1)

    def disputed(self, moment: float) -> float:
        """The span since the moment from the first to the last question that more than one node answered."""
        times = [each.at for each in self.since(moment) if len(each.by) > 1]
        return times[-1] - times[0] + self.every if times else 0.0

    def _longest_run(self, moment: float, of: Callable[[frozenset[str]], bool]) -> float:
        """Counted in questions, since a busy machine may hold up the one who asks."""
        runs = itertools.groupby(self.since(moment), key=lambda each: of(each.by))
        return max((self.every * len(list(run)) for found, run in runs if found), default=0.0)

    def everybody(self, moment: float = 0.0) -> frozenset[str]:
        """All nodes that ever answered."""
        return frozenset[str]().union(*(each.by for each in self.since(moment)))


def told(asked: list[Asked]) -> str:
    """Who answered, for a person: `n1 x12, nobody x3, n1+n2 x1`."""
    runs = ((by, len(list(run))) for by, run in itertools.groupby(asked, key=lambda each: each.by))
    return ", ".join(f"{'+'.join(sorted(by)) or 'nobody'} x{times}" for by, times in runs)


@contextlib.contextmanager
def questions(
    client: Host, address: str, names: Mapping[str, str], *, every: float, sender: str | None = None
) -> Iterator[Answers]:
    """Ask from a client who has the address. `names` are the nodes' by their MACs; `sender` is who is said to ask, by default
    the client's IPv4 address.
    """
    answers, protocol = Answers(address, every), ndp if ":" in address else arp
    asking = sender or client.address()
    with client.inside():
        link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(protocol.ETHERTYPE))
    with link:
        link.bind(("eth0", protocol.ETHERTYPE))
        question = protocol.question(address, sender_mac=link.getsockname()[4], sender=asking)

        def ask() -> None:
            at = time.monotonic()
            link.send(question)
            heard = _heard(link, protocol.answering_mac, address, at + every)
            answers.asked.append(Asked(at, frozenset(names.get(mac, mac) for mac in heard)))

        with again_and_again(ask):
            yield answers


@contextlib.contextmanager
def again_and_again(step: Callable[[], None]) -> Iterator[None]:
    """Repeat a step in a thread while the block runs. A step that fails ends it, and is raised at the end of the block, also of
    one that has failed: most often for that reason.
    """
    stopping, failures = threading.Event(), list[BaseException]()

    def repeat() -> None:
        try:
            while not stopping.is_set():
                step()
        except BaseException as failure:
            failures.append(failure)

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()
        if failures:
            raise failures[0]


def _heard(link: socket.socket, read: Callable[[bytes, str], str | None], address: str, end: float) -> set[str]:
    """The MACs that answer for the address until a moment."""
    heard = set[str]()
    while (left := end - time.monotonic()) > 0:
        link.settimeout(left)
        try:
            mac = read(link.recv(2048), address)
        except TimeoutError:
            break
        if mac:
            heard.add(mac)
    return heard
