"""Clients that never stop asking: who answers for an address, by ARP or by neighbour discovery, and does the page come?

They ask in a thread while a block runs; what they saw is a list that only grows, and the rest is judged from it.
"""

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from lab import arp, ndp, site
from lab.cluster import Cluster
from lab.demo import WELCOME
from lab.network import Host
from lab.wait import NotYetError, require, until
from tests.lab.installed import PATIENCE, node_names, url

EVERY = 0.05
"""Seconds between two questions."""
ONE_SECOND = round(1 / EVERY)
"""So many questions."""
HICCUP = 2.0
"""Seconds by which a page may be late on a machine that is busy: a page that does not come is late for longer."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: when it was put (monotonic seconds), and the nodes that answered before the next one."""

    at: float
    by: frozenset[str]


@dataclass(frozen=True, slots=True)
class Answers:
    """Who answered for an address, question by question. Moments are of the monotonic clock, spans in seconds."""

    address: str
    asked: list[Asked] = field(default_factory=list)

    def since(self, moment: float = 0.0) -> list[Asked]:
        """The questions put at that moment or later."""
        return [each for each in self.asked if each.at >= moment]

    def answered_without(self, node: str, moment: float) -> float:
        """How long after the moment another node than that one answered first; waits until it does."""

        def first() -> float:
            for each in self.since(moment):
                if each.by - {node}:
                    return each.at - moment
            raise NotYetError(f"nobody but {node} has answered")

        return until(first, what=f"another node than {node} to answer for {self.address}", timeout=20)

    def settled(self, *, timeout: float = 20.0) -> str:
        """The node that has answered every question of the last second, and alone; waits until there is one."""

        def look() -> str:
            last = self.asked[-ONE_SECOND:]
            require(len(last) == ONE_SECOND and len({each.by for each in last}) == 1, f"of late {told(last)}")
            require(len(last[0].by) == 1, f"of late {told(last)}")
            return next(iter(last[0].by))

        return until(look, what=f"one node to answer for {self.address}", timeout=timeout)

    def longest_silence(self, moment: float = 0.0) -> float:
        """The longest span in which nobody answered question after question."""
        return self._longest_run(moment, lambda by: not by)

    def longest_dispute(self, moment: float = 0.0) -> float:
        """The longest span in which more than one node answered question after question."""
        return self._longest_run(moment, lambda by: len(by) > 1)

    def _longest_run(self, moment: float, of: Callable[[frozenset[str]], bool]) -> float:
        """Counted in questions, since a busy machine may hold up the one who asks."""
        runs = itertools.groupby(self.since(moment), key=lambda each: of(each.by))
        return max((EVERY * len(list(run)) for found, run in runs if found), default=0.0)

    def everybody(self, moment: float = 0.0) -> frozenset[str]:
        """All nodes that ever answered."""
        return frozenset[str]().union(*(each.by for each in self.since(moment)))


@dataclass(frozen=True, slots=True)
class Opened:
    """One attempt at the page: when it began and ended (monotonic seconds), and what was wrong, if anything."""

    began: float
    ended: float
    wrong: str = ""


@dataclass(frozen=True, slots=True)
class Pages:
    """Whether the page at an address came, attempt by attempt."""

    address: str
    attempts: list[Opened] = field(default_factory=list)

    def back_after(self, moment: float) -> float:
        """How long after the moment at which the page went away it had come again; waits until it has."""

        def first() -> float:
            later = [each for each in self.attempts if each.began >= moment]
            failed = list(itertools.dropwhile(lambda each: not each.wrong, later))
            require(failed, "it has not gone away yet")
            good = next((each for each in failed if not each.wrong), None)
            if good is None:
                raise NotYetError(failed[-1].wrong)
            return good.ended - moment

        return until(first, what=f"the page at {self.address} to come back", timeout=30)

    def longest_gap(self) -> float:
        """The longest span in which attempt after attempt failed.

        Counted in attempts of at most the asker's patience, since a busy machine may hold up the one who asks.
        """
        runs = itertools.groupby(self.attempts, key=lambda each: bool(each.wrong))
        return max((sum(map(_lasted, run)) for failed, run in runs if failed), default=0.0)

    def told(self) -> str:
        """What became of the attempts, for a person: `page x12, timed out x3`."""
        runs = ((wrong, len(list(run))) for wrong, run in itertools.groupby(self.attempts, key=lambda each: each.wrong))
        return ", ".join(f"{wrong or 'page'} x{times}" for wrong, times in runs)


@contextlib.contextmanager
def questions(cluster: Cluster, address: str) -> Iterator[Answers]:
    """Ask who has the address. No cache has a part in it: every question is a raw frame of the client on the LAN."""
    answers, nodes, own = Answers(address), node_names(cluster), cluster.client.address()
    protocol, sender = (ndp, site.ipv6_address(own)) if ":" in address else (arp, own)
    with cluster.client.inside():
        link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(protocol.ETHERTYPE))
    with link:
        link.bind(("eth0", protocol.ETHERTYPE))
        question = protocol.question(address, sender_mac=link.getsockname()[4], sender=sender)

        def ask() -> None:
            at = time.monotonic()
            link.send(question)
            heard = _heard(link, protocol.answering_mac, address, at + EVERY)
            answers.asked.append(Asked(at, frozenset(nodes.get(mac, mac) for mac in heard)))

        with _again_and_again(ask):
            yield answers


@contextlib.contextmanager
def page_views(client: Host, address: str, *, forgetful: bool = False) -> Iterator[Pages]:
    """Open the page, each time on a fresh TCP connection.

    `forgetful` empties the client's neighbour cache every time: a warm one reaches a node that answers no question any more.
    """
    pages = Pages(address)

    def open_it() -> None:
        began = time.monotonic()
        if forgetful:
            client.forget_neighbours()
        wrong = _wrong(client, address)
        pages.attempts.append(Opened(began, time.monotonic(), wrong))
        time.sleep(EVERY)

    with _again_and_again(open_it):
        yield pages


def told(asked: list[Asked]) -> str:
    """Who answered, for a person: `n1 x12, nobody x3, n1+n2 x1`."""
    runs = ((by, len(list(run))) for by, run in itertools.groupby(asked, key=lambda each: each.by))
    return ", ".join(f"{'+'.join(sorted(by)) or 'nobody'} x{times}" for by, times in runs)


@contextlib.contextmanager
def _again_and_again(step: Callable[[], None]) -> Iterator[None]:
    """Repeat a step in a thread while the block runs. A step that fails ends it, and the block is told at its end."""
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


def _lasted(attempt: Opened) -> float:
    return min(attempt.ended - attempt.began, PATIENCE) + EVERY


def _wrong(client: Host, address: str) -> str:
    """What is wrong with the page; nothing when it is the right one."""
    try:
        page = client.get(url(address), timeout=PATIENCE)
    except OSError as error:
        return str(error) or type(error).__name__
    return "" if WELCOME in page else f"another page: {page[:80]!r}"
