"""What the bench measures with: clusters of the right shape, questions with the right answers, figures of what they say."""

import json
from collections import Counter
from ipaddress import IPv4Network, ip_network
from pathlib import Path

import msgspec
import pytest

from bench import door, judging, objects
from bench.audit import Audit
from bench.cluster import parts
from bench.inherited import RELEASES, Release, left
from bench.measure import Burst, Figures, rows
from bench.objects import ALIVE, SPEAKER
from bench.side import Side
from openelb.kube import review
from openelb.manager.admission import judged
from openelb.model import names
from openelb.model.addresses import parse_address
from openelb.model.snapshot import Snapshot
from openelb.plan import cluster
from openelb.plan.ledger import ROOM
from tests.stories.upstream import pool_of, service_of

SMALL = 30


@pytest.mark.parametrize("count", [1, 2, 10, 100, 128])
def test_pools_share_a_network_evenly(count: int) -> None:
    network = IPv4Network("10.101.0.0/16")
    made = [ip_network(part) for part in parts(network, count)]
    assert len(made) == len(set(made)) == count
    assert all(part.subnet_of(network) for part in made)
    assert len({part.prefixlen for part in made}) == 1


@pytest.mark.parametrize("count", [100, 200])
def test_the_largest_burst_fits_its_pools(count: int) -> None:
    assert all(ip_network(part).num_addresses >= 20_000 / count for part in parts(IPv4Network("10.101.0.0/16"), count))


@pytest.mark.parametrize("name", ["named", "bound"])
def test_each_of_many_pools_serves_as_many_services(name: str) -> None:
    case = judging.CASES[name]
    waiting = objects.snapshot(case.eips(), [case.service(number) for number in range(3 * judging.POOLS)])
    plan = cluster.plan(waiting, ALIVE)
    assert {len(status.used) for status in plan.pools.values()} == {3}
    assert len(plan.pools) == judging.POOLS


@pytest.mark.parametrize("name", list(judging.CASES))
def test_every_case_is_measured_to_its_end(name: str) -> None:
    case = judging.CASES[name]
    times = judging.measure(judging.Case(SMALL, case.eips, case.service, rounds=1))
    assert times.services == SMALL
    assert all(seconds > 0 for seconds in msgspec.structs.astuple(times))


def test_large_pools_have_their_size() -> None:
    eights, sixty_fours = (judging.CASES[name].eips()[0] for name in ("/8", "/64"))
    sizes = [pool_of(json.loads(json.dumps(eip))).ranges.size for eip in (eights, sixty_fours)]
    assert sizes == [1 << 24, 1 << 64]


def test_questions_to_the_webhook_have_the_answers_that_are_expected() -> None:
    planner, seen, eip = door.cluster(300)  # more than are left where a shrink is refused
    asked = door.questions(eip)
    verdicts = {each.kind: judged(review.read(each.body, "Eip"), planner.facts(seen, 0.0)) for each in asked}
    assert [each.allowed for each in asked] == [not verdicts[each.kind].refusal for each in asked]
    assert "is in use by bench/service-0, " in verdicts["deletion refused"].refusal
    assert "fall out of it" in verdicts["shrink refused"].refusal


# What older releases have left.


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.name)
def test_what_a_release_left_agrees_with_itself(release: Release) -> None:
    of_it = left(release, SMALL)
    pool, services = pool_of(of_it.pool), [service_of(each) for each in of_it.services]
    assert len({service.key for service in services}) == SMALL
    held = {key: str(address) for address, keys in pool.status.used.items() for key in keys}
    assert held == {service.key: service.ingress[0] for service in services}
    assert all(parse_address(address) in pool.ranges for address in held.values())
    assert all(names.SERVICE_FINALIZER in service.finalizers for service in services)
    assert any(len(keys) > 1 for keys in pool.status.used.values())


def test_two_releases_left_different_services() -> None:
    several = [service_of(each).key for release in RELEASES for each in left(release, SMALL).services]
    assert len(set(several)) == len(several)


def test_what_was_left_keeps_its_addresses_and_is_written_once() -> None:
    clusters = [left(release, SMALL) for release in RELEASES]
    services = {one.key: one for each in clusters for one in map(service_of, each.services)}
    pools = {pool.name: pool for pool in (pool_of(each.pool) for each in clusters)}
    plan = cluster.plan(Snapshot(pools, services, speakers={SPEAKER.node: SPEAKER}), ALIVE)
    assert {key: to.ingress for key, to in plan.services.items()} == {key: one.ingress for key, one in services.items()}


# What the API server noted, and what is made of it.


def noted(verb: str, resource: str, namespace: str = "", name: str = "") -> str:
    about = {"resource": resource, "namespace": namespace, "name": name}
    return json.dumps({"verb": verb, "objectRef": {key: to for key, to in about.items() if to}}) + "\n"


def test_writes_are_counted_by_object_and_only_once(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    audit = Audit(log)
    log.write_text(noted("patch", "services", "bench", "web") + noted("get", "services", "bench", "web"))
    assert audit.writes_by_object() == {("bench", "services", "web"): 1}
    with log.open("a") as more:
        more.write(noted("update", "eips", name="pool") + noted("create", "eipallocations") + '{"verb": "pat')
    assert audit.writes() == {("", "eips"): 1, ("", "eipallocations"): 1}
    assert audit.writes() == {}


def burst(count: int, pools: int, seconds: float, cpu: float) -> Burst:
    writes = Counter({("bench", "services"): count, ("", "eips"): pools, ("", "eipallocations"): count // ROOM})
    return Burst(count, pools, seconds, writes, cpu, 60.0, 60.0)


def test_every_page_of_a_ledger_counts_as_a_write() -> None:
    assert burst(10_000, 10, 25.0, 10.0).writes_each == 1 + (10 + 10) / 10_000


def test_bursts_are_compared_with_those_over_as_many_pools() -> None:
    sizes = [(1000, 1), (20_000, 1), (20_000, 100)]
    figures = {side: Figures() for side in Side}
    for side, factor in ((Side.OURS, 1.2), (Side.HEARS, 1.0)):
        figures[side].bursts = [burst(count, pools, count * factor / 500, count / 1000) for count, pools in sizes]
    told = {row.what: row for row in rows(figures, sizes)}
    waiting = [row for what, row in told.items() if what.startswith("20000 Services that wait for ")]
    assert [row.verdict for row in waiting] == ["1.20 ×: reached"] * 2
    growth = [what for what in told if what.startswith("time for each of ")]
    assert growth == ["time for each of 20000 Services that wait for a pool"]
    assert told[growth[0]].verdict == "1.00 ×: reached"
