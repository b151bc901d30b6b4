"""What BGP is to be on one node: the instance, its peers, and what each may be told, from what authors wrote.

Not known here: which routes there are (`plan/routes.py`), their paths (`plan/paths.py`), and gobgpd, which is told the outcome
(`announce/bgp.py`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from ipaddress import IPv4Address
from types import MappingProxyType

from openelb.model.announcements import Route
from openelb.model.bgp import Family, Instance, Peer, Prefix
from openelb.model.cluster import Pool
from openelb.model.findings import Finding, Reason
from openelb.model.policy import Policies, Prepend
from openelb.model.routers import CONF, NO_CONF, BgpConf, BgpPeer, Drain, DrainMethod, NextHops, SecretKey
from openelb.model.snapshot import Snapshot
from openelb.plan.bgp_outlook import LEFT_TO_CNI
from openelb.plan.paths import Here, prefixes, rack_of
from openelb.plan.policy import LEAVING, NO_PREFERENCE, Preference, for_peers
from openelb.plan.standing import has_session

Passwords = Mapping[SecretKey, str | None]
"""What is in the Secrets that BgpPeers refer to; None where nothing is. Of one that is not in it nothing is known yet."""

NO_ASN = "spec.as is missing: give the autonomous system of the cluster"

NO_PASSWORDS: Passwords = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class NodeBgp:
    """What gobgpd is to be, without policies. Peers are by their BgpPeer's name; `findings` say of BgpPeers, and `finding` of the
    BgpConf, why they have no effect here.
    """

    instance: Instance | None = None
    peers: Mapping[str, Peer] = field(default_factory=dict)
    finding: Finding | None = None
    findings: Mapping[str, Finding] = field(default_factory=dict)


def configuration(
    snapshot: Snapshot, here: Here, passwords: Passwords = NO_PASSWORDS, *, in_company: bool = False
) -> NodeBgp:
    """The instance and the peers of a node. One that was `in_company` before keeps the router id of its own when it is left alone:
    all its sessions would end for another one.
    """
    conf = snapshot.confs.get(CONF)
    instance, finding = _instance(conf, snapshot, here, in_company=in_company)
    peers, findings = _peers(snapshot, here.node, passwords)
    if finding is not None:
        why = Finding(finding.reason, f"BgpConf {CONF}: {finding.sentence}")
        return NodeBgp(None, {}, finding, dict.fromkeys(peers, why) | findings)
    return NodeBgp(instance, peers, None, findings)


def secrets(snapshot: Snapshot, me: str) -> frozenset[SecretKey]:
    """Where the passwords are of the sessions that a node is to have."""
    node = snapshot.nodes.get(me)
    return frozenset(
        one.secret for one in snapshot.peers.values() if one.secret and not one.deleting and has_session(one, node)
    )


def waiting(made: NodeBgp, snapshot: Snapshot, passwords: Passwords) -> frozenset[str]:
    """Of a node's peers those whose password is not known yet: what gobgpd has of them is to stay."""
    secrets = {name: snapshot.peers[name].secret for name in made.peers}
    return frozenset(name for name, secret in secrets.items() if secret is not None and secret not in passwords)


def _instance(
    conf: BgpConf | None, snapshot: Snapshot, here: Here, *, in_company: bool
) -> tuple[Instance | None, Finding | None]:
    if conf is None or conf.deleting:
        return None, Finding(Reason.NO_BGP_CONF, f"there is no BgpConf {CONF}: create one with the autonomous system")
    if conf.left_to_cni:
        return None, LEFT_TO_CNI
    if problem := unusable(conf):
        return None, Finding(Reason.BGP_CONF_INVALID, problem)
    rack = rack_of(snapshot.nodes.get(here.node))
    asn = dict(conf.asn_per_rack).get(rack, 0) if rack else 0
    if not (asn or conf.asn):
        return None, Finding(Reason.BGP_CONF_INVALID, NO_ASN)
    shared = bool(asn) or in_company or len(snapshot.speakers) > 1
    own = router_id(here)
    return (
        Instance(
            asn=asn or conf.asn,
            router_id=own if shared or not conf.router_id else conf.router_id,
            listen_port=conf.listen_port,
            listen_addresses=conf.listen_addresses,
            families=conf.families,
            multipath=conf.multipath,
            graceful_restart=conf.graceful_restart,
        ),
        None,
    )


def unusable(conf: BgpConf) -> str:
    """Why it cannot be used, as a sentence, whatever the node; empty where it can."""
    if conf.problem:
        return f"it cannot be used: {conf.problem}"
    return "" if conf.asn or conf.asn_per_rack else NO_ASN


def router_id(here: Here) -> str:
    """The node's IPv4 address; where it has none, four octets of its name's SHA-256: they need only differ (RFC 6286)."""
    if address := here.address(4):
        return str(address)
    return str(IPv4Address(int.from_bytes(sha256(here.node.encode()).digest()[:4]) | 1))


def _peers(snapshot: Snapshot, me: str, passwords: Passwords) -> tuple[dict[str, Peer], dict[str, Finding]]:
    node = snapshot.nodes.get(me)
    found: dict[str, Peer] = {}
    findings: dict[str, Finding] = {}
    taken: dict[str, str] = {}
    for one in sorted(snapshot.peers.values(), key=lambda peer: (peer.created, peer.uid, peer.name)):
        if one.deleting or not has_session(one, node):
            continue
        if one.left_to_cni:
            findings[one.name] = LEFT_TO_CNI
        elif one.problem:
            findings[one.name] = Finding(Reason.BGP_PEER_INVALID, f"it cannot be used: {one.problem}")
        elif (before := taken.setdefault(one.peer.key, one.name)) != one.name:
            findings[one.name] = Finding(
                Reason.BGP_PEER_INVALID,
                f"BgpPeer {before} is for {one.peer.key} too, and older: delete one of the two, or give them "
                "nodeSelectors that no node matches both of",
            )
        elif one.secret and not passwords.get(one.secret, "unknown"):
            findings[one.name] = Finding(
                Reason.SECRET_MISSING,
                f"there is no key {one.secret.key} in a Secret {one.secret.name} of OpenELB's namespace, so there is no "
                "session: create it, or name another one in spec.authPasswordSecretRef",
            )
        else:
            found[one.name] = _with_password(one, passwords)
    return found, findings


def _with_password(one: BgpPeer, passwords: Passwords) -> Peer:
    return replace(one.peer, password=passwords.get(one.secret) or "") if one.secret else one.peer


def restrictions(routes: Iterable[Route], snapshot: Snapshot, told: Iterable[str]) -> dict[str, frozenset[Prefix]]:
    """Of the BgpPeers `told`, those that are not to have all of the routes: the prefixes that they may have.

    Peers of which the same is asked have one and the same set of them.
    """
    routes, found = tuple(routes), {}
    named = frozenset[str]().union(*(route.peers for route in routes if route.peers is not None))
    chosen = any(route.peers is not None for route in routes)
    allowed: dict[object, frozenset[Prefix] | None] = {}
    for name in told:
        peer = snapshot.peers[name]
        if peer.pools or peer.service_selector or chosen:
            asked = peer.pools, peer.service_selector, name if name in named else ""
            if asked not in allowed:
                allowed[asked] = _allowed(peer, routes, snapshot.pools)
            if (some := allowed[asked]) is not None:
                found[name] = some
    return found


def _allowed(peer: BgpPeer, routes: Sequence[Route], pools: Mapping[str, Pool]) -> frozenset[Prefix] | None:
    """The prefixes that a peer may have; None: all there are."""
    some = [route for route in routes if _may_have(peer, route)]
    if len(some) == len(routes):
        return None
    return frozenset(prefix for route in some for prefix in prefixes(route, pools.get(route.pool)))


def _may_have(peer: BgpPeer, route: Route) -> bool:
    selector = peer.service_selector
    return (
        (not peer.pools or route.pool in peer.pools)
        and (route.peers is None or peer.name in route.peers)
        and (selector is None or any(selector.matches(dict(labels)) for _, labels in route.services))
    )


def preference(peer: BgpPeer, instance: Instance | None) -> Preference:
    """What all that this peer is told carries."""
    said, asn = peer.attributes, peer.peer.local_asn or (instance.asn if instance else 0)
    prepend = Prepend(asn, peer.prepend) if peer.prepend else None
    return Preference(said.communities, said.large_communities, said.local_pref, said.med, prepend)


LINK_LOCAL = "fe80::/10"
"""Where every peer is that is known by an interface alone. GoBGP knows peers by addresses in its policies."""


def policies(routes: Iterable[Route], snapshot: Snapshot, here: Here, made: NodeBgp, drain: Drain | None) -> Policies:
    """What each router may be told, and what it is told with; `drain`: as a node that leaves that way.

    All peers that are known by their interfaces count as one: it has what each of them may have, and the preference of the first.
    """
    routes, found = tuple(routes), made.peers
    of = {name: peer.address or peer.prefix or LINK_LOCAL for name, peer in found.items()}
    allowed: dict[str, frozenset[Prefix]] = {}
    for name, some in restrictions(routes, snapshot, found).items():
        at = of[name]
        allowed[at] = allowed[at] & some if at in allowed else some
    preferred = {of[name]: preference(snapshot.peers[name], made.instance) for name in sorted(found, reverse=True)}
    everybody = departure(drain, made.instance) if drain else NO_PREFERENCE
    return for_peers(allowed, preferred, everybody, _ways(snapshot, here, {of[name]: found[name] for name in found}))


def _ways(snapshot: Snapshot, here: Here, peers: Mapping[str, Peer]) -> dict[str, str]:
    """This node's IPv6 address for peers that are told of IPv6 over IPv4, where GoBGP would name our IPv4 address as next hop."""
    address = here.address(6)
    if address is None or snapshot.confs.get(CONF, NO_CONF).next_hops is NextHops.NODES:
        return {}  # of all nodes each has its address as next hop already
    return {
        where: str(address)
        for where, peer in peers.items()
        if ":" not in where and any(one.family is Family.IPV6 for one in peer.families)
    }


LONGER = 3
"""How many times more our autonomous system stands in the paths of a node that leaves."""

WORST_MED = 2**32 - 1


def departure(drain: Drain, instance: Instance | None) -> Preference:
    """What all paths of a node carry that is about to leave, so that routers prefer other nodes."""
    match drain.method:
        case DrainMethod.GRACEFUL_SHUTDOWN:
            return LEAVING
        case DrainMethod.PREPEND:
            return Preference(prepend=Prepend(instance.asn if instance else 0, LONGER))
        case DrainMethod.MED:
            return Preference(med=WORST_MED)
