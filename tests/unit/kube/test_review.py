"""Questions to the webhook as API servers send them, and the answers as they read them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openelb.kube import review
from openelb.kube.review import NoReview, Review
from openelb.model.addresses import parse_address
from openelb.model.cluster import Pool, Protocol, Reservation

EIP = {
    "apiVersion": "network.kubesphere.io/v1alpha2",
    "kind": "Eip",
    "metadata": {"name": "pool", "annotations": {"eip.openelb.kubesphere.io/is-default-eip": "true"}},
    "spec": {"address": "192.0.2.0/24", "protocol": "layer2", "interface": "eth0"},
    "status": {"used": 5},
}
RESERVATION = {
    "metadata": {"name": "kept"},
    "spec": {"eip": "pool", "addresses": ["192.0.2.1"], "services": {"namespace": "default"}},
}


def asked(operation: str = "CREATE", kind: str = "Eip", **request: Any) -> Any:
    """A question as a decoded body."""
    about = {"group": "network.kubesphere.io", "version": "v1alpha2", "kind": kind}
    whole = {"uid": "705ab4f5", "kind": about, "operation": operation, "object": None, "oldObject": None, **request}
    return {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": whole}


def read(body: Any, kind: str = "Eip") -> Review:
    return review.read(json.dumps(body).encode(), kind)


def pools(found: Review) -> tuple[Pool | None, Pool | None]:
    assert found.change is not None
    before, after = found.change.before, found.change.after
    assert not isinstance(before, Reservation)
    assert not isinstance(after, Reservation)
    return before, after


def test_what_is_made_is_there_after_the_change_and_its_status_is_not_looked_at() -> None:
    found = read(asked(object=EIP))
    before, after = pools(found)
    assert (found.uid, before) == ("705ab4f5", None)
    assert after is not None
    assert (after.name, after.protocol, after.default) == ("pool", Protocol.LAYER2, True)
    assert after.ranges.size == 256


def test_what_is_changed_is_there_before_and_after() -> None:
    before, after = pools(read(asked("UPDATE", object={**EIP, "spec": {}}, oldObject=EIP)))
    assert before is not None
    assert after is not None
    assert (before.problem, after.problem != "") == ("", True)


def test_what_is_deleted_is_there_before() -> None:
    before, after = pools(read(asked("DELETE", oldObject=EIP)))
    assert before is not None
    assert (before.name, after) == ("pool", None)


def test_a_reservation_is_read_as_one() -> None:
    found = read(asked(kind="EipReservation", object=RESERVATION), "EipReservation")
    assert found.change is not None
    assert isinstance(found.change.after, Reservation)
    assert found.change.after.addresses == (parse_address("192.0.2.1"),)


@pytest.mark.parametrize(
    "field", [{"object": {"spec": {"address": 5}}}, {"object": None}, {"object": {"metadata": []}}]
)
def test_an_object_that_cannot_be_read_is_a_question_that_cannot_be_judged(field: Any) -> None:
    found = read(asked(**field))
    assert (found.uid, found.change) == ("705ab4f5", None)
    assert found.unclear


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "no AdmissionReview: "),
        (b"\xff\xfe", "no AdmissionReview: "),
        (b"[" * 100_000, "no AdmissionReview: "),
        (b"[]", "no AdmissionReview: "),
        (b"{}", "no AdmissionReview of admission.k8s.io/v1 with a request"),
        (
            json.dumps({**asked(object=EIP), "apiVersion": "admission.k8s.io/v1beta1"}).encode(),
            "of admission.k8s.io/v1",
        ),
        (json.dumps(asked(uid="", object=EIP)).encode(), "that has a uid"),
        (
            json.dumps(asked(kind="Service", object=EIP)).encode(),
            "here Eip of network.kubesphere.io/v1alpha2 is judged",
        ),
        (json.dumps(asked("CONNECT", object=EIP)).encode(), "'CONNECT' is no operation"),
        (json.dumps(asked(subResource="status", object=EIP)).encode(), "'status', a part of an object"),
    ],
)
def test_what_is_no_question_for_us_is_told(body: bytes, why: str) -> None:
    with pytest.raises(NoReview, match=why):
        review.read(body, "Eip")


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = ANY | st.fixed_dictionaries(
    {},
    optional={
        "metadata": ANY,
        "spec": ANY
        | st.dictionaries(st.sampled_from(["address", "protocol", "exclude", "quota", "serviceSelector"]), ANY),
    },
)


@given(st.sampled_from(sorted(review.KINDS)), st.sampled_from(["CREATE", "UPDATE", "DELETE"]), OBJECTS, OBJECTS)
def test_whatever_the_objects_are_there_is_a_question(kind: str, operation: str, new: Any, old: Any) -> None:
    found = read(asked(operation, kind, object=new, oldObject=old), kind)
    assert (found.change is None) == bool(found.unclear)


@given(st.binary() | ANY.map(lambda value: json.dumps(value).encode()))
def test_whatever_the_body_is_it_is_told_what_it_is_not(body: bytes) -> None:
    with pytest.raises(NoReview):
        review.read(body, "Eip")


# Answers.


def test_what_is_allowed_is_answered_with_nothing_else() -> None:
    assert json.loads(review.answer("705ab4f5")) == {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "response": {"uid": "705ab4f5", "allowed": True},
    }


def test_a_refusal_says_why_and_warnings_are_shown_with_it() -> None:
    answer = json.loads(review.answer("705ab4f5", refusal="no", warnings=("mind",)))["response"]
    assert answer == {
        "uid": "705ab4f5",
        "allowed": False,
        "status": {"code": 403, "reason": "Forbidden", "message": "no"},
        "warnings": ["mind"],
    }
