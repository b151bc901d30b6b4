"""The steps towards what is wanted, made: which call of gobgpd each of them is."""

import logging
from contextlib import suppress

from openelb.announce.bgp_changes import Add, Drop, Resend, SetPolicies, Start, Step, Stop, Tell, Update
from openelb.announce.gobgpd import Gobgpd, Refusal
from openelb.model.bgp import Instance

log = logging.getLogger(__name__)


async def make(gobgpd: Gobgpd, step: Step) -> None:
    """Make one step. Raises OSError with a sentence; `Refusal` where gobgpd says no and all else goes on."""
    match step:
        case Start(instance):
            await _start(gobgpd, instance)
        case Stop():
            log.info("BGP ends on this node")
            await gobgpd.stop()
        case Drop(key):
            log.info("BGP: the session with %s ends", key)
            await gobgpd.drop(key)
        case SetPolicies(policies):
            await gobgpd.set_policies(policies)
        case Tell(gained, lost):
            if gained or lost:
                await gobgpd.tell(gained, lost)
        case Resend(inbound, outbound, to):
            for address in sorted(to) or ("",):
                await gobgpd.resend(address, inbound=inbound, outbound=outbound)
        case Add(peer, restarting):
            await gobgpd.add(peer, restarting=restarting)
        case Update(peer):
            await gobgpd.update(peer)


async def _start(gobgpd: Gobgpd, instance: Instance) -> None:
    try:
        await gobgpd.start(instance)
    except Refusal:
        with suppress(OSError):
            await gobgpd.stop()  # it may hold a port that it would not listen on
        raise
    log.info("BGP begins on this node: AS %d, router id %s", instance.asn, instance.router_id)


def subject(step: Step) -> str:
    """Whom a step is about: a peer by its key, the policies, or the instance."""
    match step:
        case Add(peer) | Update(peer):
            return peer.key
        case Drop(key):
            return key
        case _:
            return "policies" if isinstance(step, SetPolicies | Resend) else "instance"
