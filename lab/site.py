"""The site every lab has: a LAN with a control plane, nodes, a client and a router, and a client behind the router.

client 10.79.0.100 ──┐
control plane  .5  ──┤
nodes  .11 .12 .13 ──┼── switch "lan" ── .1 router 10.88.0.1 ── switch "far" ── 10.88.0.2 remote

Each host has an IPv6 address that ends like its IPv4 one: fd00:79::100, fd00:79::5, …; fd00:88::2.
"""

from dataclasses import dataclass

from lab.network import Host, Network, Switch

LAN = "10.79.0"
FAR = "10.88.0"
LAN_IPV6 = "fd00:79:"
FAR_IPV6 = "fd00:88:"
CONTROL_PLANE = f"{LAN}.5"
GATEWAY = f"{LAN}.1"


def node_address(number: int) -> str:
    """The address on the LAN of node n1, n2, …; number 0 is the control plane's."""
    return f"{LAN}.{10 + number}" if number else CONTROL_PLANE


def ipv6_address(address: str) -> str:
    """The IPv6 address of the host that has this IPv4 address on the LAN or behind the router."""
    network, _, last = address.rpartition(".")
    prefix = {LAN: LAN_IPV6, FAR: FAR_IPV6}[network]
    return f"{prefix}:{last}"


@dataclass(frozen=True, slots=True)
class Site:
    """The hosts of one lab. `client` is on the nodes' LAN; `remote` reaches it through `router` only."""

    control_plane: Host
    nodes: tuple[Host, ...]
    client: Host
    router: Host
    remote: Host

    def hosts(self) -> tuple[Host, ...]:
        """All of them."""
        return (self.control_plane, *self.nodes, self.client, self.router, self.remote)


def hosts(prefix: str, *, workers: int = 3) -> Site:
    """The hosts of a lab by their names, whether they are up or not."""
    return Site(
        control_plane=Host(prefix, "cp"),
        nodes=tuple(Host(prefix, f"n{number}") for number in range(1, workers + 1)),
        client=Host(prefix, "client"),
        router=Host(prefix, "router"),
        remote=Host(prefix, "remote"),
    )


def build(network: Network, *, workers: int = 3) -> Site:
    """Put up the site in an empty network."""
    site = hosts(network.prefix, workers=workers)
    network.switch("lan")
    far = network.switch("far")
    _connect(network, site.router, GATEWAY)
    site.router.attach(far, "eth1", *_interfaces(f"{FAR}.1"))
    site.router.forward()
    network.host(site.remote.name)
    site.remote.attach(far, "eth0", *_interfaces(f"{FAR}.2"))
    _by_way_of(site.remote, f"{FAR}.1")
    _connect(network, site.client, f"{LAN}.100")
    _by_way_of(site.client, GATEWAY)
    for number, host in enumerate((site.control_plane, *site.nodes)):
        build_node(network, host, number)
    return site


def build_node(network: Network, host: Host, number: int) -> None:
    """Put up one node's host, or the control plane's (number 0), which is not there."""
    _connect(network, host, node_address(number))
    _by_way_of(host, GATEWAY)
    host.forward()


def _connect(network: Network, host: Host, address: str) -> None:
    network.host(host.name)
    host.attach(Switch(network.prefix, "lan"), "eth0", *_interfaces(address))


def _interfaces(address: str) -> tuple[str, str]:
    return f"{address}/24", f"{ipv6_address(address)}/64"


def _by_way_of(host: Host, gateway: str) -> None:
    for each in (gateway, ipv6_address(gateway)):
        host.route("default", via=each)
