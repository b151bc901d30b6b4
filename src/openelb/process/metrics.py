"""Figures for Prometheus, read from what is at the moment of the scrape: nothing to count twice, nothing to forget."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from openelb.announce.counts import Counts, HeartbeatCounts, LinkCounts
from openelb.announce.protocols import State
from openelb.announce.rivals import Rival
from openelb.model import names
from openelb.model.addresses import Address
from openelb.model.bgp import Family, Path, Session, SessionState
from openelb.model.cluster import Protocol
from openelb.model.snapshot import Snapshot
from openelb.wire.heartbeat import Refusal

LAGS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Seconds; bounds of the histogram of how late the event loop is. Up to 100 ms nothing suffers, from 4 s on a speaker does."""

ALLOWED, REFUSED, FAILED, UNREADABLE = "allowed", "refused", "failed", "unreadable"
VERDICTS = (ALLOWED, REFUSED, FAILED, UNREADABLE)
"""How a question to the webhook may end: `failed` is what could not be judged and was allowed, `unreadable` was no question."""


@dataclass(slots=True)
class Pulse:
    """How late the event loop was, beat by beat: counts by the bounds of `LAGS`, the last one for what is beyond."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(LAGS) + 1))
    total: float = 0.0

    def beat(self, lag: float) -> None:
        """One more beat, so many seconds late."""
        self.counts[sum(lag > bound for bound in LAGS)] += 1
        self.total += lag


class Facts(Collector):
    """Metrics that are a function of what `read` gives."""

    def __init__(self, read: Callable[[], Iterable[Metric]]) -> None:
        self._read = read

    def collect(self) -> Iterable[Metric]:
        return self._read()


def registry(read: Callable[[], Iterable[Metric]]) -> CollectorRegistry:
    """A registry of a process: those facts, and what the process itself uses."""
    made = CollectorRegistry()
    made.register(Facts(read))
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=made)
    return made


def loop(pulse: Pulse, age: float) -> Iterable[Metric]:
    """How a process's event loop does: its lateness, and the seconds since the last step of its work."""
    bounds = [*map(str, LAGS), "+Inf"]
    buckets = list(zip(bounds, accumulate(pulse.counts), strict=True))
    yield HistogramMetricFamily(
        "openelb_event_loop_lag_seconds", "How late the event loop was, four times a second.", buckets, pulse.total
    )
    yield GaugeMetricFamily(
        "openelb_last_look_age_seconds", "Since the last step of the main loop; 0 while it waits to begin.", value=age
    )


def manager(*, leads: bool, snapshot: Snapshot | None) -> Iterable[Metric]:
    """What the manager knows; only the replica that leads knows of pools and Services."""
    yield GaugeMetricFamily("openelb_leader", "1 on the replica that leads.", value=float(leads))
    if snapshot is None:
        return
    size = GaugeMetricFamily("openelb_pool_addresses", "Addresses of an Eip.", labels=["eip"])
    used = GaugeMetricFamily("openelb_pool_addresses_used", "Addresses of an Eip that are in use.", labels=["eip"])
    ready = GaugeMetricFamily("openelb_pool_ready", "1 when the Eip's Ready condition is true.", labels=["eip"])
    for name, pool in snapshot.pools.items():
        size.add_metric([name], pool.status.size)
        used.add_metric([name], pool.status.usage)
        ready.add_metric([name], pool.status.ready)
    waiting = sum(
        any(condition.type == names.ADDRESS_ALLOCATED and not condition.status for condition in service.conditions)
        for service in snapshot.services.values()
    )
    taken = {one for speaker in snapshot.speakers.values() for one in speaker.found.taken}
    conflicts = GaugeMetricFamily(
        "openelb_conflicts", "Addresses of an Eip that another machine on a LAN has.", labels=["eip"]
    )
    for name, pool in snapshot.pools.items():
        conflicts.add_metric([name], sum(one in pool.ranges for one in taken))
    yield from (size, used, ready, conflicts)
    yield GaugeMetricFamily("openelb_services_waiting", "Services that wait for an address.", value=waiting)


def webhook(reviews: Mapping[str, int], ends: float) -> Iterable[Metric]:
    """How questions to the webhook have ended, and until when its certificate is valid (seconds since 1970; 0 without one)."""
    counted = CounterMetricFamily(
        "openelb_webhook_reviews", "Questions of API servers, by how they ended.", labels=["verdict"]
    )
    for verdict in VERDICTS:
        counted.add_metric([verdict], reviews.get(verdict, 0))
    yield counted
    yield GaugeMetricFamily(
        "openelb_webhook_certificate_expiry_timestamp_seconds",
        "When the certificate ends that the webhook shows; 0 on a replica that serves none.",
        value=ends,
    )


def announcers(states: Mapping[Protocol, State]) -> Iterable[Metric]:
    """How the announcer of each protocol does."""
    up = GaugeMetricFamily(
        "openelb_announcer_up", "1 when the last try to announce went well, 0 before any.", labels=["protocol"]
    )
    failures = CounterMetricFamily("openelb_announcer_failures", "Tries to announce that failed.", labels=["protocol"])
    for protocol, state in states.items():
        up.add_metric([protocol.value], float(state.is_well))
        failures.add_metric([protocol.value], state.failures)
    yield from (up, failures)


def host(troubles: Iterable[tuple[str, str]]) -> Metric:
    """What about this machine may trouble users, each with its link; the link is empty where it is not one's alone."""
    found = GaugeMetricFamily(
        "openelb_host_trouble", "1 while a setting of this node may trouble users.", labels=["trouble", "interface"]
    )
    for trouble, link in troubles:
        found.add_metric([trouble, link], 1.0)
    return found


def gateways(up: Mapping[str, bool]) -> Metric:
    """Whether gateways answer, by link, of those that ever have."""
    found = GaugeMetricFamily(
        "openelb_gateway_up", "1 while the gateway of the default route by a link answers.", labels=["interface"]
    )
    for link, answers in up.items():
        found.add_metric([link], float(answers))
    return found


def speaker(counts: Mapping[str, LinkCounts], claims: Mapping[str, int], alive: int) -> Iterable[Metric]:
    """What a speaker does, by link: never a series for each Service, of which there may be thousands."""
    yield GaugeMetricFamily("openelb_speakers_alive", "Speakers that this one holds to be alive.", value=alive)
    announced = GaugeMetricFamily(
        "openelb_announced_addresses", "Addresses this node answers for.", labels=["interface"]
    )
    for link in counts.keys() | claims.keys():  # a link that had addresses has none, which is a figure as well
        announced.add_metric([link], claims.get(link, 0))
    yield announced
    reopened = CounterMetricFamily(
        "openelb_arp_reopened", "Times that a link was begun with again after a trouble.", labels=["interface"]
    )
    for link, count in counts.items():
        reopened.add_metric([link], count.reopened)
    yield reopened
    by_kernel = CounterMetricFamily(
        "openelb_arp_answered_by_kernel", "ARP requests that the kernel answered.", labels=["interface"]
    )
    for link, count in counts.items():
        by_kernel.add_metric([link], count.by_kernel)
    yield by_kernel
    yield from _frames("arp", "ARP requests", {link: count.arp for link, count in counts.items()})
    yield from _frames("ndp", "Neighbour solicitations", {link: count.ndp for link, count in counts.items()})


def heartbeats(counts: HeartbeatCounts, heard: int) -> Iterable[Metric]:
    """How the speakers hear each other."""
    yield GaugeMetricFamily("openelb_heartbeat_peers", "Speakers whose heartbeats are heard.", value=heard)
    yield CounterMetricFamily("openelb_heartbeats_sent", "Datagrams sent to other speakers.", value=counts.sent)
    yield CounterMetricFamily(
        "openelb_heartbeats_received", "Datagrams that came to their port.", value=counts.received
    )
    refused = CounterMetricFamily("openelb_heartbeats_refused", "Datagrams that were not heeded.", labels=["reason"])
    for reason in Refusal:
        refused.add_metric([reason.value], counts.refused[reason])
    yield refused
    yield GaugeMetricFamily(
        "openelb_heartbeats_latest_seconds",
        "How late a heartbeat was at most, since the last scrape.",
        value=counts.worst(),
    )


def rivals(there: Mapping[str, Mapping[Address, Rival]]) -> Iterable[Metric]:
    """Other machines that have addresses of ours, by link."""
    found = GaugeMetricFamily(
        "openelb_addresses_claimed_elsewhere",
        "Addresses this node announces that another machine has as well.",
        labels=["interface"],
    )
    for link, by_address in there.items():
        found.add_metric([link], len(by_address))
    yield found


@dataclass(frozen=True, slots=True)
class BgpFacts:
    """What a node's BGP does: whether it is wanted and whether gobgpd does as it is told, its sessions, how often each was lost, and
    the paths that routers are told.
    """

    node: str
    wanted: bool
    well: bool
    sessions: Mapping[str, Session]
    losses: Mapping[str, int]
    paths: Collection[Path]


def bgp(facts: BgpFacts) -> Iterable[Metric]:
    """By router: its address, or the interface that it is reached by. Nothing on a node that is to speak no BGP."""
    if not facts.wanted:
        return
    yield GaugeMetricFamily("openelb_bgp_up", "1 while gobgpd runs and does as it is told.", value=float(facts.well))
    told = GaugeMetricFamily("openelb_bgp_prefixes", "Prefixes this node tells routers.", labels=["family"])
    prefixes = Counter(Family.of(prefix.version) for prefix in {path.prefix for path in facts.paths})
    for family in Family:
        told.add_metric([family.value], prefixes[family])
    yield told
    up = GaugeMetricFamily("openelb_bgp_session_up", "1 while the session is established.", labels=["peer"])
    bfd = GaugeMetricFamily("openelb_bgp_bfd_up", "1 while BFD is up, where it is asked for.", labels=["peer"])
    lost = CounterMetricFamily("openelb_bgp_session_losses", "Times that the session was lost.", labels=["peer"])
    updates = {
        way: CounterMetricFamily(f"openelb_bgp_updates_{way}", f"UPDATE messages {way}.", labels=["peer"])
        for way in ("sent", "received")
    }
    received = GaugeMetricFamily(
        "openelb_bgp_prefixes_received", "Prefixes that the router tells; none is used.", labels=["peer", "family"]
    )
    for peer, session in facts.sessions.items():
        up.add_metric([peer], float(session.is_established))
        lost.add_metric([peer], facts.losses.get(peer, 0))
        updates["sent"].add_metric([peer], session.sent.update)
        updates["received"].add_metric([peer], session.received.update)
        if session.bfd_up is not None:
            bfd.add_metric([peer], float(session.bfd_up))
        for family, counts in session.counts:
            received.add_metric([peer, family.value], counts.received)
    yield from (up, bfd, lost, *updates.values(), received)
    yield from _as_upstream(facts, sum(prefixes.values()))


def _as_upstream(facts: BgpFacts, prefixes: int) -> Iterable[Metric]:
    """Under the names that older releases have, for dashboards that are there."""
    labels = ["peerIP", "nodeName"]
    state = GaugeMetricFamily(
        "session_up", "0 IDLE, 1 CONNECT, 2 ACTIVE, 3 OPENSENT, 4 OPENCONFIRM, 5 ESTABLISHED.", labels=labels
    )
    updates = CounterMetricFamily("updates", "UPDATE messages received.", labels=labels)
    announced = GaugeMetricFamily(
        "announced_prefixes_total", "Prefixes this node tells an established router.", labels=labels
    )
    for peer, session in facts.sessions.items():
        state.add_metric([peer, facts.node], list(SessionState).index(session.state))
        updates.add_metric([peer, facts.node], session.received.update)
        announced.add_metric([peer, facts.node], prefixes if session.is_established else 0)
    yield from (state, updates, announced)


def _frames(protocol: str, questions: str, counts: Mapping[str, Counts]) -> Iterable[Metric]:
    """What was done by one protocol, by link."""
    families = {
        name: CounterMetricFamily(f"openelb_{protocol}_{name}", text, labels=["interface"])
        for name, text in (
            ("received", f"{questions} that passed the kernel's filter."),
            ("answered", f"{questions} answered."),
            ("announced", "Announcements sent to all."),
            ("send_errors", "Frames that could not be sent."),
        )
    }
    for link, count in counts.items():
        for name, family in families.items():
            family.add_metric([link], getattr(count, name))
    yield from families.values()
    dropped = CounterMetricFamily(
        f"openelb_{protocol}_dropped", f"{questions} not answered.", labels=["interface", "reason"]
    )
    for link, count in counts.items():
        for reason, number in count.dropped.items():
            dropped.add_metric([link, reason.name.lower()], number)
    yield dropped
