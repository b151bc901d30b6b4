"""What a look newly gives, held to what the authors of pools and reservations laid down. What they change afterwards takes
nothing away, so all of it is asked of the look and not of what is stored later.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from openelb.model.addresses import Address, parse_address
from openelb.model.cluster import Page, Pool, PoolStatus, Reservation, ServiceKey
from openelb.model.snapshot import Snapshot
from openelb.plan.cluster import ClusterPlan
from openelb.plan.terms import is_for


class Entry(NamedTuple):
    """Who holds which address of which pool."""

    pool: str
    address: Address
    holder: ServiceKey


def entries(statuses: Mapping[str, PoolStatus], pages: Iterable[Page]) -> Iterator[Entry]:
    """All entries of all ledgers."""
    for name, used in [*((name, one.used) for name, one in statuses.items()), *((one.pool, one.used) for one in pages)]:
        for address, holders in used.items():
            yield from (Entry(name, address, holder) for holder in holders)


def check_gifts(snapshot: Snapshot, plan: ClusterPlan, now: float) -> None:
    """No excluded or reserved address is given to who does not share it, and no namespace gets more than its quota."""
    look = Look(snapshot, plan, now)
    for gift in look.gifts:
        look.check_exclusion(gift)
        look.check_reservation(gift)
    for pool in snapshot.pools.values():
        for namespace in {gift.holder.namespace for gift in look.gifts if gift.pool == pool.name}:
            look.check_quota(pool, namespace)


@dataclass
class Look:
    """The ledgers before and after what a look plans. `gifts` are entries for what their holders neither had nor showed."""

    snapshot: Snapshot
    plan: ClusterPlan
    now: float

    def __post_init__(self) -> None:
        statuses = {name: pool.status for name, pool in self.snapshot.pools.items()}
        self.before = set(entries(statuses, self.snapshot.pages.values()))
        self.after = set(entries({**statuses, **self.plan.pools}, {**self.snapshot.pages, **self.plan.pages}.values()))
        had = {(entry.address, entry.holder) for entry in self.before}
        shown = {(parse_address(text), one.key) for one in self.snapshot.services.values() for text in one.ingress}
        self.gifts = [entry for entry in self.after if (entry.address, entry.holder) not in had | shown]

    def check_exclusion(self, gift: Entry) -> None:
        is_given = any(gift.address in pool.given for pool in self.snapshot.pools.values())
        assert self._is_shared(gift) or is_given, f"{gift} is given, and no pool gives that out"

    def check_reservation(self, gift: Entry) -> None:
        one = self._reservation(gift.address)
        may = one is None or is_for(one, self.snapshot.services[gift.holder])
        assert may, f"{gift} is given, reserved by {one}"

    def _reservation(self, address: Address) -> Reservation | None:
        """The oldest that holds at the moment, as it was and as it is to be."""
        promised = {**self.snapshot.reservations, **self.plan.reservations}.values()
        for one in sorted(promised, key=lambda one: (one.created, one.uid, one.name)):
            pool = self.snapshot.pools.get(one.pool)
            is_promised = self.now < one.expires and not one.problem and address in (one.addresses or one.held)
            if is_promised and pool and address in pool.ranges:
                return one
        return None

    def check_quota(self, pool: Pool, namespace: str) -> None:
        """Who comes to share is not refused, so of what is given that is shared does not count. Whoever was judged last found
        what all others keep, and what was given before.
        """
        mine = [gift for gift in self.gifts if gift.pool == pool.name and gift.holder.namespace == namespace]
        alone = [gift.holder for gift in mine if not self._is_shared(gift)]
        if pool.quota is None or not alone:
            return
        kept = Counter(
            entry.holder
            for entry in self.before & self.after
            if entry.pool == pool.name and entry.holder.namespace == namespace
        )
        fewest = min(kept.total() - kept[holder] for holder in alone) + len(alone)
        assert fewest <= pool.quota, f"{namespace} is given {mine} beside {kept}, and the quota is {pool.quota}"

    def _is_shared(self, gift: Entry) -> bool:
        """Whether anybody else has the address as well, before or after."""
        others = {entry.holder for entry in self.before | self.after if entry.address == gift.address} - {gift.holder}
        return bool(others)
