"""Clients that never stop asking: who answers for an address, by ARP or by neighbour discovery, and does the page come?

They ask in a thread while a block runs; what they saw is a list that only grows, and the rest is judged from it.
"""

import contextlib
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from lab import asking, site
from lab.asking import Answers, again_and_again
from lab.cluster import Cluster
from lab.demo import WELCOME
from lab.network import Host
from lab.wait import NotYetError, require, until
from tests.lab.installed import PATIENCE, node_names, url

EVERY = 0.05
"""Seconds between two questions."""
HICCUP = 2.0
"""Seconds by which a page may be late on a machine that is busy: a page that does not come is late for longer."""


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
    """Ask who has the address, from the client on the LAN."""
    sender = site.ipv6_address(cluster.client.address()) if ":" in address else None
    with asking.questions(cluster.client, address, node_names(cluster), every=EVERY, sender=sender) as answers:
        yield answers


@contextlib.contextmanager
def page_views(client: Host, address: str, *, forgetful: bool = False) -> Iterator[Pages]:
    """Open the page, each time on a fresh TCP connection.

    `forgetful` has the client forget the neighbour every time: a warm cache reaches a node that answers no question any more.
    """
    pages = Pages(address)

    def open_it() -> None:
        began = time.monotonic()
        if forgetful:
            client.forget_neighbours(address)
        wrong = _wrong(client, address)
        pages.attempts.append(Opened(began, time.monotonic(), wrong))
        time.sleep(EVERY)

    with again_and_again(open_it):
        yield pages


def _lasted(attempt: Opened) -> float:
    return min(attempt.ended - attempt.began, PATIENCE) + EVERY


def _wrong(client: Host, address: str) -> str:
    """What is wrong with the page; nothing when it is the right one."""
    try:
        page = client.get(url(address), timeout=PATIENCE)
    except OSError as error:
        return str(error) or type(error).__name__
    return "" if WELCOME in page else f"another page: {page[:80]!r}"
