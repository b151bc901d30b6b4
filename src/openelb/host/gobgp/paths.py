"""Paths as gobgpd's messages, and back."""

from ipaddress import ip_address, ip_network

from openelb.host.gobgp.api import attribute_pb2 as attribute
from openelb.host.gobgp.api import common_pb2 as common
from openelb.host.gobgp.api import gobgp_pb2 as api
from openelb.host.gobgp.api import nlri_pb2 as nlri
from openelb.model.addresses import Address
from openelb.model.bgp import Family, Path, Prefix
from openelb.wire import communities


def family_message(family: Family) -> common.Family:
    """A family as gobgpd names it."""
    number = common.Family.AFI_IP if family is Family.IPV4 else common.Family.AFI_IP6
    return common.Family(afi=number, safi=common.Family.SAFI_UNICAST)


def family(message: common.Family) -> Family | None:
    """None for families that we have no routes of."""
    if message.safi != common.Family.SAFI_UNICAST:
        return None
    return {common.Family.AFI_IP: Family.IPV4, common.Family.AFI_IP6: Family.IPV6}.get(message.afi)


def message(path: Path, *, withdrawn: bool = False) -> api.Path:
    """A path to be told, or to be told no more."""
    prefix = nlri.NLRI(
        prefix=nlri.IPAddressPrefix(prefix_len=path.prefix.prefixlen, prefix=str(path.prefix.network_address))
    )
    igp = attribute.Attribute(origin=attribute.OriginAttribute(origin=0))
    attributes = [igp, _next_hop(path, prefix)]
    if path.med is not None:
        attributes.append(attribute.Attribute(multi_exit_disc=attribute.MultiExitDiscAttribute(med=path.med)))
    if path.local_pref is not None:
        preference = attribute.LocalPrefAttribute(local_pref=path.local_pref)
        attributes.append(attribute.Attribute(local_pref=preference))
    if path.communities:
        numbers = sorted(communities.number(each) for each in path.communities)
        attributes.append(attribute.Attribute(communities=attribute.CommunitiesAttribute(communities=numbers)))
    if path.large_communities:
        attributes.append(attribute.Attribute(large_communities=_large(path)))
    return api.Path(
        nlri=prefix,
        pattrs=attributes,
        family=family_message(Family.of(path.prefix.version)),
        identifier=path.identifier,
        is_withdraw=withdrawn,
    )


def _next_hop(path: Path, prefix: nlri.NLRI) -> attribute.Attribute:
    if path.prefix.version == path.next_hop.version == 4:
        return attribute.Attribute(next_hop=attribute.NextHopAttribute(next_hop=str(path.next_hop)))
    # Also IPv4 by an IPv6 next hop (RFC 8950).
    reach = attribute.MpReachNLRIAttribute(
        family=family_message(Family.of(path.prefix.version)), next_hops=[str(path.next_hop)], nlris=[prefix]
    )
    return attribute.Attribute(mp_reach=reach)


def _large(path: Path) -> attribute.LargeCommunitiesAttribute:
    numbers = sorted(communities.large(each) for each in path.large_communities)
    return attribute.LargeCommunitiesAttribute(
        communities=[
            attribute.LargeCommunity(global_admin=one, local_data1=two, local_data2=three)
            for one, two, three in numbers
        ]
    )


def is_ours(message: api.Path) -> bool:
    """Whether it was told by us and not by a peer."""
    return not message.neighbor_ip and not message.source_asn


def value(message: api.Path, *, identifier: int | None = None) -> Path | None:
    """A path as gobgpd tells of it; None for one of another family, and one that leads nowhere."""
    prefix = _prefix(message)
    if prefix is None:
        return None
    hop: Address | None = None
    known: set[str] = set()
    large: set[str] = set()
    med = local_pref = None
    for each in message.pattrs:
        match each.WhichOneof("attr"):
            case "next_hop":
                hop = ip_address(each.next_hop.next_hop)
            case "mp_reach" if each.mp_reach.next_hops:
                hop = ip_address(each.mp_reach.next_hops[0])
            case "multi_exit_disc":
                med = each.multi_exit_disc.med
            case "local_pref":
                local_pref = each.local_pref.local_pref
            case "communities":
                known = {communities.text(number) for number in each.communities.communities}
            case "large_communities":
                large = {
                    communities.large_text((one.global_admin, one.local_data1, one.local_data2))
                    for one in each.large_communities.communities
                }
    if hop is None:
        return None
    number = message.identifier if identifier is None else identifier
    return Path(prefix, hop, number, frozenset(known), frozenset(large), local_pref, med)


def _prefix(message: api.Path) -> Prefix | None:
    if message.nlri.WhichOneof("nlri") != "prefix" or family(message.family) is None:
        return None
    return ip_network((message.nlri.prefix.prefix, message.nlri.prefix.prefix_len), strict=False)
