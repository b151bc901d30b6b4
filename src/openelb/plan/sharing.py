"""Which Services may have one address together: with disjoint ports, alike in their traffic policy, and by consent."""

from collections.abc import Iterable

from openelb.model import names
from openelb.model.cluster import Service, ServiceKey


def obstacle(one: Service, other: Service) -> str:
    """Why the two cannot share an address, as the end of a sentence; nothing where they can."""
    if not consent(one, other):
        return (
            f"{other.key} is in another namespace: give both Services the annotation {names.SHARING_KEY} with one value, "
            "if their owners agree"
        )
    if not (one.ports and other.ports):
        return f"{one.key if not one.ports else other.key} has no port"
    return collision(one, other)


def collision(one: Service, other: Service) -> str:
    """Why traffic for an address that both have would go astray, as the end of a sentence; nothing where it does not."""
    common = sorted(set(one.ports) & set(other.ports))
    if common:
        port = common[0]
        return f"{other.key} has port {port.protocol} {port.number} too: give them different ports"
    if one.local_traffic_only != other.local_traffic_only:
        return f"{other.key} has another externalTrafficPolicy: give both the same"
    if one.local_traffic_only and one.selector != other.selector:
        return f"{other.key} selects other pods and externalTrafficPolicy is Local: set both to Cluster"
    return ""


def consent(one: Service, other: Service) -> bool:
    """Whether the owners of both agree: one namespace, or one sharing key."""
    key = one.wishes.sharing_key
    return one.key.namespace == other.key.namespace or bool(key and key == other.wishes.sharing_key)


def groups(services: Iterable[Service]) -> dict[str, list[ServiceKey]]:
    """The Services with each sharing key."""
    found: dict[str, list[ServiceKey]] = {}
    for service in services:
        if service.wishes.sharing_key:
            found.setdefault(service.wishes.sharing_key, []).append(service.key)
    return found
