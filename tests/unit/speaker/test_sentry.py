"""What a speaker tells of other machines that have its addresses."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address

import pytest

from openelb.announce.rivals import Manners, Rival
from openelb.kube.client import Client
from openelb.kube.config import Access
from openelb.kube.report import Reporter
from openelb.model.addresses import Address
from openelb.model.announcements import Claim
from openelb.model.cluster import Link, Speaker
from openelb.model.layer2 import Layer2Choices, OnConflict
from openelb.plan.node import Grounds
from openelb.speaker.sentry import DEPARTED, TOLD_ONE_BY_ONE, Sentry, manners
from tests.unit.builders import key, pool, service, snapshot, speaker

ADDRESS = IPv4Address("192.168.1.10")
FOREIGN = "02:00:5e:00:53:09"
FACTS = snapshot(pool(), service(shows=str(ADDRESS)))


def with_macs(one: Speaker, *macs: str) -> Speaker:
    return replace(one, links=tuple(Link(f"eth{number}", (), mac) for number, mac in enumerate(macs)))


@dataclass
class Threads:
    """What the threads of links found."""

    rivals: Mapping[str, Mapping[Address, Rival]] = field(default_factory=dict)
    manners: Manners | None = None


@dataclass
class World:
    now: float = 0.0
    threads: Threads = field(default_factory=Threads)

    def __post_init__(self) -> None:
        self.reporter = Reporter(Client(Access("")), "openelb-speaker", "n1", clock=lambda: self.now)
        self.sentry = Sentry(self.threads, "n1", self.reporter, clock=lambda: self.now)

    def look(self, *addresses: IPv4Address) -> list[str]:
        """The Events that follow when these are claimed elsewhere."""
        self.threads.rivals = {"eth0": dict.fromkeys(addresses, Rival(FOREIGN, OnConflict.DEFEND))}
        claims = {Claim(address, "eth0"): Grounds((key("web"),), "") for address in (ADDRESS, *addresses)}
        self.sentry.look(FACTS, frozenset(), claims)
        return [f"{event.kind} {event.name} {event.reason}" for event in self._events()]

    def _events(self):
        while self.reporter.waiting:
            yield self.reporter.next()


def test_the_service_is_told_once_whose_address_another_machine_has(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    assert world.look(ADDRESS) == ["Service web AddressClaimedElsewhere"]
    assert world.look(ADDRESS) == []
    assert f"another machine, {FOREIGN}, says that it has {ADDRESS}" in caplog.text
    assert len(caplog.records) == 1


def test_nothing_is_told_while_nobody_else_has_any() -> None:
    assert World().look() == []


def test_it_is_said_when_the_other_is_gone(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.look(ADDRESS)
    with caplog.at_level(logging.INFO):
        world.look()
        world.look()
    assert [record.message for record in caplog.records].count(
        f"nobody else has been heard to have {ADDRESS} on eth0 for a while"
    ) == 1


def test_a_machine_that_has_thousands_is_told_in_a_few_lines(caplog: pytest.LogCaptureFixture) -> None:
    assert len(World().look(*(ADDRESS + number for number in range(5000)))) <= TOLD_ONE_BY_ONE
    assert len(caplog.records) == TOLD_ONE_BY_ONE + 1


def test_a_rival_that_comes_and_goes_is_told_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    for _ in range(10):
        world.look(ADDRESS)
        world.look()
        world.now += 1.0
    assert [record.levelname for record in caplog.records].count("WARNING") == 1


def test_the_threads_are_told_the_macs_of_all_nodes_and_what_pools_want() -> None:
    wary = pool("wary", "192.168.2.0/24", layer2=Layer2Choices(on_conflict=OnConflict.YIELD))
    speakers = with_macs(speaker("n1"), "02:00:5e:00:53:01", "02:00:5e:00:53:02"), with_macs(speaker("n2"), FOREIGN)
    told = manners(snapshot(pool(), wary, *speakers))
    assert told is not None
    assert told.own == {"02:00:5e:00:53:01", "02:00:5e:00:53:02", FOREIGN}
    assert told.about(ADDRESS) is OnConflict.DEFEND
    assert told.about(IPv4Address("192.168.2.7")) is OnConflict.YIELD


def test_while_a_speaker_does_not_tell_its_macs_nobody_is_judged() -> None:
    assert manners(snapshot(pool(), with_macs(speaker("n1"), "02:00:5e:00:53:01"), speaker("n2"))) is None
    assert manners(snapshot(pool())) is None


def test_a_node_that_has_left_for_good_is_no_stranger_for_a_while() -> None:
    world = World()
    both = with_macs(speaker("n1"), "02:00:5e:00:53:01"), with_macs(speaker("n2"), "02:00:5e:00:53:02")
    world.sentry.look(snapshot(pool(), *both), frozenset(), {})
    own = []
    for world.now in (0.1, DEPARTED - 0.1, DEPARTED + 0.1):
        world.sentry.look(snapshot(pool(), both[0]), frozenset(), {})
        assert world.threads.manners is not None
        own.append(len(world.threads.manners.own))
    assert own == [2, 2, 1]
