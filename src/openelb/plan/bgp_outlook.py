"""Whether BGP can announce pools, and what their authors are told."""

from collections.abc import Collection, Mapping

from openelb.model import names
from openelb.model.cluster import Pool, Service, ServiceKey, Speaker
from openelb.model.findings import Finding, Reason
from openelb.model.routers import CONF
from openelb.model.snapshot import Snapshot
from openelb.plan.outlook import EXCLUDED, NOBODY_THERE, UNSELECTED

NO_CONF = f"bgp needs a BgpConf {CONF}: create one with the autonomous system of the cluster (spec.as)"
NO_PEER = "bgp needs routers that are told of the addresses: create a BgpPeer for each"
LEFT_TO_CNI = Finding(
    Reason.LEFT_TO_CNI,
    f"the label {names.CNI_LABEL} leaves it to the network plugin, so no node heeds it: take the label away where OpenELB is to",
)
GOES_ON = "nodes that knew it before go on as it was then"
NAMED = 5


def standstill(snapshot: Snapshot) -> Finding | None:
    """Why no node speaks BGP, or None where they do, as far as the BgpConf tells."""
    conf = snapshot.confs.get(CONF)
    if conf is None or conf.deleting:
        return Finding(Reason.NO_BGP_CONF, NO_CONF)
    if conf.left_to_cni:
        return Finding(LEFT_TO_CNI.reason, f"BgpConf {CONF}: {LEFT_TO_CNI.sentence}")
    if conf.problem:
        return Finding(Reason.BGP_CONF_INVALID, f"BgpConf {CONF} cannot be used: {conf.problem}; {GOES_ON}")
    if not conf.asn and not conf.asn_per_rack:
        return Finding(
            Reason.BGP_CONF_INVALID,
            f"BgpConf {CONF} has no autonomous system: give that of the cluster in spec.as; {GOES_ON}",
        )
    return None


def hindrance(snapshot: Snapshot) -> Finding | None:
    """Why BGP announces nothing at all, or None where it does, as far as what authors wrote tells."""
    if finding := standstill(snapshot):
        return finding
    peers = [peer for peer in snapshot.peers.values() if not peer.deleting]
    good = [peer for peer in peers if not (peer.problem or peer.left_to_cni)]
    if good:
        return None
    if peers:
        named = ", ".join(sorted(peer.name for peer in peers)[:NAMED])
        return Finding(Reason.NO_BGP_PEER, f"no BgpPeer can be used: kubectl describe bgppeer {named}")
    return Finding(Reason.NO_BGP_PEER, NO_PEER)


def bgp_outlook(
    pool: Pool, speakers: Mapping[str, Speaker], chosen: frozenset[str], hindered: Finding | None
) -> Finding:
    """Of a pool: `chosen` are the nodes that may announce it and are alive."""
    if hindered is not None:
        return hindered
    if not speakers:
        return Finding(Reason.NO_SPEAKER, NOBODY_THERE)
    if not chosen:
        return Finding(Reason.NO_NODE, UNSELECTED if pool.node_selector is not None else EXCLUDED)
    return Finding(Reason.READY, "nodes tell routers that they are a way to its addresses (bgp)")


def is_empty(services: Collection[Service], endpoints: Mapping[ServiceKey, frozenset[str]]) -> bool:
    """Whether none of the Services that share an address has a ready endpoint anywhere."""
    return not any(endpoints.get(service.key) for service in services)


NO_ENDPOINT = "no endpoint of it is ready anywhere, so no router is told of the address: look at the Service's pods, and at its selector"
