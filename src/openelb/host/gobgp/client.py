"""What gobgpd is asked and told, in our own values.

One object is one connection to one gobgpd: another process at the same socket needs another object, since it knows nothing of
what this one was told. Every method may raise a GobgpError, a sentence with what to do.
"""

import contextlib
import ipaddress
import os
import signal
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from dataclasses import replace
from typing import cast

from openelb.announce.bgp_changes import Found
from openelb.announce.bgp_readback import EVERY_FAMILY, started
from openelb.host.gobgp import paths, peers, policies
from openelb.host.gobgp.api import common_pb2 as common
from openelb.host.gobgp.api import gobgp_pb2 as api
from openelb.host.gobgp.errors import GobgpError, Refused
from openelb.host.gobgp.owner import owner
from openelb.host.gobgp.rpc import Rpc
from openelb.model.bgp import Family, Instance, Path, Peer, Session
from openelb.model.policy import Outline, Policies, SetKind

AT_ONCE = 500
"""Paths in one message of a stream. gobgpd does nothing else while it takes one in, and a message may be 4 MB long."""

_FAMILIES = (
    *((1, 1), (2, 1), (1, 4), (2, 4), (1, 128), (2, 128), (1, 129), (2, 129), (25, 65), (25, 70), (1, 2), (2, 2)),
    *((1, 132), (1, 7), (2, 7), (1, 133), (1, 134), (2, 133), (2, 134), (25, 134), (1, 73), (2, 73), (16397, 241)),
    *((16388, 71), (1, 85), (2, 85)),
)
"""AFI and SAFI by GoBGP's own numbers of families (AfiSafiTypeToIntMap)."""


class Client:
    """One gobgpd, at this unix socket."""

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self._rpc = Rpc(socket)

    def close(self) -> None:
        """Ask and tell nothing any more. gobgpd goes on as it is."""
        self._rpc.close()

    async def instance(self) -> Instance | None:
        """BGP as it runs, with all defaults; None while it does not."""
        told = getattr(await self._rpc.call(api.GetBgpRequest(), api.GetBgpResponse), "global")
        if not told.asn:
            return None
        families = [number for number in EVERY_FAMILY if await self._has(number)]
        return started(
            Instance(
                asn=told.asn,
                router_id=told.router_id,
                listen_port=told.listen_port,
                listen_addresses=tuple(told.listen_addresses),
                families=tuple(families),
                multipath=told.use_multiple_paths,
            )
        )

    async def _has(self, number: int) -> bool:
        """gobgpd does not tell its families, but has a table for each."""
        afi, safi = _FAMILIES[number]
        family = common.Family(afi=cast("common.Family.Afi", afi), safi=cast("common.Family.Safi", safi))
        request = api.GetTableRequest(table_type=api.TABLE_TYPE_GLOBAL, family=family)
        with contextlib.suppress(Refused):
            await self._rpc.call(request, api.GetTableResponse)
            return True
        return False

    async def start(self, instance: Instance) -> None:
        """Begin with BGP. After a failure this gobgpd may hold a port that it cannot let go of, and has to be stopped."""
        for address in (instance.router_id, *instance.listen_addresses):
            _checked(address)  # gobgpd would end itself for one that it cannot read
        wanted = api.Global(
            asn=instance.asn,
            router_id=instance.router_id,
            listen_port=instance.listen_port,
            listen_addresses=instance.listen_addresses,
            families=instance.families,
            use_multiple_paths=instance.multipath,
        )
        await self._rpc.tell(api.StartBgpRequest(**{"global": wanted}))

    async def stop(self, *, kept: bool = False) -> None:
        """End every session, and this gobgpd, which could not begin again. Whoever keeps it running starts another one.

        Routers that have agreed to graceful restart keep our routes for a while when they are `kept`, and are told nothing;
        the others, and else all of them, are told to forget them.
        """
        pid = owner(self._socket)
        try:
            await self._rpc.tell(api.StopBgpRequest(allow_graceful_restart=kept))
        finally:
            if pid:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)

    async def peers(self, *, advertised: bool = False) -> tuple[dict[str, Found], tuple[Session, ...]]:
        """Peers as they were added, by their keys, and all sessions, also of those that came from a range.

        To count what is `advertised` gobgpd goes through all routes of every peer.
        """
        known: dict[str, Found] = {}
        sessions: list[Session] = []
        async for answer in self._listed(advertised=advertised):
            found = peers.found(answer)
            if found.session:
                sessions.append(found.session)
            if not answer.conf.peer_group:
                known[found.peer.key] = found
        async for each in self._rpc.listing(api.ListPeerGroupRequest(), api.ListPeerGroupResponse):
            found = peers.found_group(each.peer_group)
            known[found.peer.key] = found
        return known, tuple(sessions)

    async def _listed(self, *, advertised: bool = False, address: str = "") -> AsyncIterator[api.Peer]:
        request = api.ListPeerRequest(enable_advertised=advertised, address=address)
        async for each in self._rpc.listing(request, api.ListPeerResponse):
            yield each.peer

    async def add(self, peer: Peer, *, restarting: bool = False) -> None:
        """Know a peer, which has all its defaults. `restarting`: tell its router that we are back, and that it may go on sending us packets."""
        if not peer.prefix:
            await self._rpc.tell(api.AddPeerRequest(peer=peers.message(peer, restarting=restarting)))
            return
        await self._rpc.tell(api.AddPeerGroupRequest(peer_group=peers.group(peer)))
        range_of_peers = api.DynamicNeighbor(prefix=peer.prefix, peer_group=peer.prefix)
        await self._rpc.tell(api.AddDynamicNeighborRequest(dynamic_neighbor=range_of_peers))

    async def update(self, peer: Peer) -> None:
        """Change a peer in what its session does not depend on."""
        await self._rpc.tell(api.UpdatePeerRequest(peer=peers.message(peer)))

    async def drop(self, key: str) -> None:
        """Know a peer no more, or a range with all who came from it."""
        async for each in self._listed():
            if key in (each.conf.neighbor_interface or each.conf.neighbor_address, each.conf.peer_group):
                await self._drop(each)
        if "/" in key:
            await self._rpc.tell(api.DeleteDynamicNeighborRequest(prefix=key, peer_group=key))
            await self._rpc.tell(api.DeletePeerGroupRequest(name=key))

    async def _drop(self, told: api.Peer) -> None:
        address = _checked(told.state.neighbor_address)
        if told.conf.auth_password and not told.conf.peer_group:
            # Deleted as it is, its password would go on for whoever connects from there.
            found = peers.found(told).peer
            await self._rpc.tell(
                api.UpdatePeerRequest(peer=peers.message(replace(found, password="", admin_down=True)))
            )
        await self._rpc.tell(api.DeletePeerRequest(address=address))

    async def resend(self, address: str = "", *, inbound: bool, outbound: bool) -> None:
        """Have every route judged by the policies as they are now, of all peers or of that one. No session ends."""
        both = inbound and outbound
        direction = api.ResetPeerRequest.DIRECTION_OUT if outbound else api.ResetPeerRequest.DIRECTION_IN
        direction = api.ResetPeerRequest.DIRECTION_BOTH if both else direction
        await self._rpc.tell(api.ResetPeerRequest(address=address, soft=True, direction=direction))

    async def paths(self, some: Collection[Path] = ()) -> list[Path]:
        """The paths that we have told, or those of them with the prefixes of `some`. All of 10,000 take half a second."""
        exact = api.TableLookupPrefix.TYPE_EXACT
        found: list[Path] = []
        for family in Family:
            asked = [str(path.prefix) for path in some if Family.of(path.prefix.version) is family]
            if some and not asked:
                continue
            request = api.ListPathRequest(
                table_type=api.TABLE_TYPE_GLOBAL,
                family=paths.family_message(family),
                prefixes=[api.TableLookupPrefix(prefix=prefix, type=exact) for prefix in asked],
            )
            with contextlib.suppress(Refused):  # a family that this instance does not have
                async for answer in self._rpc.listing(request, api.ListPathResponse):
                    ours = (paths.value(each) for each in answer.destination.paths if paths.is_ours(each))
                    found.extend(path for path in ours if path is not None)
        return found

    async def told(self, address: str) -> list[Path]:
        """The paths that the peer with this address was sent, after all policies."""
        found: list[Path] = []
        for family in Family:
            request = api.ListPathRequest(
                table_type=api.TABLE_TYPE_ADJ_OUT, name=address, family=paths.family_message(family)
            )
            with contextlib.suppress(Refused):
                async for answer in self._rpc.listing(request, api.ListPathResponse):
                    sent = (
                        paths.value(each, identifier=each.local_identifier)
                        for each in answer.destination.paths
                        if not (each.filtered or each.send_max_filtered)
                    )
                    found.extend(path for path in sent if path is not None)
        return found

    async def tell(self, gained: Sequence[Path], lost: Sequence[Path] = ()) -> None:
        """Add paths and withdraw others, as many as there are, in one call."""
        await self._rpc.stream(_batches(gained, lost), api.AddPathStreamRequest)

    async def outline(self) -> Outline:
        """The policies in force."""
        sets: set[tuple[SetKind, str]] = set()
        for kind in policies.KINDS:
            listed = api.ListDefinedSetRequest(defined_type=policies.kind(kind))
            async for each in self._rpc.listing(listed, api.ListDefinedSetResponse):
                sets.add((kind, each.defined_set.name))
        definitions = {
            each.policy.name async for each in self._rpc.listing(api.ListPolicyRequest(), api.ListPolicyResponse)
        }
        assigned = {
            each.assignment.direction: each.assignment
            async for each in self._rpc.listing(
                api.ListPolicyAssignmentRequest(name="global"), api.ListPolicyAssignmentResponse
            )
        }
        imports = assigned.get(api.POLICY_DIRECTION_IMPORT, api.PolicyAssignment())
        exports = assigned.get(api.POLICY_DIRECTION_EXPORT, api.PolicyAssignment())
        return Outline(
            sets=frozenset(sets),
            definitions=frozenset(definitions),
            imports=tuple(each.name for each in imports.policies),
            exports=tuple(each.name for each in exports.policies),
            import_default=policies.verdict(imports.default_action),
            export_default=policies.verdict(exports.default_action),
        )

    async def set_policies(self, wanted: Policies) -> None:
        """Put these policies in force; when gobgpd refuses any part of them, those that were in force stay.

        They are made ready beside the others, and take their place at once.
        """
        have, want = await self.outline(), wanted.outline
        try:
            await self._prepare(wanted, have)
        except GobgpError:
            with contextlib.suppress(GobgpError):
                await self._clear(await self.outline(), have)
            raise
        for direction, names, default in (
            (api.POLICY_DIRECTION_EXPORT, want.exports, want.export_default),
            (api.POLICY_DIRECTION_IMPORT, want.imports, want.import_default),
        ):
            assignment = policies.assignment(direction, names, default)
            await self._rpc.tell(api.SetPolicyAssignmentRequest(assignment=assignment))
        await self._clear(have, want)

    async def _prepare(self, wanted: Policies, have: Outline) -> None:
        mark = wanted.mark
        for each in wanted.sets:
            made = policies.defined_set(each, mark)
            if (each.kind, made.name) not in have.sets:
                await self._rpc.tell(api.AddDefinedSetRequest(defined_set=made, replace=True))
        for definition in wanted.definitions:
            policy = policies.policy(definition, mark)
            if policy.name not in have.definitions:
                await self._rpc.tell(api.AddPolicyRequest(policy=policy))

    async def _clear(self, have: Outline, keep: Outline) -> None:
        """Policies first: a set that one refers to cannot be deleted."""
        for name in sorted(have.definitions - keep.definitions):
            await self._rpc.tell(api.DeletePolicyRequest(policy=api.Policy(name=name), all=True))
        for kind, name in sorted(have.sets - keep.sets):
            unused = api.DefinedSet(defined_type=policies.kind(kind), name=name)
            await self._rpc.tell(api.DeleteDefinedSetRequest(defined_set=unused, all=True))

    async def changes(self) -> AsyncIterator[str]:
        """Addresses of peers whose sessions changed, for as long as this gobgpd is there; first of all, and of none."""
        request = api.WatchEventRequest(peer=api.WatchEventRequest.Peer())
        async for each in self._rpc.listing(request, api.WatchEventResponse, ends=False):
            yield each.peer.peer.state.neighbor_address


def _checked(address: str) -> str:
    try:
        ipaddress.ip_address(address)
    except ValueError as error:
        raise Refused(f"{address!r} is no IP address") from error
    return address


def _batches(gained: Sequence[Path], lost: Sequence[Path]) -> Iterator[api.AddPathStreamRequest]:
    for those, withdrawn in ((gained, False), (lost, True)):
        for start in range(0, len(those), AT_ONCE):
            batch = [paths.message(path, withdrawn=withdrawn) for path in those[start : start + AT_ONCE]]
            yield api.AddPathStreamRequest(table_type=api.TABLE_TYPE_GLOBAL, paths=batch)
