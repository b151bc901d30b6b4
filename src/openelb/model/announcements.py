"""What a node announces."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from openelb.model.addresses import Address
from openelb.model.cluster import Protocol


@dataclass(frozen=True, slots=True)
class Claim:
    """This node announces `address` by that protocol, on the link of that name."""

    address: Address
    link: str
    protocol: Protocol = Protocol.LAYER2


NO_REASONS: Mapping[Claim, str] = MappingProxyType({})
"""Why this node announces what it does: nobody said."""
