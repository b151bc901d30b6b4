"""Which addresses Services show that are to be believed, each by the word of which pool, and which of them may be judged otherwise
than before.

Addresses are texts here, and there is one for each: hashing an address takes ten times as long.
"""

from collections.abc import Callable, Iterable, Mapping, Set
from typing import TypeVar, cast

from openelb.model.addresses import Address, parse_address
from openelb.model.cluster import Pool, Service, ServiceKey
from openelb.model.snapshot import Snapshot
from openelb.plan.placement import age, trusted

Value = TypeVar("Value")


def touched(before: Snapshot, snapshot: Snapshot, *, local_only: bool = True) -> Set[ServiceKey]:
    """The Services that may be judged otherwise than before, but for what concerns all of them: endpoints are looked at of those
    that ask for local traffic, or of all.
    """
    services = _changed(before.services, snapshot.services)
    if before.endpoints is snapshot.endpoints:
        return services
    asked = [key for key, service in snapshot.services.items() if service.local_traffic_only or not local_only]
    return services.union(key for key in asked if before.endpoints.get(key) is not snapshot.endpoints.get(key))


def _changed(before: Mapping[ServiceKey, Value], now: Mapping[ServiceKey, Value]) -> set[ServiceKey]:
    """Told by identity, since the store replaces what has changed and nothing else. To take too much for changed is no harm."""
    if before is now:
        return set()
    changed = {key for key, value in now.items() if before.get(key) is not value}
    new = sum(key not in before for key in changed)
    return changed if len(before) + new == len(now) else changed | (before.keys() - now.keys())


def showing(
    before: Snapshot,
    was_shown: Callable[[str], tuple[ServiceKey, ...]],
    snapshot: Snapshot,
    touched: Set[ServiceKey],
    lb_class: str,
) -> dict[str, tuple[ServiceKey, ...]]:
    """All addresses that the touched Services show or have shown, each with every Service that shows it, maybe none.
    `was_shown` tells of an address who showed it `before`.
    """
    found: dict[str, tuple[ServiceKey, ...]] = {}
    for key in touched & before.services.keys():
        for address in _shown(before.services[key], before.pools, lb_class):
            keys = found.get(address, was_shown(address))
            found[address] = tuple(other for other in keys if other != key)
    for key in touched & snapshot.services.keys():
        for address in _shown(snapshot.services[key], snapshot.pools, lb_class):
            found[address] = (*found.get(address, was_shown(address)), key)
    return found


def _is_ours(service: Service, lb_class: str) -> bool:
    return service.load_balancer and service.load_balancer_class in ("", lb_class)


def _shown(service: Service, pools: Mapping[str, Pool], lb_class: str) -> Iterable[str]:
    """The addresses of a Service of ours that are to be believed: those of a pool, where its label names one that is there.

    Each as one text, whoever wrote it: `2001:DB8::1` is `2001:db8::1`.
    """
    found: dict[str, None] = {}
    if service.pool_label not in pools or not service.ingress or not _is_ours(service, lb_class):
        return found
    for text in service.ingress:
        address = parse_address(text)
        if address is not None and source(address, service.pool_label, pools):
            found[text if address.version == 4 else str(address)] = None
    return found


def source(address: Address, label: str, pools: Mapping[str, Pool]) -> Pool | None:
    """The pool by whose word an address is announced: the labelled one, or where that does not have it, the oldest that does.

    The label has room for one name, and a Service may have addresses of several pools.
    """
    labelled = pools[label]
    if address in trusted(labelled):
        return labelled
    return min((pool for pool in pools.values() if address in trusted(pool)), key=age, default=None)


def read(text: str) -> Address:
    """The address of a text that was found here, and so read already."""
    return cast("Address", parse_address(text))
