"""The figures as Prometheus reads them."""

from collections.abc import Iterable
from ipaddress import ip_address, ip_network

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from openelb.announce.counts import LinkCounts
from openelb.announce.protocols import State
from openelb.model import names
from openelb.model.bgp import Family, FamilyCounts, Messages, Path, Session, SessionState
from openelb.model.cluster import PoolStatus, Protocol
from openelb.model.findings import Condition
from openelb.process import metrics
from openelb.wire import arp, ndp
from tests.unit.builders import pool, service, snapshot

BGP = {"peer", "family", "peerIP", "nodeName"}


def scraped(families: Iterable[Metric]) -> dict[str, float]:
    """Every sample by its name and labels as they are written: `name{eip="a"}`."""
    registry = CollectorRegistry()
    registry.register(metrics.Facts(lambda: families))
    samples = {}
    for family in text_string_to_metric_families(generate_latest(registry).decode()):
        assert family.documentation.endswith(".")
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
            assert sample.labels.keys() <= {"eip", "interface", "le", "protocol", "reason"} | BGP
            samples[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return samples


def of_manager(*facts: object, leads: bool = True) -> dict[str, float]:
    return scraped(metrics.manager(leads=leads, snapshot=snapshot(*facts)))


def waits(reason: str = "PoolExhausted") -> Condition:
    return Condition(names.ADDRESS_ALLOCATED, False, reason, "no address is free")


# Of the manager.


def test_before_it_has_looked_a_manager_tells_only_whether_it_leads() -> None:
    assert scraped(metrics.manager(leads=False, snapshot=None)) == {"openelb_leader": 0.0}


def test_the_leader_is_told() -> None:
    assert of_manager()["openelb_leader"] == 1.0
    assert of_manager(leads=False)["openelb_leader"] == 0.0


def test_pools_are_told_by_name() -> None:
    status = PoolStatus(size=256, usage=3, ready=True)
    assert of_manager(pool("a", status=status), pool("b")) == {
        "openelb_leader": 1.0,
        'openelb_pool_addresses{eip="a"}': 256.0,
        'openelb_pool_addresses{eip="b"}': 0.0,
        'openelb_pool_addresses_used{eip="a"}': 3.0,
        'openelb_pool_addresses_used{eip="b"}': 0.0,
        'openelb_pool_ready{eip="a"}': 1.0,
        'openelb_pool_ready{eip="b"}': 0.0,
        'openelb_conflicts{eip="a"}': 0.0,
        'openelb_conflicts{eip="b"}': 0.0,
        "openelb_services_waiting": 0.0,
    }


def test_a_pool_that_is_gone_is_not_told() -> None:
    seen = snapshot(pool("a"), pool("b"))
    registry = metrics.registry(lambda: metrics.manager(leads=True, snapshot=seen))
    assert b'eip="a"' in generate_latest(registry)
    seen = snapshot(pool("b"))
    assert b'eip="a"' not in generate_latest(registry)


def test_the_largest_pool_is_told() -> None:
    status = PoolStatus(size=2**63 - 1)
    assert of_manager(pool("a", status=status))['openelb_pool_addresses{eip="a"}'] == 2.0**63


def test_services_that_wait_for_an_address_are_counted() -> None:
    served = Condition(names.ADDRESS_ALLOCATED, True, "Allocated", "192.0.2.1 from Eip a")
    silent = Condition(names.ANNOUNCED, False, "NoSpeaker", "no speaker is alive")
    facts = [
        service("a", conditions=(waits(),)),
        service("b", conditions=(waits("NoPool"),)),
        service("c", conditions=(served, silent)),
        service("d"),
    ]
    assert of_manager(*facts)["openelb_services_waiting"] == 2.0


# Of a speaker.


def test_a_speaker_without_addresses_tells_who_is_alive() -> None:
    assert scraped(metrics.speaker({}, {}, 3)) == {"openelb_speakers_alive": 3.0}


@pytest.mark.parametrize(("protocol", "silences"), [("arp", arp.Silence), ("ndp", ndp.Silence)])
def test_what_is_done_on_a_link_is_told_by_its_name_and_by_protocol(
    protocol: str, silences: type[arp.Silence | ndp.Silence]
) -> None:
    counts = LinkCounts(reopened=8)
    frames = getattr(counts, protocol)
    frames.received, frames.answered, frames.announced, frames.send_errors = 5, 2, 7, 1
    frames.dropped[silences.NOT_CLAIMED] = 3
    told = scraped(metrics.speaker({"eth0": counts}, {"eth0": 4}, 1))
    dropped = {name: number for name, number in told.items() if name.startswith(f"openelb_{protocol}_dropped_total")}
    assert dropped.keys() == {
        f'openelb_{protocol}_dropped_total{{interface="eth0",reason="{silence.name.lower()}"}}' for silence in silences
    }
    assert sum(dropped.values()) == 3.0
    assert {name: number for name, number in told.items() if name not in dropped and number} == {
        "openelb_speakers_alive": 1.0,
        'openelb_announced_addresses{interface="eth0"}': 4.0,
        f'openelb_{protocol}_received_total{{interface="eth0"}}': 5.0,
        f'openelb_{protocol}_answered_total{{interface="eth0"}}': 2.0,
        f'openelb_{protocol}_announced_total{{interface="eth0"}}': 7.0,
        f'openelb_{protocol}_send_errors_total{{interface="eth0"}}': 1.0,
        'openelb_arp_reopened_total{interface="eth0"}': 8.0,
    }


def test_a_link_that_has_lost_its_addresses_has_none() -> None:
    told = scraped(metrics.speaker({"eth0": LinkCounts()}, {}, 1))
    assert told['openelb_announced_addresses{interface="eth0"}'] == 0.0


def test_there_is_no_series_for_each_service() -> None:
    few = of_manager(pool(), service("a"))
    many = of_manager(pool(), *(service(f"web-{number}") for number in range(100)))
    assert few.keys() == many.keys()


def test_each_protocol_tells_whether_it_can_be_announced() -> None:
    states = {
        Protocol.LAYER2: State(failures=3, in_a_row=1),
        Protocol.VIP: State(failures=2, well_at=7.0),
        Protocol.BGP: State(),
    }
    assert scraped(metrics.announcers(states)) == {
        'openelb_announcer_up{protocol="layer2"}': 0.0,
        'openelb_announcer_up{protocol="vip"}': 1.0,
        'openelb_announcer_up{protocol="bgp"}': 0.0,
        'openelb_announcer_failures_total{protocol="layer2"}': 3.0,
        'openelb_announcer_failures_total{protocol="vip"}': 2.0,
        'openelb_announcer_failures_total{protocol="bgp"}': 0.0,
    }


# Of any process.


def test_the_lag_of_the_event_loop_is_counted_by_its_size() -> None:
    pulse = metrics.Pulse()
    for lag in (0.0, 0.001, 0.03, 7.0):
        pulse.beat(lag)
    told = scraped(metrics.loop(pulse, age=2.5))
    named = 'openelb_event_loop_lag_seconds_bucket{le="%s"}'
    assert [told[named % bound] for bound in ("0.001", "0.025", "0.05", "5.0", "+Inf")] == [2, 2, 3, 3, 4]
    assert (told["openelb_event_loop_lag_seconds_count"], told["openelb_event_loop_lag_seconds_sum"]) == (4, 7.031)
    assert told["openelb_last_look_age_seconds"] == 2.5


def test_a_process_tells_what_it_uses_itself() -> None:
    page = generate_latest(metrics.registry(list)).decode()
    told = {family.name for family in text_string_to_metric_families(page)}
    assert {"process_resident_memory_bytes", "process_open_fds", "python_info"} <= told


# Of BGP.


def of_bgp(*sessions: Session, **facts: object) -> dict[str, float]:
    usual = {"node": "n1", "wanted": True, "well": True, "losses": {}, "paths": ()} | facts
    return scraped(metrics.bgp(metrics.BgpFacts(sessions={each.key: each for each in sessions}, **usual)))


def test_a_node_without_bgp_tells_nothing_of_it() -> None:
    assert of_bgp(wanted=False) == {}


def test_a_session_is_told_by_its_router() -> None:
    session = Session(
        "192.0.2.1",
        state=SessionState.ESTABLISHED,
        bfd_up=False,
        received=Messages(update=7),
        sent=Messages(update=3),
        counts=((Family.IPV6, FamilyCounts(received=5)),),
    )
    paths = [Path(ip_network(f"198.51.100.{number}/32"), ip_address("192.0.2.11")) for number in (1, 2)]
    again = Path(paths[0].prefix, paths[0].next_hop, identifier=1)
    assert of_bgp(session, losses={"192.0.2.1": 4}, paths=[*paths, again]) == {
        "openelb_bgp_up": 1.0,
        'openelb_bgp_prefixes{family="ipv4-unicast"}': 2.0,
        'openelb_bgp_prefixes{family="ipv6-unicast"}': 0.0,
        'openelb_bgp_session_up{peer="192.0.2.1"}': 1.0,
        'openelb_bgp_session_losses_total{peer="192.0.2.1"}': 4.0,
        'openelb_bgp_bfd_up{peer="192.0.2.1"}': 0.0,
        'openelb_bgp_updates_sent_total{peer="192.0.2.1"}': 3.0,
        'openelb_bgp_updates_received_total{peer="192.0.2.1"}': 7.0,
        'openelb_bgp_prefixes_received{family="ipv6-unicast",peer="192.0.2.1"}': 5.0,
        'session_up{nodeName="n1",peerIP="192.0.2.1"}': 5.0,
        'updates_total{nodeName="n1",peerIP="192.0.2.1"}': 7.0,
        'announced_prefixes_total{nodeName="n1",peerIP="192.0.2.1"}': 2.0,
    }


@pytest.mark.parametrize(("number", "state"), list(enumerate(("IDLE", "CONNECT", "ACTIVE", "OPENSENT", "OPENCONFIRM"))))
def test_a_session_that_is_not_there_has_its_state_as_upstream_counts_it(number: int, state: str) -> None:
    told = of_bgp(Session("192.0.2.1", state=SessionState[state]), well=False)
    assert told['session_up{nodeName="n1",peerIP="192.0.2.1"}'] == number
    assert (told["openelb_bgp_up"], told['openelb_bgp_session_up{peer="192.0.2.1"}']) == (0.0, 0.0)
    assert not [name for name in told if name.startswith("openelb_bgp_bfd")]
