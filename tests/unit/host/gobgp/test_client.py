"""The client of gobgpd, against a service that has the same messages and answers as the test says."""

import contextlib
import re
import socket as unix
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path as File
from tempfile import TemporaryDirectory

import pytest
from grpclib.const import Status

from openelb.announce.bgp_readback import normal, resolved, started
from openelb.announce.gobgpd import Refusal
from openelb.host.gobgp import paths, peers
from openelb.host.gobgp.api import capability_pb2 as capability
from openelb.host.gobgp.api import gobgp_pb2 as api
from openelb.host.gobgp.client import AT_ONCE, Client
from openelb.host.gobgp.errors import GobgpError, Lost, OtherVersion, PortTaken, Refused, Stopped, Unreachable
from openelb.model.bgp import (
    Arm,
    Bfd,
    Family,
    GracefulRestart,
    Instance,
    Path,
    Peer,
    PeerFamily,
    RemovePrivate,
    SessionState,
)
from openelb.model.policy import (
    Actions,
    Assignment,
    Change,
    CommunityChange,
    Comparison,
    Conditions,
    Count,
    DefinedSet,
    Match,
    MedChange,
    NextHop,
    Origin,
    Outline,
    Policies,
    Policy,
    PrefixRange,
    Prepend,
    RouteType,
    SetKind,
    SetMatch,
    Statement,
    Validation,
    Verdict,
)
from tests.fakes.gobgp_service import Service, refuses, serving

NODE = Instance(64512, "10.0.0.1")


@pytest.fixture
def socket() -> Iterator[File]:
    with TemporaryDirectory() as directory:  # a socket's path has at most 107 bytes
        yield File(directory, "gobgp.sock")


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
async def client(socket: File, service: Service) -> AsyncIterator[Client]:
    async with serving(socket, service):
        made = Client(str(socket))
        yield made
        made.close()


def path(prefix: str, hop: str = "10.0.0.1", **more: object) -> Path:
    return Path(ip_network(prefix), ip_address(hop), **more)  # type: ignore[arg-type]


PATHS = [
    path("192.0.2.10/32"),
    path("192.0.2.0/24", identifier=7, med=0, local_pref=0),
    path("192.0.2.10/32", "2001:db8::1"),
    path("2001:db8::10/128", "2001:db8::1", communities=frozenset({"no-export", "65000:1"})),
    path("192.0.2.10/32", communities=frozenset({"65000:1"}), large_communities=frozenset({"1:2:3", "4:5:6"})),
]


@pytest.mark.parametrize("told", PATHS, ids=str)
def test_a_path_is_read_as_it_was_told(told: Path) -> None:
    assert paths.value(paths.message(told)) == normal(told)


PEERS = [
    Peer(address="10.0.0.2", peer_asn=64513),
    Peer(address="2001:db8::2", peer_asn=4200000000, local_asn=64999, password="secret", admin_down=True),
    Peer(interface="eth1", peer_asn=64513),
    Peer(address="10.0.0.2", remove_private=RemovePrivate.REPLACE, replace_peer_asn=True, allow_own_asn=3),
    Peer(address="10.0.0.2", multihop_ttl=7, hold_time=9, connect_retry=5, remote_port=17900),
    Peer(address="10.0.0.2", ttl_min=254, hold_time=10, keepalive_interval=2, passive=True, local_address="10.0.0.1"),
    Peer(address="10.0.0.2", graceful_restart=GracefulRestart(60, 5, 0, helper_only=True), bfd=Bfd(100, 200, 5)),
    Peer(
        address="10.0.0.2",
        graceful_restart=GracefulRestart(notification=True, long_lived=True),
        families=(
            PeerFamily(Family.IPV6, 8, receive_paths=True, graceful_restart=True, long_lived=600),
            PeerFamily(Family.IPV4, max_prefixes=10),
        ),
    ),
]


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: repr(peer)[5:60])
def test_a_peer_is_read_as_it_was_told(peer: Peer) -> None:
    full = resolved(peer, NODE)
    assert peers.found(peers.message(full)).peer == full


def test_a_session_says_what_gobgpd_says() -> None:
    message = peers.message(resolved(Peer(address="10.0.0.2", graceful_restart=GracefulRestart(60)), NODE))
    message.state.session_state = api.PeerState.SESSION_STATE_ESTABLISHED
    message.state.neighbor_address = "10.0.0.2"
    message.state.router_id = "10.9.9.9"
    message.state.messages.received.update = 5
    message.timers.state.uptime.seconds = 1234
    message.timers.state.negotiated_hold_time = 9
    message.afi_safis[0].state.received = 3
    restart = capability.GracefulRestartCapability(time=120)
    message.state.remote_cap.append(capability.Capability(graceful_restart=restart))
    session = peers.session(message)
    assert (session.key, session.state, session.since) == ("10.0.0.2", SessionState.ESTABLISHED, 1234.0)
    assert (session.router_id, session.hold_time, session.received.update) == ("10.9.9.9", 9, 5)
    assert (session.restarts, session.restart_time, session.bfd_up) == (True, 60, None)
    assert dict(session.counts)[Family.IPV4].received == 3


@pytest.mark.parametrize("number", range(1, 7))
def test_every_state_has_its_name(number: int) -> None:
    message = api.Peer(state=api.PeerState(session_state=number))  # type: ignore[arg-type]
    assert list(SessionState)[number - 1] is peers.session(message).state


async def test_an_instance_is_there_when_it_was_started(client: Client, service: Service) -> None:
    assert await client.instance() is None
    running = api.Global(asn=64512, router_id="10.0.0.1", listen_port=179, listen_addresses=["0.0.0.0", "::"])
    service.answers["GetBgp"] = lambda _: api.GetBgpResponse(**{"global": running})
    assert await client.instance() == started(NODE)
    unicast = [(family.afi, family.safi) for family in (paths.family_message(each) for each in Family)]

    def two_tables(request: api.GetTableRequest) -> api.GetTableResponse:
        if (request.family.afi, request.family.safi) in unicast:
            return api.GetTableResponse()
        return refuses("address family: rtc not supported")(request)  # type: ignore[return-value]

    service.answers["GetTable"] = two_tables
    assert await client.instance() == started(replace(NODE, families=(0, 1)))


async def test_an_instance_is_started_as_it_is(client: Client, service: Service) -> None:
    await client.start(Instance(64512, "10.0.0.1", -1, ("10.0.0.1",), (0, 1), multipath=True))
    (request,) = service.of(api.StartBgpRequest)
    told = getattr(request, "global")
    assert (told.asn, told.router_id, told.listen_port) == (64512, "10.0.0.1", -1)
    assert (list(told.listen_addresses), list(told.families), told.use_multiple_paths) == (["10.0.0.1"], [0, 1], True)


async def test_gobgpd_is_asked_nothing_that_would_end_it(client: Client, service: Service) -> None:
    for wrong in (replace(NODE, router_id="router"), replace(NODE, listen_addresses=("eth0",))):
        with pytest.raises(Refused, match="is no IP address"):
            await client.start(wrong)
    assert service.asked == []


async def test_paths_are_told_in_one_call(client: Client, service: Service) -> None:
    many = [path(f"10.0.{number // 256}.{number % 256}/32") for number in range(AT_ONCE + 1)]
    await client.tell(many, PATHS[:1])
    requests = service.of(api.AddPathStreamRequest)
    assert [len(request.paths) for request in requests] == [AT_ONCE, 1, 1]
    assert [request.paths[0].is_withdraw for request in requests] == [False, False, True]


async def test_paths_of_others_are_none_of_ours(client: Client, service: Service) -> None:
    theirs = paths.message(path("192.0.2.99/32"))
    theirs.neighbor_ip, theirs.source_asn = "10.0.0.2", 64513

    def listed(request: api.ListPathRequest) -> list[api.ListPathResponse]:
        if request.family != paths.family_message(Family.IPV4):
            return refuses("address family: ipv6-unicast not supported")(request)  # type: ignore[return-value]
        found = api.Destination(paths=[theirs, paths.message(PATHS[0])])
        return [api.ListPathResponse(destination=found)]

    service.answers["ListPath"] = listed
    assert await client.paths() == [PATHS[0]]
    await client.paths(PATHS[:1])
    (only,) = service.of(api.ListPathRequest)[2:]
    assert [each.prefix for each in only.prefixes] == ["192.0.2.10/32"]


async def test_a_range_of_peers_is_a_group(client: Client, service: Service) -> None:
    full = resolved(Peer(prefix="10.0.0.0/24", peer_asn=64513, password="secret"), NODE)
    await client.add(full)
    (group,), (dynamic,) = service.of(api.AddPeerGroupRequest), service.of(api.AddDynamicNeighborRequest)
    assert dynamic.dynamic_neighbor == api.DynamicNeighbor(prefix="10.0.0.0/24", peer_group="10.0.0.0/24")
    service.answers["ListPeerGroup"] = lambda _: [api.ListPeerGroupResponse(peer_group=group.peer_group)]
    member = api.Peer(conf=api.PeerConf(peer_group="10.0.0.0/24"), state=api.PeerState(neighbor_address="10.0.0.9"))
    service.answers["ListPeer"] = lambda _: [api.ListPeerResponse(peer=member)]
    known, sessions = await client.peers()
    assert known.keys() == {"10.0.0.0/24"}
    assert known["10.0.0.0/24"].peer.description == full.description
    assert [(each.key, each.prefix) for each in sessions] == [("10.0.0.9", "10.0.0.0/24")]
    await client.drop("10.0.0.0/24")
    assert service.of(api.DeletePeerRequest) == [api.DeletePeerRequest(address="10.0.0.9")]
    assert service.of(api.DeleteDynamicNeighborRequest)
    assert service.of(api.DeletePeerGroupRequest)


async def test_a_password_is_forgotten_with_its_peer(client: Client, service: Service) -> None:
    there = peers.message(resolved(Peer(address="10.0.0.2", password="secret"), NODE))
    there.state.neighbor_address = "10.0.0.2"
    service.answers["ListPeer"] = lambda _: [api.ListPeerResponse(peer=there)]
    await client.drop("10.0.0.2")
    (update,) = service.of(api.UpdatePeerRequest)
    assert update.peer.conf.auth_password == ""
    assert service.of(api.DeletePeerRequest) == [api.DeletePeerRequest(address="10.0.0.2")]


async def test_the_peer_of_an_interface_is_dropped_by_its_address(client: Client, service: Service) -> None:
    there = api.Peer(conf=api.PeerConf(neighbor_interface="eth1"), state=api.PeerState(neighbor_address="fe80::1%eth1"))
    service.answers["ListPeer"] = lambda _: [api.ListPeerResponse(peer=there)]
    await client.drop("eth1")
    assert service.of(api.DeletePeerRequest) == [api.DeletePeerRequest(address="fe80::1%eth1")]


SET = DefinedSet(SetKind.NEIGHBOR, "routers", members=("10.0.0.2",))
EVERYTHING = Policies(
    sets=(
        SET,
        DefinedSet(SetKind.PREFIX, "some", prefixes=(PrefixRange("192.0.2.0/24", 24, 32),)),
        *(
            DefinedSet(kind, "other", members=("1:1",))
            for kind in (SetKind.AS_PATH, SetKind.COMMUNITY, SetKind.EXT_COMMUNITY, SetKind.LARGE_COMMUNITY)
        ),
    ),
    definitions=(
        Policy(
            "p",
            (
                Statement(
                    "p1",
                    Conditions(
                        prefixes=SetMatch("some"),
                        neighbors=SetMatch("routers", Match.INVERT),
                        communities=SetMatch("other", Match.ALL),
                        as_path_length=Count(Comparison.GE, 3),
                        community_count=Count(Comparison.LE, 3),
                        route_type=RouteType.LOCAL,
                        origin=Origin.IGP,
                        rpki=Validation.VALID,
                        next_hops=("10.0.0.1",),
                        families=(Family.IPV4,),
                        local_pref=5,
                        med=6,
                    ),
                    Actions(
                        Verdict.ACCEPT,
                        communities=CommunityChange(Change.ADD, ("65000:1",)),
                        med=MedChange(-5, relative=True),
                        local_pref=7,
                        prepend=Prepend(64512, 3),
                        next_hop=NextHop.SELF,
                        origin=Origin.EGP,
                    ),
                ),
                Statement("p2", actions=Actions(next_hop="10.0.0.9", med=MedChange(5), prepend=Prepend(0, 1))),
            ),
        ),
    ),
    exports=Assignment(("p",), Verdict.REJECT),
)


async def test_policies_are_made_ready_before_they_take_the_place_of_others(client: Client, service: Service) -> None:
    await client.set_policies(EVERYTHING)
    kinds = [type(each).__name__ for each in service.asked if not type(each).__name__.startswith("List")]
    assert kinds == [*["AddDefinedSetRequest"] * 6, "AddPolicyRequest", *["SetPolicyAssignmentRequest"] * 2]
    mark = EVERYTHING.mark
    assert {each.defined_set.name for each in service.of(api.AddDefinedSetRequest)} == {
        f"routers#{mark}",
        f"some#{mark}",
        f"other#{mark}",
    }
    assert list(service.of(api.AddDefinedSetRequest)[0].defined_set.list) == ["10.0.0.2/32"]
    (added,) = service.of(api.AddPolicyRequest)
    one, two = added.policy.statements
    assert one.conditions.neighbor_set == api.MatchSet(name=f"routers#{mark}", type=api.MatchSet.TYPE_INVERT)
    assert one.actions.med == api.MedAction(type=api.MedAction.TYPE_MOD, value=-5)
    assert one.actions.nexthop.self is True
    assert two.actions.as_prepend.use_left_most is True
    exports, imports = service.of(api.SetPolicyAssignmentRequest)
    assert [each.name for each in exports.assignment.policies] == [f"p#{mark}"]
    assert exports.assignment.default_action == api.ROUTE_ACTION_REJECT
    assert imports.assignment.default_action == api.ROUTE_ACTION_ACCEPT


async def test_the_policies_in_force_are_told_by_their_names(client: Client, service: Service) -> None:
    empty = [api.PolicyAssignment(direction=each, default_action=api.ROUTE_ACTION_ACCEPT) for each in (1, 2)]  # type: ignore[arg-type]
    service.answers["ListPolicyAssignment"] = lambda _: [
        api.ListPolicyAssignmentResponse(assignment=each) for each in empty
    ]
    assert await client.outline() == Outline() == Policies().outline


async def test_policies_that_are_refused_leave_nothing_behind(client: Client, service: Service) -> None:
    name = f"routers#{EVERYTHING.mark}"
    service.answers["AddPolicy"] = refuses("not found prefix set")
    added = lambda: bool(service.of(api.AddDefinedSetRequest))  # noqa: E731
    service.answers["ListDefinedSet"] = lambda request: (
        [api.ListDefinedSetResponse(defined_set=api.DefinedSet(name=name))]
        if added() and request.defined_type == api.DEFINED_TYPE_NEIGHBOR
        else []
    )
    with pytest.raises(Refused, match="not found prefix set"):
        await client.set_policies(EVERYTHING)
    assert [each.defined_set.name for each in service.of(api.DeleteDefinedSetRequest)] == [name]
    assert service.of(api.SetPolicyAssignmentRequest) == []


@pytest.mark.parametrize(
    "statement",
    [
        Statement("zero", Conditions(med=0)),
        Statement("zero", Conditions(local_pref=0)),
        Statement("zero", actions=Actions(local_pref=0)),
    ],
    ids=str,
)
async def test_what_gobgpd_would_read_as_nothing_is_refused(client: Client, statement: Statement) -> None:
    with pytest.raises(Refused, match=r"of 0|with 0"):
        await client.set_policies(Policies(definitions=(Policy("p", (statement,)),)))


async def test_sets_that_gobgpd_does_not_have_are_refused(client: Client) -> None:
    with pytest.raises(Refused, match="no sets of kind tag"):
        await client.set_policies(Policies(sets=(DefinedSet(SetKind.TAG, "t", members=("1",)),)))


@pytest.mark.parametrize(
    ("said", "kind", "sentence"),
    [
        (refuses("listen tcp4 0.0.0.0:179: bind: address already in use"), PortTaken, "choose another listenPort"),
        (refuses("server stopped"), Stopped, "has to be started anew"),
        (refuses("unknown service api.GoBgpService", Status.UNIMPLEMENTED), OtherVersion, "not of version 4"),
        (refuses("transport is closing", Status.UNAVAILABLE), Lost, "was lost: transport is closing"),
        (refuses("can't overwrite the existing peer"), Refused, "gobgpd refuses: can't overwrite"),
    ],
    ids=["port", "stopped", "version", "lost", "no"],
)
async def test_what_goes_wrong_is_a_sentence(
    client: Client, service: Service, said: object, kind: type[GobgpError], sentence: str
) -> None:
    service.answers["StartBgp"] = said  # type: ignore[assignment]
    with pytest.raises(kind, match=re.escape(sentence)) as caught:
        await client.start(NODE)
    assert type(caught.value) is kind
    assert isinstance(caught.value, Refusal) is issubclass(kind, Refused)


def leave_behind(path: File) -> None:
    """A socket whose process was killed."""
    with contextlib.closing(unix.socket(unix.AF_UNIX)) as left:
        left.bind(str(path))


async def test_nobody_at_the_socket_is_a_sentence(socket: File) -> None:
    client = Client(str(socket))
    with pytest.raises(Unreachable, match="no socket"):
        await client.instance()
    client.close()


async def test_nobody_who_listens_is_a_sentence(socket: File) -> None:
    leave_behind(socket)
    client = Client(str(socket))
    with pytest.raises(Unreachable, match="nobody listens"):
        await client.instance()
    client.close()


async def test_a_gobgpd_that_goes_away_ends_what_is_followed(socket: File) -> None:
    service = Service()
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(serving(socket, service))
        client = Client(str(socket))
        with pytest.raises(Lost):
            async for _ in client.changes():
                pass
        client.close()


async def test_bfd_is_told_in_microseconds(client: Client, service: Service) -> None:
    await client.update(resolved(Peer(address="10.0.0.2", bfd=Bfd(300, 400, 5, Arm.ALWAYS)), NODE))
    (request,) = service.of(api.UpdatePeerRequest)
    told = request.peer.bfd
    assert (told.desired_minimum_tx_interval, told.required_minimum_receive, told.detection_multiplier) == (
        300_000,
        400_000,
        5,
    )
