"""Whether a pool's addresses are announced by layer 2, and what its author is told: which interface is missing, and where."""

from collections.abc import Collection, Iterable, Mapping

from openelb.model import names
from openelb.model.addresses import Address
from openelb.model.cluster import Link, Pool, Speaker
from openelb.model.findings import Finding, Reason
from openelb.model.ranges import Ranges
from openelb.plan.interfaces import AUTO, CAN_REACH, is_one, link_for, subnets, words

NAMED = 8  # of interfaces or networks; a sentence that lists more is not read
NOBODY_THERE = "no speaker is alive: look at the pods of DaemonSet openelb-speaker (kubectl -n openelb-system get pods)"
NO_NAME = "layer2 needs spec.interface: name the network interface of the nodes, for example eth0"
EXCLUDED = (
    f"every node with a live speaker has the label {names.EXCLUDED}: take it off those that are to announce "
    f"(kubectl label node NODE {names.EXCLUDED}-)"
)
UNSELECTED = (
    f"no node with a live speaker has the labels of spec.nodeSelector, and not the label {names.EXCLUDED}: correct it, or "
    "label the nodes that are to announce (kubectl label node NODE KEY=VALUE)"
)


def told(interface: str) -> str:
    """What a node has that announces: `interface eth0`."""
    return "an interface in its network" if words(interface) == (AUTO,) else f"interface {interface}"


def layer2_outlook(
    pool: Pool,
    ranges: Ranges,
    speakers: Mapping[str, Speaker],
    chosen: frozenset[str],
    able: frozenset[str],
    met: Ranges,
) -> Finding:
    """Of a pool with the addresses `ranges`: `chosen` are the nodes that may announce it and are alive, `able` those of them
    that can, and `met` the addresses of the networks that the named interfaces are in.
    """
    if not pool.interface:
        return Finding(Reason.INTERFACE_MISSING, NO_NAME)
    if not speakers:
        return Finding(Reason.NO_SPEAKER, NOBODY_THERE)
    if not chosen:
        return Finding(Reason.NO_NODE, UNSELECTED if pool.node_selector is not None else EXCLUDED)
    if not able:
        links = [link for node in sorted(chosen) for link in speakers[node].links]
        return Finding(Reason.INTERFACE_NOT_FOUND, _not_found(pool, ranges, links))
    if words(pool.interface) == (AUTO,):
        return Finding(Reason.READY, "nodes with an interface in their network announce its addresses")
    sentence = f"nodes with interface {pool.interface} announce its addresses"
    return Finding(Reason.READY, sentence + _elsewhere(pool, ranges, met))


def _not_found(pool: Pool, ranges: Ranges, links: Collection[Link]) -> str:
    named, interface = words(pool.interface), pool.interface
    first = next(iter(ranges.parts)).first if ranges else None
    if first is not None and AUTO not in named and link_for(interface, links, first):
        return _no_ipv6(interface)
    if AUTO in named:
        wanted = f"no node has an interface in a network that holds {pool.address}"
        seen = [str(subnet) for link in links for subnet in subnets(link)]
        return f"{wanted}: name the interface in spec.interface of the Eip; networks seen on the nodes: {_listed(seen)}"
    if not is_one(interface):
        wanted = f"no node has one of the interfaces {interface} that is up"
    elif interface.startswith(CAN_REACH):
        wanted = f"no node has an interface whose network holds {interface.removeprefix(CAN_REACH)}"
    else:
        wanted = f"no node has an interface {interface} that is up"
    seen = [link.name for link in links]
    return f"{wanted}: correct spec.interface of the Eip; interfaces seen on the nodes: {_listed(seen)}"


def _listed(seen: Iterable[str]) -> str:
    return ", ".join(sorted(set(seen))[:NAMED]) or "none"


def unheard(pool: Pool, address: Address) -> str:
    """Why no node can announce that address of a pool of which nodes announce others."""
    if AUTO in words(pool.interface):
        return (
            f"no node has an interface in a network that holds {address}: name the interface in spec.interface of the Eip, "
            "or take the address out of spec.address"
        )
    return _no_ipv6(pool.interface)


def _no_ipv6(interface: str) -> str:
    return (
        f"no node has an IPv6 address on interface {interface}, so none hears IPv6 there: switch IPv6 on there, "
        "or take the IPv6 addresses out of spec.address"
    )


def _elsewhere(pool: Pool, ranges: Ranges, met: Ranges) -> str:
    """A warning where the addresses of the pool are in none of the networks of the interface. They may be meant to be."""
    if not ranges.versions & met.versions or ranges.common(met):
        return ""
    return (
        f", but no node has an address in a network that holds {pool.address} there: machines on that network need a route "
        "to these addresses as on the link; where that is not what you want, correct spec.address or spec.interface"
    )
