"""Who can answer for addresses at this moment: what Leases say, and heartbeats, which know it sooner and without the API server.

A speaker that was heard counts by what is heard of it; one that never was, by its Lease. A process that is gone while its
kernel is there keeps its addresses for a grace, since that goes on forwarding: to move them would end connections.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from openelb.model.addresses import Address
from openelb.model.cluster import Link, Speaker
from openelb.model.layer2 import DEFAULTS, Layer2Choices, Profile
from openelb.plan.heard import UNKNOWN, Standing
from openelb.plan.liveness import TTL_FOUND_SECONDS, TTL_SECONDS, Hearing
from openelb.plan.liveness import alive as alive_by_lease


@dataclass(frozen=True, slots=True)
class Alive:
    """The nodes that can answer; `sooner` has those by other profiles and graces than the defaults, where they differ. To those
    that are `deaf` we are lost, and those that judge `without_us` have said so a moment ago.
    """

    nodes: frozenset[str] = frozenset()
    sooner: Mapping[Layer2Choices, frozenset[str]] = field(default_factory=dict)
    deaf: frozenset[str] = frozenset()
    without_us: frozenset[str] = frozenset()

    def of(self, choices: Layer2Choices) -> frozenset[str]:
        """The nodes for a pool with these choices."""
        return self.sooner.get(_timing(choices), self.nodes)


@dataclass(frozen=True, slots=True)
class Heard:
    """What heartbeats told: of each speaker that was heard, its standing. They are listened to `since` then (monotonic seconds,
    `inf`: they are not). Those that are `deaf` have said for a while that we are lost to them; the `near` ones speak to us all
    the time.
    """

    standings: Mapping[str, Standing] = field(default_factory=dict)
    since: float = math.inf
    deaf: frozenset[str] = frozenset()
    near: frozenset[str] = frozenset()


NOTHING = Heard()


@dataclass(frozen=True, slots=True)
class Presence:
    """Who is there; the speakers with those links that work, and what they hold; and the seconds after which time alone may
    change this.
    """

    alive: Alive
    speakers: Mapping[str, Speaker]
    again: float | None = None

    def without(self, node: str) -> "Presence":
        """The same, where that node is not there."""
        sooner = {timing: nodes - {node} for timing, nodes in self.alive.sooner.items()}
        return replace(self, alive=replace(self.alive, nodes=self.alive.nodes - {node}, sooner=sooner))


def presence(
    me: str,
    speakers: Mapping[str, Speaker],
    heard: Heard,
    hearing: Hearing,
    choices: Iterable[Layer2Choices],
    now: float,
    own_links: Iterable[Link] | None = None,
) -> Presence:
    """What node `me` is to hold of all `speakers`, itself included. `own_links` are its links at this moment, None where that
    is not known.
    """
    standings, by_lease = heard.standings, alive_by_lease(hearing, now)
    trusted = {node for node in by_lease if not _should_beat(speakers[node], node, heard, hearing, now)}
    timings = {_timing(each) for each in choices} | {_timing(DEFAULTS)}
    alive = {
        timing: frozenset(
            node
            for node in speakers
            if node == me or _is_there(standings.get(node, UNKNOWN), timing, now, by_lease=node in trusted)
        )
        for timing in timings
    }
    default = alive.pop(_timing(DEFAULTS))
    sooner = {timing: nodes for timing, nodes in alive.items() if nodes != default}
    working = {
        node: _working(speaker, standings.get(node, UNKNOWN), deaf=node in heard.deaf)
        for node, speaker in speakers.items()
    }
    if own_links is not None and me in working:
        there = {link.name for link in own_links}
        working[me] = _with(
            working[me], tuple(link for link in working[me].links if link.name in there), working[me].holds
        )
    deaf = heard.deaf & default
    return Presence(
        Alive(default, sooner, deaf, deaf & heard.near), working, _again(heard, speakers, hearing, timings, now)
    )


def unheard(standings: Mapping[str, Standing]) -> frozenset[str]:
    """The nodes that were heard and are lost."""
    return frozenset(node for node, standing in standings.items() if Profile.DEFAULT in standing.silent)


def silent_links(standings: Mapping[str, Standing]) -> frozenset[tuple[str, str]]:
    """The nodes that are heard, each with a link of theirs on which they are not any more."""
    return frozenset(
        (node, link)
        for node, standing in standings.items()
        for link in standing.silent_links.get(Profile.DEFAULT, frozenset())
    )


def deaf_to_us(standings: Mapping[str, Standing]) -> frozenset[str]:
    """The nodes that are heard and say that we are lost to them: what we send them does not arrive."""
    return frozenset(node for node, standing in standings.items() if _is_heard(standing) and standing.deaf)


def nobody_hears_us(standings: Mapping[str, Standing], deaf: frozenset[str]) -> bool:
    """Whether all who are heard are among those."""
    heard = {node for node, standing in standings.items() if _is_heard(standing)}
    return bool(heard) and heard <= deaf


def all_heard(me: str, speakers: Iterable[str], standings: Mapping[str, Standing]) -> bool:
    """Whether every other speaker is heard: then nobody needs their Leases to know it."""
    return all(node == me or _is_heard(standings.get(node, UNKNOWN)) for node in speakers)


def _is_heard(standing: Standing) -> bool:
    return standing.known and not standing.silent and standing.gone_since is None


def _is_there(standing: Standing, timing: Layer2Choices, now: float, *, by_lease: bool) -> bool:
    if not standing.known:
        return by_lease
    if standing.leaving or not standing.candidate or timing.profile in standing.silent:
        return False
    return not standing.is_gone(now, timing.restart_grace)


def _should_beat(speaker: Speaker, node: str, heard: Heard, hearing: Hearing, now: float) -> bool:
    """Whether it is lost although its Lease is good for long: that is so while all hear its heartbeats, and none came."""
    found = hearing.peers[node]
    if speaker.seconds <= TTL_SECONDS or found.renewed:
        return False
    return now - max(found.at, heard.since) >= TTL_FOUND_SECONDS


def _working(speaker: Speaker, standing: Standing, *, deaf: bool) -> Speaker:
    """The speaker as it is by its own latest word, without the links on which it is not heard. One that is deaf cannot be asked
    what it holds, and its Lease may say it.
    """
    if not standing.known:
        return speaker
    silent = standing.silent_links.get(Profile.DEFAULT, frozenset())
    links = tuple(
        link
        for link in speaker.links
        if link.name not in silent and (standing.links is None or link.name in standing.links)
    )
    return _with(speaker, links, standing.holds | speaker.holds if deaf else standing.holds)


def _with(speaker: Speaker, links: tuple[Link, ...], holds: frozenset[Address]) -> Speaker:
    if links == speaker.links and holds == speaker.holds:
        return speaker
    return replace(speaker, links=links, holds=holds)


def _timing(choices: Layer2Choices) -> Layer2Choices:
    return Layer2Choices(profile=choices.profile, restart_grace=choices.restart_grace)


def _again(
    heard: Heard, speakers: Mapping[str, Speaker], hearing: Hearing, timings: Iterable[Layer2Choices], now: float
) -> float | None:
    ends = [
        standing.gone_since + timing.restart_grace
        for standing in heard.standings.values()
        if standing.gone_since is not None
        for timing in timings
    ]
    ends += [
        max(found.at, heard.since) + TTL_FOUND_SECONDS
        for node, found in hearing.peers.items()
        if not found.renewed and node in speakers and speakers[node].seconds > TTL_SECONDS
    ]
    return min((end - now for end in ends if end > now), default=None)
