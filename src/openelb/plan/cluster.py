"""The manager's whole judgement: what the ledgers hold, what the Services show, and what people are told.

Order is safety here, and it follows from what is seen, not from what was done before: an address is published only
when the ledger in the snapshot holds it, it leaves the ledger only when no Service shows it, and the finalizer comes off
only when the ledger is clear. Nobody waits for a ledger that cannot be read: a deleted Service goes, and leaves its entry in
there until it can be.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from openelb.model import names
from openelb.model.addresses import Address
from openelb.model.cluster import Pool, PoolStatus, Publication, Service, ServiceKey
from openelb.model.findings import Condition, Finding, Reason
from openelb.model.snapshot import Snapshot
from openelb.plan.allocation import Books, Holding, choose, disagreement, satisfies, taken, wants_address
from openelb.plan.memory import Memory
from openelb.plan.placement import Reach, pool_outlook, reaches, service_outlook, trusted

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


def plan(
    snapshot: Snapshot,
    alive: frozenset[str],
    lb_class: str = names.LOAD_BALANCER_CLASS,
    memory: Memory | None = None,
) -> ClusterPlan:
    """Judge the whole cluster while the speakers on the nodes in `alive` are.

    A `memory` of the looks before saves time: who carries what they should, and for whom nothing has changed, is not
    judged anew. The plan is the same without it.
    """
    speakers = {node: speaker for node, speaker in snapshot.speakers.items() if node in alive}
    books = Books(snapshot.pools, snapshot.services.values(), _unreadable_eips(snapshot))
    look = _Look(snapshot, books, reaches(snapshot.pools, speakers))
    if memory is None or memory.lb_class != lb_class:
        memory = Memory(lb_class)
    memory.look(snapshot.pools, look.reaches, snapshot.services)
    judged = [
        service
        for service in snapshot.services.values()
        # Who has an address of an Eip that was never read keeps it as it is, until it is deleted.
        if (service.deleting or not _is_unseen(service.pool_label, books)) and not memory.agrees(service, look.books)
    ]
    unknown = _strike_the_gone(look)
    _enter_what_is_shown(look, judged)
    publications = _publications(look, judged, lb_class)
    for service in judged:
        holding = _plainly_held(service, look)
        if holding is not None and publications[service.key] == published(service):
            memory.note(service, holding)
    return ClusterPlan(
        pools=_pool_statuses(look),
        pool_finalizers=_pool_finalizers(look),
        services={
            key: publication
            for key, publication in publications.items()
            if publication is not None and publication != published(snapshot.services[key])
        },
        unknown=unknown,
    )


def _unreadable_eips(snapshot: Snapshot) -> dict[str, str]:
    """Eips that cannot be read at present, each with its sentence."""
    return {one.key.name: one.sentence for one in snapshot.unreadable.values() if one.kind == "Eip"}


def _is_unseen(pool: str, books: Books) -> bool:
    """Whether an Eip of that name is there and was never read, so that its ledger is not known either."""
    return pool in books.unreadable and pool not in books.pools


def _publications(look: "_Look", judged: list[Service], lb_class: str) -> dict[ServiceKey, Publication | None]:
    wanting = [service for service in judged if wants_address(service, lb_class)]
    publications = {service.key: _served(service, look) for service in sorted(wanting, key=_precedence)}
    for service in judged:
        if service.key not in publications:
            publications[service.key] = _unserved(service, look.books)
    return publications


@dataclass(frozen=True, slots=True)
class _Look:
    """What one judgement is made from, and the books that it fills in."""

    snapshot: Snapshot
    books: Books
    reaches: Mapping[str, Reach]


def published(service: Service) -> Publication:
    """What a Service carries of ours. Conditions are a map by type to the API: their order says nothing."""
    return Publication(
        ingress=service.ingress,
        pool_label=service.pool_label,
        guarded=names.SERVICE_FINALIZER in service.finalizers,
        conditions=tuple(sorted(service.conditions, key=lambda condition: condition.type)),
    )


def _precedence(service: Service) -> tuple[bool, str, ServiceKey]:
    """Who asks for one certain address comes before who takes any; then the older Service."""
    asks = bool(service.requested_address or service.load_balancer_ip)
    return not asks, service.created, service.key


def _strike_the_gone(look: _Look) -> frozenset[ServiceKey]:
    unreadable = {one.key for one in look.snapshot.unreadable.values() if one.kind == "Service"}
    missing = look.books.everybody() - look.snapshot.services.keys() - unreadable
    for key in missing & look.snapshot.gone:
        for holding in look.books.holdings(key):
            look.books.strike(key, holding)
    return missing - look.snapshot.gone


def _enter_what_is_shown(look: _Look, services: Iterable[Service]) -> None:
    """A ledger that was wiped or edited is rebuilt from what Services show, before anything is given out.

    Where the ledger knows the address it is right; where it does not, all who show the address share it.
    """
    books = look.books
    lost = [
        (service.key, Holding(pool.name, address))
        for service in services
        if not _is_unseen(service.pool_label, books)  # its own ledger has it, as far as anybody knows
        for address in books.shown(service.key)
        if not books.is_held(address) and (pool := _source(service, address, books)) is not None
    ]
    for key, holding in sorted(lost, key=lambda entry: entry[0]):
        books.enter(key, holding)


def _plainly_held(service: Service, look: _Look) -> Holding | None:
    """The address that a Service alone holds, by the ledger that was seen, and that it asks for and shows; None when what
    it is told may depend on others or on where its pods are.
    """
    holding = look.books.sole(service.key)
    if holding is None or service.local_traffic_only or not satisfies(service, holding):
        return None
    seen = look.snapshot.pools[holding.pool].status.used.get(holding.address)
    return holding if seen == (service.key,) and look.books.shown(service.key) == (holding.address,) else None


def _source(service: Service, address: Address, books: Books) -> Pool | None:
    """The pool that a Service of ours has the address from: the labelled one, unless somebody edited the label."""
    if not service.pool_label and names.SERVICE_FINALIZER not in service.finalizers:
        return None
    labelled = books.pools.get(service.pool_label)
    pools = books.by_name if labelled is None else (labelled, *books.by_name)
    return next((pool for pool in pools if any(address in addresses for addresses in trusted(pool))), None)


def _served(service: Service, look: _Look) -> Publication | None:
    """What a Service that wants an address is to carry; None while its ledger entry is not yet committed."""
    held = look.books.holdings(service.key)
    choice = next((holding for holding in held if satisfies(service, holding)), None) or choose(service, look.books)
    if isinstance(choice, Holding):
        if choice in held:
            told = Finding(Reason.ALLOCATED, f"{choice.address} from Eip {choice.pool}{disagreement(service)}")
            return _holding(service, choice, told, look)
        # An Eip without our finalizer could vanish with its ledger: it gives out addresses from the next look on.
        if names.POOL_FINALIZER in look.snapshot.pools[choice.pool].finalizers:
            look.books.enter(service.key, choice)
        return None
    if not held:
        return _refused(choice)
    told = Finding(choice.reason, f"keeps {held[0].address} from Eip {held[0].pool}, since {choice.sentence}")
    return _holding(service, held[0], told, look)


def _refused(refusal: Finding) -> Publication:
    return Publication(conditions=(Condition.of(names.ADDRESS_ALLOCATED, refusal, status=False),))


def _holding(service: Service, holding: Holding, told: Finding, look: _Look) -> Publication | None:
    """What a Service that holds an address is to carry, once the ledger in the snapshot says so."""
    books = look.books
    for other in books.holdings(service.key):
        if other != holding and _left(service, other, holding, books):
            books.strike(service.key, other)
    if service.key not in look.snapshot.pools[holding.pool].status.used.get(holding.address, ()):
        return None
    if holding.address not in books.shown(service.key):
        rivals = books.rivals(service.key, holding)
        if rivals:  # two leaders at once, or another load balancer: whoever shows an address keeps it
            books.strike(service.key, holding)
            return _refused(taken(holding.address, rivals))
        books.show(service.key, (str(holding.address),))
    return _publication(service, holding, told, look)


def _left(service: Service, other: Holding, holding: Holding, books: Books) -> bool:
    """Whether the Service shows an `other` of its holdings no more, or shows the same address from its new pool."""
    if other.address == holding.address:
        return service.pool_label == holding.pool
    return other.address not in books.shown(service.key)


def _publication(service: Service, holding: Holding, allocated: Finding, look: _Look) -> Publication:
    services = look.snapshot.services
    sharers = [services[key] for key in look.books.used[holding.pool][holding.address] if key in services]
    outlook = service_outlook(
        look.snapshot.pools[holding.pool],
        look.reaches[holding.pool],
        holding.address,
        sharers,
        look.snapshot.endpoints,
    )
    return Publication(
        ingress=(str(holding.address),),
        pool_label=holding.pool,
        guarded=True,
        conditions=(
            Condition.of(names.ADDRESS_ALLOCATED, allocated, status=True),
            Condition.of(names.ANNOUNCED, outlook, status=outlook.reason is Reason.ANNOUNCED),
        ),
    )


def _unserved(service: Service, books: Books) -> Publication | None:
    """What a Service that wants no address of ours is to carry: nothing, in steps that never free a shown address."""
    held = books.holdings(service.key)
    guarded = names.SERVICE_FINALIZER in service.finalizers
    # Our label alone says nothing: it has the name of the annotation, and people put it on other Services by mistake.
    if (service.pool_label and guarded) or any(holding.address in books.shown(service.key) for holding in held):
        return Publication(guarded=guarded)
    if held:
        for holding in held:
            books.strike(service.key, holding)
        if not (service.deleting and all(holding.pool in books.unreadable for holding in held)):
            return None
    return Publication(service.ingress, service.pool_label, conditions=_node_proxy(service))


def _node_proxy(service: Service) -> tuple[Condition, ...]:
    if service.deleting or service.opt_in != names.OPT_IN_VALUE or service.node_proxy not in names.NODE_PROXY_KINDS:
        return ()
    told = Finding(
        Reason.NODE_PROXY_UNSUPPORTED,
        f"the annotation {names.NODE_PROXY} asks for node-proxy, which this version does not provide: "
        "remove the annotation to get an address from an Eip",
    )
    return (Condition.of(names.ADDRESS_ALLOCATED, told, status=False),)


def _pool_statuses(look: _Look) -> dict[str, PoolStatus]:
    """What differs, but where the finalizer changes first: of two writes to one Eip the second would meet a conflict, and
    where all of OpenELB is being removed, there is time for one.
    """
    pools = [pool for pool in look.snapshot.pools.values() if not _finalizer_changes(pool, look.books)]
    statuses = {pool.name: _pool_status(pool, look) for pool in pools}
    return {name: status for name, status in statuses.items() if status != look.snapshot.pools[name].status}


def _pool_status(pool: Pool, look: _Look) -> PoolStatus:
    used = look.books.used[pool.name]
    size = min(sum(addresses.size for addresses in pool.ranges), POOL_SIZE_SHOWN)
    outlook = pool_outlook(pool, look.reaches[pool.name])
    if pool.deleting:
        outlook = Finding(Reason.POOL_DELETING, _deleting(pool))
    ready = outlook.reason is Reason.READY
    status = replace(
        pool.status,
        used=used,
        ready=ready,
        usage=len(used),
        occupied=0 < size <= len(used) and size <= sum(address in pool for address in used),
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


def _pool_finalizers(look: _Look) -> dict[str, bool]:
    pools = look.snapshot.pools.values()
    return {pool.name: not pool.deleting for pool in pools if _finalizer_changes(pool, look.books)}


def _finalizer_changes(pool: Pool, books: Books) -> bool:
    guarded = names.POOL_FINALIZER in pool.finalizers
    if not pool.deleting:
        return not guarded
    return guarded and not pool.status.used and not books.used[pool.name]
