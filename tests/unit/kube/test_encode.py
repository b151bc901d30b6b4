"""What we write, checked by applying it to the object and reading that again."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openelb.kube import decode, decode_pools
from openelb.kube.encode import pool_finalizer_patch, pool_status_patch, service_patch
from openelb.kube.shapes import EipShape, ServiceShape
from openelb.model import names
from openelb.model.cluster import Pool, PoolStatus, Publication, Service
from openelb.model.findings import Condition
from tests.fakes import jsonpatch
from tests.unit.builders import ledger
from tests.unit.kube import objects

EARLIER, NOW = "2026-01-01T00:00:00Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

ALLOCATED = Condition(names.ADDRESS_ALLOCATED, True, "Allocated", "192.0.2.1 of the pool office")
WAITING = Condition(names.ADDRESS_ALLOCATED, False, "PoolExhausted", "the pool office is full")
ANNOUNCED = Condition(names.ANNOUNCED, True, "Announced", "answered by n1")
PUBLISHED = Publication(("192.0.2.1",), "office", True, (ALLOCATED, ANNOUNCED))


def stored(what: dict[str, Any]) -> dict[str, Any]:
    return what | {"metadata": {"uid": "u1", "resourceVersion": "7", **what["metadata"]}}


def service(what: dict[str, Any]) -> Service:
    return decode.service(msgspec.json.decode(json.dumps(what), type=ServiceShape))


def pool(what: dict[str, Any]) -> Pool:
    return decode_pools.pool(msgspec.json.decode(json.dumps(what), type=EipShape))


def written(what: dict[str, Any], publication: Publication) -> dict[str, Any]:
    return jsonpatch.apply(service_patch(service(what), publication, NOW), what)


def shown(what: dict[str, Any]) -> Publication:
    read = service(what)
    guarded, proxied = (name in read.finalizers for name in (names.SERVICE_FINALIZER, names.NODE_PROXY_FINALIZER))
    return Publication(read.ingress, read.pool_label, guarded, read.conditions, proxied)


def test_one_patch_carries_address_label_finalizer_and_conditions() -> None:
    after = written(stored(objects.service()), PUBLISHED)
    assert after["status"]["loadBalancer"] == {"ingress": [{"ip": "192.0.2.1", "ipMode": "VIP"}]}
    assert after["metadata"]["labels"] == {names.POOL_LABEL: "office"}
    assert after["metadata"]["finalizers"] == [names.SERVICE_FINALIZER]
    assert after["status"]["conditions"][0] == {
        "type": "openelb.io/AddressAllocated",
        "status": "True",
        "reason": "Allocated",
        "message": "192.0.2.1 of the pool office",
        "lastTransitionTime": "2026-01-02T03:04:05Z",
    }


def test_a_patch_is_for_one_version_of_one_object() -> None:
    first, second, *_ = service_patch(service(stored(objects.service())), PUBLISHED, NOW)
    assert first == {"op": "test", "path": "/metadata/uid", "value": "u1"}
    assert second == {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"}


def test_what_others_wrote_stays() -> None:
    theirs = {
        "type": "example.com/Checked",
        "status": "True",
        "reason": "R",
        "message": "",
        "lastTransitionTime": EARLIER,
    }
    before = stored(
        objects.service(labels={"app": "web"}, finalizers=["example.com/theirs"], status={"conditions": [theirs]})
    )
    for after in (written(before, PUBLISHED), written(written(before, PUBLISHED), Publication())):
        assert after["metadata"]["labels"]["app"] == "web"
        assert "example.com/theirs" in after["metadata"]["finalizers"]
        assert theirs in after["status"]["conditions"]


def test_taking_everything_off_leaves_nothing_of_ours() -> None:
    before = stored(objects.service(labels={"app": "web"}))
    after = written(written(before, PUBLISHED), Publication())
    assert after["metadata"]["labels"] == {"app": "web"}
    assert after["metadata"]["finalizers"] == []
    assert after["status"] == {"loadBalancer": {}, "conditions": []}


def test_a_condition_keeps_its_time_while_its_status_does() -> None:
    before = written(stored(objects.service()), Publication(conditions=(WAITING,)))
    before["status"]["conditions"][0]["lastTransitionTime"] = EARLIER
    other_words = Condition(WAITING.type, False, "NoPool", "there is no pool")
    times = [
        written(before, Publication(conditions=(condition,)))["status"]["conditions"][0]["lastTransitionTime"]
        for condition in (other_words, ALLOCATED)
    ]
    assert times == [EARLIER, "2026-01-02T03:04:05Z"]


def test_who_moves_elsewhere_than_before_begins_to_move_anew() -> None:
    there, elsewhere = (Condition(names.MOVING, True, "Moving", f"moving to {to}; rest") for to in ("a", "b"))
    before = written(stored(objects.service()), Publication(conditions=(there,)))
    before["status"]["conditions"][0]["lastTransitionTime"] = EARLIER
    times = [
        written(before, Publication(conditions=(condition,)))["status"]["conditions"][0]["lastTransitionTime"]
        for condition in (replace(there, message="moving to a; other words"), elsewhere)
    ]
    assert times == [EARLIER, "2026-01-02T03:04:05Z"]


def test_the_defaulted_ip_mode_is_no_difference() -> None:
    before = stored(objects.service(status={"loadBalancer": {"ingress": [{"ip": "192.0.2.1", "ipMode": "Proxy"}]}}))
    assert service_patch(service(before), Publication(("192.0.2.1",)), NOW) == []


CONDITIONS = st.lists(st.sampled_from([ALLOCATED, WAITING, ANNOUNCED]), unique_by=lambda condition: condition.type).map(
    tuple
)
PUBLICATIONS = st.builds(
    Publication,
    ingress=st.sampled_from([(), ("192.0.2.1",), ("192.0.2.1", "2001:db8::1")]),
    pool_label=st.sampled_from(["", "office", "lab"]),
    guarded=st.booleans(),
    proxied=st.booleans(),
    conditions=CONDITIONS,
)
FOREIGN = st.lists(st.sampled_from(["a.example/A", "b.example/B"]), unique=True)


@given(
    history=st.lists(PUBLICATIONS, min_size=1, max_size=4),
    labels=st.sampled_from([None, {}, {"app": "web"}]),
    foreign=FOREIGN,
)
def test_after_a_patch_the_service_shows_the_publication_and_nothing_differs(
    history: list[Publication], labels: dict[str, str] | None, foreign: list[str]
) -> None:
    conditions = [{"type": type_, "status": "True", "reason": "R", "message": ""} for type_ in foreign]
    what = stored(objects.service(**({} if labels is None else {"labels": labels}), status={"conditions": conditions}))
    for publication in history:
        what = written(what, publication)
        assert {*shown(what).conditions} == {*publication.conditions}
        assert shown(what).ingress == publication.ingress
        assert (shown(what).pool_label, shown(what).guarded) == (publication.pool_label, publication.guarded)
        assert shown(what).proxied == publication.proxied
        assert service_patch(service(what), publication, NOW) == []
        assert [c["type"] for c in what["status"]["conditions"] if c["type"] in foreign] == foreign


STATUS = PoolStatus(
    used=ledger({"192.0.2.10": "default/a;team/b", "192.0.2.9": "default/c"}),
    first="192.0.2.0",
    last="192.0.2.255",
    size=256,
    v4=True,
    ready=True,
    usage=2,
    conditions=(Condition(names.READY, True, "Ready", "answered by n1"),),
)


def test_the_status_of_a_pool_is_written_as_upstream_does() -> None:
    before = stored(objects.eip())
    after = jsonpatch.apply(pool_status_patch(pool(before), STATUS, NOW), before)
    conditions = after["status"].pop("conditions")
    assert after["status"] == {
        "firstIP": "192.0.2.0",
        "lastIP": "192.0.2.255",
        "poolSize": 256,
        "v4": True,
        "ready": True,
        "usage": 2,
        "used": {"192.0.2.9": "default/c", "192.0.2.10": "default/a;team/b"},
    }
    assert conditions[0]["lastTransitionTime"] == "2026-01-02T03:04:05Z"
    assert pool_status_patch(pool(after | {"status": after["status"] | {"conditions": conditions}}), STATUS, NOW) == []


def test_an_emptied_pool_has_no_entries_left() -> None:
    before = stored(objects.eip(status={"used": {"192.0.2.9": "default/c"}, "usage": 1, "occupied": True}))
    after = jsonpatch.apply(pool_status_patch(pool(before), PoolStatus(), NOW), before)
    assert after["status"] == {}


@pytest.mark.parametrize("theirs", [[], ["example.com/theirs"]])
def test_the_finalizer_of_a_pool_comes_and_goes_alone(theirs: list[str]) -> None:
    before = stored(objects.eip(finalizers=theirs))
    on = jsonpatch.apply(pool_finalizer_patch(pool(before), present=True), before)
    assert on["metadata"]["finalizers"] == [*theirs, names.POOL_FINALIZER]
    assert pool_finalizer_patch(pool(on), present=True) == []
    off = jsonpatch.apply(pool_finalizer_patch(pool(on), present=False), on)
    assert off["metadata"]["finalizers"] == theirs
