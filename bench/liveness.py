"""How soon the watch of speakers over each other finds a lost node, and how often it is wrong: simulated, up to 1,000 nodes.

What is judged is the product's own code; the network and the clock are numbers (`bench.simulated`), and so is the time that
judging takes: none.
"""

import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from bench import table
from bench.simulated import Lan, Node
from openelb.model import names
from openelb.model.addresses import Address
from openelb.model.cluster import Link, Pool, Protocol, Service, ServiceKey, Speaker
from openelb.model.layer2 import Profile
from openelb.model.ranges import read
from openelb.model.snapshot import Snapshot
from openelb.plan import node as speaker_plan
from openelb.plan.liveness import Hearing
from openelb.plan.presence import Heard, presence

TOGETHER = 4.0
"""Seconds in which all have met."""

LOSS, LOSSES = 0.2, {3: 600.0, 10: 600.0, 100: 60.0, 1000: 10.0}
"""The share of datagrams that vanish, and for how many seconds, by the number of nodes."""

OWNERS, ADDRESSES, REST = 12, 120, 0.1


def rows(sizes: Iterable[int]) -> list[table.Row]:
    """The rows for clusters of these sizes, and of who owns what in one of a dozen."""
    return [row for size in sizes for row in _of_size(size)] + _owned()


def _of_size(size: int) -> list[table.Row]:
    said = f"{size} simulated nodes: "
    print(f"simulating {size} nodes …", file=sys.stderr)
    lan = Lan([f"node-{number}" for number in range(size)])
    lan.run(TOGETHER)
    found = [*_traffic(lan, said), *_losses(lan, said, min(20, size - 2))]
    loss = Lan([f"node-{number}" for number in range(size)], seed=2, loss=LOSS)
    loss.run(TOGETHER)
    before = _alarms(loss)
    seconds = LOSSES.get(size, 10.0)
    loss.run(seconds)
    found.append(
        table.bound(
            f"{said}nodes taken for lost, a fifth of all datagrams vanish, {seconds:g} s",
            _alarms(loss) - before,
            at_most=0,
        )
    )
    return [*found, *_pauses(size, said), *_partition(size, said)]


def _traffic(lan: Lan, said: str) -> list[table.Row]:
    before = {name: node.sent for name, node in lan.nodes.items()}
    lan.run(5.0)
    sent = [(node.sent - before[name]) / 5.0 for name, node in lan.nodes.items()]
    return [table.figure(f"{said}datagrams that a node sends in a second, the most", max(sent))]


def _losses(lan: Lan, said: str, count: int) -> list[table.Row]:
    """Nodes are lost one after the other; each of the others finds out."""
    took: list[float] = []
    names_ = list(lan.nodes)
    step = max(1, len(names_) // count)
    for name in names_[: count * step : step][:count]:
        others = [other for other in lan.nodes if other != name and lan.nodes[other].up]
        lost_at, found = lan.now, _found_out(lan, name, len(others))
        took += [at - lost_at for at in found.values()]
        took += [5.0] * (len(others) - len(found))
        if len(lan.nodes) <= 3:  # so few that the next loss would leave one alone
            lan.nodes[name].up = True
            lan.begin(name)
            lan.run(TOGETHER)
        if len([each for each in lan.nodes.values() if each.up]) <= 2:
            break
    return [
        table.bound(
            f"{said}a node is lost, until another holds it so, p99 of {len(took)}",
            table.percentile(took, 99),
            at_most=0.8,
            unit="s",
            compared=f"p50 {table.percentile(took, 50):.3f} s, at most {max(took):.3f} s",
        )
    ]


def _found_out(lan: Lan, name: str, others: int) -> dict[str, float]:
    """When each of the others knew that this node is lost."""
    found: dict[str, float] = {}

    def look(node: Node) -> None:
        if node.name not in found and lan.lost(node.name, name):
            found[node.name] = lan.now

    lan.watchers.append(look)
    lan.lose(name)
    lan.run(5.0, lambda: len(found) == others)
    lan.watchers.clear()
    return found


def _pauses(size: int, said: str) -> list[table.Row]:
    lan = Lan([f"node-{number}" for number in range(size)], seed=3)
    lan.run(TOGETHER)
    before, pauses = _alarms(lan), 0
    for name in list(lan.nodes)[:: max(1, size // 20)]:
        lan.pause(name)
        lan.run(0.35)
        lan.resume(name)
        lan.run(0.3)
        pauses += 1
    return [table.bound(f"{said}nodes taken for lost, {pauses} pauses of 0.35 s", _alarms(lan) - before, at_most=0)]


def _partition(size: int, said: str) -> list[table.Row]:
    """Half of them lose the other half for two seconds."""
    lan = Lan([f"node-{number}" for number in range(size)], seed=4)
    lan.run(TOGETHER)
    lan.cut(*list(lan.nodes)[: size // 2])
    lan.run(2.0)
    lan.heal()
    healed = lan.now
    while lan.now - healed < 10.0 and _lost(lan):
        lan.run(0.1)
    return [
        table.bound(
            f"{said}after a partition of 2 s, until nobody is held to be lost", lan.now - healed, at_most=2.0, unit="s"
        )
    ]


def _alarms(lan: Lan) -> int:
    """How often a node came back from silence that had not been silent, or took itself for lost."""
    return sum(node.vigil.view.returns + node.vigil.view.lapses for node in lan.nodes.values())


def _lost(lan: Lan) -> bool:
    return any(
        Profile.DEFAULT in each.silent for node in lan.nodes.values() for each in node.vigil.view.standings.values()
    )


class Owners:
    """Speakers that judge as well: who answers for which address, ten looks a second."""

    def __init__(self, lan: Lan) -> None:
        self.lan = lan
        ranges, given = read("192.0.2.0/24", (), skip_ends=False)
        pool = Pool("eip", "192.0.2.0/24", ranges, given, protocol=Protocol.LAYER2, interface="eth0")
        shown = [f"192.0.2.{number}" for number in range(1, ADDRESSES + 1)]
        services = [Service(ServiceKey("default", text), pool_label="eip", ingress=(text,)) for text in shown]
        speakers = {name: Speaker(name, name, "1", (Link("eth0"),)) for name in lan.nodes}
        self.facts = Snapshot({"eip": pool}, {each.key: each for each in services}, speakers=speakers)
        self.judged = {name: speaker_plan.Judgement() for name in lan.nodes}
        self.lapses = dict.fromkeys(lan.nodes, 0)
        self.looked_at = dict.fromkeys(lan.nodes, -REST)
        self.told = dict.fromkeys(lan.nodes, frozenset[Address]())
        lan.watchers.append(self.look)

    def look(self, node: Node) -> None:
        """What a speaker does when it looks."""
        now, view, name = self.lan.now, node.vigil.view, node.name
        if now - self.looked_at[name] < REST or self.lan.nodes[name] is not node:
            return
        self.looked_at[name] = now
        if view.lapses != self.lapses[name]:
            self.lapses[name], self.judged[name] = view.lapses, speaker_plan.Judgement()
        if not view.joined:
            return
        hearing, heard = Hearing(), Heard(view.standings, 0.0)
        there = presence(name, self.facts.speakers, heard, hearing, (), now)
        seen = replace(self.facts, speakers=there.speakers)
        self.judged[name] = speaker_plan.judge(self.judged[name], seen, name, there.alive, names.LOAD_BALANCER_CLASS)
        if self.judged[name].plan.holds != self.told[name]:
            self.told[name] = self.judged[name].plan.holds
            self.lan.holds(name, self.told[name])

    def count(self) -> Counter[Address]:
        """How many nodes that are up answer for each address."""
        return Counter(
            claim.address
            for name, judged in self.judged.items()
            if self.lan.nodes[name].up and self.lan.nodes[name].running
            for claim in judged.plan.claims
        )

    def wrong(self) -> int:
        """How many addresses have not exactly one node."""
        found = self.count()
        return ADDRESSES - len(found) + sum(each != 1 for each in found.values())


def _owned() -> list[table.Row]:
    """A dozen nodes through losses, pauses and partitions; after each, how long until every address has one owner."""
    lan = Lan([f"node-{number}" for number in range(OWNERS)], seed=5)
    owners = Owners(lan)
    lan.run(TOGETHER)
    took: dict[str, list[float]] = {"a partition": [], "a node that was cut off": [], "a pause of 1 s": []}
    for turn in range(20):
        chosen = list(lan.nodes)[turn % OWNERS]
        for what, times in took.items():
            if what == "a partition":
                lan.cut(*lan.random.sample(list(lan.nodes), OWNERS // 2))
            elif what == "a node that was cut off":
                lan.cut(chosen)
            else:
                lan.pause(chosen)
            lan.run(1.0 if what == "a pause of 1 s" else 3.0)
            lan.heal()
            if what == "a pause of 1 s":
                lan.resume(chosen)
            times.append(_settled(lan, owners))
    return [
        table.bound(
            f"{OWNERS} simulated nodes, {ADDRESSES} addresses: after {what}, until each has one owner, p99 of {len(times)}",
            table.percentile(times, 99),
            at_most=1.0,
            unit="s",
            compared=f"p50 {table.percentile(times, 50):.2f} s",
        )
        for what, times in took.items()
    ] + [table.bound("addresses with two owners or none in the end", owners.wrong(), at_most=0)]


def _settled(lan: Lan, owners: Owners) -> float:
    """Seconds until it is so and has been for another one."""
    began, right_since = lan.now, lan.now
    while lan.now - right_since < 1.0 and lan.now - began < 10.0:
        lan.run(0.02)
        if owners.wrong():
            right_since = lan.now
    return right_since - began
