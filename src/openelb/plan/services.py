"""What each Service is to carry, by what it asks for and holds, and what that changes in the ledgers.

Order is safety here, and it follows from what is seen, not from what was done before: an address is published only when the
ledger in the snapshot holds it, it leaves the ledger only when no Service shows it, and the finalizer comes off only when the
ledger is clear. Nobody waits for a ledger that cannot be read: a deleted Service goes, and leaves its entry in there until it
can be.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from openelb.model import names
from openelb.model.addresses import Address
from openelb.model.cluster import Pool, Publication, Service, ServiceKey
from openelb.model.findings import Condition, Finding, Reason
from openelb.plan import request as requests
from openelb.plan.allocation import satisfies, was_adopted
from openelb.plan.ledger import Holding
from openelb.plan.placement import trusted
from openelb.plan.publishing import Look, give_back, heir_of, listed, publish, refused
from openelb.plan.request import Request
from openelb.plan.wording import not_ours


def published(service: Service) -> Publication:
    """What a Service carries of ours. Conditions are a map by type to the API: their order says nothing."""
    return Publication(
        ingress=service.ingress,
        pool_label=service.pool_label,
        guarded=names.SERVICE_FINALIZER in service.finalizers,
        proxied=names.NODE_PROXY_FINALIZER in service.finalizers,
        conditions=tuple(sorted(service.conditions, key=lambda condition: condition.type)),
    )


def is_reworded(service: Service, publication: Publication) -> bool:
    """Whether the publication tells nothing but the same in other words."""
    if service.ingress != publication.ingress:  # of most, in a burst
        return False
    told = {(one.type, one.status, one.reason) for one in publication.conditions}
    if told != {(one.type, one.status, one.reason) for one in service.conditions}:
        return False
    return replace(published(service), conditions=publication.conditions) == publication


def precedence(service: Service) -> tuple[bool, str, object]:
    """Who asks for a certain address comes before who takes any; then the older Service."""
    wishes = service.wishes
    asks = bool(wishes.address or wishes.addresses or wishes.load_balancer_ip)
    return not asks, service.created, service.key


def enter_what_is_shown(judged: Iterable[Service], look: Look) -> list[tuple[ServiceKey, Holding]]:
    """A ledger that was wiped or edited is put right by what Services show, before anything is given out. Returns what was
    entered.

    Nobody moves for it: who shows an address is entered beside whoever the ledger has. All who show one share it.
    """
    lost = [
        (service.key, Holding(pool.name, address))
        for service in judged
        if not look.terms.is_unseen(service.pool_label)  # its own ledger has it, as far as anybody knows
        for address in look.books.shown(service.key)
        if service.key not in look.books.holders(address) and (pool := _source(service, address, look)) is not None
    ]
    lost.sort(key=lambda entry: entry[0])
    for key, holding in lost:
        look.books.enter(key, holding)
    return lost


def _source(service: Service, address: Address, look: Look) -> Pool | None:
    """The pool that a Service of ours has the address from: the labelled one, unless somebody edited the label. On one of
    another class the label alone says nothing: that load balancer may give out the same addresses.
    """
    is_theirs = service.load_balancer_class not in ("", look.lb_class)
    if names.SERVICE_FINALIZER not in service.finalizers and (is_theirs or not service.pool_label):
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
        asked, shown = requests.request(service), look.books.shown(service.key)
        back = _fill(service, asked, held, look)
        arrived = [one for one in held if one.address in shown and _meets(moving.request, one)]
        is_gone = any(map(look.chooser.missing, moving.request.pools))
        if not set(arrived) <= set(back) or (is_gone and not set(back) <= set(held)):
            asked = moving.request  # it has moved, so what more it asks for there is no reason to go back
        more = f"; it cannot move to {service.wishes.migrate_to}, since {why.sentence}"
        return _settled(service, asked, held, look, more=more)
    shown = look.books.shown(service.key)
    there = _whole(filled, moving.request, shown)
    # A family that is not to be had there stays where it is: without both, PreferDualStack would be less than before.
    there += [one for one in held if one.address in shown and one.address.version not in _families(there)]
    there.sort(key=lambda one: one.address.version != service.families[0])
    lacking = _lacking(filled, moving.request, _families(there))
    if not _have(service, there, look):
        return None
    leaving = [one for one in held if one.address in shown and one.address not in {new.address for new in there}]
    if not leaving:
        return publish(service, there, look, more=lacking)
    target = service.wishes.migrate_to.split()[0]
    until = (_began(service, target) or look.now) + moving.seconds
    if until <= look.now:
        return publish(service, there, look, more=lacking)
    look.chooser.due.append(until)
    both = publish(service, [*there, *leaving], look, label=leaving[0].pool)
    told = Finding(
        Reason.MOVING,
        f"{_MOVING_TO}{target}; {listed(leaving)} stays for {moving.seconds:g} s",
    )
    moves = Condition.of(names.MOVING, told, status=True)
    return both and replace(both, conditions=(*both.conditions, moves))


_MOVING_TO = "moving to "


def _began(service: Service, target: str) -> float:
    """When it began to move there; 0 where it has not, as when it was on its way to another target."""
    told = (one.message for one in service.conditions if one.type == names.MOVING)
    return service.moving_since if any(one.startswith(f"{_MOVING_TO}{target};") for one in told) else 0.0


def _settled(
    service: Service, request: Request, held: Sequence[Holding], look: Look, more: str = ""
) -> Publication | None:
    filled = _fill(service, request, held, look)
    refusal = next((one for one in filled if isinstance(one, Finding)), None)
    if refusal is None or _is_complete(filled, request):
        chosen = [one for one in filled if isinstance(one, Holding)]
        if refusal is not None:
            chosen = _whole(filled, request, look.books.shown(service.key))
            stranded = _stranded(service, request, filled, [one for one in held if one not in chosen], look)
            chosen += stranded
            chosen.sort(key=lambda one: one.address.version != service.families[0])
            more += _lacking(filled, request, _families(chosen))
            if stranded:
                more += f"; keeps {listed(stranded)}, since {refusal.sentence}"
        return publish(service, chosen, look, more=more) if _have(service, chosen, look) else None
    shown = look.books.shown(service.key)
    kept = _once(service, [one for one in held if one.address in shown], look)
    for holding in held:
        if holding.address not in shown:  # a part of a set that cannot be made whole
            look.books.strike(service.key, holding)
    if not kept:
        return refused(refusal)
    kept.sort(key=lambda one: shown.index(one.address))
    # An adopted one is known by its reason alone.
    reason = Reason.ADOPTED if was_adopted(service) else refusal.reason
    told = Finding(reason, f"keeps {listed(kept)}, since {refusal.sentence}{more}")
    found = publish(service, kept, look, told=told)
    return found and replace(found, waits=True)


def _fill(service: Service, request: Request, held: Sequence[Holding], look: Look) -> list[Holding | Finding]:
    """For each slot what is held or chosen, or why there is nothing. Nothing is entered yet: it is all or none."""
    if request.problem is not None:
        return [request.problem]
    rest, shown = list(held), look.books.shown(service.key)
    filled: list[Holding | Finding | None] = [None] * len(request.slots)
    for certain in (True, False) if held else ():
        for place, slot in enumerate(request.slots):
            if filled[place] is None and (slot.address is not None) is certain:
                found = next((one for one in rest if satisfies(request, slot, one)), None)
                if found is not None:  # the same address may be held of another Eip as well
                    rest = [one for one in rest if one.address != found.address]
                    filled[place] = found
    # An Eip that is named and not there, or going, is no wish to move: what is shown may come from it.
    stale = next((why for name in request.pools if (why := look.chooser.missing(name))), None)
    for place, slot in enumerate(request.slots):
        if filled[place] is not None:
            continue
        if stale and any(one.address in shown and one.address.version == slot.family for one in rest):
            filled[place] = stale
        else:
            besides = {one.address for one in filled if isinstance(one, Holding)}
            filled[place] = look.chooser.choose(service, request, slot, besides)
    return [one for one in filled if one is not None]


def _meets(request: Request, holding: Holding) -> bool:
    return any(satisfies(request, slot, holding) for slot in request.slots)


def _is_complete(filled: Sequence[Holding | Finding], request: Request) -> bool:
    return not request.problem and request.is_met([isinstance(one, Holding) for one in filled])


def _whole(filled: Sequence[Holding | Finding], request: Request, shown: Collection[Address]) -> list[Holding]:
    """What was chosen of families that are whole, and whatever is shown already."""
    families = request.whole([isinstance(one, Holding) for one in filled])
    chosen = [one for one in filled if isinstance(one, Holding)]
    return [one for one in chosen if one.address.version in families or one.address in shown]


def _families(holdings: Iterable[Holding]) -> frozenset[int]:
    return frozenset(one.address.version for one in holdings)


def _lacking(filled: Sequence[Holding | Finding], request: Request, families: frozenset[int]) -> str:
    """Of a Service that is content with one family: which it does not have yet, and why."""
    for slot, one in zip(request.slots, filled, strict=True):
        if isinstance(one, Finding) and slot.family not in families:
            return f"; it has no IPv{slot.family} address yet, since {one.sentence}"
    return ""


def _stranded(
    service: Service, request: Request, filled: Sequence[Holding | Finding], rest: Sequence[Holding], look: Look
) -> list[Holding]:
    """Of what a Service shows that is content with one family: what its other slots have of an Eip that is named, and gone or
    going. To lose that was nobody's wish.
    """
    if not any(map(look.chooser.missing, request.pools)):
        return []
    shown = look.books.shown(service.key)
    open_slots = [slot.family for slot, one in zip(request.slots, filled, strict=True) if isinstance(one, Finding)]
    found = []
    for one in rest:
        if one.address in shown and one.address.version in open_slots:
            open_slots.remove(one.address.version)
            found.append(one)
    return found


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
        heir = heir_of(service, holding, look)
        if heir is None:
            continue
        there = Holding(heir.name, holding.address)
        if books.is_committed(service.key, there):
            held.remove(holding)
        elif there not in held and names.POOL_FINALIZER in heir.finalizers:
            books.enter(service.key, there)
    return [holding for holding in held if books.is_committed(service.key, holding) or not _is_twin(holding, held)]


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


def unserved(service: Service, look: Look) -> Publication | None:
    """What a Service that wants no address of ours is to carry: nothing, in steps that never free a shown address."""
    books = look.books
    held = books.holdings(service.key)
    guarded = names.SERVICE_FINALIZER in service.finalizers
    # Its workloads stay until somebody removes them; a Service that is deleted must not wait for a program that is gone.
    proxied = names.NODE_PROXY_FINALIZER in service.finalizers and not service.deleting
    # Our label alone says nothing: it has the name of the annotation, and people put it on other Services by mistake.
    if (service.pool_label and guarded) or any(holding.address in books.shown(service.key) for holding in held):
        return Publication(guarded=guarded, proxied=proxied, why=not_ours(service, look.lb_class))
    if held:
        for holding in held:
            give_back(service.key, holding, look)
        if not (service.deleting and all(holding.pool in look.terms.unreadable for holding in held)):
            return None
    return Publication(service.ingress, service.pool_label, proxied=proxied, conditions=_node_proxy(service))


def _node_proxy(service: Service) -> tuple[Condition, ...]:
    if service.deleting or service.opt_in != names.OPT_IN_VALUE or service.node_proxy not in names.NODE_PROXY_KINDS:
        return ()
    told = Finding(
        Reason.NODE_PROXY_UNSUPPORTED,
        f"the annotation {names.NODE_PROXY} asks for node-proxy, which this version does not provide: "
        "remove the annotation to get an address from an Eip",
    )
    return (Condition.of(names.ADDRESS_ALLOCATED, told, status=False),)
