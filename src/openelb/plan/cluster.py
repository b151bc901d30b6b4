"""The manager's whole judgement: what the ledgers hold, what the Services show, and what people are told.

A planner follows the snapshots: it judges anew only what may have changed, and says the same as one that judges everything.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from openelb.model import names
from openelb.model.addresses import Address
from openelb.model.cluster import BgpObject, Page, Pool, PoolStatus, Publication, Reservation, Service, ServiceKey
from openelb.model.findings import Reason
from openelb.model.probes import Questions
from openelb.model.snapshot import Snapshot
from openelb.plan import clearance, pools, services
from openelb.plan.admission import Facts
from openelb.plan.allocation import Chooser, wants_address
from openelb.plan.bgp_outlook import hindrance
from openelb.plan.books import Books
from openelb.plan.ledger import ROOM, Holding
from openelb.plan.placement import Reach, reaches
from openelb.plan.publishing import Look, give_back
from openelb.plan.request import request
from openelb.plan.services import precedence, published
from openelb.plan.terms import Division, Terms, terms
from openelb.plan.vacancies import Vacancies
from openelb.plan.wording import repaired

__all__ = ["ClusterPlan", "Planner", "plan", "published"]


Entry = tuple[ServiceKey, Holding]


@dataclass(frozen=True, slots=True)
class ClusterPlan:
    """What is to be written, and only that: an empty plan says that all is well.

    `pages` are EipAllocations by name as they are to be; one that is empty is to go. `pool_finalizers` says for an Eip whether
    it is to carry ours. `unknown` are holders of addresses that the snapshot does not have: before their addresses are free,
    a direct read must show that they are gone. `left` are objects from which the finalizer of an older release is to come
    off. `repairs` say for an Eip what was wrong in its ledger. `questions` are all that is to be asked about on LANs. `due` is when time alone may change the plan (seconds since
    1970).
    """

    pools: Mapping[str, PoolStatus] = field(default_factory=dict)
    pages: Mapping[str, Page] = field(default_factory=dict)
    pool_finalizers: Mapping[str, bool] = field(default_factory=dict)
    services: Mapping[ServiceKey, Publication] = field(default_factory=dict)
    reservations: Mapping[str, Reservation] = field(default_factory=dict)
    unknown: frozenset[ServiceKey] = frozenset()
    left: tuple[BgpObject, ...] = ()
    repairs: Mapping[str, str] = field(default_factory=dict)
    questions: Questions = field(default_factory=dict)
    due: float | None = None


@dataclass(frozen=True, slots=True)
class _Grounds:
    """All that may change the judgement of every Service at once."""

    pools: Mapping[str, Pool]
    reservations: tuple[Reservation, ...]
    namespaces: Mapping[str, Mapping[str, str]]
    unreadable: frozenset[str]
    reaches: Mapping[str, Reach]
    gone: frozenset[ServiceKey]


class Planner:
    """Of one manager, from look to look. `lb_class` is the class of Services that are ours; a page has `room` for so many."""

    def __init__(self, lb_class: str = names.LOAD_BALANCER_CLASS, room: int = ROOM) -> None:
        self._lb_class = lb_class
        self._books = Books(room)
        self._grounds: _Grounds | None = None
        self._division = Division()
        self._statuses = pools.Statuses()
        self._bare: dict[str, tuple[Pool, Pool]] = {}
        self._endpoints: Mapping[ServiceKey, frozenset[str]] = {}
        self._waiting: set[ServiceKey] = set()
        self._verdicts: dict[ServiceKey, Publication] = {}

    def plan(self, snapshot: Snapshot, alive: frozenset[str], now: float = 0.0) -> ClusterPlan:
        """Judge the whole cluster while the speakers on the nodes in `alive` are, at that moment (seconds since 1970)."""
        books = self._books
        touched = books.update(snapshot)
        speakers = {node: speaker for node, speaker in snapshot.speakers.items() if node in alive}
        laid_down = terms(snapshot, now, self._division)
        reach = reaches(snapshot.pools, speakers, snapshot.nodes, hindrance(snapshot))
        self._division = laid_down.division
        if self._have_changed(snapshot, laid_down, reach):
            touched |= snapshot.services.keys()
            books.give(laid_down.given)
        touched |= self._waiting | self._moved_endpoints(snapshot)
        laid_down = pools.hold(laid_down, books)
        due = [one.expires for one in laid_down.reservations if one.expires < math.inf]
        clear = clearance.clearance(snapshot, reach, alive, now, due)
        chooser = Chooser(books, laid_down, Vacancies(books, laid_down, now, due, clear), due)
        look = Look(snapshot, books, laid_down, reach, chooser, now, self._lb_class)
        judged = [snapshot.services[key] for key in sorted(touched & snapshot.services.keys())]
        unknown, struck = _strike_the_gone(look)
        entered = self._judge(judged, look)
        for key in touched - snapshot.services.keys():
            self._verdicts.pop(key, None)
            self._waiting.discard(key)
        questions = clearance.questions(clear, snapshot, books, laid_down)
        return ClusterPlan(
            pools=self._statuses.judge(look),
            pages={place.name: page for place, page in books.pages.changed() if place.name},
            pool_finalizers=pools.finalizers(look),
            services=dict(self._verdicts),
            reservations=pools.reservations(look),
            questions=questions,
            unknown=unknown,
            left=_left(snapshot),
            repairs=_repairs(entered, struck),
            due=min(due, default=None),
        )

    def facts(self, snapshot: Snapshot, now: float) -> Facts:
        """What a change of an Eip or an EipReservation is judged by: who has what is known as of the last look."""
        return Facts(
            terms(snapshot, now, self._division), self._books, now, hindrance(snapshot), snapshot.peers, snapshot.nodes
        )

    def _have_changed(self, snapshot: Snapshot, laid_down: Terms, reach: Mapping[str, Reach]) -> bool:
        """Whether the ground has, that every judgement stands on."""
        before = self._grounds
        self._bare = {name: known for name, known in self._bare.items() if name in snapshot.pools}
        self._grounds = _Grounds(
            pools={name: self._without_status(pool) for name, pool in snapshot.pools.items()},
            reservations=laid_down.reservations,
            namespaces=snapshot.namespaces,
            unreadable=frozenset(snapshot.unreadable),
            reaches=reach,
            gone=snapshot.gone,
        )
        return before != self._grounds

    def _without_status(self, pool: Pool) -> Pool:
        """Without what our own writes change."""
        known = self._bare.get(pool.name)
        if known is None or known[0] is not pool:
            status = PoolStatus(address=pool.status.address, first=pool.status.first, last=pool.status.last)
            known = self._bare[pool.name] = pool, replace(pool, status=status, version="")
        return known[1]

    def _moved_endpoints(self, snapshot: Snapshot) -> set[ServiceKey]:
        """Who asks for local traffic and has its pods elsewhere, or has its first or its last, with all who share an address with it."""
        before, self._endpoints = self._endpoints, snapshot.endpoints
        if before is snapshot.endpoints:
            return set()
        moved = {
            key
            for key, service in snapshot.services.items()
            if before.get(key) != (here := snapshot.endpoints.get(key))
            and (service.local_traffic_only or not (before.get(key) and here))
        }
        return {key for one in moved for key in (one, *self._books.neighbours(one))}

    def _judge(self, judged: Iterable[Service], look: Look) -> list[Entry]:
        """Returns what ledgers did not have."""
        # Who has an address of an Eip that was never read keeps it as it is, until it is deleted.
        known = [service for service in judged if service.deleting or not look.terms.is_unseen(service.pool_label)]
        entered = services.enter_what_is_shown(known, look)
        mine = [service for service in known if wants_address(service, look.terms, look.lb_class)]
        found = {service.key: services.served(service, look) for service in sorted(mine, key=precedence)}
        for service in known:
            if service.key not in found:
                found[service.key] = services.unserved(service, look)
        for service in judged:
            key, verdict = service.key, found.get(service.key)
            is_open = key in found and (verdict is None or not _is_settled(service, verdict, look))
            if is_open or key in look.books.drafted:
                self._waiting.add(key)
            else:
                self._waiting.discard(key)
            if verdict is None or verdict == published(service):
                self._verdicts.pop(key, None)
            else:
                self._verdicts[key] = verdict
        return entered


def plan(
    snapshot: Snapshot, alive: frozenset[str], lb_class: str = names.LOAD_BALANCER_CLASS, now: float = 0.0
) -> ClusterPlan:
    """Judge the whole cluster once, with no look before."""
    return Planner(lb_class).plan(snapshot, alive, now)


def _is_settled(service: Service, verdict: Publication, look: Look) -> bool:
    """Whether the Service gets all that it asks for, or nothing that others do can help it: else whatever they do may."""
    told = next((one.reason for one in verdict.conditions if one.type == names.ADDRESS_ALLOCATED), "")
    if not told or _waits_for_a_pool(service, verdict, look):
        return True
    if verdict.waits:
        return False
    has_all = len(verdict.ingress) >= len(request(service).slots) and not service.wishes.migrate_to
    return has_all and told in (Reason.ALLOCATED, Reason.ADOPTED)


def _waits_for_a_pool(service: Service, verdict: Publication, look: Look) -> bool:
    """Whether it has nothing and asks for one pool, which is not there: when that comes, everybody is judged anew."""
    pools, books = request(service).pools, look.books
    if (
        len(pools) != 1
        or pools[0] in look.terms.pools
        or pools[0] in look.terms.unreadable
        or service.wishes.migrate_to
    ):
        return False
    return not (verdict.ingress or books.holdings(service.key) or books.shown(service.key))


def _strike_the_gone(look: Look) -> tuple[frozenset[ServiceKey], list[Entry]]:
    """Who is not known and not shown to be gone; and what those held that are."""
    unreadable = {one.key for one in look.snapshot.unreadable.values() if one.kind == "Service"}
    missing = look.books.everybody() - look.snapshot.services.keys() - unreadable
    struck = [(key, holding) for key in sorted(missing & look.snapshot.gone) for holding in look.books.holdings(key)]
    for key, holding in struck:
        give_back(key, holding, look)
    return frozenset(missing - look.snapshot.gone), struck


def _left(snapshot: Snapshot) -> tuple[BgpObject, ...]:
    """What is being deleted and waits for a speaker of an older release, which is gone."""
    objects = (*snapshot.bgp_confs.values(), *snapshot.bgp_peers.values())
    return tuple(one for one in objects if one.deleting and names.BGP_FINALIZER in one.finalizers)


def _repairs(entered: Iterable[Entry], struck: Iterable[Entry]) -> dict[str, str]:
    found: dict[str, tuple[list[tuple[ServiceKey, Address]], list[tuple[ServiceKey, Address]]]] = {}
    for place, entries in enumerate((entered, struck)):
        for key, holding in entries:
            found.setdefault(holding.pool, ([], []))[place].append((key, holding.address))
    return {pool: repaired(*each) for pool, each in found.items()}
