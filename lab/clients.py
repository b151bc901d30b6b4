"""A client that watches one address of a row of speakers in three ways: by ARP, a warm flow of datagrams, fresh connections."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass

from lab.asking import Answers
from lab.network import Host
from lab.speakers import Speakers, settled
from lab.traffic import Connections, Flow, connections, echo, flow, wait_until_both_run


@dataclass(frozen=True, slots=True)
class Watch:
    """What the client has seen."""

    there: Speakers
    answers: Answers
    datagrams: Flow
    tried: Connections

    def well(self) -> str:
        """The node that answers, alone, when every speaker holds all to be alive and traffic gets through."""
        self.there.all_alive()
        return self.one_answers()

    def one_answers(self, *, timeout: float = 30.0) -> str:
        """The node that answers, alone, when traffic gets through."""
        owner = settled(self.answers, timeout=timeout)
        self.works(time.monotonic())
        return owner

    def works(self, moment: float) -> None:
        """Return when a datagram and a connection of after the moment have got through."""
        wait_until_both_run(self.datagrams, self.tried, moment)


@contextlib.contextmanager
def watch(there: Speakers, address: str) -> Iterator[Watch]:
    """Watch an address while the block runs, from the site's client. Nodes send back what they get."""
    with echo([node.host for node in there.nodes]), seen_from(there, address, there.client) as watched:
        yield watched


@contextlib.contextmanager
def seen_from(there: Speakers, address: str, client: Host) -> Iterator[Watch]:
    """The same, where somebody else has the nodes send back what they get."""
    with (
        there.questions(address, client=client) as answers,
        flow(client, [address]) as datagrams,
        connections(client, address) as tried,
    ):
        yield Watch(there, answers, datagrams, tried)
