"""What a node announces."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from openelb.model.addresses import Address
from openelb.model.cluster import Protocol, ServiceKey
from openelb.model.layer2 import DEFAULTS, Layer2Choices
from openelb.model.routers import NO_ATTRIBUTES, Attributes


@dataclass(frozen=True, slots=True)
class Claim:
    """This node announces `address` by that protocol, on the link of that name, as the author of its pool chose. One that is
    `ending` goes to another node: until that one has begun, this one answers, and no longer speaks unasked.
    """

    address: Address
    link: str
    protocol: Protocol = Protocol.LAYER2
    choices: Layer2Choices = DEFAULTS
    ending: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """Routers are to have a way to an address of that pool, with these attributes: by this node or, where there are `nodes`, by them.

    `services` have the address, each with its labels. `peers` are the BgpPeers, by name, that are told; None: all.
    """

    address: Address
    pool: str
    services: tuple[tuple[ServiceKey, tuple[tuple[str, str], ...]], ...] = ()
    attributes: Attributes = NO_ATTRIBUTES
    peers: frozenset[str] | None = None
    nodes: frozenset[str] = frozenset()


def beyond(claims: frozenset[Claim], others: frozenset[Claim]) -> frozenset[Claim]:
    """Those of the claims that are for an address or a place of which the others have nothing, whatever was chosen for it."""
    different = claims - others
    places = {(claim.address, claim.link, claim.protocol) for claim in others - claims} if different else set()
    return frozenset(claim for claim in different if (claim.address, claim.link, claim.protocol) not in places)


NO_REASONS: Mapping[Claim, str] = MappingProxyType({})
"""Why this node announces what it does: nobody said."""
