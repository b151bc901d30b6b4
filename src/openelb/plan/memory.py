"""Services that were found to carry what they should, and from what that followed: it holds while all of that is the same.

It saves time and decides nothing. A plan made with a memory is the one that is made without.
"""

from collections.abc import Mapping
from typing import NamedTuple

from openelb.model.addresses import AddressRange
from openelb.model.cluster import Pool, Service, ServiceKey
from openelb.model.findings import Finding
from openelb.plan.allocation import Books, Holding
from openelb.plan.placement import Reach, trusted


class Terms(NamedTuple):
    """All of a pool and its nodes that a Service without local traffic is told about its address."""

    address: str
    interface: str
    trusted: tuple[AddressRange, ...]
    outlook: Finding
    reached: bool


class _Agreed(NamedTuple):
    service: Service
    holding: Holding
    terms: Terms


class Memory:
    """Of one manager, from look to look. `lb_class` is part of what all of it was judged by."""

    def __init__(self, lb_class: str) -> None:
        self.lb_class = lb_class
        self._terms: dict[str, Terms] = {}
        self._agreed: dict[ServiceKey, _Agreed] = {}

    def look(
        self, pools: Mapping[str, Pool], reaches: Mapping[str, Reach], services: Mapping[ServiceKey, Service]
    ) -> None:
        """Begin a look. Who is not there any more is forgotten."""
        for key in self._agreed.keys() - services.keys():
            del self._agreed[key]
        terms = {name: _terms(pool, reaches[name]) for name, pool in pools.items()}
        # The same object while they are equal: it is compared by what it is, once for each Service.
        self._terms = {name: known if (known := self._terms.get(name)) == new else new for name, new in terms.items()}

    def agrees(self, service: Service, books: Books) -> bool:
        """Whether the Service carries what it should, by what is remembered. The books are those of the ledgers as seen."""
        entry = self._agreed.get(service.key)
        return (
            entry is not None
            and entry.service is service
            and books.sole(service.key) == entry.holding
            and self._terms.get(entry.holding.pool) is entry.terms
        )

    def note(self, service: Service, holding: Holding) -> None:
        """The Service was found to carry what it should, for no other reason than that it alone holds what it asks for."""
        self._agreed[service.key] = _Agreed(service, holding, self._terms[holding.pool])


def _terms(pool: Pool, reach: Reach) -> Terms:
    return Terms(pool.address, pool.interface, trusted(pool), reach.finding, bool(reach.nodes))
