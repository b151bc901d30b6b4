"""What a Service that holds addresses is to carry, and what it gives back when it has others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from openelb.model import names
from openelb.model.cluster import Pool, Publication, Release, Service, ServiceKey
from openelb.model.findings import Condition, Finding, Reason
from openelb.model.snapshot import Snapshot
from openelb.plan import request as requests
from openelb.plan import sharing
from openelb.plan.allocation import Chooser, was_adopted
from openelb.plan.books import Books
from openelb.plan.clearance import UNPROBED
from openelb.plan.ledger import Holding
from openelb.plan.placement import Reach, service_outlook, trusted
from openelb.plan.terms import Terms, usable
from openelb.plan.wording import taken


@dataclass(frozen=True, slots=True)
class Look:
    """What one judgement is made from, and the books that it writes in."""

    snapshot: Snapshot
    books: Books
    terms: Terms
    reaches: Mapping[str, Reach]
    chooser: Chooser
    now: float
    lb_class: str


def publish(
    service: Service,
    holdings: Sequence[Holding],
    look: Look,
    *,
    told: Finding | None = None,
    more: str = "",
    label: str = "",
) -> Publication | None:
    """What a Service that holds these is to carry, once the ledger in the snapshot says so of all of them."""
    books = look.books
    for other in books.holdings(service.key):
        if other not in holdings and _left(service, other, holdings, look):
            give_back(service.key, other, look)
    if not all(books.is_committed(service.key, holding) for holding in holdings):
        return None
    for holding in holdings:
        if holding.address in books.shown(service.key):
            continue
        rivals = _rivals(service, holding, look)
        if rivals:  # two leaders at once, an edited ledger, or another load balancer: whoever shows an address keeps it
            books.strike(service.key, holding)
            return refused(taken(holding.address, rivals)) if not service.ingress else None
        if books.is_disputed(holding):
            books.show(service.key, tuple(dict.fromkeys((*books.shown(service.key), holding.address))))
    return _publication(service, holdings, told or _allocated(service, holdings, more, look), look, label)


def _rivals(service: Service, holding: Holding, look: Look) -> frozenset[ServiceKey]:
    """Who shows the address that the Service is to show, and does not share it: by the ledger, and by consent."""
    sharers, services = look.books.sharers(holding), look.snapshot.services
    return frozenset(
        key
        for key in look.books.showers(holding.address) - {service.key}
        if key not in sharers or key not in services or sharing.obstacle(service, services[key])
    )


def _allocated(service: Service, holdings: Sequence[Holding], more: str, look: Look) -> Finding:
    adopted = not service.opt_in and not service.load_balancer_class
    reason = Reason.ADOPTED if adopted or was_adopted(service) else Reason.ALLOCATED
    return Finding(
        reason, f"{listed(holdings)}{requests.disagreement(service)}{_unprobed(service, holdings, look)}{more}"
    )


def _unprobed(service: Service, holdings: Sequence[Holding], look: Look) -> str:
    """That nobody could ask about an address before it was given out. Known then, and afterwards from what was told."""
    before = next((one.message for one in service.conditions if one.type == names.ADDRESS_ALLOCATED), "")
    for one in holdings:
        shown = one.address in look.books.shown(service.key)
        if f"{one.address} is {UNPROBED}" in before if shown else _is_unprobed(one, look):
            return f"; {one.address} is {UNPROBED}"
    return ""


def _is_unprobed(holding: Holding, look: Look) -> bool:
    return look.chooser.vacancies.clear.is_unprobed(look.snapshot.pools[holding.pool], holding.address)


def give_back(key: ServiceKey, holding: Holding, look: Look) -> None:
    """Take an address back from a Service; where its pool lets addresses cool down, it is noted who had it."""
    cooldown = look.snapshot.pools[holding.pool].cooldown
    look.books.strike(key, holding, release=Release(key, look.now) if cooldown else None)


def _left(service: Service, other: Holding, holdings: Sequence[Holding], look: Look) -> bool:
    """Whether the Service shows an `other` of its holdings no more, or shows the same address from its new pool."""
    same = next((one for one in holdings if one.address == other.address), None)
    if same is not None:
        heir = heir_of(service, same, look)
        if heir is not None and heir.name == other.pool:
            return False
        is_told = same != holdings[0] or service.pool_label != other.pool  # the label has the pool of the first alone
        return look.books.is_committed(service.key, same) and is_told
    return other.address not in look.books.shown(service.key)


def _publication(
    service: Service, holdings: Sequence[Holding], allocated: Finding, look: Look, label: str
) -> Publication:
    outlooks = [_outlook(holding, look) for holding in holdings]
    worst = next((one for one in outlooks if one.reason is not Reason.ANNOUNCED), outlooks[0])
    return Publication(
        ingress=tuple(dict.fromkeys(str(holding.address) for holding in holdings)),
        pool_label=label or holdings[0].pool,
        guarded=True,
        conditions=(  # in the order of their types, as they are when they are read
            Condition.of(names.ADDRESS_ALLOCATED, allocated, status=True),
            *_conflict(service, holdings, look),
            Condition.of(names.ANNOUNCED, worst, status=worst.reason is Reason.ANNOUNCED),
        ),
    )


def _conflict(service: Service, holdings: Sequence[Holding], look: Look) -> tuple[Condition, ...]:
    """Of those that have an address together and whose traffic collides, nobody is moved: all are told."""
    services, books = look.snapshot.services, look.books
    for holding in holdings:
        address = holding.address
        for key in sorted(books.showers(address) - {service.key}) if address in books.shown(service.key) else ():
            if key in services and (why := sharing.collision(service, services[key])):
                told = Finding(
                    Reason.ADDRESS_CONFLICT,
                    f"{address} is also an address of {key}, and their traffic collides: {why}, or move one of them with the "
                    f"annotation {names.MIGRATE_TO}",
                )
                return (Condition.of(names.CONFLICT, told, status=True),)
    return ()


def _outlook(holding: Holding, look: Look) -> Finding:
    """Of one address; where its own pool has it no more and another does, by that one."""
    services = look.snapshot.services
    sharers = [services[key] for key in look.books.sharers(holding) if key in services]
    pool = look.snapshot.pools[holding.pool]
    if holding.address not in trusted(pool):
        pool = look.terms.source(holding.address) or pool
    return service_outlook(pool, look.reaches[pool.name], holding.address, sharers, look.snapshot.endpoints)


def listed(holdings: Sequence[Holding]) -> str:
    return ", ".join(f"{holding.address} from Eip {holding.pool}" for holding in holdings)


def heir_of(service: Service, holding: Holding, look: Look) -> Pool | None:
    """The pool that is to have an address which lies in no range of its own pool any more, or whose pool is going."""
    pool = look.snapshot.pools[holding.pool]
    is_lost = holding.address not in trusted(pool) and pool.name not in requests.request(service).pools
    if not (pool.deleting or is_lost):
        return None
    heir = look.terms.source(holding.address, besides=pool)
    return heir if heir is not None and usable([heir]) else None


def refused(refusal: Finding) -> Publication:
    return Publication(conditions=(Condition.of(names.ADDRESS_ALLOCATED, refusal, status=False),))
