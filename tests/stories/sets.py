"""A cluster in memory whose Services may have several addresses of both families, in ledgers that go on in EipAllocations, and
what is promised of them at every instant and when it has come to rest.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import combinations

from openelb.model import names
from openelb.model.addresses import Address, parse_address
from openelb.model.cluster import Page, Pool, Publication, Reservation, Service, ServiceKey
from openelb.model.snapshot import Snapshot
from openelb.plan import request as requests
from openelb.plan import sharing
from openelb.plan.cluster import ClusterPlan, Planner
from tests.stories.gifts import check_gifts
from tests.stories.memory import Cluster, GuardPool, Write, WritePool, WriteService

MOST_LOOKS = 30
ROOM = 3
"""Entries of one page, so that ledgers go on in EipAllocations."""


@dataclass(frozen=True)
class WritePage:
    """Make, replace or remove an EipAllocation."""

    seen: Page | None
    page: Page
    owner: str


@dataclass(frozen=True)
class WriteReservation:
    """The status of an EipReservation, by compare-and-swap."""

    seen: Reservation
    wanted: Reservation


@dataclass(frozen=True)
class Mark:
    """What a Service asks of us, and the addresses that it had a right to since it asks for that."""

    asked: object
    due: frozenset[str] = frozenset()
    moved: frozenset[str] = frozenset()
    adopted: bool = False


@dataclass
class Sets(Cluster):
    """A cluster with EipAllocations, reservations and a clock. `judged` is what the manager saw when it last looked."""

    keeps: bool = False
    now: float = 1_000_000.0
    pages: dict[str, Page] = field(default_factory=dict)
    reservations: dict[str, Reservation] = field(default_factory=dict)
    judged: Snapshot = field(default_factory=Snapshot)
    due: float | None = None
    marks: dict[ServiceKey, Mark] = field(default_factory=dict)
    together: set[tuple[str, frozenset[ServiceKey]]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.planner = Planner(room=ROOM)

    # What is stored.

    def entries(self) -> Iterator[tuple[str, Address, ServiceKey]]:
        """Pool, address and holder of everything in any ledger."""
        firsts = [(one.name, one.status.used) for one in self.pools.values()]
        for name, used in [*firsts, *((page.pool, page.used) for page in self.pages.values())]:
            for address, holders in used.items():
                yield from ((name, address, holder) for holder in holders)

    def _store(self, thing: Pool | Service) -> None:
        super()._store(thing)
        if isinstance(thing, Pool) and thing.name not in self.pools:  # they have an ownerReference to it
            self.pages = {name: page for name, page in self.pages.items() if page.pool != thing.name}

    def snapshot(self) -> Snapshot:
        return replace(super().snapshot(), pages=dict(self.pages), reservations=dict(self.reservations))

    # What the manager does.

    def look(self) -> list[Write]:
        snapshot = self.snapshot()
        plan = self._judge(snapshot)
        if plan.unknown:
            snapshot = replace(snapshot, gone=plan.unknown - self.services.keys())
            plan = self._judge(snapshot)
        self.judged, self.due = snapshot, plan.due
        check_gifts(snapshot, plan, self.now)
        return [
            *(WritePool(self.pools[name], status) for name, status in plan.pools.items()),
            *(WritePage(self.pages.get(name), page, self.pools[page.pool].uid) for name, page in plan.pages.items()),
            *(WriteReservation(self.reservations[name], wanted) for name, wanted in plan.reservations.items()),
            *(GuardPool(self.pools[name], on) for name, on in plan.pool_finalizers.items()),
            *(WriteService(self.services[key], publication) for key, publication in plan.services.items()),
        ]

    def _judge(self, snapshot: Snapshot) -> ClusterPlan:
        alive = frozenset(self.speakers)
        anew = Planner(room=ROOM).plan(snapshot, alive, self.now)
        if not self.keeps:
            return anew
        plan = self.planner.plan(snapshot, alive, self.now)
        assert replace(plan, due=None) == replace(anew, due=None), "a manager that remembers says something else"
        return plan

    def write(self, write: Write | WritePage | WriteReservation) -> bool:
        if isinstance(write, WritePage):
            return self._write_page(write)
        if not isinstance(write, WriteReservation):
            return super().write(write)
        if self.reservations.get(write.seen.name) != write.seen:
            return False
        self.revision += 1
        self.reservations[write.seen.name] = replace(write.wanted, version=str(self.revision))
        return True

    def _write_page(self, write: WritePage) -> bool:
        name, page = write.page.name, write.page
        if self.pages.get(name) != write.seen:
            return False
        if not (page.used or page.released):
            self.pages.pop(name, None)
        elif page.pool in self.pools and self.pools[page.pool].uid == write.owner:
            self.revision += 1
            self.pages[name] = replace(page, uid=page.uid or f"uid {self.revision}", version=str(self.revision))
        return True

    def _write_service(self, write: WriteService) -> bool:
        seen, wanted = write.seen, write.publication
        if self.services.get(seen.key) != seen:
            return False
        written = self._written(seen, wanted)
        self._store(written)
        self.check_change(seen, written)
        if names.SERVICE_FINALIZER in seen.finalizers and not wanted.guarded:
            held = [entry for entry in self.entries() if entry[2] == seen.key]
            assert not held, f"{seen.key} is let go and still holds {held}"
        return True

    def _written(self, seen: Service, wanted: Publication) -> Service:
        moves = any(one.type == names.MOVING and one.status for one in wanted.conditions)
        return replace(
            seen,
            ingress=wanted.ingress,
            pool_label=wanted.pool_label,
            finalizers=(names.SERVICE_FINALIZER,) if wanted.guarded else (),
            conditions=wanted.conditions,
            moving_since=(seen.moving_since or self.now) if moves else 0.0,
        )

    # What is promised at every instant.

    def check(self) -> None:
        entries = {(address, holder) for _, address, holder in self.entries()}
        for one in self.services.values():
            assert one.load_balancer or not one.ingress, f"{one.key} is no LoadBalancer"
            for text in one.ingress:
                assert (parse_address(text), one.key) in entries, f"{one.key} shows {text}, which no ledger has"
        self._check_sharing()
        for one in self.services.values():
            self._mark(one)
        self.marks = {name: mark for name, mark in self.marks.items() if name in self.services}

    def _check_sharing(self) -> None:
        showing: dict[str, list[ServiceKey]] = {}
        for one in self.services.values():
            for text in one.ingress:
                showing.setdefault(text, []).append(one.key)
        together = {(text, frozenset(pair)) for text, keys in showing.items() for pair in combinations(sorted(keys), 2)}
        for text, pair in together - self.together:
            one, other = (self.judged.services[name] for name in sorted(pair))
            why = sharing.obstacle(one, other)
            assert not why, f"{text} is shown by {one.key} and {other.key}, though {why}"
        self.together = together

    def _mark(self, one: Service) -> None:
        """Remember what the Service has a right to, from when it shows all that it asks for until it asks for something else."""
        asked = replace(one.wishes, sharing_key=""), one.families, one.family_policy, *_ours(one)
        mark = self.marks.get(one.key)
        if mark is None or mark.asked != asked:
            mark = Mark(asked)
        shown = frozenset(one.ingress)
        if shown and self._fills(one, requests.request(one)):
            mark = replace(mark, due=shown)
        moving = requests.move(one)
        if shown and moving and self._fills(one, moving.request):
            mark = replace(mark, moved=shown)
        is_adopted = bool(shown) and not one.opt_in and not one.deleting and (mark.adopted or self._just_adopted(one))
        self.marks[one.key] = replace(mark, adopted=is_adopted)

    def _just_adopted(self, one: Service) -> bool:
        return any(told.reason == "Adopted" for told in one.conditions)

    def _fills(self, one: Service, request: requests.Request, *, exactly: bool = True) -> bool:
        """Whether the Service shows what is asked for, and nothing else where it is to be `exactly` that."""
        if request.problem:
            return False
        filled, rest = self._slots(one, request)
        return request.is_met(filled) and not (exactly and rest)

    def _slots(self, one: Service, request: requests.Request) -> tuple[list[bool], list[Address]]:
        rest: list[Address] = [address for text in one.ingress if (address := parse_address(text))]
        pools: dict[Address, set[str]] = {}
        for name, address, holder in self.entries():
            if holder == one.key:
                pools.setdefault(address, set()).add(name)
        filled = [False] * len(request.slots)
        for place in sorted(range(len(filled)), key=lambda place: request.slots[place].address is None):
            slot = request.slots[place]
            for address in rest:
                is_asked = slot.address in (None, address) and slot.family == address.version
                if is_asked and (not request.pools or pools.get(address, set()) & set(request.pools)):
                    rest.remove(address)
                    filled[place] = True
                    break
        return filled, rest

    def check_change(self, before: Service, after: Service) -> None:
        """The manager takes nothing away but by the user's own change, and gives a set whole."""
        mark = self.marks[before.key]
        lost, given = set(before.ingress) - set(after.ingress), set(after.ingress) - set(before.ingress)
        if self._asks(before, mark):
            moving = requests.move(before)
            has_moved = moving is not None and self._fills(after, moving.request, exactly=False)
            told = f"{before.key} has {before.ingress} and gets {after.ingress}"
            assert after.ingress or not before.ingress, f"{told}: nothing is left"
            assert not lost & mark.moved, f"{told}, though it has moved to {sorted(mark.moved)}"
            assert has_moved or not lost & mark.due, f"{told}, though it has what it asks for"
            assert not lost or has_moved or self._fills(after, requests.request(after)), f"{told}, not what it asks for"
        if given:
            self._check_whole(after, given)

    def _check_whole(self, after: Service, given: set[str]) -> None:
        moving = requests.move(after)
        asked = [*([moving.request] if moving else []), requests.request(after)]
        request = next((one for one in asked if self._fills(after, one, exactly=False)), None)
        assert request is not None, f"{after.key} shows {after.ingress}, a part of {asked}"
        filled, _ = self._slots(after, request)
        halves = {text for text in given if parse_address(text).version not in request.whole(filled)}
        assert not halves, f"{after.key} is given {halves}, a part of a family of {request}"

    def _asks(self, one: Service, mark: Mark) -> bool:
        """Whether its user wants an address of us. Who was adopted keeps it."""
        return one.load_balancer and not one.deleting and (one.opt_in == names.OPT_IN_VALUE or mark.adopted)

    # In the end.

    def settle_in_time(self) -> None:
        """The manager works until it has nothing to do, also when time goes on."""
        for _ in range(MOST_LOOKS):
            writes = self._work_until_it_waits()
            assert self.due is None or self.due > self.now, f"it looks again at once, and finds nothing to do: {writes}"
            if self.due is None:
                self.now += 10 * 86400
                assert not (late := self.look()), f"time alone brings about {late}, and nobody has told when"
                return
            self.now = self.due - 0.5
            assert not (early := self.look()), f"before it is due, there is {early} to write"
            self.now = self.due
        raise AssertionError(f"it wakes up for ever: {self.due}")

    def _work_until_it_waits(self) -> int:
        for looks in range(MOST_LOOKS):
            writes = self.look()
            if not writes:
                return looks
            for write in writes:
                assert self.write(write), f"{write} meets a conflict though nobody else writes"
                self.check()
        raise AssertionError(f"after {MOST_LOOKS} looks there is still something to write: {self.look()}")

    def check_end(self) -> None:
        """Nothing has leaked, and whoever has no address knows why."""
        entries = sorted((address.version, address, holder, name) for name, address, holder in self.entries())
        shown = sorted(
            (parse_address(text).version, parse_address(text), one.key)
            for one in self.services.values()
            for text in one.ingress
        )
        assert [entry[:3] for entry in entries] == shown, f"in the ledgers: {entries}; shown: {shown}"
        for one in self.services.values():
            allocated = next((told for told in one.conditions if told.type == names.ADDRESS_ALLOCATED), None)
            assert bool(one.finalizers) == bool(one.ingress), f"{one.key} has {one.finalizers}, {one.ingress}"
            assert bool(one.pool_label) == bool(one.ingress), f"{one.key} has {one.pool_label}, {one.ingress}"
            assert not one.deleting, f"{one.key} lingers"
            if self._asks(one, self.marks[one.key]):
                assert allocated, f"{one.key} is told nothing"
                assert allocated.status == bool(one.ingress), f"{one.key} shows {one.ingress} and is told {allocated}"
                assert allocated.reason, f"{one.key} is told no reason"
                assert allocated.message, f"{one.key} is told nothing: {allocated}"
        for name, one in self.pools.items():
            assert not one.deleting or any(entry[3] == name for entry in entries), f"Eip {name} lingers"


def _ours(one: Service) -> tuple[object, ...]:
    return one.load_balancer, one.load_balancer_class, one.opt_in, one.node_proxy, one.uid, one.deleting
