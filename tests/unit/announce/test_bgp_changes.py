"""The steps from what gobgpd has to what it should have, and what routers notice of them."""

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_address, ip_network
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openelb.announce.bgp_changes import (
    NOTHING,
    Add,
    Drop,
    Found,
    Reality,
    Resend,
    SetPolicies,
    Start,
    Stop,
    Tell,
    Update,
    Wish,
    after,
    changes,
    recognised,
)
from openelb.announce.bgp_readback import normal, resolved, started
from openelb.model.bgp import (
    Arm,
    Bfd,
    Family,
    GracefulRestart,
    Instance,
    Path,
    Peer,
    PeerFamily,
    Session,
    SessionState,
)
from openelb.model.policy import (
    NO_POLICIES,
    Actions,
    Assignment,
    Conditions,
    DefinedSet,
    Policies,
    Policy,
    PrefixRange,
    SetKind,
    SetMatch,
    Statement,
    Verdict,
)
from openelb.plan.policy import for_peers

NODE = Instance(64512, "10.0.0.1")
ROUTER = Peer(address="10.0.0.254", peer_asn=64513)


def path(prefix: str, hop: str = "10.0.0.1", **more: object) -> Path:
    return Path(ip_network(prefix), ip_address(hop), **more)  # type: ignore[arg-type]


def rejecting(name: str = "pools", prefix: str = "192.0.2.0/24") -> Policies:
    return Policies(
        sets=(
            DefinedSet(SetKind.PREFIX, "some", prefixes=(PrefixRange(prefix, 24, 32),)),
            DefinedSet(SetKind.NEIGHBOR, "router", members=("10.0.0.254/32",)),
        ),
        definitions=(
            Policy(
                name,
                (
                    Statement(
                        f"{name} 1",
                        Conditions(prefixes=SetMatch("some"), neighbors=SetMatch("router")),
                        Actions(verdict=Verdict.REJECT),
                    ),
                ),
            ),
        ),
        exports=Assignment((name,)),
    )


WISH = Wish(NODE, (ROUTER,), frozenset({path("192.0.2.10/32")}), rejecting())


def reality(wish: Wish, *, established: frozenset[str] = frozenset()) -> Reality:
    """What is there when a wish was made so."""
    have = Reality()
    while steps := changes(have, wish):
        for step in steps:
            have = after(have, step)
        have = with_sessions(have, established)
    return have


def with_sessions(have: Reality, established: frozenset[str]) -> Reality:
    states = {True: SessionState.ESTABLISHED, False: SessionState.ACTIVE}
    found = {key: Found(each.peer, Session(key, state=states[key in established])) for key, each in have.peers.items()}
    return replace(have, peers=MappingProxyType(found))


def peer_of(wish: Wish, **other: object) -> Wish:
    return replace(wish, peers=(replace(wish.peers[0], **other),))  # type: ignore[arg-type]


def test_everything_is_told_before_a_peer_comes() -> None:
    kinds = [type(step) for step in changes(Reality(), WISH)]
    assert kinds == [Start, SetPolicies, Tell, Add]


def test_what_is_there_is_left_alone() -> None:
    assert changes(reality(WISH), WISH) == ()


def test_no_instance_ends_bgp() -> None:
    assert changes(reality(WISH), NOTHING) == (Stop(),)
    assert changes(Reality(), NOTHING) == ()


@pytest.mark.parametrize(
    "other",
    [
        replace(NODE, asn=64999),
        replace(NODE, router_id="10.0.0.2"),
        replace(NODE, listen_port=17900),
        replace(NODE, listen_addresses=("10.0.0.1",)),
        replace(NODE, multipath=True),
        replace(NODE, families=(0,)),
    ],
    ids=str,
)
def test_another_instance_needs_another_gobgpd(other: Instance) -> None:
    assert changes(reality(WISH), replace(WISH, instance=other)) == (Stop(),)


@pytest.mark.parametrize(
    "same",
    [
        replace(NODE, listen_port=179),
        replace(NODE, listen_addresses=("::", "0.0.0.0")),
        replace(NODE, families=tuple(range(26))),
        replace(NODE, graceful_restart=GracefulRestart(120)),
    ],
    ids=str,
)
def test_a_default_that_is_written_out_changes_nothing(same: Instance) -> None:
    assert changes(reality(WISH), replace(WISH, instance=same)) == ()


@pytest.mark.parametrize(
    "edit",
    [
        {"hold_time": 30},
        {"keepalive_interval": 5},
        {"peer_asn": 64514},
        {"local_asn": 64999},
        {"password": "secret"},
        {"passive": True},
        {"multihop_ttl": 5},
        {"ttl_min": 255},
        {"local_address": "10.0.0.1"},
        {"graceful_restart": GracefulRestart(60)},
        {"families": (PeerFamily(Family.IPV4, send_max=8),)},
        {"admin_down": True},
    ],
    ids=str,
)
def test_an_edit_that_a_router_has_to_know_of_ends_that_session_alone(edit: dict[str, object]) -> None:
    other = Peer(address="10.0.0.253", peer_asn=64513)
    wish = replace(WISH, peers=(ROUTER, other))
    steps = changes(reality(wish), replace(wish, peers=(replace(ROUTER, **edit), other)))  # type: ignore[arg-type]
    assert [type(step) for step in steps] == [Drop, Add]
    assert steps[0] == Drop(ROUTER.address)


@pytest.mark.parametrize(
    "edit",
    [
        {"connect_retry": 20},
        {"families": (PeerFamily(Family.IPV4, max_prefixes=100),)},
        {"bfd": Bfd(arm=Arm.ALWAYS)},
    ],
    ids=str,
)
def test_an_edit_that_no_router_needs_to_know_of_ends_no_session(edit: dict[str, object]) -> None:
    steps = changes(reality(WISH), peer_of(WISH, **edit))
    assert [type(step) for step in steps] == [Update]


@pytest.mark.parametrize("edit", [{"description": "rack 4"}, {"hold_time": 90}, {"keepalive_interval": 30}], ids=str)
def test_an_edit_that_means_nothing_does_nothing(edit: dict[str, object]) -> None:
    assert changes(reality(WISH), peer_of(WISH, **edit)) == ()


def test_other_policies_end_no_session() -> None:
    steps = changes(reality(WISH), replace(WISH, policies=rejecting(prefix="198.51.100.0/24")))
    assert [type(step) for step in steps] == [SetPolicies, Resend]
    assert steps[-1] == Resend(outbound=True, to=frozenset({"10.0.0.254"}))


def limited(*paths: Path, to: Sequence[str]) -> Wish:
    """The router may be told of some addresses alone."""
    allowed = {ROUTER.address: [ip_network(each) for each in to]}
    return replace(WISH, paths=frozenset(paths), policies=for_peers(allowed, {}))


TEN, TWENTY = path("192.0.2.10/32"), path("192.0.2.20/32")


@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        (limited(TEN, to=["192.0.2.10"]), limited(TEN, TWENTY, to=["192.0.2.10", "192.0.2.20"])),
        (limited(TEN, to=[]), limited(TEN, TWENTY, to=["192.0.2.20"])),
        (limited(TEN, to=["192.0.2.10"]), limited(TWENTY, to=["192.0.2.20"])),
    ],
    ids=["one more", "the only one", "another one"],
)
def test_what_comes_or_goes_with_a_policy_is_no_reason_to_send_the_rest_anew(there: Wish, wanted: Wish) -> None:
    for before, later in ((there, wanted), (wanted, there)):
        goes = [Tell] * any(each not in later.paths for each in before.paths)
        comes = [Tell] * any(each not in before.paths for each in later.paths)
        assert [type(step) for step in changes(reality(before), later)] == [*goes, SetPolicies, *comes]


def test_who_is_gone_is_sent_nothing_anew() -> None:
    other = Peer(address="10.0.0.253", peer_asn=64513)
    both = {each.address: [TEN.prefix] for each in (ROUTER, other)}
    there = replace(WISH, peers=(ROUTER, other), paths=frozenset({TEN}), policies=for_peers(both, {}))
    steps = changes(reality(there), limited(TEN, to=[]))
    assert [type(step) for step in steps] == [Drop, SetPolicies, Resend]
    assert steps[-1] == Resend(outbound=True, to=frozenset({ROUTER.address}))


@pytest.mark.parametrize("other", [TEN, replace(TEN, med=7)], ids=["as it was", "told otherwise"])
def test_who_may_be_told_less_of_what_stays_is_sent_it_anew(other: Path) -> None:
    steps = changes(reality(limited(TEN, to=["192.0.2.10"])), limited(other, to=[]))
    assert steps[-1] == Resend(outbound=True, to=frozenset({ROUTER.address}))


def test_of_policies_that_were_there_before_us_nobody_knows_whom_they_concern() -> None:
    found = replace(reality(WISH), policies=None)
    steps = changes(found, replace(WISH, policies=rejecting(prefix="198.51.100.0/24")))
    assert steps[-1] == Resend(outbound=True)


def test_the_first_policies_of_all_concern_those_alone_whom_they_are_for() -> None:
    none = replace(WISH, policies=NO_POLICIES)
    steps = changes(replace(reality(none), policies=None), replace(none, policies=rejecting()))
    assert steps[-1] == Resend(outbound=True, to=frozenset({"10.0.0.254"}))


def test_a_peer_goes_before_policies_become_laxer() -> None:
    steps = changes(reality(WISH), Wish(NODE))
    assert [type(step) for step in steps] == [Drop, Tell, SetPolicies]


def test_a_path_that_changes_is_not_withdrawn() -> None:
    changed = path("192.0.2.10/32", med=5)
    steps = changes(reality(WISH), replace(WISH, paths=frozenset({changed})))
    assert steps == (Tell((changed,), replaced=tuple(WISH.paths)),)


def test_paths_of_one_prefix_are_told_apart() -> None:
    two = frozenset({path("192.0.2.10/32", identifier=1), path("192.0.2.10/32", "10.0.0.2", identifier=2)})
    have = reality(replace(WISH, paths=two))
    (step,) = changes(have, replace(WISH, paths=frozenset(each for each in two if each.identifier == 1)))
    assert isinstance(step, Tell)
    assert [each.identifier for each in step.lost] == [2]


def test_bfd_watches_a_session_only_while_it_is_established() -> None:
    wish = peer_of(WISH, bfd=Bfd(100, 100, 3))
    have = reality(wish)
    assert have.peers[ROUTER.address].peer.bfd is None
    (step,) = changes(with_sessions(have, frozenset({ROUTER.address})), wish)
    assert isinstance(step, Update)
    assert step.peer.bfd == Bfd(100, 100, 3)
    watched = with_sessions(after(have, step), frozenset({ROUTER.address}))
    assert changes(watched, wish) == ()
    (step,) = changes(with_sessions(watched, frozenset()), wish)
    assert isinstance(step, Update)
    assert step.peer.bfd is None


@pytest.mark.parametrize("wanted", [Bfd(200, 200, 3), Bfd(200, 200, 3, Arm.ALWAYS), None])
def test_bfd_that_is_up_goes_on_as_it_was_until_the_session_ends(wanted: Bfd | None) -> None:
    """A router that hears nothing for a moment takes the node for lost."""
    have, session = reality(peer_of(WISH, bfd=Bfd())), Session(ROUTER.address, state=SessionState.ESTABLISHED)
    wish, resolved_peer = peer_of(WISH, bfd=wanted), have.peers[ROUTER.address].peer

    def found(*, bfd_up: bool) -> Reality:
        watched = Found(replace(resolved_peer, bfd=Bfd()), replace(session, bfd_up=bfd_up))
        return replace(have, peers=MappingProxyType({ROUTER.address: watched}))

    assert changes(found(bfd_up=True), wish) == ()
    (step,) = changes(found(bfd_up=False), wish)
    assert isinstance(step, Update)
    assert step.peer.bfd == (wanted and Bfd(200, 200, 3))


def test_bfd_that_is_always_wanted_comes_with_the_peer() -> None:
    wish = peer_of(WISH, bfd=Bfd(arm=Arm.ALWAYS))
    have = reality(wish)
    assert have.peers[ROUTER.address].peer.bfd == Bfd()
    assert changes(have, wish) == ()


def test_a_peer_that_was_shut_out_is_let_in_by_another_limit() -> None:
    wish = peer_of(WISH, families=(PeerFamily(Family.IPV4, max_prefixes=1),))
    have = reality(wish)
    shut = Found(have.peers[ROUTER.address].peer, Session(ROUTER.address, over_limit=True))
    have = replace(have, peers=MappingProxyType({ROUTER.address: shut}))
    steps = changes(have, peer_of(WISH, families=(PeerFamily(Family.IPV4, max_prefixes=9),)))
    assert [type(step) for step in steps] == [Drop, Add]


def test_a_range_of_peers_is_known_by_its_mark() -> None:
    wish = Wish(NODE, (Peer(prefix="10.0.0.0/24", peer_asn=64513, password="one"),))
    have = reality(wish)
    assert changes(have, wish) == ()
    mark = have.peers["10.0.0.0/24"].peer.description
    told = Found(Peer(prefix="10.0.0.0/24", description=mark))
    have = replace(have, peers=MappingProxyType({"10.0.0.0/24": told}))
    assert changes(have, wish) == ()
    steps = changes(have, peer_of(wish, password="two"))
    assert [type(step) for step in steps] == [Drop, Add]


def test_paths_are_recognised_however_their_communities_are_written() -> None:
    wanted = path(
        "192.0.2.10/32", communities=frozenset({"no-export", "65000:1"}), large_communities=frozenset({"1:2:03"})
    )
    told = path(
        "192.0.2.10/32", communities=frozenset({"65535:65281", "65000:1"}), large_communities=frozenset({"1:2:3"})
    )
    assert normal(wanted) == told
    (found,) = recognised([told], [wanted])
    assert found is wanted


def test_a_path_that_a_policy_changed_is_recognised_loosely() -> None:
    wanted, told = path("192.0.2.10/32"), path("192.0.2.10/32", med=7)
    assert recognised([told], [wanted]) == {told}
    assert recognised([told], [wanted], loosely=True) == {wanted}


def test_addresses_are_compared_and_not_their_spelling() -> None:
    six = Peer(address="2001:DB8:0::1", peer_asn=1)
    assert resolved(six, NODE).address == "2001:db8::1"
    assert started(replace(NODE, listen_addresses=("2001:DB8:0::1",))).listen_addresses == ("2001:db8::1",)


# Whatever is there and whatever is wanted.

addresses = st.integers(1, 3).map(lambda number: f"10.0.0.{number}")
peers = st.builds(
    Peer,
    address=addresses,
    peer_asn=st.sampled_from([64513, 64514]),
    hold_time=st.sampled_from([0, 3, 90]),
    connect_retry=st.sampled_from([0, 5]),
    password=st.sampled_from(["", "secret"]),
    description=st.sampled_from(["", "words"]),
    graceful_restart=st.sampled_from([None, GracefulRestart(), GracefulRestart(120)]),
    bfd=st.sampled_from([None, Bfd(), Bfd(100, 100), Bfd(arm=Arm.ALWAYS)]),
)
paths = st.builds(
    path,
    st.integers(0, 3).map(lambda number: f"192.0.2.{number}/32"),
    st.sampled_from(["10.0.0.1", "10.0.0.2"]),
    identifier=st.integers(0, 1),
    med=st.sampled_from([None, 5]),
)
wishes = st.builds(
    Wish,
    instance=st.sampled_from([None, NODE, NODE, NODE, replace(NODE, asn=64999)]),
    peers=st.lists(peers, unique_by=lambda peer: peer.key, max_size=3).map(tuple),
    paths=st.lists(paths, unique_by=lambda each: (each.prefix, each.identifier)).map(frozenset),
    policies=st.sampled_from([Policies(), rejecting(), rejecting("other"), rejecting(prefix="198.51.100.0/24")]),
)


@given(wishes, wishes, st.frozensets(addresses))
def test_steps_lead_to_what_is_wanted_and_then_there_are_none(
    before: Wish, wish: Wish, established: frozenset[str]
) -> None:
    have = reality(before, established=established)
    stops = 0
    while steps := changes(have, wish):
        for step in steps:
            stops += isinstance(step, Stop)
            have = after(have, step)
        assert stops <= 1
        have = with_sessions(have, frozenset(established & have.peers.keys()))
    if wish.instance is None:
        assert have == Reality()
        return
    assert have.instance == started(wish.instance)
    assert have.paths == wish.paths
    assert have.outline == wish.policies.outline
    assert have.peers.keys() == {peer.key for peer in wish.peers}


@given(wishes, wishes)
def test_nobody_sees_a_path_before_the_policies_that_are_to_keep_it_from_him(before: Wish, wish: Wish) -> None:
    order = [Stop, Start, Drop, SetPolicies, Tell, Resend, Add]
    steps = [step for step in changes(reality(before), wish) if not isinstance(step, Update)]
    places = [order.index(type(step)) for step in steps if not isinstance(step, Tell) or step.gained]
    assert places == sorted(places)


@given(wishes, wishes)
def test_what_is_gone_goes_before_policies_are_others(before: Wish, wish: Wish) -> None:
    steps = changes(reality(before), wish)
    left = {each.prefix for each in wish.paths}
    types = [type(step) for step in steps]
    for at, step in enumerate(steps):
        if isinstance(step, Tell) and any(each.prefix not in left for each in step.lost):
            assert SetPolicies not in types[:at]


@given(wishes, st.frozensets(addresses))
def test_sessions_that_are_right_go_on(wish: Wish, established: frozenset[str]) -> None:
    described = replace(wish, peers=tuple(replace(peer, description="other words") for peer in wish.peers))
    more = replace(described, paths=frozenset(), policies=rejecting("third"))
    steps = changes(reality(wish, established=established), more)
    assert not [step for step in steps if isinstance(step, Drop | Add)] or wish.instance is None
