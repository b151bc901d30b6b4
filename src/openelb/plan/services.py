"""What each Service is to carry, by what it asks for and holds, and what that changes in the ledgers.

Order is safety here, and it follows from what is seen, not from what was done before: an address is published only when the
ledger in the snapshot holds it, it leaves the ledger only when no Service shows it, and the finalizer comes off only when the
ledger is clear. Nobody waits for a ledger that cannot be read: a deleted Service goes, and leaves its entry in there until it
can be.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from openelb.model import names
from openelb.model.addresses import Address
from openelb.model.cluster import Pool, Publication, Release, Service, ServiceKey
from openelb.model.findings import Condition, Finding, Reason
from openelb.model.snapshot import Snapshot
from openelb.plan import request as requests
from openelb.plan import sharing
from openelb.plan.allocation import Chooser, satisfies, was_adopted
from openelb.plan.books import Books
from openelb.plan.ledger import Holding
from openelb.plan.placement import Reach, service_outlook, trusted
from openelb.plan.request import Request
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


def published(service: Service) -> Publication:
    """What a Service carries of ours. Conditions are a map by type to the API: their order says nothing."""
    return Publication(
        ingress=service.ingress,
        pool_label=service.pool_label,
        guarded=names.SERVICE_FINALIZER in service.finalizers,
        conditions=tuple(sorted(service.conditions, key=lambda condition: condition.type)),
    )


def precedence(service: Service) -> tuple[bool, str, object]:
    """Who asks for a certain address comes before who takes any; then the older Service."""
    wishes = service.wishes
    asks = bool(wishes.address or wishes.addresses or wishes.load_balancer_ip)
    return not asks, service.created, service.key


def enter_what_is_shown(judged: Iterable[Service], look: Look) -> None:
    """A ledger that was wiped or edited is put right by what Services show, before anything is given out.

    Nobody moves for it: who shows an address is entered beside whoever the ledger has. All who show one share it.
    """
    lost = [
        (service.key, Holding(pool.name, address))
        for service in judged
        if not look.terms.is_unseen(service.pool_label)  # its own ledger has it, as far as anybody knows
        for address in look.books.shown(service.key)
        if service.key not in look.books.holders(address) and (pool := _source(service, address, look)) is not None
    ]
    for key, holding in sorted(lost, key=lambda entry: entry[0]):
        look.books.enter(key, holding)


def _source(service: Service, address: Address, look: Look) -> Pool | None:
    """The pool that a Service of ours has the address from: the labelled one, unless somebody edited the label."""
    if not service.pool_label and names.SERVICE_FINALIZER not in service.finalizers:
        return None
    labelled = look.terms.pools.get(service.pool_label)
    pools = [*([] if labelled is None else [labelled]), *look.terms.by_age]
    return next((pool for pool in pools if address in trusted(pool)), None)


def served(service: Service, look: Look) -> Publication | None:
    """What a Service that wants addresses is to carry; None while its ledger entries are not yet committed."""
    held = _transferred(service, look)
    moving = requests.move(service)
    if moving is None:
        return _settled(service, requests.request(service), held, look)
    filled = _fill(service, moving.request, held, look)
    if not _is_complete(filled, moving.request):
        why = next(one for one in filled if isinstance(one, Finding))
        asked = requests.request(service)
        if any(map(look.chooser.missing, moving.request.pools)) and not set(_fill(service, asked, held, look)) <= set(
            held
        ):
            asked = moving.request  # it has moved, and where to is gone: no reason to go back
        more = f"; it cannot move to {service.wishes.migrate_to}, since {why.sentence}"
        return _settled(service, asked, held, look, more=more)
    there = _whole(filled, moving.request, look.books.shown(service.key))
    if not _have(service, there, look):
        return None
    shown = look.books.shown(service.key)
    leaving = [one for one in held if one.address in shown and one.address not in {new.address for new in there}]
    if not leaving:
        return _publish(service, there, look)
    until = (service.moving_since or look.now) + moving.seconds
    if until <= look.now:
        return _publish(service, there, look)
    look.chooser.due.append(until)
    both = _publish(service, [*there, *leaving], look, label=leaving[0].pool)
    told = Finding(
        Reason.MOVING,
        f"moving to {service.wishes.migrate_to.split()[0]}; {_listed(leaving)} stays for {moving.seconds:g} s",
    )
    moves = Condition.of(names.MOVING, told, status=True)
    return both and replace(both, conditions=(*both.conditions, moves))


def _settled(
    service: Service, request: Request, held: Sequence[Holding], look: Look, more: str = ""
) -> Publication | None:
    filled = _fill(service, request, held, look)
    refusal = next((one for one in filled if isinstance(one, Finding)), None)
    if refusal is None or _is_complete(filled, request):
        chosen = _whole(filled, request, look.books.shown(service.key))
        return _publish(service, chosen, look, more=more) if _have(service, chosen, look) else None
    shown = look.books.shown(service.key)
    kept = _once(service, [one for one in held if one.address in shown], look)
    for holding in held:
        if holding.address not in shown:  # a part of a set that cannot be made whole
            look.books.strike(service.key, holding)
    if not kept:
        return _refused(refusal)
    kept.sort(key=lambda one: shown.index(one.address))
    # An adopted one is known by its reason alone.
    reason = Reason.ADOPTED if was_adopted(service) else refusal.reason
    told = Finding(reason, f"keeps {_listed(kept)}, since {refusal.sentence}{more}")
    return _publish(service, kept, look, told=told)


def _fill(service: Service, request: Request, held: Sequence[Holding], look: Look) -> list[Holding | Finding]:
    """For each slot what is held or chosen, or why there is nothing. Nothing is entered yet: it is all or none."""
    if request.problem is not None:
        return [request.problem]
    rest, shown = list(held), look.books.shown(service.key)
    filled: list[Holding | Finding | None] = [None] * len(request.slots)
    for certain in (True, False):
        for place, slot in enumerate(request.slots):
            if filled[place] is None and (slot.address is not None) is certain:
                found = next((one for one in rest if satisfies(request, slot, one)), None)
                if found is not None:
                    rest.remove(found)
                    filled[place] = found
    # An Eip that is named and not there, or going, is no wish to move: what is shown may come from it.
    stale = next((why for name in request.pools if (why := look.chooser.missing(name))), None)
    for place, slot in enumerate(request.slots):
        if filled[place] is None and any(one.address in shown and one.address.version == slot.family for one in rest):
            filled[place] = stale
        if filled[place] is None:
            besides = {one.address for one in filled if isinstance(one, Holding)}
            filled[place] = look.chooser.choose(service, request, slot, besides)
    return [one for one in filled if one is not None]


def _is_complete(filled: Sequence[Holding | Finding], request: Request) -> bool:
    return not request.problem and request.is_met([isinstance(one, Holding) for one in filled])


def _whole(filled: Sequence[Holding | Finding], request: Request, shown: Collection[Address]) -> list[Holding]:
    """What was chosen of families that are whole, and whatever is shown already."""
    families = request.whole([isinstance(one, Holding) for one in filled])
    chosen = [one for one in filled if isinstance(one, Holding)]
    return [one for one in chosen if one.address.version in families or one.address in shown]


def _have(service: Service, chosen: Sequence[Holding], look: Look) -> bool:
    """Whether the ledger that was seen has all of these for the Service; what it does not is entered."""
    held = look.books.holdings(service.key)
    for holding in chosen:
        # An Eip without our finalizer could vanish with its ledger: it gives out addresses from the next look on.
        if holding not in held and names.POOL_FINALIZER in look.snapshot.pools[holding.pool].finalizers:
            look.books.enter(service.key, holding)
    return all(look.books.is_committed(service.key, holding) for holding in chosen)


def _transferred(service: Service, look: Look) -> list[Holding]:
    """What the Service holds. What another pool is to have is entered there, and counts there once that is committed."""
    books = look.books
    held = list(books.holdings(service.key))
    for holding in tuple(held):
        heir = _heir(service, holding, look)
        if heir is None:
            continue
        there = Holding(heir.name, holding.address)
        if books.is_committed(service.key, there):
            held.remove(holding)
        elif there not in held and names.POOL_FINALIZER in heir.finalizers:
            books.enter(service.key, there)
    return [holding for holding in held if books.is_committed(service.key, holding) or not _is_twin(holding, held)]


def _heir(service: Service, holding: Holding, look: Look) -> Pool | None:
    """The pool that is to have an address which lies in no range of its own pool any more, or whose pool is going."""
    pool = look.snapshot.pools[holding.pool]
    is_lost = holding.address not in trusted(pool) and pool.name not in requests.request(service).pools
    if not (pool.deleting or is_lost):
        return None
    heir = look.terms.source(holding.address, besides=pool)
    return heir if heir is not None and usable([heir]) else None


def _is_twin(holding: Holding, held: Sequence[Holding]) -> bool:
    """Whether the same address is held of another pool."""
    return any(other.address == holding.address and other != holding for other in held)


def _once(service: Service, held: list[Holding], look: Look) -> list[Holding]:
    """Without an address that is held of another pool as well: of a pool that has it, and that stays."""
    if len({holding.address for holding in held}) == len(held):
        return held

    def rank(holding: Holding) -> tuple[bool, bool, bool, str]:
        pool = look.snapshot.pools[holding.pool]
        committed = look.books.is_committed(service.key, holding)
        return not committed, holding.address not in trusted(pool), pool.deleting, pool.name

    best = {holding.address: holding for holding in sorted(held, key=rank, reverse=True)}
    return [holding for holding in held if best[holding.address] is holding]


def _refused(refusal: Finding, told: Sequence[Condition] = ()) -> Publication:
    return Publication(conditions=(Condition.of(names.ADDRESS_ALLOCATED, refusal, status=False), *told))


def _publish(
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
            return _refused(taken(holding.address, rivals)) if not service.ingress else None
        if books.is_disputed(holding):
            books.show(service.key, tuple(dict.fromkeys((*books.shown(service.key), holding.address))))
    return _publication(service, holdings, told or _allocated(service, holdings, more), look, label)


def _rivals(service: Service, holding: Holding, look: Look) -> frozenset[ServiceKey]:
    """Who shows the address that the Service is to show, and does not share it: by the ledger, and by consent."""
    sharers, services = look.books.sharers(holding), look.snapshot.services
    return frozenset(
        key
        for key in look.books.showers(holding.address) - {service.key}
        if key not in sharers or key not in services or sharing.obstacle(service, services[key])
    )


def _allocated(service: Service, holdings: Sequence[Holding], more: str) -> Finding:
    adopted = not service.opt_in and not service.load_balancer_class
    reason = Reason.ADOPTED if adopted or was_adopted(service) else Reason.ALLOCATED
    return Finding(reason, f"{_listed(holdings)}{requests.disagreement(service)}{more}")


def give_back(key: ServiceKey, holding: Holding, look: Look) -> None:
    """Take an address back from a Service; where its pool lets addresses cool down, it is noted who had it."""
    cooldown = look.snapshot.pools[holding.pool].cooldown
    look.books.strike(key, holding, release=Release(key, look.now) if cooldown else None)


def _left(service: Service, other: Holding, holdings: Sequence[Holding], look: Look) -> bool:
    """Whether the Service shows an `other` of its holdings no more, or shows the same address from its new pool."""
    same = next((one for one in holdings if one.address == other.address), None)
    if same is not None:
        heir = _heir(service, same, look)
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
        conditions=(
            Condition.of(names.ADDRESS_ALLOCATED, allocated, status=True),
            Condition.of(names.ANNOUNCED, worst, status=worst.reason is Reason.ANNOUNCED),
        ),
    )


def _outlook(holding: Holding, look: Look) -> Finding:
    """Of one address; where its own pool has it no more and another does, by that one."""
    services = look.snapshot.services
    sharers = [services[key] for key in look.books.sharers(holding) if key in services]
    pool = look.snapshot.pools[holding.pool]
    if holding.address not in trusted(pool):
        pool = look.terms.source(holding.address) or pool
    return service_outlook(pool, look.reaches[pool.name], holding.address, sharers, look.snapshot.endpoints)


def _listed(holdings: Sequence[Holding]) -> str:
    return ", ".join(f"{holding.address} from Eip {holding.pool}" for holding in holdings)


def unserved(service: Service, look: Look) -> Publication | None:
    """What a Service that wants no address of ours is to carry: nothing, in steps that never free a shown address."""
    books = look.books
    held = books.holdings(service.key)
    guarded = names.SERVICE_FINALIZER in service.finalizers
    # Our label alone says nothing: it has the name of the annotation, and people put it on other Services by mistake.
    if (service.pool_label and guarded) or any(holding.address in books.shown(service.key) for holding in held):
        return Publication(guarded=guarded)
    if held:
        for holding in held:
            give_back(service.key, holding, look)
        if not (service.deleting and all(holding.pool in look.terms.unreadable for holding in held)):
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
