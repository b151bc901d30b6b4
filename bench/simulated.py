"""A LAN of speakers that watch each other, simulated: real judgement, and a clock and a network that are no more than numbers.

Messages pass as values: what a datagram looks like is not measured here. Chance comes from a seed.
"""

import heapq
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from random import Random

from openelb.announce.standings import Orders
from openelb.announce.vigil import Vigil
from openelb.model.addresses import Address
from openelb.model.layer2 import Profile
from openelb.plan.heard import Standing, Way
from openelb.wire.heartbeat import Message, told

LINK = "eth0"


@dataclass(slots=True)
class Node:
    """One speaker. `up` is its kernel and `running` its process; `paused` ones receive and do nothing."""

    name: str
    vigil: Vigil
    orders: Orders
    up: bool = True
    running: bool = True
    paused: bool = False
    queue: list[tuple[str, Message]] = field(default_factory=list)
    ticket: int = 0
    sent: int = 0


class Lan:
    """Nodes on one link; `loss` is the share of datagrams that vanish. A node in another `part` is out of reach, and
    nothing that a `mute` one sends arrives."""

    def __init__(
        self, names: Iterable[str], *, seed: int = 1, loss: float = 0.0, delay: float = 0.0002, fast: bool = False
    ) -> None:
        self.now = 0.0
        self.loss = loss
        self.delay = delay
        self.part: dict[str, int] = {}
        self.mute: set[str] = set()
        self.random = Random(seed)
        self.nodes: dict[str, Node] = {}
        self.watchers: list[Callable[[Node], None]] = []
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self._fast = fast
        self._ways: Mapping[str, tuple[Way, ...]] = {}
        for name in names:
            self.nodes[name] = self._made(name)
        for node in self.nodes.values():
            self._follow(node)
            self.holds(node.name, frozenset())

    def begin(self, name: str, holds: frozenset[Address] = frozenset()) -> Node:
        """Start a process on a node that is known, in place of the one before."""
        node = self.nodes[name] = self._made(name)
        self._follow(node)
        self.holds(name, holds)
        return node

    def _made(self, name: str) -> Node:
        return Node(name, Vigil(name, f"pod-{name}", self.random.getrandbits(63) | 1, now=self.now), Orders())

    def holds(self, name: str, holds: frozenset[Address], *, candidate: bool = True) -> None:
        """What the node holds from now on."""
        node = self.nodes[name]
        orders = replace(node.orders, version=node.orders.version + 1, pieces=told(holds, [LINK]), candidate=candidate)
        self._order(node, orders)

    def leaves(self, name: str) -> None:
        node = self.nodes[name]
        self._order(node, replace(node.orders, leaving=True))

    def reaches_the_api(self, name: str, at: float) -> None:
        """The API server answered the node at that moment."""
        node = self.nodes[name]
        self._order(node, replace(node.orders, answered_at=at))

    def kill(self, name: str) -> None:
        """End the process; its kernel stays."""
        self.nodes[name].running = False

    def lose(self, name: str) -> None:
        """Power off."""
        self.nodes[name].running = self.nodes[name].up = False

    def pause(self, name: str) -> None:
        self.nodes[name].paused = True

    def resume(self, name: str) -> None:
        node = self.nodes[name]
        node.paused = False
        self._step(node)

    def cut(self, *names: str) -> None:
        """These reach each other, and no one else."""
        for name in names:
            self.part[name] = 1 + max(self.part.values(), default=0) if name == names[0] else self.part[names[0]]

    def heal(self) -> None:
        self.part.clear()

    def run(self, seconds: float, until: Callable[[], bool] = lambda: False) -> float:
        """Let time pass; returns how much has when `until` was so, or all of it."""
        began, end = self.now, self.now + seconds
        while self._events and self._events[0][0] <= end:
            self.now, _, action = heapq.heappop(self._events)
            action()
            if until():
                return self.now - began
        self.now = end
        return seconds

    def standing(self, observer: str, of: str) -> Standing | None:
        return self.nodes[observer].vigil.view.standings.get(of)

    def lost(self, observer: str, of: str, profile: Profile = Profile.DEFAULT) -> bool:
        """Whether the observer holds it to be lost."""
        standing = self.standing(observer, of)
        return standing is not None and profile in standing.silent

    def _follow(self, node: Node) -> None:
        if self._ways.keys() != self.nodes.keys():
            self._ways = {name: (Way(LINK, name, LINK),) for name in self.nodes}
        self._order(
            node, replace(node.orders, peers=self._ways, settled=True, knows=frozenset(self._ways), fast=self._fast)
        )

    def _order(self, node: Node, orders: Orders) -> None:
        node.orders = orders
        node.vigil.follow(orders)
        self._at(0.0 if node.ticket else self.random.random() * 0.1, lambda: self._step(node))

    def _step(self, node: Node) -> None:
        if not node.running or node.paused or self.nodes.get(node.name) is not node:
            return
        for source, message in node.queue:
            node.vigil.receive(message, source, now=self.now)
        node.queue.clear()
        for address, message in node.vigil.due(now=self.now):
            node.sent += 1
            self._send(node, address, message)
        for watch in self.watchers:
            watch(node)
        node.ticket += 1
        ticket = node.ticket
        self._at(node.vigil.next_due() - self.now, lambda: self._step(node) if node.ticket == ticket else None)

    def _send(self, node: Node, address: str, message: Message) -> None:
        if "%" in address:
            for name in self.nodes:
                if name != node.name:
                    self._send(node, name, message)
            return
        if self.random.random() < self.loss or not self._is_way(node.name, address):
            return
        self._at(self.delay * (0.5 + self.random.random()), lambda: self._arrive(node, address, message))

    def _arrive(self, sender: Node, address: str, message: Message) -> None:
        there = self.nodes[address]
        if not self._is_way(sender.name, address) or not there.up:
            return
        if not there.running:
            sender.vigil.refused(address, now=self.now)
            return
        there.queue.append((sender.name, message))
        if len(there.queue) == 1:
            self._at(0.0, lambda: self._step(there))

    def _is_way(self, one: str, other: str) -> bool:
        return one not in self.mute and self.nodes[one].up and self.part.get(one, 0) == self.part.get(other, 0)

    def _at(self, after: float, action: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (self.now + max(after, 0.0), self._count, action))
