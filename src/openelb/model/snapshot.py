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

    def amounts_to(self, other: "Snapshot") -> bool:
        """Whether the same follows from this one as from the `other`: between most two snapshots only Leases were renewed,
        or endpoints have changed of Services that do not ask for local traffic.
        """
        if self.endpoints is not other.endpoints and self._local_endpoints() != other._local_endpoints():
            return False
        return self._facts() == other._facts()

    def _facts(self) -> tuple[object, ...]:
        """A tuple, since it takes one and the same mapping for equal without reading it."""
        return self.pools, self.services, self.gone, {node: speaker.links for node, speaker in self.speakers.items()}

    def _local_endpoints(self) -> Mapping[ServiceKey, frozenset[str] | None]:
        return {key: self.endpoints.get(key) for key, service in self.services.items() if service.local_traffic_only}
