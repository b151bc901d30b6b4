"""Words that several sentences for people have in common."""

from collections.abc import Iterable, Sequence
from heapq import nsmallest
from itertools import islice

from openelb.model import names
from openelb.model.addresses import Address
from openelb.model.cluster import Pool, Service, ServiceKey
from openelb.model.findings import Finding, Reason
from openelb.plan.terms import Terms

HOLDERS_NAMED = 3
POOLS_NAMED = 8


def existing(terms: Terms) -> str:
    """The pools there are, for who named none or a wrong one."""
    pools = terms.by_name
    if not pools:
        return "there is no Eip yet"
    return f"Eips there are: {first_of((pool.name for pool in pools), len(pools), POOLS_NAMED)}"


def first_of(texts: Iterable[str], count: int, most: int) -> str:
    """At most so many of the `count` texts, and how many more there are; the others are not even made."""
    more = count - most
    return ", ".join(islice(texts, most)) + (f" and {more} more" if more > 0 else "")


def named(keys: Iterable[ServiceKey], most: int = HOLDERS_NAMED) -> str:
    """Some of them, and how many more there are."""
    keys = tuple(keys)
    return first_of(map(str, nsmallest(most, keys)), len(keys), most)


def brief(text: str) -> str:
    """An Eip's address as far as it is read in a sentence."""
    return text if len(text) <= 60 else text[:60] + "…"


def families(versions: Iterable[int]) -> str:
    """`IPv4 and IPv6`."""
    return " and ".join(f"IPv{version}" for version in sorted(set(versions)))


def going(pool: Pool) -> Finding | None:
    """Why a pool gives out nothing any more, or None where it is not being deleted."""
    return (
        Finding(Reason.POOL_DELETING, f"Eip {pool.name} is being deleted: name another one") if pool.deleting else None
    )


def taken(address: Address, others: Iterable[ServiceKey]) -> Finding:
    """Why the Service cannot have the address."""
    return Finding(
        Reason.ADDRESS_TAKEN, f"{address} is in use by {named(others)}: ask for another address, or free it there"
    )


def not_ours(service: Service, lb_class: str) -> str:
    """Why the Service is not ours to serve."""
    if service.deleting:
        return "the Service is being deleted"
    if not service.load_balancer:
        return "its type is not LoadBalancer: set spec.type to LoadBalancer"
    if service.load_balancer_class not in ("", lb_class):
        return (
            f"spec.loadBalancerClass {service.load_balancer_class} belongs to another load balancer; ours is {lb_class}"
        )
    if service.node_proxy in names.NODE_PROXY_KINDS:
        return f"the annotation {names.NODE_PROXY} asks for node-proxy, which this version does not provide"
    return f'it has not opted in: set the annotation {names.OPT_IN}: "{names.OPT_IN_VALUE}"'


def repaired(entered: Sequence[tuple[ServiceKey, Address]], struck: Sequence[tuple[ServiceKey, Address]]) -> str:
    """What was put right in the ledger of an Eip."""
    missing, stale = _entries(entered), _entries(struck)
    return "; ".join(
        [f"entered in status.used what Services show and it did not have: {missing}"] * bool(missing)
        + [f"took out of status.used what Services had that are gone: {stale}"] * bool(stale)
    )


def _entries(entries: Sequence[tuple[ServiceKey, Address]]) -> str:
    return first_of((f"{address} of {key}" for key, address in entries), len(entries), HOLDERS_NAMED)
