"""Whether the settings of this machine will trouble users, and what to do: a sentence for each trouble."""

from collections.abc import Collection
from enum import StrEnum

from openelb.model.host import HostSettings

IPVS = "kube-ipvs0"
"""The interface on which kube-proxy has the addresses of all Services, in mode ipvs."""

STRICT = 1  # rp_filter; 2 is loose (RFC 3704), and 0 is none

GOSSIP = 7946
"""TCP port of the memberlists of MetalLB's speakers and of those of OpenELB 0.6."""

WATCHED_PORTS = (GOSSIP,)


class Trouble(StrEnum):
    """What may be wrong; metrics have these words."""

    STRICT_ARP = "StrictARP"
    REVERSE_PATH = "ReversePath"
    ANOTHER = "AnotherLoadBalancer"


def troubles(
    settings: HostSettings, links: Collection[str], announced: Collection[str]
) -> dict[tuple[Trouble, str], str]:
    """By trouble and link (empty: all of the machine) a sentence. `links` are all on which layer 2 can be spoken, and `announced`
    those on which addresses are announced at present.
    """
    found = {}
    answering = sorted(link for link in links if settings.arp_ignore.get(link) == 0)
    if IPVS in settings.interfaces and answering:
        found[Trouble.STRICT_ARP, ""] = _answers_for_all(answering)
    for link in sorted(announced):
        if settings.rp_filter.get(link) == STRICT and settings.default_links and link not in settings.default_links:
            found[Trouble.REVERSE_PATH, link] = _drops(link, settings.default_links)
    if GOSSIP in settings.taken_ports:
        found[Trouble.ANOTHER, ""] = ANOTHER_SENTENCE
    return found


def _answers_for_all(links: Collection[str]) -> str:
    return (
        f"kube-proxy is in mode ipvs here (there is {IPVS}), and the kernel of this node answers ARP on {', '.join(links)} for the "
        "addresses of all Services, whoever announces them: set ipvs.strictARP: true in the configuration of kube-proxy, or "
        "net.ipv4.conf.all.arp_ignore=1 and net.ipv4.conf.all.arp_announce=2 on every node"
    )


def _drops(link: str, ways: Collection[str]) -> str:
    return (
        f"rp_filter of {link} is strict, and the default route of this node goes by {', '.join(sorted(ways))}: the kernel drops "
        f"what clients behind a router send to addresses that are announced on {link}. Set net.ipv4.conf.{link}.rp_filter=2"
    )


ANOTHER_SENTENCE = (
    f"a program listens on TCP port {GOSSIP} of this node, as the speakers of MetalLB and of OpenELB 0.6 do: two load balancers "
    "with the same addresses answer for each other's. Remove the other, or see that no address is in pools of both"
)
