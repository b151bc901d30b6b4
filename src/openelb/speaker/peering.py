"""A speaker's BGP: what the cluster wants of it becomes one wish to gobgpd, and what gobgpd says of its sessions becomes what the
cluster is told.

All its state belongs to the loop of the process. It judges in a task of its own, so that a trouble with BGP is none of other
protocols. Not known here: how gobgpd is told (`announce/bgp.py`), and who decides what is announced (`plan/routes.py`,
`plan/bgp.py`).
"""

import asyncio
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Protocol

from openelb.announce.bgp_changes import Wish
from openelb.kube import bgp_status
from openelb.kube.bgp_status import Entry
from openelb.kube.client import Client
from openelb.kube.followed import Followed
from openelb.kube.resources import config_map
from openelb.model.bgp import Peer, Session
from openelb.model.policy import NO_POLICIES, Policies
from openelb.model.routers import CONF, NO_CONF, BgpConf, Drain, NextHops
from openelb.model.snapshot import Snapshot
from openelb.plan import bgp as plan
from openelb.plan import paths, routes, sessions, turns
from openelb.plan.bgp import NodeBgp, unusable
from openelb.plan.paths import Here
from openelb.plan.policy import combined
from openelb.plan.standing import is_leaving
from openelb.speaker.dialling import Dial, Dialling
from openelb.speaker.enquiries import NodeAddresses, Passwords
from openelb.speaker.node_report import About, NodeReport
from openelb.speaker.turns import Turns
from openelb.wire import policy

POLICY_KEY = "gobgp.conf"
"""The key of the ConfigMap that `spec.policy` names, as upstream has it."""

NOT_READ = "spec.policy names ConfigMap {0}, which speakers may not read: apply OpenELB's manifest again. What was in force before stays"
NOT_THERE = (
    "spec.policy names ConfigMap {0}, and there is none in OpenELB's namespace with the key {1}: create it, or take spec.policy away. "
    "What was in force before stays"
)
UNREAD = "Secret {}, which spec.authPasswordSecretRef names, could not be read yet: the session is left as it was found"
PATIENCE = 10.0
"""Seconds for which a process that begins waits for all passwords. Later, one that cannot be read holds nothing else up."""

NO_ADDRESS = "its Node has no address of type InternalIP in its status, so there is no router id for it yet"


class Bgp(Protocol):
    """What keeps gobgpd as it is wanted: `announce.bgp.Bgp`."""

    @property
    def sessions(self) -> Mapping[str, Session]: ...
    @property
    def trouble(self) -> str: ...
    @property
    def refusals(self) -> Mapping[str, str]: ...
    @property
    def is_done(self) -> bool: ...
    def want(self, wish: Wish) -> None: ...
    async def leave(self, *, kept: bool) -> None: ...
    async def run(self) -> None: ...


class Peering:
    """The BGP of one node. Before there is a BgpConf gobgpd is left alone, unless it `has_run` for a process before this one."""

    def __init__(
        self,
        client: Client,
        node: str,
        namespace: str,
        lb_class: str,
        bgp: Bgp,
        dial: Dial,
        mark: Callable[[str], None],
        *,
        has_run: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._node = node
        self._lb_class = lb_class
        self._bgp = bgp
        self._has_run = has_run
        self._clock = clock
        self._snapshot: Snapshot | None = None
        self._alive: frozenset[str] = frozenset()
        self._bell = asyncio.Event()
        self._policy = Followed(client, lambda name: config_map(namespace, name, POLICY_KEY), self._bell.set)
        self._passwords = Passwords(client, namespace, self._bell.set)
        self._addresses = NodeAddresses(client, self._bell.set)
        self._report = NodeReport(client, node, self._entries, clock=clock)
        self._dialling = Dialling(dial, self._missing, self._report.heard, clock=clock)
        self._turns = Turns(mark)
        self._good: BgpConf | None = None
        self._theirs: tuple[str, Policies] | None = None
        self._waiting = frozenset[str]()
        self._in_company = False  # with other speakers, now or before
        self._patient_until = clock() + PATIENCE
        self._unclear = ""
        self._routing = routes.Routing()
        self._landing: tuple[routes.Routing, frozenset[str]] = self._routing, frozenset()
        self._announced = paths.NOT_ANNOUNCED
        self._grounds: object = None
        self._stops = False
        self._leaving_since = -math.inf  # a node that leaves when this process begins has left before
        self._made: NodeBgp | None = None

    @property
    def is_on(self) -> bool:
        """Whether this node speaks BGP, as far as is known."""
        return self._made is not None and self._made.instance is not None

    @property
    def routed(self) -> frozenset[str]:
        """The addresses and networks that routers send packets here for, as far as is known."""
        if self._snapshot is None or not self.is_on:
            return frozenset()
        if self._landing[0] is not self._routing:
            self._landing = self._routing, paths.landing(self._routing.routes, self._snapshot.pools, self._node)
        return self._landing[1]

    def look(self, snapshot: Snapshot, alive: frozenset[str], _claims: object) -> None:
        """Judge by this snapshot. Time alone changes the judgement too, and the speaker looks every second."""
        self._snapshot, self._alive = snapshot, alive
        self._bell.set()

    def heard(self) -> None:
        """There is news of sessions."""
        self._report.heard()

    async def run(self) -> None:
        """Keep gobgpd as is wanted, and the cluster told of it, until cancelled."""
        self._grounds = None
        parts = (
            self._judge_on,
            self._bgp.run,
            self._policy.run,
            self._passwords.run,
            self._addresses.run,
            self._report.run,
            self._dialling.run,
        )
        async with asyncio.TaskGroup() as tasks:
            for part in parts:
                tasks.create_task(part())

    async def leave(self, *, for_good: bool) -> None:
        """End BGP on this node, while everything still runs: what comes next on it, if anything, is to find another gobgpd.

        Where all routers keep their routes through a restart that is not for good, they are not told. Others are asked to prefer
        other nodes first, and have the time for it that the author of the BgpConf gave.
        """
        if not self.is_on:
            return
        there = self._bgp.sessions.values()
        kept = not for_good and all(map(_is_kept, there))
        if not kept and self._routing.routes and any(one.is_established for one in there):
            since = min(self._leaving_since, self._clock())
            self._stops = True
            self._bell.set()
            await asyncio.sleep(since + self._drain.wait_seconds - self._clock())
        await self._bgp.leave(kept=kept)

    async def _judge_on(self) -> None:
        while True:
            await self._bell.wait()
            self._bell.clear()
            if self._snapshot is not None:
                self._judge(self._in_force(self._snapshot))

    def _in_force(self, snapshot: Snapshot) -> Snapshot:
        """With the BgpConf as it was before, while what its author wrote later cannot be used."""
        conf = snapshot.confs.get(CONF)
        if conf is None or not unusable(conf):
            self._good = conf
        elif self._good is not None:
            return replace(snapshot, confs={**snapshot.confs, CONF: replace(self._good, deleting=conf.deleting)})
        return snapshot

    def _judge(self, snapshot: Snapshot) -> None:
        now, me, conf = self._clock(), self._node, snapshot.confs.get(CONF)
        if conf is not None:
            wanted = turns.mark(conf)
            self._turns.look(wanted, turns.predecessor(snapshot.speakers, self._alive, me, wanted), now)
            self._turns.settle(self._bgp.sessions, now, is_done=self._bgp.is_done)
        self._policy.want(conf.policy if conf else "")
        self._passwords.want(plan.secrets(snapshot, me) if conf else frozenset())
        others = snapshot.nodes.keys() if conf and conf.next_hops is NextHops.NODES else ()
        self._addresses.want(frozenset({me, *others} if conf else ()))
        self._in_company |= len(snapshot.speakers) > 1
        leaves = self._stops or is_leaving(snapshot.nodes.get(me), snapshot.speakers.get(me))
        self._leaving_since = min(self._leaving_since, now) if leaves else math.inf
        is_over = now - self._leaving_since >= self._drain.wait_seconds
        gone = routes.heirs(snapshot, me, self._alive) if is_over else None
        shunned = routes.shunned(snapshot, self._alive)
        self._routing = routes.judge(self._routing, snapshot, me, self._lb_class, now, gone, shunned)
        grounds = (
            leaves,
            self._routing.routes,
            snapshot.confs,
            snapshot.peers,
            snapshot.pools,
            snapshot.nodes if others else snapshot.nodes.get(me),
            self._in_company,
            self._addresses.is_known,
            self._addresses.values,
            self._is_patient(now),
            self._passwords.values,
            self._policy.is_known,
            self._policy.value,
            self._turns.waits,
            self._snapshot and self._snapshot.confs,
        )
        if grounds != self._grounds:
            self._grounds = grounds
            self._want(snapshot, leaves=leaves)
            self._report.heard()

    def _is_patient(self, now: float) -> bool:
        """Whether passwords are waited for: routers that kept our routes through a restart are to be called at once, all together."""
        return not self._passwords.is_known and self._announced is paths.NOT_ANNOUNCED and now < self._patient_until

    @property
    def _drain(self) -> Drain:
        return (self._snapshot.confs.get(CONF, NO_CONF) if self._snapshot else NO_CONF).drain

    def _want(self, snapshot: Snapshot, *, leaves: bool) -> None:
        """What is not known yet may be just as gobgpd has it: it is not told that there is none."""
        if CONF not in snapshot.confs:
            self._made = None
            if self._has_run and not snapshot.without_confs:
                self._bgp.want(Wish())
            return
        if not (self._addresses.is_known and self._policy.is_known) or self._is_patient(self._clock()):
            return
        here = Here(self._node, self._addresses.values.get(self._node, ()))
        made = plan.configuration(snapshot, here, self._passwords.values, in_company=self._in_company)
        if not here.addresses:
            return
        conf = snapshot.confs[CONF]
        if made.instance is None and unusable(conf) and self._has_run:
            self._made = made
            return  # which BgpConf is in force was known to a process before this one
        instance = self._turns.instance(made.instance, turns.mark(conf), self._bgp.sessions, self._clock())
        made = replace(made, instance=instance)
        self._made = made
        self._has_run |= made.instance is not None
        theirs = self._read_policy(conf.policy)
        if not self._has_run or theirs is None:
            return
        self._waiting = plan.waiting(made, snapshot, self._passwords.values)
        told = self._routing.routes.values()
        self._announced = paths.announced(self._announced, self._routing.routes, snapshot, here, self._addresses.values)
        self._bgp.want(
            Wish(
                made.instance,
                tuple(peer for name, peer in made.peers.items() if name not in self._waiting),
                self._announced.paths,
                combined(plan.policies(told, snapshot, here, made, self._drain if leaves else None), theirs),
                frozenset(made.peers[name].key for name in self._waiting),
            )
        )

    def _read_policy(self, name: str) -> Policies | None:
        """The user's policies; where they cannot be read, those that were in force stay. None: which these are is not known, since
        a process before this one has read them. Without any, routers would be told what they are not to have. A ConfigMap that was
        never there has none, as with older releases.
        """
        text = self._policy.value
        if not name:
            self._theirs, self._unclear = ("", NO_POLICIES), ""
        elif not text:
            if not self._policy.is_refused:
                self._theirs = self._theirs or ("", NO_POLICIES)
            self._unclear = (NOT_READ if self._policy.is_refused else NOT_THERE).format(name, POLICY_KEY)
        elif self._theirs is None or text != self._theirs[0]:
            found = policy.read(text)
            if isinstance(found, Policies):
                self._theirs, self._unclear = (text, found), ""
            else:
                self._unclear = "; ".join(map(str, found))
        else:
            self._unclear = ""
        return self._theirs[1] if self._theirs else None

    def _missing(self) -> Iterator[tuple[Peer, bool]]:
        """Peers that gobgpd dials, without a session."""
        made = self._made
        if made is None or made.instance is None:
            return
        for peer in made.peers.values():
            session = self._bgp.sessions.get(peer.key)
            if session is None or session.is_established or session.over_limit:
                continue
            if peer.address and not (peer.passive or peer.admin_down):
                yield peer, peer.peer_asn == (peer.local_asn or made.instance.asn)

    def _entries(self) -> Mapping[About, Entry]:
        snapshot = self._snapshot
        if snapshot is None or (conf := snapshot.confs.get(CONF)) is None:
            return {}
        about, made = About("BgpConf", CONF, conf.uid), self._made
        if made is None:
            lacks_address = self._addresses.is_known and not self._addresses.values.get(self._node)
            return {about: bgp_status.conf_entry(None, NO_ADDRESS)} if lacks_address else {}
        refusals, trouble = self._bgp.refusals, self._bgp.trouble
        spoilt = f"{unusable(conf)}; what was in force before stays" if self._good and unusable(conf) else ""
        why = made.finding.sentence if made.finding else ""
        if why and self._has_run and unusable(conf):
            why = f"{why}; gobgpd is left as it was found"
        why = why or trouble or spoilt or self._turns.waits or refusals.get("policies", "") or self._unclear
        found: dict[About, Entry] = {about: bgp_status.conf_entry(made.instance, why)}
        for name, one in snapshot.peers.items():
            about = About("BgpPeer", name, one.uid)
            if finding := made.findings.get(name):
                found[about] = bgp_status.peer_entry(None, "", finding.sentence)
            elif peer := made.peers.get(name):
                session = _session(peer, self._bgp.sessions)
                waits = "" if session or self._theirs else self._unclear
                if name in self._waiting and one.secret:
                    waits = UNREAD.format(one.secret.name)
                reach = self._dialling.reached.get(peer.key)
                problem = refusals.get(peer.key, "") or trouble or waits or sessions.problem(peer, session, reach)
                found[about] = bgp_status.peer_entry(session, peer.key, problem)
        return found


def _session(peer: Peer, sessions: Mapping[str, Session]) -> Session | None:
    """With a peer; of those that were accepted from its range the first, and rather one that is established."""
    if not peer.prefix:
        return sessions.get(peer.key)
    accepted = [one for one in sessions.values() if one.prefix == peer.prefix]
    return min(accepted, key=lambda one: (not one.is_established, one.key), default=None)


def _is_kept(session: Session) -> bool:
    """Whether the router keeps our routes while BGP is away for a moment. BFD would tell it that the node is lost."""
    return not session.is_established or (session.restarts and session.bfd_up is None)
