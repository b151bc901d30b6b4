"""Services of both families: each address is answered for by one node, and a client opens the page at both."""

import time
from collections.abc import Iterable, Iterator

import pytest

from lab import faults, site
from lab.asking import told
from lab.cluster import Cluster
from lab.wait import require, until
from openelb.model import names
from openelb.model.addresses import parse_address
from openelb.plan.placement import winner
from tests.lab import installed
from tests.lab.test_failover import PROMISED
from tests.lab.watching import page_views, questions

FOUR = [f"{site.LAN}.{last}" for last in range(160, 180)]
SIX = [f"{site.LAN_IPV6}:{last}" for last in range(160, 180)]
BOTH = f"{FOUR[0]}-{FOUR[-1]},{SIX[0]}-{SIX[-1]}"
REQUIRED = {"ipFamilyPolicy": "RequireDualStack", "ipFamilies": ["IPv4", "IPv6"]}
PREFERRED = {"ipFamilyPolicy": "PreferDualStack", "ipFamilies": ["IPv4", "IPv6"]}


def addresses(cluster: Cluster, name: str = "web", *, count: int) -> list[str]:
    """The addresses of a Service, when it has so many."""

    def look() -> list[str]:
        shown = [
            each["ip"] for each in installed.get_service(cluster, name)["status"]["loadBalancer"].get("ingress", ())
        ]
        require(len(shown) == count, f"it shows {shown}")
        return shown

    return until(look, what=f"{count} addresses of Service {name}")


def open_all(cluster: Cluster, shown: Iterable[str]) -> None:
    """Return when a client on the LAN and one behind the router have opened the page at all these addresses."""
    for address in shown:
        until(lambda at=address: installed.opened(cluster.client, at), what=f"the page at {address}")
        cluster.site.router.forget_neighbours()
        until(lambda at=address: installed.opened(cluster.remote, at), what=f"{address} from behind the router")


def announced(cluster: Cluster, name: str = "web") -> None:
    """Look whether the Service says that all its addresses are announced."""
    said = installed.condition(installed.get_service(cluster, name), names.ANNOUNCED)
    require(said["status"] == "True", said["message"])


def test_a_dual_stack_service_is_reached_by_both_families(openelb: Cluster) -> None:
    openelb.apply(installed.eip("four", f"{FOUR[0]}-{FOUR[-1]}"))
    openelb.apply(installed.eip("six", f"{SIX[0]}-{SIX[-1]}"))
    wanted = {**installed.OPTED_IN, names.POOLS: "four, six"}
    openelb.apply(installed.service("web", wanted, **REQUIRED))
    four, six = addresses(openelb, count=2)
    assert (four in FOUR, six in SIX) == (True, True)
    open_all(openelb, (four, six))
    announced(openelb)
    (owner,) = installed.owners(openelb, six)
    installed.opened(openelb.client, six)
    neighbour = openelb.client.ip("-6", "neigh", "show", six, "dev", "eth0")
    assert openelb.node(owner).host.mac() in neighbour
    assert f"{owner} answers for {six}" in installed.explain(openelb, "web")


def test_a_single_stack_ipv6_service_is_reached(openelb: Cluster) -> None:
    openelb.apply(installed.eip("six", f"{SIX[0]}-{SIX[-1]}", interface=f"can_reach:{site.LAN_IPV6}:1"))
    openelb.apply(installed.from_pool("web", "six", ipFamilies=["IPv6"]))
    (six,) = addresses(openelb, count=1)
    assert six in SIX
    open_all(openelb, [six])
    announced(openelb)


def test_a_service_that_prefers_both_families_gets_the_other_when_a_pool_has_it(openelb: Cluster) -> None:
    openelb.apply(installed.eip("four", f"{FOUR[0]}-{FOUR[-1]}"))
    openelb.apply(installed.service("web", {**installed.OPTED_IN, names.POOLS: "four, six"}, **PREFERRED))
    (four,) = addresses(openelb, count=1)
    until(lambda: installed.opened(openelb.client, four), what=f"the page at {four}")
    openelb.apply(installed.eip("six", f"{SIX[0]}-{SIX[-1]}"))
    assert addresses(openelb, count=2)[0] == four
    open_all(openelb, addresses(openelb, count=2))


@pytest.fixture
def local(openelb: Cluster) -> Iterator[Cluster]:
    """The same with web servers on n1 and n3."""
    openelb.apply(PAGES)
    openelb.rolled_out("daemonset/local")
    yield openelb
    openelb.kubectl("delete", "daemonset", "local", "--wait=false")


@pytest.mark.parametrize("policy", ["Cluster", "Local"])
@pytest.mark.parametrize("family", [4, 6])
def test_an_address_of_a_lost_node_is_answered_elsewhere_and_the_page_is_back_by_both(
    family: int, policy: str, request: pytest.FixtureRequest, openelb: Cluster
) -> None:
    nodes = [each.name for each in openelb.nodes]
    if policy == "Local":
        request.getfixturevalue("local")
        nodes = ["n1", "n3"]
    four = next(each for each in FOUR if owner(each, nodes) in NOT_THE_CONTROL_PLANE)
    rest = [node for node in nodes if node != owner(four, [each.name for each in openelb.nodes])]
    six = next(each for each in SIX if owner(each, rest) in NOT_THE_CONTROL_PLANE)
    openelb.apply(installed.eip("both", BOTH))
    asked = {**installed.OPTED_IN, names.ADDRESSES: f"{four}, {six}"}
    selector = {"app": "page" if policy == "Cluster" else "local"}
    openelb.apply(installed.service("web", asked, **REQUIRED, externalTrafficPolicy=policy, selector=selector))
    open_all(openelb, addresses(openelb, count=2))
    (here,), (there,) = (installed.owners(openelb, each) for each in (four, six))
    if policy == "Cluster":
        assert here != there
    lost = here if family == 4 else there
    with (
        questions(openelb, four) as by_arp,
        questions(openelb, six) as by_ndp,
        page_views(openelb.client, four) as pages,
        page_views(openelb.client, six) as pages_by_ipv6,
    ):
        by_arp.settled()
        by_ndp.settled()
        cut = time.monotonic()
        faults.cut(openelb, lost)
        for answers, views, at in ((by_arp, pages, here), (by_ndp, pages_by_ipv6, there)):
            if at == lost:
                silence, gap = answers.answered_without(lost, cut), views.back_after(cut)
                assert silence < PROMISED, told(answers.since(cut))
                assert gap < PROMISED + installed.PATIENCE, f"{gap:.2f} s without the page"
                print(f"{answers.address}: answered elsewhere after {silence:.2f} s, page after {gap:.2f} s")
        faults.heal(openelb, lost)
        openelb.wait_for_nodes()
        for answers, at in ((by_arp, here), (by_ndp, there)):
            assert answers.settled() in (nodes if at == lost else [at])


NOT_THE_CONTROL_PLANE = ("n1", "n2", "n3")


def owner(address: str, nodes: list[str]) -> str | None:
    parsed = parse_address(address)
    assert parsed is not None
    return winner(parsed, nodes)


PAGES = """
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: local}
spec:
  selector: {matchLabels: {app: local}}
  template:
    metadata: {labels: {app: local}}
    spec:
      affinity:
        nodeAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
            nodeSelectorTerms:
              - matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [n1, n3]}]
      terminationGracePeriodSeconds: 0
      containers:
        - name: nginx
          image: nginx
          imagePullPolicy: IfNotPresent
          readinessProbe: {httpGet: {path: /, port: 80}, periodSeconds: 1}
"""
