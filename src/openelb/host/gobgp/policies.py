"""Policies as gobgpd's messages, under names that carry the mark of all of them."""

import ipaddress

from openelb.host.gobgp.api import gobgp_pb2 as api
from openelb.host.gobgp.errors import Refused
from openelb.host.gobgp.paths import family_message
from openelb.model import policy as model
from openelb.model.policy import SetKind, Verdict, marked

_KINDS = {
    SetKind.PREFIX: api.DEFINED_TYPE_PREFIX,
    SetKind.NEIGHBOR: api.DEFINED_TYPE_NEIGHBOR,
    SetKind.AS_PATH: api.DEFINED_TYPE_AS_PATH,
    SetKind.COMMUNITY: api.DEFINED_TYPE_COMMUNITY,
    SetKind.EXT_COMMUNITY: api.DEFINED_TYPE_EXT_COMMUNITY,
    SetKind.LARGE_COMMUNITY: api.DEFINED_TYPE_LARGE_COMMUNITY,
}
"""GoBGP has a word for sets of tags, and neither reads nor keeps any."""

KINDS = tuple(_KINDS)
_MATCHES = {
    model.Match.ANY: api.MatchSet.TYPE_ANY,
    model.Match.ALL: api.MatchSet.TYPE_ALL,
    model.Match.INVERT: api.MatchSet.TYPE_INVERT,
}
_COMPARISONS = {
    model.Comparison.EQ: api.COMPARISON_EQ,
    model.Comparison.GE: api.COMPARISON_GE,
    model.Comparison.LE: api.COMPARISON_LE,
}
_TYPES = {
    model.RouteType.INTERNAL: api.Conditions.ROUTE_TYPE_INTERNAL,
    model.RouteType.EXTERNAL: api.Conditions.ROUTE_TYPE_EXTERNAL,
    model.RouteType.LOCAL: api.Conditions.ROUTE_TYPE_LOCAL,
}
_ORIGINS = {
    model.Origin.IGP: api.ORIGIN_TYPE_IGP,
    model.Origin.EGP: api.ORIGIN_TYPE_EGP,
    model.Origin.INCOMPLETE: api.ORIGIN_TYPE_INCOMPLETE,
}
_VALIDATIONS = {
    model.Validation.NOT_FOUND: api.VALIDATION_STATE_NOT_FOUND,
    model.Validation.VALID: api.VALIDATION_STATE_VALID,
    model.Validation.INVALID: api.VALIDATION_STATE_INVALID,
}
_VERDICTS = {Verdict.ACCEPT: api.ROUTE_ACTION_ACCEPT, Verdict.REJECT: api.ROUTE_ACTION_REJECT}
_CHANGES = {
    model.Change.ADD: api.CommunityAction.TYPE_ADD,
    model.Change.REMOVE: api.CommunityAction.TYPE_REMOVE,
    model.Change.REPLACE: api.CommunityAction.TYPE_REPLACE,
}


def kind(asked: SetKind) -> api.DefinedType:
    """GoBGP's number of a kind of sets. Raises Refused where there is none."""
    if asked not in _KINDS:
        raise Refused(f"gobgpd has no sets of kind {asked.value}")
    return _KINDS[asked]


def verdict(action: api.RouteAction) -> Verdict | None:
    """None where there is none."""
    return next((ours for ours, theirs in _VERDICTS.items() if theirs == action), None)


def defined_set(asked: model.DefinedSet, mark: str) -> api.DefinedSet:
    """A set. Neighbours may be given as addresses, of which gobgpd would read none."""
    members = asked.members
    if asked.kind is SetKind.NEIGHBOR:
        members = tuple(str(ipaddress.ip_network(each, strict=False)) for each in members)
    return api.DefinedSet(
        defined_type=kind(asked.kind),
        name=marked(asked.name, mark),
        list=members,
        prefixes=[
            api.Prefix(ip_prefix=each.prefix, mask_length_min=each.shortest, mask_length_max=each.longest)
            for each in asked.prefixes
        ],
    )


def policy(asked: model.Policy, mark: str) -> api.Policy:
    """A policy with its statements."""
    return api.Policy(
        name=marked(asked.name, mark),
        statements=[
            api.Statement(
                name=marked(each.name, mark),
                conditions=_conditions(each.conditions, mark),
                actions=_actions(each.actions),
            )
            for each in asked.statements
        ],
    )


def assignment(direction: api.PolicyDirection, names: tuple[str, ...], default: Verdict | None) -> api.PolicyAssignment:
    """Which policies are asked, and what becomes of all other routes, in one direction."""
    return api.PolicyAssignment(
        name="global",
        direction=direction,
        policies=[api.Policy(name=name) for name in names],
        default_action=_VERDICTS[default or Verdict.ACCEPT],
    )


def _conditions(asked: model.Conditions, mark: str) -> api.Conditions:
    if asked.local_pref == 0 or asked.med == 0:
        # It takes 0 for no condition at all, and the statement would hold for every route.
        raise Refused("gobgpd cannot compare a local preference or a MED with 0")
    return api.Conditions(
        prefix_set=_match(asked.prefixes, mark),
        neighbor_set=_match(asked.neighbors, mark),
        as_path_set=_match(asked.as_path, mark),
        community_set=_match(asked.communities, mark),
        ext_community_set=_match(asked.ext_communities, mark),
        large_community_set=_match(asked.large_communities, mark),
        as_path_length=api.AsPathLength(
            type=_COMPARISONS[asked.as_path_length.comparison], length=asked.as_path_length.value
        )
        if asked.as_path_length
        else None,
        community_count=api.CommunityCount(
            type=_COMPARISONS[asked.community_count.comparison], count=asked.community_count.value
        )
        if asked.community_count
        else None,
        route_type=_TYPES[asked.route_type] if asked.route_type else None,
        origin=_ORIGINS[asked.origin] if asked.origin else None,
        rpki_result=_VALIDATIONS[asked.rpki] if asked.rpki else None,
        next_hop_in_list=asked.next_hops,
        afi_safi_in=[family_message(each) for each in asked.families],
        local_pref_eq=api.LocalPrefEq(value=asked.local_pref) if asked.local_pref is not None else None,
        med_eq=api.MedEq(value=asked.med) if asked.med is not None else None,
    )


def _match(asked: model.SetMatch | None, mark: str) -> api.MatchSet | None:
    return api.MatchSet(name=marked(asked.name, mark), type=_MATCHES[asked.match]) if asked else None


def _actions(asked: model.Actions) -> api.Actions:
    if asked.local_pref == 0:
        raise Refused("gobgpd cannot set a local preference of 0")
    return api.Actions(
        route_action=_VERDICTS[asked.verdict] if asked.verdict else None,
        community=_community(asked.communities),
        ext_community=_community(asked.ext_communities),
        large_community=_community(asked.large_communities),
        med=api.MedAction(
            type=api.MedAction.TYPE_MOD if asked.med.relative else api.MedAction.TYPE_REPLACE, value=asked.med.value
        )
        if asked.med
        else None,
        local_pref=api.LocalPrefAction(value=asked.local_pref) if asked.local_pref else None,
        as_prepend=api.AsPrependAction(
            asn=asked.prepend.asn, repeat=asked.prepend.repeat, use_left_most=not asked.prepend.asn
        )
        if asked.prepend
        else None,
        nexthop=_next_hop(asked.next_hop),
        origin_action=api.OriginAction(origin=_ORIGINS[asked.origin]) if asked.origin else None,
    )


def _community(asked: model.CommunityChange | None) -> api.CommunityAction | None:
    return api.CommunityAction(type=_CHANGES[asked.change], communities=asked.communities) if asked else None


def _next_hop(asked: str | model.NextHop | None) -> api.NexthopAction | None:
    if asked is None:
        return None
    if isinstance(asked, model.NextHop):
        return api.NexthopAction(
            self=asked is model.NextHop.SELF,
            unchanged=asked is model.NextHop.UNCHANGED,
            peer_address=asked is model.NextHop.PEER,
        )
    return api.NexthopAction(address=asked)
