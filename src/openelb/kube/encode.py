"""From our values to Kubernetes' objects: JSON patches (RFC 6902) that change only what is ours and only what differs.

Every patch is made for one version of one object and says so: on any other the server answers 409 or 422, which the
client calls Conflict. An empty patch means that nothing differs.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from openelb.kube.client import JsonPatch
from openelb.model import names
from openelb.model.addresses import Address, order
from openelb.model.cluster import BgpObject, Ledger, Page, Pool, PoolStatus, Publication, Release, Reservation, Service
from openelb.model.findings import Condition

_LABEL = "/metadata/labels/" + names.POOL_LABEL.replace("~", "~0").replace("/", "~1")


def service_patch(service: Service, publication: Publication, now: datetime) -> JsonPatch:
    """Makes a Service, through its status subresource, carry the publication: address, label, finalizer, conditions.

    Labels, finalizers and conditions of others stay as they are.
    """
    changes = [
        *_ingress(service, publication),
        *_label(service, publication.pool_label),
        *_finalizers(
            service.finalizers,
            {names.SERVICE_FINALIZER: publication.guarded, names.NODE_PROXY_FINALIZER: publication.proxied},
        ),
        *_conditions(service, publication.conditions, now),
    ]
    return [*_only_on(service.uid, service.version), *changes] if changes else []


def pool_status_patch(pool: Pool, status: PoolStatus, now: datetime) -> JsonPatch:
    """Replaces the status of an Eip, which nobody else writes, through its status subresource."""
    if pool.status == status:
        return []
    return [*_only_on(pool.uid, pool.version), _set("/status", _pool_status(pool.status, status, now))]


def pool_finalizer_patch(pool: Pool, *, present: bool) -> JsonPatch:
    """Puts our finalizer on an Eip or takes it off."""
    changes = _finalizers(pool.finalizers, {names.POOL_FINALIZER: present})
    return [*_only_on(pool.uid, pool.version), *changes] if changes else []


def bgp_finalizer_patch(of: BgpObject) -> JsonPatch:
    """Takes the finalizer of older releases off a BgpConf or a BgpPeer."""
    changes = _finalizers(of.finalizers, {names.BGP_FINALIZER: False})
    return [*_only_on(of.uid, of.version), *changes] if changes else []


def timestamp(moment: datetime) -> str:
    """Whole seconds in UTC, as meta/v1 Time has them."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _set(path: str, value: object) -> dict[str, object]:
    # RFC 6902, section 4.1: `add` replaces what is there.
    return {"op": "add", "path": path, "value": value}


def _only_on(uid: str, version: str) -> JsonPatch:
    """Nothing happens on a namesake or on a later version. Replacing the version asks the server itself to compare it:
    it does so again when it writes, and it answers 409 with a reason, where a failed `test` is 422 without one.
    """
    return [
        {"op": "test", "path": "/metadata/uid", "value": uid},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
    ]


def _ingress(service: Service, publication: Publication) -> JsonPatch:
    if service.ingress == publication.ingress:
        return []
    # ipMode VIP, which the server would default: traffic comes to the node with the address still on it.
    entries = [{"ip": address, "ipMode": "VIP"} for address in publication.ingress]
    return [_set("/status/loadBalancer", {"ingress": entries} if entries else {})]


def _label(service: Service, pool: str) -> JsonPatch:
    if service.pool_label == pool:
        return []
    if not pool:
        return [{"op": "remove", "path": _LABEL}]
    return [_set(_LABEL, pool) if service.labelled else _set("/metadata/labels", {names.POOL_LABEL: pool})]


def _finalizers(have: tuple[str, ...], ours: Mapping[str, bool]) -> JsonPatch:
    """Puts on and takes off those of ours. Those of others stay as they are, in their order."""
    want = [name for name in have if ours.get(name, True)] + [
        name for name, is_on in ours.items() if is_on and name not in have
    ]
    return [] if want == list(have) else [_set("/metadata/finalizers", want)]


def _conditions(service: Service, want: tuple[Condition, ...], now: datetime) -> JsonPatch:
    have = {condition.type: condition for condition in service.conditions}
    wanted = {condition.type: condition for condition in want}
    if have == wanted:
        return []
    if not service.condition_types:
        return [_set("/status/conditions", [told_condition(condition, None, now) for condition in wanted.values()])]
    places = {type_: index for index, type_ in enumerate(service.condition_types)}
    changed = [condition for condition in wanted.values() if have.get(condition.type) != condition]
    return [
        *(
            _set(f"/status/conditions/{places[c.type]}", told_condition(c, have[c.type], now)) | {"op": "replace"}
            for c in changed
            if c.type in places
        ),
        *(_set("/status/conditions/-", told_condition(c, None, now)) for c in changed if c.type not in places),
        *_removals(places[type_] for type_ in have.keys() - wanted.keys()),
    ]


def _removals(indices: Iterable[int]) -> JsonPatch:
    """From the last to the first: a removal shifts what comes after it, and additions went to the end."""
    return [{"op": "remove", "path": f"/status/conditions/{index}"} for index in sorted(indices, reverse=True)]


def told_condition(condition: Condition, before: Condition | None, now: datetime) -> dict[str, object]:
    """A condition as objects have it; of one that goes on, since when stays."""
    kept = before is not None and _goes_on(before, condition) and before.since
    return {
        "type": condition.type,
        "status": "True" if condition.status else "False",
        "reason": condition.reason,
        "message": condition.message,
        "lastTransitionTime": kept or timestamp(now),
    }


def _goes_on(before: Condition, condition: Condition) -> bool:
    """Whether it is so since then. Who moves elsewhere than before begins anew."""
    if condition.type == names.MOVING and before.message.partition(";")[0] != condition.message.partition(";")[0]:
        return False
    return before.status == condition.status


def _pool_status(before: PoolStatus, status: PoolStatus, now: datetime) -> dict[str, object]:
    """As upstream writes it: what is zero or false is absent, holders are joined by `;`."""
    known = {condition.type: condition for condition in before.conditions}
    fields: dict[str, object] = {
        "used": _used(status.used),
        "released": _released(status.released),
        "address": status.address,
        "firstIP": status.first,
        "lastIP": status.last,
        "poolSize": status.size,
        "usage": status.usage,
        "free": status.free,
        "v4": status.v4,
        "ready": status.ready,
        "occupied": status.occupied,
        "conditions": [told_condition(condition, known.get(condition.type), now) for condition in status.conditions],
    }
    return {name: value for name, value in fields.items() if value}


def page_patch(seen: Page, page: Page) -> JsonPatch:
    """Replaces what an EipAllocation holds."""
    changes = [_set("/spec/used", _used(page.used)), _set("/spec/released", _released(page.released))]
    return [*_only_on(seen.uid, seen.version), *changes] if seen != page else []


def page_object(page: Page, pool: Pool) -> dict[str, object]:
    """An EipAllocation as it is created: it goes with its Eip."""
    owner = {"apiVersion": f"{names.GROUP}/{names.VERSION}", "kind": "Eip", "name": pool.name, "uid": pool.uid}
    return {
        "apiVersion": f"{names.GROUP}/{names.VERSION}",
        "kind": "EipAllocation",
        "metadata": {"name": page.name, "ownerReferences": [owner]},
        "spec": {"eip": page.pool, "used": _used(page.used), "released": _released(page.released)},
    }


def reservation_patch(seen: Reservation, wanted: Reservation, now: datetime) -> JsonPatch:
    """Replaces the status of an EipReservation through its status subresource."""
    if (seen.held, seen.conditions) == (wanted.held, wanted.conditions):
        return []
    known = {condition.type: condition for condition in seen.conditions}
    status = {
        "addresses": [str(address) for address in wanted.held],
        "conditions": [told_condition(condition, known.get(condition.type), now) for condition in wanted.conditions],
    }
    return [*_only_on(seen.uid, seen.version), _set("/status", status)]


def _released(released: Mapping[Address, Release]) -> dict[str, str]:
    return {
        str(address): f"{release.key} {timestamp(datetime.fromtimestamp(release.at, UTC))}"
        for address, release in released.items()
    }


def _used(ledger: Ledger) -> dict[str, str]:
    return {str(address): ";".join(map(str, ledger[address])) for address in sorted(ledger, key=order)}
