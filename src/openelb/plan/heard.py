"""What is to be held of another speaker from its heartbeats, as a value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from openelb.model.addresses import Address
from openelb.model.layer2 import Profile


class Way(NamedTuple):
    """A way to a peer: the name of its link, its address there, and our own link that is on the same network; empty where there
    is none. Its datagrams come from that address, or from `others` of the same link: its kernel chooses.
    """

    link: str
    address: str
    by: str = ""
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """What is to be held of a peer.

    It is `deaf` when it says that we are lost to it, though it is heard here. `silent` has the profiles by which it is lost, and `silent_links` its links that are while others are not. Since
    `gone_since` its process is gone and its kernel is there. `links` are those of its links that work, by its own word; None
    before it said so. One that is not `known` was never heard: nothing follows from that.
    """

    known: bool = False
    silent: frozenset[Profile] = frozenset()
    silent_links: Mapping[Profile, frozenset[str]] = field(default_factory=dict)
    gone_since: float | None = None
    candidate: bool = False
    leaving: bool = False
    deaf: bool = False
    holds: frozenset[Address] = frozenset()
    links: tuple[str, ...] | None = None

    def is_gone(self, now: float, grace: float) -> bool:
        """Whether nobody follows its process after so many seconds."""
        return self.gone_since is not None and now - self.gone_since >= grace


UNKNOWN = Standing()
