"""A real cluster serves a page to clients outside, and each fault does what it says and can be taken back."""

from collections.abc import Callable, Iterator

import pytest

from lab import faults, site
from lab.cluster import Cluster
from lab.controlplane import PORT
from lab.network import CommandError
from lab.wait import NotYetError, require, until

Fault = Callable[[Cluster, str, str], None]

ADDRESS, IPV6_ADDRESS = "10.79.0.250", "fd00:79::250"
PAGE, IPV6_PAGE = f"http://{ADDRESS}/", f"http://[{IPV6_ADDRESS}]/"
WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      topologySpreadConstraints:
        - {maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: DoNotSchedule,
           labelSelector: {matchLabels: {app: web}}}
      containers:
        - name: nginx
          image: nginx
          imagePullPolicy: IfNotPresent
          readinessProbe: {httpGet: {path: /, port: 80}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: LoadBalancer, ipFamilyPolicy: RequireDualStack, selector: {app: web}, ports: [{port: 80}]}
"""
INGRESS = f'{{"status": {{"loadBalancer": {{"ingress": [{{"ip": "{ADDRESS}"}}, {{"ip": "{IPV6_ADDRESS}"}}]}}}}}}'


@pytest.fixture(scope="module")
def web(shared_cluster: Cluster) -> Iterator[Cluster]:
    """Three web servers, one on each worker, behind an address that nobody announces: n1 is told to the clients by hand."""
    cluster = shared_cluster
    cluster.apply(WEB)
    cluster.rolled_out("deployment/web")
    cluster.kubectl("patch", "service", "web", "--subresource=status", "--type=merge", "-p", INGRESS)
    told = ("lladdr", cluster.node("n1").host.mac(), "dev", "eth0", "nud", "permanent")
    for host in (cluster.client, cluster.site.router):
        for address in (ADDRESS, IPV6_ADDRESS):
            host.ip("neigh", "replace", address, *told)
    until(lambda: welcome(cluster), what="the first page")
    yield cluster
    cluster.kubectl("delete", "service/web", "deployment/web")
    for host in (cluster.client, cluster.site.router):
        for address in (ADDRESS, IPV6_ADDRESS):
            host.ip("neigh", "del", address, "dev", "eth0")


def test_all_four_machines_are_ready(cluster: Cluster) -> None:
    assert cluster.ready_nodes() == {"cp", "n1", "n2", "n3"}


def test_only_the_control_plane_is_kept_free_of_ordinary_pods(cluster: Cluster) -> None:
    tainted = [item["metadata"]["name"] for item in cluster.get("/api/v1/nodes")["items"] if "taints" in item["spec"]]
    assert tainted == ["cp"]


@pytest.mark.parametrize("page", [PAGE, IPV6_PAGE])
def test_a_page_is_reached_from_the_lan_and_from_behind_the_router(page: str, web: Cluster, cluster: Cluster) -> None:
    until(lambda: require("Welcome to nginx!" in cluster.client.get(page), "another page"), what=page)
    assert "Welcome to nginx!" in cluster.remote.get(page)


def test_nodes_pods_and_services_have_both_families_ipv4_first(web: Cluster) -> None:
    node = web.get("/api/v1/nodes/n1")
    assert [each["address"] for each in node["status"]["addresses"] if each["type"] == "InternalIP"] == [
        "10.79.0.11",
        "fd00:79::11",
    ]
    for pod in web.get("/api/v1/namespaces/default/pods?labelSelector=app=web")["items"]:
        four, six = (each["ip"] for each in pod["status"]["podIPs"])
        assert (":" in four, ":" in six) == (False, True)
    assert web.get("/api/v1/namespaces/default/services/web")["spec"]["ipFamilies"] == ["IPv4", "IPv6"]


def test_nobody_answers_for_an_address_that_is_only_in_the_status(web: Cluster, cluster: Cluster) -> None:
    assert cluster.client.who_has(ADDRESS) == frozenset()


def test_an_answer_without_rights_is_a_refusal(cluster: Cluster) -> None:
    with pytest.raises(CommandError, match="forbidden"):
        cluster.kubectl("get", "secrets", "-A", "--as=system:serviceaccount:default:default")


def test_a_silent_cut_is_noticed_by_kubernetes_and_heals(cluster: Cluster) -> None:
    faults.cut(cluster, "n2")
    assert "n2" in cluster.ready_nodes(), "nothing tells Kubernetes at once"
    lost(cluster, "n2")
    faults.heal(cluster, "n2")
    cluster.wait_for_nodes()


def test_a_frozen_node_is_silent_but_its_kernel_forwards(web: Cluster, cluster: Cluster) -> None:
    faults.freeze(cluster, "n1")
    lost(cluster, "n1")
    assert cluster.client.who_has("10.79.0.11") == {cluster.node("n1").host.mac()}
    until(lambda: welcome(cluster), what="a page by way of the frozen node", timeout=20)
    faults.thaw(cluster, "n1")
    cluster.wait_for_nodes()


def test_a_node_that_is_off_answers_nothing_and_comes_back_as_it_was(cluster: Cluster) -> None:
    mac = cluster.node("n3").host.mac()
    faults.off(cluster, "n3")
    assert cluster.client.who_has("10.79.0.13") == frozenset()
    assert not cluster.node("n3").is_on()
    faults.on(cluster, "n3")
    until(lambda: require(cluster.node("n3").daemon("kubelet"), "no kubelet"), what="the kubelet of n3")
    assert cluster.client.who_has("10.79.0.13") == {mac}


def test_a_killed_kubelet_is_started_again(cluster: Cluster) -> None:
    before = faults.find(cluster, "kubelet", "n1")
    faults.kill(cluster, "kubelet", "n1")
    until(lambda: require(cluster.node("n1").daemon("kubelet") - before, "no other kubelet"), what="another kubelet")


# Each on a node of its own: a container that ends twice is started again only after a while.
@pytest.mark.parametrize(("end", "node"), [(faults.kill, "n2"), (faults.stop, "n3")])
def test_a_container_that_ends_is_started_again(end: Fault, node: str, web: Cluster, cluster: Cluster) -> None:
    before = faults.find(cluster, "web", node)
    end(cluster, "web", node)

    def another() -> None:
        try:
            require(not faults.find(cluster, "web", node) & before, "the same processes")
        except faults.NoSuchTargetError as none:
            raise NotYetError(str(none)) from none

    until(another, what=f"another web server on {node}")


def test_a_paused_container_answers_nothing_until_it_is_resumed(web: Cluster, cluster: Cluster) -> None:
    def states() -> set[str]:
        return {state(pid) for pid in faults.find(cluster, "web", "n2")}

    # A signal is sent at once and obeyed a moment later, on a busy machine.
    faults.pause(cluster, "web", "n2")
    until(lambda: require(states() == {"T"}, f"states {states()}"), what="the container to stand still", timeout=10)
    faults.resume(cluster, "web", "n2")
    until(lambda: require("T" not in states(), f"states {states()}"), what="the container to go on", timeout=10)


def test_a_word_that_names_no_process_says_what_there_is(cluster: Cluster) -> None:
    with pytest.raises(
        faults.NoSuchTargetError, match="nothing called 'speeker' runs on n1; there are containerd, kubelet"
    ):
        faults.kill(cluster, "speeker", "n1")


def test_the_page_is_served_while_the_api_server_is_away(web: Cluster, cluster: Cluster) -> None:
    faults.api_server_stop(cluster)
    with pytest.raises(OSError, match="refused"):
        cluster.ready_nodes()
    welcome(cluster)
    faults.api_server_start(cluster)
    assert cluster.ready_nodes() <= {"cp", "n1", "n2", "n3"}


def test_a_paused_api_server_answers_nothing_until_it_is_resumed(cluster: Cluster) -> None:
    faults.api_server_pause(cluster)
    with pytest.raises(OSError, match="timed out"):
        cluster.ready_nodes()
    faults.api_server_resume(cluster)
    cluster.ready_nodes()


def test_an_api_server_that_is_cut_off_can_be_asked_on_its_own_host_only(cluster: Cluster) -> None:
    faults.api_server_cut(cluster)
    assert readyz(cluster, "n1") == "no answer"
    cluster.ready_nodes()
    faults.api_server_heal(cluster)
    until(lambda: require(readyz(cluster, "n1") == "ok", "not yet"), what="an answer on n1")


def test_the_control_plane_comes_back_from_a_power_cut(cluster: Cluster) -> None:
    namespaces = cluster.kubectl("get", "namespaces", "-o", "name")
    faults.off(cluster, "cp")
    with pytest.raises(OSError, match="No such file"):
        cluster.ready_nodes()
    faults.on(cluster, "cp")
    assert cluster.kubectl("get", "namespaces", "-o", "name") == namespaces


def readyz(cluster: Cluster, host: str) -> str:
    """What the API server says when it is asked from a host whether it is ready."""
    question = ["curl", "--silent", "--insecure", "--max-time", "2", f"https://{site.CONTROL_PLANE}:{PORT}/readyz"]
    try:
        return cluster.node(host).host.run(question)
    except CommandError:
        return "no answer"


def welcome(cluster: Cluster) -> None:
    require("Welcome to nginx!" in cluster.client.get(PAGE), "another page")


def lost(cluster: Cluster, node: str) -> None:
    until(lambda: require(node not in cluster.ready_nodes(), "it is Ready"), what=f"{node} to be not Ready", timeout=60)


def state(pid: int) -> str:
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0]
