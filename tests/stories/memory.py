"""A cluster in memory: the API server's manners, users who change things, and a manager that carries out plans.

It is written against the API's documentation, not against the plan: every write tests the version that it was decided
on, an object with finalizers vanishes only when the last is off, and a Service that leaves the type LoadBalancer loses
its status. After every single step the promises are checked.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from openelb.model import names
from openelb.model.cluster import Pool, PoolStatus, Publication, Service, ServiceKey, Speaker
from openelb.model.snapshot import Snapshot
from openelb.plan import cluster as judgement
from tests.stories.promises import Facts, check_move
from tests.unit.builders import speaker


@dataclass(frozen=True)
class WritePool:
    """The status of an Eip, by compare-and-swap."""

    seen: Pool
    status: PoolStatus


@dataclass(frozen=True)
class GuardPool:
    """Our finalizer on or off an Eip, by compare-and-swap."""

    seen: Pool
    on: bool


@dataclass(frozen=True)
class WriteService:
    """One status patch of a Service with label, finalizer and conditions, by compare-and-swap."""

    seen: Service
    publication: Publication


Write = WritePool | GuardPool | WriteService


@dataclass
class Cluster(Facts):
    """What the API server stores, and how it changes."""

    revision: int = 0
    speakers: dict[str, Speaker] = field(default_factory=lambda: {"node-a": speaker("node-a")})

    # What users do.

    def create(self, thing: Pool | Service) -> None:
        """Create it; a namesake gets a uid of its own."""
        self._store(replace(thing, uid=f"uid {self.revision}"))

    def edit_service(self, key: ServiceKey, change: Callable[[Service], Service]) -> None:
        """Change a Service; the server clears the status of one that is no LoadBalancer."""
        changed = change(self.services[key])
        self._store(changed if changed.load_balancer else replace(changed, ingress=()))

    def edit_pool(self, name: str, change: Callable[[Pool], Pool]) -> None:
        """Change an Eip."""
        self._store(change(self.pools[name]))

    def delete(self, thing: Pool | Service) -> None:
        """Ask for deletion: at once without finalizers, else when the last is off."""
        self._store(replace(thing, deleting=True))

    def _store(self, thing: Pool | Service) -> None:
        self.revision += 1
        stored = replace(thing, version=str(self.revision))
        shelf, key = (self.pools, thing.name) if isinstance(thing, Pool) else (self.services, thing.key)
        if stored.deleting and not stored.finalizers:
            shelf.pop(key, None)
            if isinstance(thing, Pool):
                self.check_pool_gone(thing.name)
        else:
            shelf[key] = stored

    # What the manager does.

    def look(self) -> list[Write]:
        """Judge everything and give back what is to be written, in the manager's order: ledgers, guards, Services."""
        snapshot = self.snapshot()
        plan = judgement.plan(snapshot, frozenset(self.speakers))
        if plan.unknown:  # a direct read of each
            snapshot = replace(snapshot, gone=plan.unknown - self.services.keys())
            plan = judgement.plan(snapshot, frozenset(self.speakers))
        return [
            *(WritePool(self.pools[name], status) for name, status in plan.pools.items()),
            *(GuardPool(self.pools[name], on) for name, on in plan.pool_finalizers.items()),
            *(WriteService(self.services[key], publication) for key, publication in plan.services.items()),
        ]

    def snapshot(self) -> Snapshot:
        """What a manager sees whose watches are up to date."""
        return Snapshot(pools=dict(self.pools), services=dict(self.services), speakers=self.speakers)

    def write(self, write: Write) -> bool:
        """Carry out one write; False when somebody was there first."""
        if isinstance(write, WriteService):
            return self._write_service(write)
        if self.pools.get(write.seen.name) != write.seen:
            return False
        if isinstance(write, WritePool):
            self._store(replace(write.seen, status=write.status))
        else:
            self._store(replace(write.seen, finalizers=(names.POOL_FINALIZER,) if write.on else ()))
        return True

    def _write_service(self, write: WriteService) -> bool:
        seen, wanted = write.seen, write.publication
        if self.services.get(seen.key) != seen:
            return False
        others = tuple(finalizer for finalizer in seen.finalizers if finalizer != names.SERVICE_FINALIZER)
        written = replace(
            seen,
            ingress=wanted.ingress,
            pool_label=wanted.pool_label,
            finalizers=(*others, names.SERVICE_FINALIZER) if wanted.guarded else others,
            conditions=wanted.conditions,
        )
        self._store(written)
        check_move(seen, written, self.pools)
        if not wanted.guarded and names.SERVICE_FINALIZER in seen.finalizers:
            self.check_let_go(seen)
        return True

    def settle(self, *, rounds: int = 12, watch: Callable[[], None] = lambda: None) -> int:
        """Let the manager work until it has nothing to do; how many looks that took. `watch` is called after each write."""
        for looks in range(rounds):
            writes = self.look()
            if not writes:
                return looks
            for write in writes:
                assert self.write(write), f"{write} meets a conflict though nobody else writes"
                self.check()
                watch()
        raise AssertionError(f"after {rounds} looks there is still something to write: {self.look()}")
