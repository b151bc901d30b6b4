"""What follows from the gateways of links that do not answer any more, as speakers say it of themselves.

A node without its gateway announces only what nobody else can: clients behind that router do not reach it. Where the router
itself is gone all nodes say so, one after the other within a second or two, and nothing may move for it: so their words count
when nobody has said anything else for a while. All see them at about the same time, by their Leases, and judge alike.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from openelb.model.addresses import Address
from openelb.model.cluster import Link, Node, Pool, Protocol, Speaker
from openelb.plan.interfaces import NOBODY, link_for, subnet_of, subnets

SETTLED = 2.0
"""Seconds without another word: nodes ask once a second, and a word is with all others within some tenths of one."""

AT_LAST = 10.0
"""Seconds after which words count though others follow: somewhere else a link may come and go."""

PARTS_LOOKED_AT = 8
"""Of a pool: by their first addresses its links are found."""

Lost = frozenset[tuple[str, str]]
"""Nodes, each with the name of a link that has lost its gateway."""


@dataclass(frozen=True, slots=True)
class Word:
    """What speakers say, since when, and what of it counts. Times are monotonic seconds; something that does not count yet was
    said `first` then.
    """

    said: Lost = frozenset()
    counts: Lost = frozenset()
    since: float = -math.inf
    first: float = -math.inf

    def due(self) -> float | None:
        """When time alone makes what is said count."""
        return None if self.said == self.counts else min(self.since + SETTLED, self.first + AT_LAST)

    def heeded(self, speakers: Mapping[str, Speaker]) -> Mapping[str, Speaker]:
        """The speakers with what counts in place of what they say."""
        if not self.said and not self.counts:
            return speakers
        concerned = {node for node, _ in self.said | self.counts}
        return {
            node: _marked(speaker, self.counts) if node in concerned else speaker for node, speaker in speakers.items()
        }


def listen(before: Word | None, speakers: Mapping[str, Speaker], now: float) -> Word:
    """What is to be held of their word. Who listens for the first time has nothing to wait for: the others have."""
    said = lost(speakers)
    if before is None:
        return Word(said, said)
    if said == before.counts:
        return before if said == before.said else Word(said, said)
    settling = before.said != before.counts
    word = replace(
        before,
        said=said,
        since=before.since if said == before.said else now,
        first=before.first if settling else now,
    )
    due = word.due()
    return word if due is None or now < due else Word(said, said)


def lost(speakers: Mapping[str, Speaker]) -> Lost:
    """All links that have lost their gateway."""
    return frozenset(
        (node, link.name) for node, speaker in speakers.items() for link in speaker.links if link.gateway_lost
    )


def without_losses(speakers: Mapping[str, Speaker]) -> Mapping[str, Speaker]:
    """The same speakers, as if all gateways answered."""
    return Word(lost(speakers)).heeded(speakers)


def _marked(speaker: Speaker, losses: Lost) -> Speaker:
    links = tuple(replace(link, gateway_lost=(speaker.node, link.name) in losses) for link in speaker.links)
    return speaker if links == speaker.links else replace(speaker, links=links)


def used(pools: Iterable[Pool], links: Iterable[Link], own: str) -> frozenset[str]:
    """The names of those links of a node by which it might announce addresses of some pool; `own` is what its annotation says."""
    links = tuple(links)
    found = (
        link_for(pool.interface, links, part.first, own)
        for pool in pools
        if pool.protocol is Protocol.LAYER2
        for part in pool.ranges.parts[:PARTS_LOOKED_AT]
    )
    return frozenset(link.name for link in found if link is not None)


def is_without(pool: Pool, address: Address, links: Iterable[Link], own: str) -> bool:
    """Whether the link of a node by which it would announce the address has lost its gateway."""
    link = link_for(pool.interface, links, address, own)
    return link is not None and link.gateway_lost


def without(speakers: Mapping[str, Speaker], nodes: Mapping[str, Node]) -> Callable[[Pool, Address], frozenset[str]]:
    """Tells of a pool and an address which nodes are without a gateway for it. Addresses of the same networks have the same
    links everywhere, so each network is looked at once however many addresses it has.
    """
    concerned = {node: speakers[node].links for node in sorted({node for node, _ in lost(speakers)})}
    if not concerned:
        return lambda pool, address: NOBODY
    own = {node: nodes[node].address if node in nodes else "" for node in concerned}
    networks = {subnet for links in concerned.values() for link in links for subnet in subnets(link)}
    lengths = {(subnet.version, subnet.length) for subnet in networks}
    found: dict[tuple[object, ...], frozenset[str]] = {}

    def tell(pool: Pool, address: Address) -> frozenset[str]:
        around = frozenset(subnet_of(address, length) for version, length in lengths if version == address.version)
        key = pool.interface, address.version, around & networks
        if key not in found:
            found[key] = frozenset(
                node for node, links in concerned.items() if is_without(pool, address, links, own[node])
            )
        return found[key]

    return tell
