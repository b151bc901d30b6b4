"""Which Services may have one address together."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openelb.model import names
from openelb.model.cluster import Port, Service
from openelb.plan.sharing import consent, groups, obstacle
from tests.unit.builders import key, service

HTTP, HTTPS = (Port("TCP", 80),), (Port("TCP", 443),)
WEB = service("web", ports=HTTP)
SHOP = (("app", "shop"),)


def other(name: str = "api", **facts: Any) -> Service:
    """A Service that may share with `web` but for what is told."""
    return service(name, **{"ports": HTTPS, **facts})


def test_services_of_one_namespace_with_different_ports_may_share() -> None:
    assert obstacle(WEB, other()) == ""


# Consent.


@pytest.mark.parametrize(
    ("name", "mine", "theirs", "agreed"),
    [
        ("api", "", "", True),
        ("api", "a", "b", True),
        ("api", "a", "", True),
        ("shop/api", "", "", False),
        ("shop/api", "a", "", False),
        ("shop/api", "", "a", False),
        ("shop/api", "a", "b", False),
        ("shop/api", "a", "A", False),
        ("shop/api", "a", "a ", False),
        ("shop/api", "a", "a", True),
    ],
)
def test_one_namespace_or_one_sharing_key_is_consent(name: str, mine: str, theirs: str, agreed: bool) -> None:
    one, another = service("web", ports=HTTP, sharing_key=mine), other(name, sharing_key=theirs)
    assert consent(one, another) == agreed
    assert (obstacle(one, another) == "") == agreed


def test_who_does_not_agree_is_told_what_both_have_to_do() -> None:
    assert obstacle(WEB, other("shop/api")) == (
        f"shop/api is in another namespace: give both Services the annotation {names.SHARING_KEY} with one value, "
        "if their owners agree"
    )


# Ports.


@pytest.mark.parametrize(
    ("ports", "told"),
    [
        ([("TCP", 80)], "default/api has port TCP 80 too: give them different ports"),
        ([("UDP", 53), ("TCP", 443)], "default/api has port TCP 443 too: give them different ports"),
        ([("TCP", 443), ("TCP", 80)], "default/api has port TCP 80 too: give them different ports"),
        ([("UDP", 80)], ""),
        ([("SCTP", 80)], ""),
        ([("TCP", 8080)], ""),
    ],
)
def test_a_port_is_a_number_with_its_protocol_and_only_one_may_have_it(ports: list[tuple[str, int]], told: str) -> None:
    one = service("web", ports=(*HTTP, *HTTPS))
    assert obstacle(one, other(ports=tuple(Port(*port) for port in ports))) == told


@pytest.mark.parametrize(
    ("mine", "theirs", "named"), [((), HTTP, "default/web"), (HTTP, (), "default/api"), ((), (), "default/web")]
)
def test_who_has_no_port_shares_with_nobody(mine: tuple[Port, ...], theirs: tuple[Port, ...], named: str) -> None:
    assert obstacle(service("web", ports=mine), other(ports=theirs)) == f"{named} has no port"


# Traffic policy and selectors.


@pytest.mark.parametrize("mine", [False, True])
def test_both_have_one_external_traffic_policy(mine: bool) -> None:
    one, another = service("web", ports=HTTP, local_traffic_only=mine), other(local_traffic_only=not mine)
    assert obstacle(one, another) == "default/api has another externalTrafficPolicy: give both the same"


@pytest.mark.parametrize(
    ("local", "mine", "theirs", "may"),
    [
        (True, SHOP, SHOP, True),
        (True, (), (), True),
        (True, SHOP, (("app", "bank"),), False),
        (True, SHOP, (*SHOP, ("tier", "front")), False),
        (True, SHOP, (), False),
        (False, SHOP, (("app", "bank"),), True),
        (False, SHOP, (), True),
    ],
)
def test_where_traffic_is_local_both_select_the_same_pods(local: bool, mine: Any, theirs: Any, may: bool) -> None:
    one = service("web", ports=HTTP, local_traffic_only=local, selector=mine)
    told = obstacle(one, other(local_traffic_only=local, selector=theirs))
    assert told == (
        "" if may else "default/api selects other pods and externalTrafficPolicy is Local: set both to Cluster"
    )


# Anybody with anybody.

SERVICES = st.builds(
    service,
    st.sampled_from(["a", "b", "shop/a", "bank/a"]),
    sharing_key=st.sampled_from(["", "x", "y"]),
    ports=st.lists(st.sampled_from([*HTTP, *HTTPS, Port("UDP", 80)]), max_size=2).map(tuple),
    local_traffic_only=st.booleans(),
    selector=st.sampled_from([(), SHOP]),
)


@given(SERVICES, SERVICES)
def test_one_may_share_with_another_when_that_one_may_with_it(one: Service, another: Service) -> None:
    assert consent(one, another) == consent(another, one)
    assert bool(obstacle(one, another)) == bool(obstacle(another, one))


@given(SERVICES)
def test_nobody_shares_with_one_just_like_it(one: Service) -> None:
    assert obstacle(one, one)


# Groups.


def test_a_group_are_all_with_the_same_key_in_whatever_namespace() -> None:
    facts = [
        service("web", sharing_key="x"),
        service("api", sharing_key="x"),
        service("shop/web", sharing_key="x"),
        service("db", sharing_key="y"),
        service("mail"),
    ]
    assert groups(facts) == {"x": [key("web"), key("api"), key("shop/web")], "y": [key("db")]}
