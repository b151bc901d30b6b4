"""What gobgpd has, and the steps towards what is wanted: which call of gobgpd each of them is."""

import logging
from collections.abc import Iterable
from contextlib import suppress
from types import MappingProxyType

from openelb.announce.bgp_changes import (
    Add,
    Drop,
    Reality,
    Resend,
    SetPolicies,
    Start,
    Step,
    Stop,
    Tell,
    Update,
    Wish,
    recognised,
)
from openelb.announce.gobgpd import Gobgpd, Refusal
from openelb.model.bgp import Instance

log = logging.getLogger(__name__)


async def read(gobgpd: Gobgpd, wish: Wish) -> Reality:
    """What gobgpd has, by the values that stand for it in a wish where it is the same. Raises OSError."""
    instance = await gobgpd.instance()
    if instance is None:
        return Reality()  # it begins with no policies, and tells of none before
    peers, _ = await gobgpd.peers()
    paths = recognised(await gobgpd.paths(), wish.paths)  # what a policy of import has changed is told once more
    outline = await gobgpd.outline()
    same = wish.policies if outline == wish.policies.outline else None
    return Reality(instance, MappingProxyType(peers), paths, outline, same)


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
            await _resend(gobgpd, sorted(to) or [""], inbound=inbound, outbound=outbound)
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


async def _resend(gobgpd: Gobgpd, to: Iterable[str], *, inbound: bool, outbound: bool) -> None:
    """To each, also where gobgpd says no of one of them."""
    refusals = list[Refusal]()
    for address in to:
        try:
            await gobgpd.resend(address, inbound=inbound, outbound=outbound)
        except Refusal as refusal:
            refusals.append(refusal)
    if refusals:
        raise refusals[0]


def subject(step: Step) -> str:
    """Whom a step is about: a peer by its key, the policies, or the instance."""
    match step:
        case Add(peer) | Update(peer):
            return peer.key
        case Drop(key):
            return key
        case _:
            return "policies" if isinstance(step, SetPolicies | Resend) else "instance"
