"""The site every lab has: a LAN with a control plane, nodes, a client and a router, and a client behind the router.

client 10.79.0.100 ──┐
control plane  .5  ──┤
nodes  .11 .12 .13 ──┼── switch "lan" ── .1 router 10.88.0.1 ── switch "far" ── 10.88.0.2 remote
"""

from dataclasses import dataclass

from lab.network import Host, Network

LAN = "10.79.0"
FAR = "10.88.0"
CONTROL_PLANE = f"{LAN}.5"
GATEWAY = f"{LAN}.1"


def node_address(number: int) -> str:
    """The address of node n1, n2, … on the LAN."""
    return f"{LAN}.{10 + number}"


@dataclass(frozen=True, slots=True)
class Site:
    """The hosts of one lab. `client` is on the nodes' LAN; `remote` reaches it through `router` only."""

    control_plane: Host
    nodes: tuple[Host, ...]
    client: Host
    router: Host
    remote: Host


def build(network: Network, *, workers: int = 3) -> Site:
    """Put up the site in an empty network."""
    lan, far = network.switch("lan"), network.switch("far")

    def on_lan(name: str, address: str) -> Host:
        host = network.host(name)
        host.attach(lan, "eth0", f"{address}/24")
        return host

    router = on_lan("router", GATEWAY)
    router.attach(far, "eth1", f"{FAR}.1/24")
    router.forward()
    remote = network.host("remote")
    remote.attach(far, "eth0", f"{FAR}.2/24")
    remote.route("default", via=f"{FAR}.1")
    site = Site(
        control_plane=on_lan("cp", CONTROL_PLANE),
        nodes=tuple(on_lan(f"n{number}", node_address(number)) for number in range(1, workers + 1)),
        client=on_lan("client", f"{LAN}.100"),
        router=router,
        remote=remote,
    )
    for host in (site.control_plane, *site.nodes, site.client):
        host.route("default", via=GATEWAY)
    for host in (site.control_plane, *site.nodes):
        host.forward()
    return site
