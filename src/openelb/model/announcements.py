"""What a node announces."""

from dataclasses import dataclass
from ipaddress import IPv4Address


@dataclass(frozen=True, slots=True)
class Claim:
    """This node answers for `address` on the link of that name (layer2, IPv4)."""

    address: IPv4Address
    link: str
