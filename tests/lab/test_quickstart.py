"""The quick start, from its own files: an address, the page from outside, and the address free again at the end."""

from collections.abc import Iterator

import pytest

from lab.cluster import Cluster
from lab.demo import address_of
from lab.wait import require, until
from openelb.model import names
from tests.lab import installed

EXAMPLES = installed.REPOSITORY / "examples" / "quickstart"


@pytest.fixture
def nginx(openelb: Cluster) -> Iterator[Cluster]:
    """The quick start's pool and its nginx, served by the named pool."""
    openelb.apply(EXAMPLES / "eip.yaml")
    openelb.apply(EXAMPLES / "nginx.yaml")
    openelb.rolled_out("deployment/nginx")
    installed.served(openelb, "nginx")
    yield openelb
    openelb.kubectl("delete", "deployment", "nginx", "--wait=false")


def test_a_service_of_a_named_pool_is_opened_from_the_lan_and_from_behind_the_router(nginx: Cluster) -> None:
    address = address_of(nginx, "nginx")
    until(lambda: installed.opened(nginx.client, address), what="the page on the LAN")
    nginx.site.router.forget_neighbours()
    until(lambda: installed.opened(nginx.remote, address), what="the page behind the router")
    assert nginx.kubectl("get", "service", "nginx", "--no-headers").split()[3] == address


def test_the_pool_says_how_much_of_it_is_in_use(nginx: Cluster) -> None:
    header, row = nginx.kubectl("get", "eip").splitlines()
    assert header.split() == ["NAME", "CIDR", "USAGE", "TOTAL"]
    assert row.split() == ["eip-pool", "10.79.0.240-10.79.0.250", "1", "11"]
    pool = installed.get_eip(nginx, "eip-pool")
    told = {key: pool["status"].get(key) for key in ("firstIP", "lastIP", "poolSize", "ready", "v4", "usage")}
    assert told == {
        "firstIP": "10.79.0.240",
        "lastIP": "10.79.0.250",
        "poolSize": 11,
        "ready": True,
        "v4": True,
        "usage": 1,
    }
    assert pool["metadata"]["finalizers"] == ["finalizer.ipam.kubesphere.io/v1alpha1"]


@pytest.mark.parametrize(
    ("files", "service", "addresses"),
    [
        pytest.param(("eip", "nginx-by-address"), "nginx-by-address", {"10.79.0.245"}, id="by spec.loadBalancerIP"),
        pytest.param(
            ("eip", "nginx-by-protocol"),
            "nginx-by-protocol",
            {f"10.79.0.{last}" for last in range(240, 251)},
            id="by protocol alone",
        ),
        pytest.param(
            ("eip", "eip-default", "nginx-by-default"),
            "nginx-by-default",
            {f"10.79.0.{last}" for last in range(220, 230)},
            id="from the default pool",
        ),
    ],
)
def test_an_address_is_given(files: tuple[str, ...], service: str, addresses: set[str], openelb: Cluster) -> None:
    for file in files:
        openelb.apply(EXAMPLES / f"{file}.yaml")
    select_the_page(openelb, service)
    assert installed.served(openelb, service) in addresses


def select_the_page(cluster: Cluster, service: str) -> None:
    """Have a web server that is there already behind the Service: starting another shows nothing here."""
    cluster.kubectl("patch", "service", service, "-p", '{"spec": {"selector": {"app": "page"}}}')


@pytest.mark.parametrize(
    ("command", "goes"),
    [
        pytest.param("delete service web --wait=false", True, id="deleted"),
        pytest.param("""patch service web -p {"spec":{"type":"ClusterIP"}}""", False, id="a ClusterIP Service"),
        pytest.param(f"annotate service web {names.OPT_IN}-", False, id="opted out"),
        pytest.param("""patch service web --type=json -p [{"op":"remove","path":"/metadata/annotations"}]""", False,
                     id="without any annotation"),
    ],
)  # fmt: skip
def test_an_address_is_free_again_and_silent_when_its_service_is(command: str, goes: bool, pool: Cluster) -> None:
    address = installed.serve(pool, "web")
    assert ledger(pool) == {address: "default/web"}

    pool.kubectl(*command.split())

    until(lambda: require(not ledger(pool), f"the ledger has {ledger(pool)}"), what=f"{address} to be free")
    until(lambda: silent(pool, address), what=f"silence about {address}")
    if goes:
        until(lambda: gone(pool), what="the end of the Service")
        return
    until(lambda: bare(pool), what="a Service that carries nothing of ours")


def ledger(cluster: Cluster) -> dict[str, str]:
    """Who holds which address of the pool."""
    return dict(installed.get_eip(cluster)["status"].get("used") or {})


def silent(cluster: Cluster, address: str) -> None:
    found = installed.owners(cluster, address)
    require(not found, f"answered by {', '.join(found)}")


def gone(cluster: Cluster) -> None:
    found = cluster.kubectl("get", "services", "--no-headers", "-o", "name").split()
    require("service/web" not in found, f"there are {found}")


def bare(cluster: Cluster) -> None:
    """Neither label, finalizer, address nor condition of ours is on the Service."""
    service = installed.get_service(cluster, "web")
    metadata, status = service["metadata"], service["status"]
    conditions = [each["type"] for each in status.get("conditions", ()) if each["type"].startswith("openelb.io/")]
    left = {
        "label": metadata.get("labels", {}).get(names.POOL_LABEL),
        "finalizers": metadata.get("finalizers"),
        "addresses": status["loadBalancer"].get("ingress"),
        "conditions": conditions,
    }
    require(not any(left.values()), f"it carries {left}")
