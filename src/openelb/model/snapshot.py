"""Everything the cluster told us, at one instant, as one immutable value."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from openelb.model.cluster import BgpObject, Node, Page, Pool, Reservation, Service, ServiceKey, Speaker
from openelb.model.probes import Questions
from openelb.model.routers import BgpConf, BgpPeer


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An object of which no more than the metadata can be read; `problem` says where it is not as its kind should be.

    Written as users name it: `Eip office`, `Service default/web`.
    """

    kind: str
    key: ServiceKey
    uid: str
    problem: str

    def __str__(self) -> str:
        return f"{self.kind} {str(self.key).removeprefix('/')}"  # an Eip has no namespace

    @property
    def sentence(self) -> str:
        """What its author is told."""
        return f"cannot be read, and what was known of it before stands: {self.problem}; correct that field"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What judgements are made from.

    `pages` are the EipAllocations by name, and `namespaces` the labels of each namespace.
    `endpoints` has the nodes with a ready endpoint of a Service, or where none is ready with one that still serves. `speakers` are those whose Lease is in the cluster,
    by node; `leader_renewal` changes with every renewal of the manager's. `gone` are Services that a direct read has
    shown to be absent: a Service that is merely not in `services` may be one that has not arrived yet. `unreadable` has,
    by what they are called, objects that cannot be read: the other mappings have what was known of them before, if anything.
    A node that is not in `nodes` hinders nothing: whoever may not list them has none. `questions` are what the manager has said is
    to be asked about on LANs. Of a cluster `without_confs` it is not known whether it has BgpConfs: they may not be read.
    """

    pools: Mapping[str, Pool] = field(default_factory=dict)
    services: Mapping[ServiceKey, Service] = field(default_factory=dict)
    endpoints: Mapping[ServiceKey, frozenset[str]] = field(default_factory=dict)
    speakers: Mapping[str, Speaker] = field(default_factory=dict)
    nodes: Mapping[str, Node] = field(default_factory=dict)
    leader_renewal: str = ""
    questions: Questions = field(default_factory=dict)
    gone: frozenset[ServiceKey] = frozenset()
    unreadable: Mapping[str, Unreadable] = field(default_factory=dict)
    pages: Mapping[str, Page] = field(default_factory=dict)
    reservations: Mapping[str, Reservation] = field(default_factory=dict)
    namespaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    bgp_confs: Mapping[str, BgpObject] = field(default_factory=dict)
    bgp_peers: Mapping[str, BgpObject] = field(default_factory=dict)
    confs: Mapping[str, BgpConf] = field(default_factory=dict)
    peers: Mapping[str, BgpPeer] = field(default_factory=dict)
    without_confs: bool = False

    def amounts_to(self, other: "Snapshot") -> bool:
        """Whether the same follows from this one as from the `other`: between most two snapshots only Leases were renewed,
        or endpoints have moved of Services that do not ask for local traffic.
        """
        if self.endpoints is not other.endpoints and self._told_endpoints() != other._told_endpoints():
            return False
        return self._facts() == other._facts()

    def _facts(self) -> tuple[object, ...]:
        """A tuple, since it takes one and the same mapping for equal without reading it."""
        links = {node: (speaker.links, speaker.found) for node, speaker in self.speakers.items()}
        judged_by = (
            self.confs,
            self.peers,
            self.reservations,
            self.namespaces,
            self.gone,
            self.unreadable,
            self.nodes,
            self.questions,
            links,
        )
        return self.pools, self.pages, self.services, self.bgp_confs, self.bgp_peers, *judged_by

    def _told_endpoints(self) -> Mapping[ServiceKey, frozenset[str] | bool | None]:
        """Where they are, of Services that ask for local traffic; of others, whether there are any."""
        return {
            key: self.endpoints.get(key) if service.local_traffic_only else key in self.endpoints
            for key, service in self.services.items()
        }
