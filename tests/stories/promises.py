"""What OpenELB promises of addresses, asked of the facts that an API server stores; nothing here knows a plan."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from openelb.model import names
from openelb.model.addresses import Address, parse_address
from openelb.model.cluster import Pool, Service, ServiceKey


@dataclass
class Facts:
    """What is stored at one instant. `shared` are the addresses that several Services showed before we came."""

    pools: dict[str, Pool] = field(default_factory=dict)
    services: dict[ServiceKey, Service] = field(default_factory=dict)
    shared: frozenset[str] = frozenset()

    # At every instant.

    def check(self) -> None:
        """No address is shown twice, and only by Services of type LoadBalancer."""
        shown: dict[str, ServiceKey] = {}
        for service in self.services.values():
            assert service.load_balancer or not service.ingress, f"{service.key} is no LoadBalancer"
            for text in service.ingress:
                other = shown.setdefault(text, service.key)
                assert other == service.key or text in self.shared, f"{text} is shown by {other} and {service.key}"

    def check_ledgers(self) -> None:
        """What is shown is in the ledger of the pool that the label names, and no address has two holders. Holds as long
        as nobody edits our records and no write arrives late.
        """
        for service in self.services.values():
            pool = self.pools.get(service.pool_label)
            for text in service.ingress if pool else ():
                assert service.key in pool.status.used.get(parse_address(text), ()), f"{service.key} shows {text}"
        for pool in self.pools.values():
            for address, holders in pool.status.used.items():
                assert len(holders) == 1 or str(address) in self.shared, f"{address} is held by {holders}"

    def check_let_go(self, service: Service) -> None:
        """Our finalizer comes off when the ledgers know nothing more of the Service."""
        held = [at for pool in self.pools.values() for at, keys in pool.status.used.items() if service.key in keys]
        assert not held, f"{service.key} is let go and still holds {held}"

    def check_pool_gone(self, name: str) -> None:
        """An Eip goes when nobody shows an address of it any more."""
        shown = [service.key for service in self.services.values() if service.pool_label == name and service.ingress]
        assert not shown, f"Eip {name} is gone, and {shown} still show an address of it"

    # When nothing is left to do.

    def check_rest(self) -> None:
        """Nothing has leaked, whoever has no address knows why, and nobody waits for an address that is free."""
        held = {
            (service.key, text): service.pool_label for service in self.services.values() for text in service.ingress
        }
        assert {
            (holder, str(address)): pool.name
            for pool in self.pools.values()
            for address, holders in pool.status.used.items()
            for holder in holders
        } == held
        for service in self.services.values():
            self._check_service_at_rest(service)
        for pool in self.pools.values():
            assert not pool.deleting or pool.status.used, f"Eip {pool.name} lingers"

    def _check_service_at_rest(self, service: Service) -> None:
        if not asks(service):
            assert (service.ingress, service.pool_label, service.finalizers, service.deleting) == ((), "", (), False)
            return
        allocated = {c.type: c for c in service.conditions}[names.ADDRESS_ALLOCATED]
        assert allocated.status == bool(service.ingress)
        assert allocated.message
        assert bool(service.finalizers) == bool(service.ingress)
        if not service.ingress:
            free = next(self._free(service), None)
            assert free is None, f"{service.key} waits although {free} is free: {allocated.message}"

    def _free(self, service: Service) -> Iterator[Address]:
        """The addresses that the Service could have, of the Eip that it names or of those that are offered to all."""
        for pool in self.pools.values():
            offered = pool.name == service.wishes.pool if service.wishes.pool else pool.default
            if offered and not (pool.deleting or pool.disabled or pool.problem):
                yield from (at for at in self._untaken(pool) if grants(service, str(at), pool.name))

    def _untaken(self, pool: Pool) -> Iterator[Address]:
        """The addresses of an Eip that nobody holds, but for those of two Eips: only one of these may give them out."""
        others = [other for other in self.pools.values() if other is not pool]
        held = {address for one in self.pools.values() for address in one.status.used}
        for address in pool.given:
            if address not in held and not any(address in other for other in others):
                yield address


def check_move(before: Service, after: Service, pools: Mapping[str, Pool]) -> None:
    """Only its user's own change takes an address away from a Service: it is replaced by what was asked for."""
    if not before.ingress or after.ingress == before.ingress or not asks(before) or before.pool_label not in pools:
        return
    key = before.key
    assert after.ingress, f"{key} loses {before.ingress} and gets nothing"
    assert not grants(before, before.ingress[0], before.pool_label), f"{key} moves though it has what it asks for"
    assert grants(before, after.ingress[0], after.pool_label), f"{key} moves to what it did not ask for"


def check_gift(before: Service | None, after: Service) -> None:
    """An address is given only to a Service whose user asks for one; `before` is None when it has just come."""
    given = set(after.ingress) - set(before.ingress if before else ())
    assert not given or asks(after), f"{after.key} is given {given} unasked"


def asks(service: Service) -> bool:
    """Whether its user wants an address from us."""
    return service.load_balancer and service.opt_in == "openelb" and not service.deleting and not service.node_proxy


def grants(service: Service, text: str, pool: str) -> bool:
    """Whether an address of that pool is what the Service asks for."""
    asked = service.wishes.address or service.wishes.load_balancer_ip
    return service.wishes.pool in ("", pool) and asked in ("", text)
