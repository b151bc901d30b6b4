"""The kernel's rules follow what is announced, in a kernel of the test's own."""

import logging
import re
from dataclasses import dataclass, field
from ipaddress import ip_address

import pytest

from openelb.announce.unserved import AGAIN, Unserved
from openelb.model.announcements import Claim
from openelb.wire.nft import Table, Wish

A, B, SIX = (Claim(ip_address(text), "eth0") for text in ("192.0.2.10", "192.0.2.11", "2001:db8::10"))
BOTH, NEITHER = Wish(), Wish(ping=False, reject=False)


@dataclass
class World:
    """A kernel with at most one table, a time, and claims; it takes commands as `nft` does: whole or not at all."""

    wish: Wish = BOTH
    table: Table | None = None
    trouble: str = ""
    claims: frozenset[Claim] = frozenset()
    routed: frozenset[str] = frozenset()
    ready: bool = True
    now: float = 0.0
    reads: int = 0
    written: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.unserved = Unserved(
            self, self.wish, lambda: self.claims, lambda: self.ready, routed=lambda: self.routed, clock=lambda: self.now
        )

    async def read(self) -> Table | None:
        self.reads += 1
        if self.trouble:
            raise OSError(self.trouble)
        return self.table

    async def write(self, command: str) -> None:
        if self.trouble:
            raise OSError(self.trouble)
        there = self.table
        if command.startswith("add table"):
            there = self.wish.table(frozenset()) if "chain" in command else None
        for verb, texts in re.findall(r"(add|delete) element inet openelb \w+ \{ (.*) \}", command):
            named = frozenset(texts.split(", "))
            if there is None or (verb == "delete" and not named <= there.addresses):
                raise OSError("nft failed: No such file or directory")
            left = there.addresses | named if verb == "add" else there.addresses - named
            there = Table(there.marks, left)
        self.table = there
        self.written.append(command)

    async def route(self, *texts: str) -> None:
        self.routed = frozenset(texts)
        await self.announce(*self.claims)

    async def announce(self, *claims: Claim, after: float = 1.0) -> None:
        self.claims, self.now = frozenset(claims), self.now + after
        await self.unserved.look()

    @property
    def addresses(self) -> frozenset[str]:
        assert self.table
        return self.table.addresses


async def test_rules_are_for_what_is_announced() -> None:
    world = World()
    await world.announce(A, SIX)
    assert world.addresses == {"192.0.2.10", "2001:db8::10"}
    await world.announce(B, SIX)
    assert world.addresses == {"192.0.2.11", "2001:db8::10"}


async def test_what_changes_is_written_and_nothing_else() -> None:
    world = World()
    await world.announce(A, B)
    await world.announce(A, B, SIX)
    await world.announce(A, B, SIX)
    assert world.written[1:] == ["add element inet openelb ipv6 { 2001:db8::10 }\n"]
    assert world.reads == 1


async def test_rules_are_also_for_what_routers_send_here() -> None:
    world = World()
    await world.announce(A)
    await world.route("198.51.100.1", "198.51.100.0/24")
    assert world.addresses == {"192.0.2.10", "198.51.100.1", "198.51.100.0/24"}
    await world.route("192.0.2.10")
    await world.route()
    assert world.written[1:] == [
        "add element inet openelb ipv4 { 198.51.100.1 }\nadd element inet openelb ipv4_networks { 198.51.100.0/24 }\n",
        "add element inet openelb ipv4 { 192.0.2.10 }\ndelete element inet openelb ipv4 { 198.51.100.1 }\n"
        "delete element inet openelb ipv4_networks { 198.51.100.0/24 }\n",
        "delete element inet openelb ipv4 { 192.0.2.10 }\n",
    ]


async def test_a_restart_writes_nothing_anew() -> None:
    world = World(table=BOTH.table(frozenset({"192.0.2.10"})))
    await world.announce(A)
    assert world.written == []


async def test_until_it_is_known_what_to_announce_the_rules_stay() -> None:
    world = World(table=BOTH.table(frozenset({"192.0.2.10"})), ready=False)
    await world.announce()
    assert world.addresses == {"192.0.2.10"}
    world.ready = True
    await world.announce()
    assert world.addresses == frozenset()


async def test_an_address_that_moves_to_another_link_keeps_its_rules() -> None:
    world = World()
    await world.announce(A)
    await world.announce(Claim(A.address, "eth1"))
    assert world.addresses == {"192.0.2.10"}


async def test_what_somebody_took_away_is_put_back() -> None:
    world = World()
    await world.announce(A)
    world.table = None
    await world.announce(A, after=AGAIN)
    assert world.addresses == {"192.0.2.10"}


async def test_a_change_that_finds_something_else_looks_at_once() -> None:
    world = World()
    await world.announce(A, B)
    world.table = None
    await world.announce(A)
    await world.announce(A, after=0.25)
    assert world.addresses == {"192.0.2.10"}


async def test_a_kernel_without_rules_is_told_once_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    world = World(trouble="nft may not")
    for _ in range(100):
        await world.announce(A)
    assert world.reads <= 1 + 100 / AGAIN
    assert caplog.messages == [
        "pings of our addresses are not answered and packets for ports that no Service has are not rejected: "
        "nft may not; trying again every 30 s"
    ]
    world.trouble = ""
    await world.announce(A, after=AGAIN)
    assert world.addresses == {"192.0.2.10"}
    assert len(caplog.messages) == 2


async def test_only_what_is_missed_is_told(caplog: pytest.LogCaptureFixture) -> None:
    await World(wish=Wish(reject=False), trouble="nft may not").announce(A)
    assert caplog.messages == ["pings of our addresses are not answered: nft may not; trying again every 30 s"]


async def test_who_wishes_for_no_rules_leaves_none_and_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    world = World(wish=NEITHER, table=BOTH.table(frozenset()))
    await world.announce(A)
    assert world.table is None
    await World(wish=NEITHER, trouble="there is no nft").announce(A)
    for _ in range(100):
        await world.announce(A)
    assert world.reads == 1
    assert caplog.messages == []


async def test_who_leaves_for_good_leaves_no_rules() -> None:
    world = World()
    await world.announce(A)
    await world.unserved.remove()
    assert world.table is None


async def test_leaving_fails_for_no_kernel() -> None:
    world = World(trouble="nft may not")
    await world.unserved.remove()
