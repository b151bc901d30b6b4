"""When a node may begin BGP anew with other settings: one node after the other, by their names.

GoBGP can change none of these while it runs, so all sessions of the node end. Nobody keeps a list: each speaker marks in its Lease
with what it began, and has its turn when those before it have the mark that is wanted. One that fails therefore keeps it from
those after it, too.
"""

from collections.abc import Collection, Mapping
from hashlib import sha256

from openelb.model.cluster import Speaker
from openelb.model.routers import BgpConf

NOTICE = 5.0
"""Seconds for which it is told before."""

RETURN = 30.0
"""Seconds for sessions to be back, until the next node has its turn without them."""


def mark(conf: BgpConf) -> str:
    """Of all that cannot change while BGP runs."""
    settings = (
        conf.asn,
        conf.asn_per_rack,
        conf.router_id,
        conf.listen_port,
        conf.listen_addresses,
        conf.families,
        conf.multipath,
    )
    return sha256(repr(settings).encode()).hexdigest()[:12]


def predecessor(speakers: Mapping[str, Speaker], alive: Collection[str], me: str, wanted: str) -> str:
    """The node that `me` has to wait for; empty when it has its turn. Who is not alive, or has never begun, is not waited for."""
    there = (name for name in sorted(speakers) if name < me and name in alive)
    return next((name for name in there if speakers[name].bgp not in ("", wanted)), "")


def notice(before: str) -> str:
    """What is told of a node that waits."""
    when = f"when {before} has done so" if before else "in a moment"
    return f"other settings are wanted, with which BGP begins anew here {when}; until then it goes on as before"
