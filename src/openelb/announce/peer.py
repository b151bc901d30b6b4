"""What is known of another speaker from its heartbeats alone: by which ways it is heard, and what it told.

Times are seconds of one monotonic clock, given by the caller. Whether its datagrams are genuine was found out before.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from openelb.announce.pace import ALL_HOSTS, ALL_NODES, EDGE, HEARD_JUST_NOW, LINKED, OUT_OF_CONTACT, PACES
from openelb.model.addresses import Address
from openelb.model.layer2 import Profile
from openelb.plan.heard import UNKNOWN, Standing, Way
from openelb.wire.heartbeat import Beat, Flag, State, understood


@dataclass(slots=True)
class Hearing:
    """Of one way: when the peer was last heard on it, with which count it last beat and called, since when its port answers for
    nobody, when our own link to it came back, and when that peer was last spoken to. A call goes another way through the network,
    and may overtake a beat.
    """

    heard_at: float = -math.inf
    counter: int = 0
    called: int = 0
    gone_since: float | None = None
    refused_at: float = -math.inf
    linked_at: float = -math.inf
    said_at: float = -math.inf

    @property
    def is_known(self) -> bool:
        return self.heard_at > -math.inf

    def is_silent(self, now: float, profile: Profile) -> bool:
        if self.gone_since is not None:
            return now - self.refused_at > OUT_OF_CONTACT
        return now - self.heard_at > PACES[profile].lost

    def is_doubted(self, now: float, doubt: float) -> bool:
        """Whether it is silent for longer than it should, and not lost."""
        return doubt <= now - self.heard_at <= PACES[Profile.DEFAULT].lost

    def is_to_be_called(self, now: float) -> bool:
        """Whether what is sent to it alone may not arrive, though it is there."""
        return self.is_known and (self.is_silent(now, Profile.DEFAULT) or now - self.linked_at < LINKED)

    def next_check(self, now: float, doubt: float) -> float:
        """When something may follow from its silence next, if nothing is heard."""
        if self.gone_since is not None:
            times = [self.refused_at + OUT_OF_CONTACT]
        else:
            times = [self.heard_at + doubt, *(self.heard_at + pace.lost for pace in PACES.values())]
        return min((at + EDGE for at in times if at + EDGE > now), default=math.inf)


def all_on(way: Way) -> str:
    """The address of all hosts on the link that a way goes by, of the family by which the peer is spoken to."""
    return f"{ALL_NODES if ':' in way.address else ALL_HOSTS}%{way.by}"


class Peer:
    """One other speaker. `nonce` is 0 before it was heard, `echo` what proves to it that we hear it; `version` is of the state that
    it would tell, `has` of what it told; `meant` is the count of the last beat that was for us alone. It was `lost` until it told
    something since.
    """

    def __init__(self, node: str) -> None:
        self.node = node
        self.nonce = 0
        self.counter = self.meant = 0
        self.echo = (0, 0)
        self.flags = Flag(0)
        self.version = 0
        self.has = -1
        self.holds = frozenset[Address]()
        self.links: tuple[str, ...] | None = None
        self.ways: dict[Way, Hearing] = {}
        self.accused_by: dict[str, frozenset[Profile]] = {}
        self.told_at = -math.inf
        self.lost = False
        self.arriving_since: float | None = None
        self._pieces: dict[int, bytes] = {}
        self._of = (0, 0)

    def follow(self, ways: Sequence[Way], now: float) -> None:
        """These are the ways to it from now on. What was heard on those that stay counts on, and of one that is added nothing is
        known. Where none stays, it is to be heard on the others as soon as it was last heard on any: it is neither dead for ever nor
        alive for ever by ways that are new.
        """
        before = {way.address: hearing for way, hearing in self.ways.items()}
        linked = {way.address for way in self.ways if way.by}
        gone = [] if any(way.address in before for way in ways) else [each.heard_at for each in before.values()]
        latest = max(gone, default=-math.inf)
        self.ways = {way: before.get(way.address) or Hearing(heard_at=latest) for way in ways}
        for way, hearing in self.ways.items():
            if way.by and way.address in before and way.address not in linked:
                hearing.linked_at = now

    def begins(self, nonce: int, now: float) -> None:
        """Another process speaks for the node. What the one before held counts until this one has told; and until this one is a
        candidate, its addresses wait for it as they did when there was none.
        """
        if Flag.CANDIDATE in self.flags and not self.lost:
            self.arriving_since = self._gone_since() or now
        self.nonce, self.counter, self.flags, self.version, self.has = nonce, 0, Flag(0), 0, -1
        self.meant = 0
        self.accused_by.clear()
        for hearing in self.ways.values():
            hearing.counter = hearing.called = 0

    def is_watched_from(self, now: float) -> None:
        """Before, it spoke to us now and then."""
        for hearing in self.ways.values():
            if hearing.is_known:
                hearing.heard_at = max(hearing.heard_at, now)

    def is_old(self, way: Way, beat: Beat) -> bool:
        """Whether it came by that way before."""
        hearing = self.ways[way]
        return beat.sender.counter <= (hearing.called if Flag.CALL in beat.flags else hearing.counter)

    def way_from(self, address: str) -> Way | None:
        return next((way for way in self.ways if address == way.address or address in way.others), None)

    def reached_at(self, way: Way, now: float) -> tuple[str, ...]:
        """Where what is said to it is sent: to everybody on the link as well, while what is sent to it alone may not arrive."""
        is_cut_off = way.by and self.ways[way].is_to_be_called(now)
        return (way.address, all_on(way)) if is_cut_off else (way.address,)

    def heard(self, way: Way, beat: Beat, now: float) -> bool:
        """It lives; returns whether anything else follows from it, but that it goes on living."""
        hearing = self.ways[way]
        news = bool(self.accused_by) or hearing.gone_since is not None or hearing.is_silent(now, Profile.FAST)
        hearing.heard_at, hearing.gone_since = now, None
        if Flag.CALL in beat.flags:
            hearing.called = beat.sender.counter
        else:
            hearing.counter = beat.sender.counter
        self.accused_by.clear()
        before = self.flags, self.version
        if beat.sender.counter > self.counter:  # by another way, an older beat may come later
            self.counter, self.version = beat.sender.counter, beat.version
            self.flags = self.flags & Flag.LOST | beat.flags & (Flag.CANDIDATE | Flag.LEAVING)
            if Flag.CANDIDATE in self.flags:
                self.arriving_since = None
        if beat.sender.counter > self.meant and Flag.CALL not in beat.flags:
            self.meant, self.flags = beat.sender.counter, self.flags & ~Flag.LOST | beat.flags & Flag.LOST
        return news or before != (self.flags, self.version)

    def refused(self, way: Way, now: float) -> None:
        """Its kernel says that nobody listens at the port. Of one that was lost that is no news: it has begun anew, and its
        speaker has not; and one that was heard a moment ago listens, whatever somebody else says.
        """
        hearing = self.ways[way]
        if hearing.gone_since is None and (self.lost or now - hearing.heard_at < HEARD_JUST_NOW):
            return
        hearing.refused_at = now
        if hearing.gone_since is None:
            hearing.gone_since = now

    def learn(self, state: State) -> bool:
        """Take a piece of what it tells; True when that is complete."""
        if (state.version, state.total) != self._of:
            self._of, self._pieces = (state.version, state.total), {}
        self._pieces[state.index] = state.piece
        if len(self._pieces) < state.total:
            return False
        found = understood([self._pieces[index] for index in range(state.total)])
        self._of, self._pieces = (0, 0), {}
        if found is None:
            return False
        self.holds, self.links = found
        self.has = state.version
        self.lost = False
        return True

    def silence(self, now: float, profile: Profile) -> bool:
        """Whether it is heard by none of the ways on which it was heard before."""
        known = [hearing for hearing in self.ways.values() if hearing.is_known]
        return bool(known) and all(hearing.is_silent(now, profile) for hearing in known)

    def standing(self, now: float, quorum: int | None) -> Standing:
        """What is to be held of it. Of one that we do not watch ourselves, so many others have to say that it is lost."""
        if not self.nonce or not any(hearing.is_known for hearing in self.ways.values()):
            return UNKNOWN
        silent, silent_links, gone_since = frozenset[Profile](), dict[Profile, frozenset[str]](), None
        if quorum is None:
            silent, gone_since = self._silent(now), self._gone_since()
            silent_links = {profile: links for profile in Profile if (links := self._silent_links(now, profile))}
        else:
            accused = list(self.accused_by.values())
            silent = frozenset(each for each in Profile if sum(each in words for words in accused) >= quorum)
        if gone_since is None:
            gone_since = self.arriving_since
        return Standing(
            True,
            silent,
            {} if silent else silent_links,
            gone_since,
            Flag.CANDIDATE in self.flags or self.arriving_since is not None,
            Flag.LEAVING in self.flags,
            Flag.LOST in self.flags,
            self.holds,
            self.links,
        )

    def excuse(self, pause: float) -> None:
        """So long, nobody listened here."""
        for hearing in self.ways.values():
            hearing.heard_at += pause
            hearing.refused_at += pause

    def _gone_since(self) -> float | None:
        since = [hearing.gone_since for hearing in self.ways.values() if hearing.is_known]
        gone = [moment for moment in since if moment is not None]
        return max(gone) if gone and len(gone) == len(since) else None

    def _silent(self, now: float) -> frozenset[Profile]:
        return frozenset(profile for profile in Profile if self.silence(now, profile))

    def _silent_links(self, now: float, profile: Profile) -> frozenset[str]:
        return frozenset(
            way.link for way, hearing in self.ways.items() if hearing.is_known and hearing.is_silent(now, profile)
        )
