"""Figures for Prometheus, read from what is at the moment of the scrape: nothing to count twice, nothing to forget."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from openelb.announce.counts import Counts, LinkCounts
from openelb.announce.protocols import State
from openelb.model import names
from openelb.model.cluster import Protocol
from openelb.model.snapshot import Snapshot

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
        "openelb_event_loop_lag_seconds", "How late the event loop was, ten times a second.", buckets, pulse.total
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
    yield from (size, used, ready)
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
    yield from _frames("arp", "ARP requests", {link: count.arp for link, count in counts.items()})
    yield from _frames("ndp", "Neighbour solicitations", {link: count.ndp for link, count in counts.items()})


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
