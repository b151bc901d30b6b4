"""Which speaker asks about which addresses: one for each pool, alike in everybody's eyes."""

from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from itertools import islice

from openelb.model.addresses import Address
from openelb.model.cluster import Pool, Protocol
from openelb.model.layer2 import Probing
from openelb.model.probes import Question
from openelb.model.snapshot import Snapshot
from openelb.plan.interfaces import link_for
from openelb.plan.placement import reaches

MOST_ASKED = 8192
"""Addresses of all pools together that one speaker asks about; a manager asks about fewer."""

Duties = Mapping[str, Mapping[Address, tuple[str, Probing]]]
"""By link, the addresses to ask about there: the Eip of each, and how."""


def is_probed(pool: Pool) -> bool:
    """Whether addresses of the pool are asked about before they are first used."""
    return pool.protocol is Protocol.LAYER2 and pool.layer2.probe is not Probing.OFF and not pool.left_to_cni


def prober(pool: str, nodes: Iterable[str]) -> str | None:
    """The one of these nodes that asks for the pool: a lost node's share alone moves."""
    return min(nodes, key=lambda node: sha256(f"{node}#{pool}".encode()).digest(), default=None)


def duties(snapshot: Snapshot, me: str, alive: frozenset[str]) -> Duties:
    """What node `me` is to ask about, while the nodes in `alive` are."""
    found: dict[str, dict[Address, tuple[str, Probing]]] = {}
    asked = {name: pool for name, pool in snapshot.pools.items() if name in snapshot.questions and is_probed(pool)}
    if me not in alive or me not in snapshot.speakers or not asked:
        return found
    there = {name: speaker for name, speaker in snapshot.speakers.items() if name in alive}
    reach = reaches(asked, there, snapshot.nodes)
    own, links = snapshot.nodes[me].address if me in snapshot.nodes else "", snapshot.speakers[me].links
    chosen: dict[tuple[str, frozenset[str]], str | None] = {}
    for name, pool in sorted(asked.items()):
        for address in islice(_addresses(snapshot.questions[name]), MOST_ASKED - sum(map(len, found.values()))):
            nodes = reach[name].of(address)
            if (name, nodes) not in chosen:
                chosen[name, nodes] = prober(name, nodes)
            link = link_for(pool.interface, links, address, own) if chosen[name, nodes] == me else None
            if link is not None and address in pool.ranges:
                found.setdefault(link.name, {})[address] = name, pool.layer2.probe
    return found


def _addresses(questions: Iterable[Question]) -> Iterator[Address]:
    for question in questions:
        yield from question.ranges
