"""What a node says of its BGP in the statuses of the BgpConf and of BgpPeers, as older releases did: an entry by its name.

Entries of other nodes are theirs. A merge patch leaves them alone, and what of its own entry is to be gone has to be null.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from openelb.kube.client import Body
from openelb.kube.encode import timestamp
from openelb.model.bgp import Instance, Messages, Session, SessionState

Entry = Mapping[str, object]

FIELDS = {"BgpConf": "nodesConfStatus", "BgpPeer": "nodesPeerStatus"}
"""The field of a status that has the nodes' words, by kind."""

MOST_COUNTED = 2**63 - 1


def conf_entry(instance: Instance | None, problem: str) -> Entry:
    """Of the BgpConf: what this node is, and why it is nothing."""
    if instance is None:
        return {"as": 0, "routerId": "", "problem": problem or None}
    return {"as": instance.asn, "routerId": instance.router_id, "problem": problem or None}


def peer_entry(session: Session | None, address: str, problem: str) -> Entry:
    """Of a BgpPeer: the session of this node with it. Counters and seconds are text, and what is zero is absent, as older
    releases had it.
    """
    if session is None:
        idle = {**dict.fromkeys(_STATE), "neighborAddress": address, "sessionState": SessionState.IDLE.value}
        return {"peerState": idle, "timersState": dict.fromkeys(_TIMERS), "problem": problem or None}
    up = session.is_established
    since = timestamp(datetime.fromtimestamp(session.since, UTC)) if session.since > 0 else None
    return {
        "peerState": {
            "sessionState": session.state.value,
            "adminState": "DOWN" if session.admin_down else "PFX_CT" if session.over_limit else None,
            "neighborAddress": session.key or address,
            "peerAs": session.peer_asn or None,
            "localAs": session.local_asn or None,
            "peerType": int(session.peer_asn != session.local_asn) or None,
            "routerId": session.router_id or None,
            "messages": {"received": _messages(session.received), "sent": _messages(session.sent)},
            "queues": {},
        },
        "timersState": {
            "keepaliveInterval": _text(session.keepalive_interval),
            "negotiatedHoldTime": _text(session.hold_time),
            "uptime": since if up else None,
            "downtime": None if up else since,
        },
        "problem": problem or None,
    }


_STATE = (
    "sessionState",
    "adminState",
    "neighborAddress",
    "peerAs",
    "localAs",
    "peerType",
    "routerId",
    "messages",
    "queues",
)
_TIMERS = ("keepaliveInterval", "negotiatedHoldTime", "uptime", "downtime")


def status_patch(kind: str, node: str, entry: Entry | None) -> Body:
    """Puts the entry of a node into the status of an object of that kind, or takes it away."""
    return {"status": {FIELDS[kind]: {node: entry}}}


def _messages(counted: Messages) -> dict[str, str | None]:
    return {
        "open": _text(counted.opened),
        "update": _text(counted.update),
        "notification": _text(counted.notification),
        "keepalive": _text(counted.keepalive),
        "refresh": _text(counted.refresh),
        "discarded": _text(counted.discarded),
        "total": _text(counted.total),
        "withdrawUpdate": _text(counted.withdraw_update),
        "withdrawPrefix": _text(counted.withdraw_prefix),
    }


def _text(number: int) -> str | None:
    return str(min(number, MOST_COUNTED)) if number else None
