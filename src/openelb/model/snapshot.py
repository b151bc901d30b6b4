"""Everything the cluster told us, at one instant, as one immutable value."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from openelb.model.cluster import Pool, Service, ServiceKey, Speaker


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What judgements are made from.

    `endpoints` has the nodes with a ready endpoint of a Service. `speakers` are those whose Lease is in the cluster,
    by node; `leader_renewal` changes with every renewal of the manager's. `gone` are Services that a direct read has
    shown to be absent: a Service that is merely not in `services` may be one that has not arrived yet.
    """

    pools: Mapping[str, Pool] = field(default_factory=dict)
    services: Mapping[ServiceKey, Service] = field(default_factory=dict)
    endpoints: Mapping[ServiceKey, frozenset[str]] = field(default_factory=dict)
    speakers: Mapping[str, Speaker] = field(default_factory=dict)
    leader_renewal: str = ""
    gone: frozenset[ServiceKey] = frozenset()

    def facts(self) -> tuple[object, ...]:
        """All that a plan is made from: equal in two snapshots between which Leases were merely renewed."""
        links = {node: speaker.links for node, speaker in self.speakers.items()}
        return self.pools, self.services, self.endpoints, links, self.gone
