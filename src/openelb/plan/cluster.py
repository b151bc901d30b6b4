"""The manager's whole judgement: what the ledgers hold, what the Services show, and what people are told.

Order is safety here, and it follows from what is seen, not from what was done before: an address is published only
when the ledger in the snapshot holds it, it leaves the ledger only when no Service shows it, and the finalizer comes off
only when the ledger is clear.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from openelb.model import names
from openelb.model.addresses import parse_address
from openelb.model.cluster import Pool, PoolStatus, Publication, Service, ServiceKey, Speaker
from openelb.model.findings import Condition, Finding, Reason
from openelb.model.snapshot import Snapshot
from openelb.plan.allocation import Books, Holding, choose, disagreement, satisfies, wants_address
from openelb.plan.placement import pool_outlook, service_outlook

POOL_SIZE_SHOWN = 2**63 - 1  # the largest integer that the field holds
USERS_NAMED = 5


@dataclass(frozen=True, slots=True)
class ClusterPlan:
    """What is to be written, and only that: an empty plan says that all is well.

    `pool_finalizers` says for an Eip whether it is to carry ours. `unknown` are holders of addresses that the snapshot
    does not have: before their addresses are free, a direct read must show that they are gone.
    """

    pools: Mapping[str, PoolStatus]
    pool_finalizers: Mapping[str, bool]
    services: Mapping[ServiceKey, Publication]
    unknown: frozenset[ServiceKey]


def plan(snapshot: Snapshot, alive: frozenset[str], lb_class: str = names.LOAD_BALANCER_CLASS) -> ClusterPlan:
    """Judge the whole cluster while the speakers on the nodes in `alive` are."""
    speakers = {node: speaker for node, speaker in snapshot.speakers.items() if node in alive}
    books = Books(snapshot.pools)
    unknown = _strike_the_gone(snapshot, books)
    wanting = sorted(
        (service for service in snapshot.services.values() if wants_address(service, lb_class)), key=_precedence
    )
    for service in snapshot.services.values():
        _enter_what_is_shown(service, books)
    publications = {service.key: _served(service, snapshot, books, speakers) for service in wanting}
    for service in snapshot.services.values():
        if service.key not in publications:
            publications[service.key] = _unserved(service, books)
    return ClusterPlan(
        pools=_pool_statuses(snapshot, books, speakers),
        pool_finalizers=_pool_finalizers(snapshot),
        services={
            key: publication
            for key, publication in publications.items()
            if publication is not None and publication != published(snapshot.services[key])
        },
        unknown=unknown,
    )


def published(service: Service) -> Publication:
    """What a Service carries of ours."""
    return Publication(
        ingress=service.ingress,
        pool_label=service.pool_label,
        guarded=names.SERVICE_FINALIZER in service.finalizers,
        conditions=service.conditions,
    )


def _precedence(service: Service) -> tuple[bool, str, ServiceKey]:
    """Who asks for one certain address comes before who takes any; then the older Service."""
    asks = bool(service.requested_address or service.load_balancer_ip)
    return not asks, service.created, service.key


def _strike_the_gone(snapshot: Snapshot, books: Books) -> frozenset[ServiceKey]:
    missing = books.everybody() - snapshot.services.keys()
    for key in missing & snapshot.gone:
        for holding in books.holdings(key):
            books.strike(key, holding)
    return missing - snapshot.gone


def _enter_what_is_shown(service: Service, books: Books) -> None:
    """A ledger that was wiped or edited is rebuilt from what Services show, before anything is given out."""
    pool = books.pools.get(service.pool_label)
    if pool is None or books.holdings(service.key):
        return
    for text in service.ingress:
        address = parse_address(text)
        if address is not None and address in pool and not books.holders(address):
            books.enter(service.key, Holding(pool.name, address))


def _served(service: Service, snapshot: Snapshot, books: Books, speakers: Mapping[str, Speaker]) -> Publication | None:
    """What a Service that wants an address is to carry; None while its ledger entry is not yet committed."""
    held = books.holdings(service.key)
    choice: Holding | Finding | None = next((holding for holding in held if satisfies(service, holding)), None)
    if choice is None:
        choice = choose(service, books)
        if isinstance(choice, Holding):
            books.enter(service.key, choice)
    if isinstance(choice, Finding):
        return _refused(service, choice, held, snapshot, speakers)
    for holding in held:
        if holding != choice and str(holding.address) not in service.ingress:
            books.strike(service.key, holding)
    pool = snapshot.pools[choice.pool]
    if service.key not in pool.status.used.get(choice.address, ()):
        return None
    allocated = Finding(Reason.ALLOCATED, f"{choice.address} from Eip {pool.name}{disagreement(service)}")
    return _publication(service, choice, allocated, snapshot, speakers)


def _refused(
    service: Service,
    refusal: Finding,
    held: tuple[Holding, ...],
    snapshot: Snapshot,
    speakers: Mapping[str, Speaker],
) -> Publication:
    """A Service whose wish cannot be met keeps what it has; one that has nothing is told why."""
    if not held:
        condition = Condition.of(names.ADDRESS_ALLOCATED, refusal, status=False)
        return Publication(conditions=(condition,))
    kept = next((holding for holding in held if str(holding.address) in service.ingress), held[0])
    told = Finding(refusal.reason, f"keeps {kept.address} from Eip {kept.pool}, since {refusal.sentence}")
    return _publication(service, kept, told, snapshot, speakers)


def _publication(
    service: Service, holding: Holding, allocated: Finding, snapshot: Snapshot, speakers: Mapping[str, Speaker]
) -> Publication:
    pool = snapshot.pools[holding.pool]
    outlook = service_outlook(pool, holding.address, service, snapshot.endpoints, speakers)
    return Publication(
        ingress=(str(holding.address),),
        pool_label=pool.name,
        guarded=True,
        conditions=(
            Condition.of(names.ADDRESS_ALLOCATED, allocated, status=True),
            Condition.of(names.ANNOUNCED, outlook, status=outlook.reason is Reason.ANNOUNCED),
        ),
    )


def _unserved(service: Service, books: Books) -> Publication | None:
    """What a Service that wants no address of ours is to carry: nothing, in steps that never free a shown address."""
    held = books.holdings(service.key)
    carried = published(service)
    shown = {str(holding.address) for holding in held} & set(service.ingress)
    if service.pool_label or shown:
        return Publication(guarded=carried.guarded)
    if held:
        for holding in held:
            books.strike(service.key, holding)
        return None
    return Publication(ingress=service.ingress, conditions=_node_proxy(service))


def _node_proxy(service: Service) -> tuple[Condition, ...]:
    if service.deleting or service.opt_in != names.OPT_IN_VALUE or service.node_proxy not in names.NODE_PROXY_KINDS:
        return ()
    told = Finding(
        Reason.NODE_PROXY_UNSUPPORTED,
        f"the annotation {names.NODE_PROXY} asks for node-proxy, which this version does not provide: "
        "remove the annotation to get an address from an Eip",
    )
    return (Condition.of(names.ADDRESS_ALLOCATED, told, status=False),)


def _pool_statuses(snapshot: Snapshot, books: Books, speakers: Mapping[str, Speaker]) -> dict[str, PoolStatus]:
    statuses = {name: _pool_status(pool, books, speakers) for name, pool in snapshot.pools.items()}
    return {name: status for name, status in statuses.items() if status != snapshot.pools[name].status}


def _pool_status(pool: Pool, books: Books, speakers: Mapping[str, Speaker]) -> PoolStatus:
    used = books.used[pool.name]
    size = min(sum(addresses.size for addresses in pool.ranges), POOL_SIZE_SHOWN)
    outlook = Finding(Reason.POOL_DELETING, _deleting(pool)) if pool.deleting else pool_outlook(pool, speakers)
    ready = outlook.reason is Reason.READY
    status = replace(
        pool.status,
        used=used,
        ready=ready,
        usage=len(used),
        occupied=0 < size <= len(used),
        conditions=(Condition.of(names.READY, outlook, status=ready),),
    )
    if pool.problem:  # what the pool was before its address was spoilt still tells speakers which addresses are its own
        return status
    first, last = pool.ranges[0].first, pool.ranges[-1].last
    return replace(status, first=str(first), last=str(last), size=size, v4=first.version == 4)


def _deleting(pool: Pool) -> str:
    users = sorted({str(key) for keys in pool.status.used.values() for key in keys})
    if not users:
        return "being deleted, nothing in use"
    more = f" and {len(users) - USERS_NAMED} more" if len(users) > USERS_NAMED else ""
    return (
        f"being deleted once nothing uses it: delete these Services or move them to another Eip: "
        f"{', '.join(users[:USERS_NAMED])}{more}"
    )


def _pool_finalizers(snapshot: Snapshot) -> dict[str, bool]:
    wanted = {name: not pool.deleting or bool(pool.status.used) for name, pool in snapshot.pools.items()}
    return {
        name: want
        for name, want in wanted.items()
        if want != (names.POOL_FINALIZER in snapshot.pools[name].finalizers)
        and not (want and snapshot.pools[name].deleting)
    }
