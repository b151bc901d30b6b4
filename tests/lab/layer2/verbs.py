"""What happens to nodes in the tests of failover, and how long it is looked at."""

import time
from collections.abc import Callable, Sequence

import pytest

from lab.asking import told
from lab.clients import Watch
from lab.speakers import SpeakerNode
from lab.wait import require, until

Verb = Callable[[SpeakerNode], None]

SOON = 3.0
"""Seconds in which another node answers for a lost one's address: three times what is promised, since other work may run beside."""
DISPUTE = 1.5
"""Seconds after a fault's end in which two nodes may both answer: three times what is promised."""
PATIENCE = 4.0
"""Seconds without traffic that a busy machine may be the cause of."""
AWAY = 0.2
"""Seconds until an ended speaker is started again, as by kubelet."""
IN_TIME, TIMES = 2.8, 5
"""Seconds without an answer that addresses wait for a speaker, and a bit. On a busy machine it takes as long to start, and what
is promised of one that is back in time is looked at when it is restarted once more."""


def cut(node: SpeakerNode) -> None:
    """Frames vanish in both directions."""
    node.host.cut()


def heal(node: SpeakerNode) -> None:
    """Undo `cut`."""
    node.host.heal()


def unplug(node: SpeakerNode) -> None:
    """The carrier is lost."""
    node.host.unplug()


def plug(node: SpeakerNode) -> None:
    """Undo `unplug`."""
    node.host.plug()


def client_knows(watched: Watch, owner: str) -> None:
    """Wait until the client's own kernel holds that node to have the address: an announcement may come a moment later."""
    there, address = watched.there, watched.answers.address

    def look() -> None:
        known = there.knows(address, there.client)
        require(known == owner, f"{known} instead of {owner}")

    until(look, what="the client's kernel to know who answers", timeout=DISPUTE)


def nothing_changes(watched: Watch, owner: str, *, seconds: float) -> None:
    """Look for so many seconds whether this node goes on answering, alone, and traffic with it."""
    began = time.monotonic()
    time.sleep(seconds)
    assert watched.answers.everybody(began) == {owner}, told(watched.answers.since(began))
    client_knows(watched, owner)
    watched.works(began)


def restarted_in_time(watched: Watch, nodes: Sequence[SpeakerNode], end: Verb) -> tuple[str, float]:
    """End the speakers of these nodes, one after another, and start each again: the node that answered before, and when that was,
    of a time when addresses had not to wait for too long.
    """
    for _ in range(TIMES):
        owner, began = watched.well(), time.monotonic()
        for node in nodes:
            end(node)
            time.sleep(AWAY)
            node.start()
            watched.there.all_alive()
        watched.well()
        if watched.answers.longest_silence(began) < IN_TIME:
            return owner, began
    pytest.fail(f"{TIMES} times nobody answered for {IN_TIME:g} s: this machine has other work")
