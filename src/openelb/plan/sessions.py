"""What is wrong with a session, and what to do, as a sentence for who wrote the BgpPeer."""

from dataclasses import replace

from openelb.model.bgp import PORT, Arm, Bfd, Peer, Reach, Session

FLAPS = (
    "the session comes and goes, four times or more within ten minutes: compare the hold time and the MTU of the way with the "
    "router's, and read the router's log"
)

BFD_WAITS = (
    "spec.bfd has changed: BFD goes on as it was until the session ends, since the router would take a change for the loss of "
    "this node"
)

REFUSED = (
    "the router refuses this node's OPEN: have it know this node as a neighbour by the autonomous system and the router id that the "
    "status of the BgpConf has, with these address families"
)


def problem(peer: Peer, session: Session | None, reach: Reach | None = None) -> str:
    """Why the session is not as it should be, as far as gobgpd knows; empty where it is. `reach`: what became of a connection that
    was tried to the router.
    """
    if session is None:
        return f"no router has connected from {peer.prefix} yet" if peer.prefix else ""
    if session.admin_down:
        return "it is kept down by spec.conf.adminDown"
    if session.over_limit:
        return "it sent more prefixes than spec.maxPrefixes allows, and was shut: have it send fewer, or allow more"
    if session.flaps:
        return FLAPS  # and the same while it is there as while it is not
    if session.is_established:
        return BFD_WAITS if session.bfd_up and _unarmed(peer.bfd) != _unarmed(session.bfd) else _unshared(session)
    # What it says before a session is there gobgpd 4.8 counts, and tells nobody.
    reason = session.reason or (REFUSED if session.received.notification else "")
    why = "; ".join(word for word in (reason, session.said, _reached(peer, session, reach)) if word)
    return f"there is no session: {why}" if why else "there is no session yet"


def _unarmed(bfd: Bfd | None) -> Bfd | None:
    """Without what it says of when it is to run."""
    return replace(bfd, arm=Arm.ESTABLISHED) if bfd else None


def _unshared(session: Session) -> str:
    if not session.unshared:
        return ""
    families = " and ".join(session.unshared)
    return (
        f"the router speaks no {families} here, so it is told nothing of that: activate it for this neighbour there, or leave it out "
        "of spec.afiSafis"
    )


def _reached(peer: Peer, session: Session, reach: Reach | None) -> str:
    """Of the connection below the session."""
    where = f"{peer.address} port {peer.remote_port or PORT}"
    match reach:
        case Reach.REFUSED:
            return (
                f"connection refused: nothing listens at {where}; let the router speak BGP there, or correct "
                "spec.conf.neighborAddress or spec.transport.remotePort"
            )
        case Reach.UNANSWERED:
            secret = "the password is another one there" if peer.password else "the router wants a password"
            return f"no answer from {where}: the router is down, a firewall is between, or {secret}"
        case Reach.NO_WAY:
            near = (
                ""
                if peer.multihop_ttl or _is_inner(peer, session)
                else ", or further away than the next link without spec.ebgpMultihop"
            )
            return f"no way to {where}: the router is down, or on no network of this node{near}"
        case Reach.CLOSED if not session.reason:
            return f"{where} closes every connection: have the router know this node as a neighbour"
        case _:
            return ""


def _is_inner(peer: Peer, session: Session) -> bool:
    return bool(peer.peer_asn) and peer.peer_asn == (peer.local_asn or session.local_asn)
