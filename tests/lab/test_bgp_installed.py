"""BGP as users install it: what the how-to says by kubectl and to a router, and what clients behind it notice of restarts, crashes
and nodes that leave. Nothing.
"""

import contextlib
import json
import re
import signal
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from lab import faults, peering, processes, routers
from lab.bird import BIRD_3
from lab.cluster import Cluster
from lab.demo import OPENELB
from lab.frr import FRR
from lab.network import CommandError, Host
from lab.peering import Software
from lab.routers import Router
from lab.routes import next_hops, watching
from lab.setup import RouterRoots
from lab.site import node_address
from lab.wait import require, until
from openelb.model import names
from tests.lab import installed, spread
from tests.lab.spread import flows

HOW_TOS = installed.REPOSITORY / "docs" / "how-to"
POOL = "routed"
ADDRESSES = {"Cluster": "10.99.0.1", "Local": "10.99.0.2"}
NODES = ("n1", "n2", "n3")
GATHER = 60.0
TAINT = "example.com/maintenance"
LEAVING = "OPENELB_LEAVE_CORDONED_NODES=true", f"OPENELB_LEAVE_TAINTED_NODES={TAINT}"
STAYING = "OPENELB_LEAVE_CORDONED_NODES=false", "OPENELB_LEAVE_TAINTED_NODES="
TO_PREFER_OTHERS = 4
"""Seconds that routers have for it."""


def shown(language: str, section: str = "", page: str = "bgp-routers") -> str:
    """The first block of a how-to in a language, below a heading, with this site's addresses in the place of its examples'."""
    text = (HOW_TOS / f"{page}.md").read_text()
    below = text.partition(f"\n{section}\n")[2] if section else text
    (block,) = re.findall(rf"^```{language}\n(.*?)^```$", below, re.MULTILINE | re.DOTALL)[:1]
    return block.replace("192.0.2.", "10.79.0.").replace("198.51.100.", "10.99.0.")


def address_of_node(node: str) -> str:
    """Such as n1, or cp."""
    return node_address(0 if node == "cp" else int(node[1:]))


@dataclass(frozen=True, slots=True)
class Routed:
    """The cluster with a pool of BGP, and a router, of which there is one at a time."""

    cluster: Cluster
    roots: RouterRoots
    there: list[Router]
    told: list[str]
    """What it was told."""

    @property
    def directory(self) -> Path:
        return self.cluster.directory / "bgp"

    @property
    def host(self) -> Host:
        return self.cluster.site.router

    @property
    def router(self) -> Router:
        return self.there[0]

    def build(self, software: Software, told: str) -> None:
        """Have the router run this, in the place of what it runs."""
        if self.told == [told]:
            return
        self.end()
        self.directory.mkdir(exist_ok=True)
        self.there.append(routers.start(self.host, software, told, self.roots, self.directory / "router"))
        self.told.append(told)

    def end(self) -> None:
        self.told.clear()
        while self.there:
            self.there.pop().stop()

    def until_ways(self, nodes: Iterable[str], *policies: str) -> None:
        """Wait until the router's kernel sends packets for the addresses, or some of them, to exactly these nodes."""
        wanted = frozenset(map(address_of_node, nodes))

        def look() -> None:
            for policy in policies or ADDRESSES:
                seen = next_hops(self.host, f"{ADDRESSES[policy]}/32")
                require(seen == wanted, f"those of {ADDRESSES[policy]} are {sorted(seen)}")

        until(look, what=f"the next hops to be {sorted(wanted)}", timeout=GATHER)

    def keeps_routes(self, *, kept: bool) -> None:
        """Have BgpPeer `router` ask for graceful restart, or not; returns when every session is as it says."""
        self.cluster.apply(shown("yaml", "## Restarts without a loss") if kept else peer_alone())

        def look() -> None:
            for node, told in self.neighbours().items():
                mode = told.get("gracefulRestartInfo", {}).get("remoteGrMode", "")
                require(told["bgpState"] == peering.ESTABLISHED, f"{node} is {told['bgpState']}")
                require((mode == "Restart") is kept, f"{node} is in mode {mode}")

        until(look, what="sessions with" + "out" * (not kept) + " graceful restart", timeout=GATHER)
        self.until_ways(NODES)

    def neighbours(self) -> dict[str, dict]:
        """What FRR says of its session with each node."""
        told = json.loads(self.router.ask("show bgp neighbors json"))
        return {node: told[address_of_node(node)] for node in NODES}

    def container(self, name: str, node: str) -> frozenset[int]:
        return installed.container(self.cluster, name, node)

    def set_env(self, *values: str) -> None:
        """Change the DaemonSet, and return when its pods are rolled."""
        self.cluster.kubectl("-n", OPENELB, "set", "env", installed.SPEAKER, "--containers=speaker", *values)
        self.cluster.rolled_out(installed.SPEAKER, namespace=OPENELB, timeout=300)


def crash(container: frozenset[int]) -> None:
    """Kill the first process of a container, and with it all others."""
    processes.send(frozenset(pid for pid in container if processes.ids(pid)[-1:] == (1,)), signal.SIGKILL)


def peer_alone() -> str:
    """The BgpPeer of the how-to's first text."""
    return next(each for each in shown("yaml").split("---\n") if "kind: BgpPeer" in each)


@pytest.fixture(scope="module")
def started(installation: Cluster, router_roots: RouterRoots) -> Iterator[Routed]:
    installed.clear(installation)
    routed = Routed(installation, router_roots, [], [])
    with ExitStack() as ending:
        ending.callback(routed.set_env, *STAYING)
        ending.callback(faults.undo, installation)
        ending.callback(installed.clear, installation)
        ending.callback(routed.end)
        installation.apply(shown("yaml"))
        ending.callback(installation.kubectl, "delete", "bgpconf,bgppeer", "--all", timeout=60)
        drain = json.dumps({"spec": {"drain": {"waitSeconds": TO_PREFER_OTHERS}}})
        installation.kubectl("patch", "bgpconf", "default", "--type=merge", "-p", drain)
        spread.serve(installation, ADDRESSES, POOL, NODES)
        ending.callback(spread.remove, installation)
        yield routed


@pytest.fixture
def routed(started: Routed) -> Routed:
    """With FRR."""
    started.build(FRR, shown("text", "## FRR"))
    return started


@pytest.fixture
def obedient(routed: Routed) -> Iterator[Routed]:
    """With speakers that leave a node that is cordoned, or has one taint; and no such node afterwards."""
    routed.set_env(*LEAVING)
    yield routed
    for node in NODES:
        routed.cluster.kubectl("uncordon", node)
        with contextlib.suppress(CommandError):  # it has none
            routed.cluster.kubectl("taint", "node", node, f"{TAINT}-")
        routed.cluster.kubectl("annotate", "node", node, f"{names.DRAINED}-")


@pytest.mark.parametrize(
    ("software", "section", "nodes"),
    [
        (BIRD_3, "## BIRD", ("cp", *NODES)),
        (FRR, "Many nodes need no line each:", ("cp", *NODES)),
        (FRR, "## FRR", NODES),
    ],
    ids=["BIRD", "FRR with a range", "FRR"],
)
def test_what_the_how_to_says_spreads_connections_over_nodes(
    started: Routed, software: Software, section: str, nodes: tuple[str, ...]
) -> None:
    started.build(software, shown("text", section))
    started.until_ways(nodes, "Cluster")
    started.until_ways(NODES, "Local")
    with flows(started.cluster.remote, [*ADDRESSES.values()]) as seen:
        until(seen.well, what="all to be answered")
    assert seen.broken == []
    told = [installed.openelb(started.cluster, what) for what in ("peers", "routes")]
    print("\n".join(told))
    for node in nodes:
        assert f"{node} " in told[0]
        assert re.search(rf"^{node} +{ADDRESSES['Cluster']}/32 ", told[1], re.MULTILINE)


def test_nobody_notices_a_rolling_update_where_routers_keep_routes(routed: Routed) -> None:
    routed.keeps_routes(kept=True)
    with (
        flows(routed.cluster.remote, [*ADDRESSES.values()]) as seen,
        watching(routed.host, routed.directory / "routes") as changes,
    ):
        before = {node: routed.container("gobgpd", node) for node in NODES}
        routed.set_env(*LEAVING)
        assert not any(before[node] & routed.container("gobgpd", node) for node in NODES)
        routed.keeps_routes(kept=True)
        until(seen.well, what="all to be answered")
        fewer = [one for each in ADDRESSES.values() for one in changes.of(each) if len(one.next_hops) < len(NODES)]
    print(f"{len(seen.sent)} datagrams, {len(seen.lost())} lost; {len(seen.broken)} connections broken")
    assert (fewer, seen.lost(), seen.broken) == ([], [], [])


def test_nobody_notices_that_a_container_crashes_where_routers_keep_routes(routed: Routed) -> None:
    routed.keeps_routes(kept=True)

    def another(container: str, node: str, than: frozenset[int]) -> None:
        require(not than & routed.container(container, node), "it is not back")

    def sessions() -> dict[str, int]:
        return {node: told["connectionsEstablished"] for node, told in routed.neighbours().items()}

    with (
        flows(routed.cluster.remote, [*ADDRESSES.values()]) as seen,
        watching(routed.host, routed.directory / "routes") as changes,
    ):
        before = sessions()
        speaker, gobgpd = routed.container("speaker", "n1"), routed.container("gobgpd", "n1")
        crash(speaker)
        until(lambda: another("speaker", "n1", speaker), what="another speaker", timeout=GATHER)
        installed.roll_out(routed.cluster)
        assert sessions() == before
        assert routed.container("gobgpd", "n1") == gobgpd

        gobgpd = routed.container("gobgpd", "n2")
        crash(gobgpd)
        until(lambda: another("gobgpd", "n2", gobgpd), what="another gobgpd", timeout=GATHER)
        until(
            lambda: require(sessions()["n2"] == before["n2"] + 1, "there is none"),
            what="another session with n2",
            timeout=GATHER,
        )
        until(seen.well, what="all to be answered")
        fewer = [one for each in ADDRESSES.values() for one in changes.of(each) if len(one.next_hops) < len(NODES)]
    assert (fewer, seen.lost(), seen.broken) == ([], [], [])


@pytest.mark.parametrize(
    ("software", "arm", "nodes", "forgets"),
    [(BIRD_3, "Established", (*NODES, "cp"), True), (FRR, "Always", ("n1", "n2"), False)],
    ids=["BIRD", "FRR"],
)
def test_with_bfd_it_depends_on_the_router_whether_it_keeps_the_routes_of_a_gobgpd_that_crashes(
    started: Routed, software: Software, arm: str, nodes: tuple[str, ...], *, forgets: bool
) -> None:
    """Graceful restart was agreed on, and BFD is gobgpd's. FRR sees the connection end first. Routers are told as the how-to says."""
    watched = yaml.safe_load(shown("yaml", page="bgp-bfd"))
    watched["spec"]["bfd"]["arm"] = arm
    watched["spec"]["gracefulRestart"] = {"enabled": True, "restartTime": 120}
    started.cluster.apply(json.dumps(watched))
    started.build(software, shown("text", f"## {software.name.split()[0]}", "bgp-bfd"))
    wanted = {address_of_node(node) for node in nodes}
    crashes = nodes[0] if software is FRR else "n3"  # kubelet waits ever longer before it starts one again

    def all_watched() -> None:
        seen = {one for one, up in started.router.bfd().items() if up}
        require(seen == wanted, f"{sorted(seen)}")

    def lost_from_sight() -> None:
        require(not started.router.bfd().get(address_of_node(crashes)), "BFD is up")

    until(all_watched, what="BFD with every node", timeout=GATHER)
    started.until_ways(nodes, "Cluster")
    with watching(started.host, started.directory / "routes") as changes:
        crash(started.container("gobgpd", crashes))
        until(lost_from_sight, what="BFD with it to end", timeout=GATHER)
        until(all_watched, what="BFD with every node again", timeout=GATHER)
        started.until_ways(nodes, "Cluster")
        seen = {one.next_hops for one in changes.of(ADDRESSES["Cluster"])}
    assert (wanted - {address_of_node(crashes)} in seen) is forgets, seen


def test_no_packet_is_lost_where_nodes_ask_routers_to_prefer_others_first(obedient: Routed) -> None:
    cluster = obedient.cluster
    obedient.keeps_routes(kept=False)
    with flows(cluster.remote, [*ADDRESSES.values()]) as seen:
        cluster.kubectl("cordon", "n2")
        cluster.kubectl("taint", "node", "n3", f"{TAINT}=yes:PreferNoSchedule")
        obedient.until_ways(["n1"])
        cluster.kubectl("uncordon", "n2")
        cluster.kubectl("taint", "node", "n3", f"{TAINT}-")
        obedient.until_ways(NODES)

        cluster.kubectl("annotate", "node", "n1", f"{names.DRAINED}=true")
        said = installed.openelb(cluster, "drain", "n1")
        assert said.endswith("exit 0\n"), said
        obedient.until_ways(["n2", "n3"])
        cluster.kubectl("annotate", "node", "n1", f"{names.DRAINED}-")
        obedient.until_ways(NODES)

        (pod,) = (
            each["metadata"]["name"]
            for each in installed.pods(cluster, "component=speaker")
            if each["spec"]["nodeName"] == "n1"
        )
        cluster.kubectl("-n", OPENELB, "delete", "pod", pod, "--wait=false")
        until(
            lambda: require(GSHUT & communities(obedient), "not asked for"),
            what="routers to be asked to prefer other nodes",
            timeout=GATHER,
        )
        cluster.kubectl("-n", OPENELB, "wait", "--for=delete", f"pod/{pod}", "--timeout=60s", timeout=70)
        cluster.rolled_out(installed.SPEAKER, namespace=OPENELB)
        obedient.until_ways(NODES)
        until(lambda: require(len(seen.sent) - len(seen.back) < spread.FLOWS, "not yet"), what="all to be answered")
    print(f"{len(seen.sent)} datagrams, {len(seen.lost())} lost; {len(seen.broken)} connections broken")
    assert seen.lost() == []


GSHUT = {"graceful-shutdown", "65535:0"}


def communities(routed: Routed) -> set[str]:
    """All that any path to the first address carries."""
    return {one for path in routed.router.paths(f"{ADDRESSES['Cluster']}/32") for one in path.communities}
