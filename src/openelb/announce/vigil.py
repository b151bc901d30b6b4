"""One speaker's watch over the others: which datagrams it sends and when, and what follows from those it receives.

No socket, no clock, no thread: messages and times in and out. A few nodes all beat for each other. In a larger cluster
each beats for its eight neighbours on a ring, so that what a node sends does not grow with the cluster, and those that lose
one tell all others. Times are seconds of one monotonic clock.

A beat proves that its sender lives when it echoes what we sent of late, or continues the count of a process that did so
before: what was recorded earlier proves nothing.
"""

import math
from collections import deque
from collections.abc import Iterable, Mapping

from openelb.announce import pace as paces
from openelb.announce.peer import Peer, all_on
from openelb.announce.ring import QUORUM, neighbours, quorum, unaware
from openelb.announce.standings import Orders, View
from openelb.model.layer2 import Profile
from openelb.plan.heard import Standing, Way
from openelb.wire.heartbeat import Beat, Flag, Message, Refusal, Sender, State, Verdict


class Vigil:
    """The watch of one process; `nonce` is a random number that no other process has."""

    def __init__(self, node: str, pod: str, nonce: int, *, now: float) -> None:
        self._node, self._pod, self._nonce = node, pod, nonce
        self._counter = 0
        self._sent: deque[tuple[int, float]] = deque()
        self._orders = Orders()
        self._peers: dict[str, Peer] = {}
        self._sources = frozenset[str]()
        self._watched: tuple[Peer, ...] = ()
        self._others: tuple[Peer, ...] = ()
        self._turn = self._calls = 0
        self._round_at = now
        self._out: list[tuple[str, Message]] = []
        self._spread: list[tuple[float, Verdict | None]] = []
        self._stepped_at = now
        self._beat_at = -math.inf
        self._heard = False
        self._check_at = -math.inf
        self._joining_since: float | None = now
        self._standings: dict[str, Standing] = {}
        self._lapses = self._returns = 0
        self._has_met = False
        self._changed: set[Peer] = set()
        self.view = View()

    @property
    def pace(self) -> paces.Pace:
        """How it beats at present."""
        return paces.PACES[Profile.FAST if self._orders.fast else Profile.DEFAULT]

    def follow(self, orders: Orders) -> None:
        """Do this from now on."""
        before, self._orders = self._orders, orders
        if orders.peers != before.peers:
            self._meet(orders.peers)
        if (orders.version, orders.candidate, orders.leaving) != (before.version, before.candidate, before.leaving):
            self._beat_at = -math.inf
            self._spread_word()

    def expects(self, address: str) -> bool:
        """Whether a peer speaks from there."""
        return address in self._sources

    def is_spoken_by(self, address: str, nonce: int) -> bool:
        """Whether a process with that number was heard from there."""
        return any(peer.nonce == nonce and peer.way_from(address) for peer in self._watched)

    def receive(self, message: Message, source: str, *, now: float) -> Refusal | None:
        """Heed what came from that address, or say why not."""
        self._wake(now)
        peer = self._peers.get(message.sender.node)
        way = peer.way_from(source) if peer else None
        if peer is None or way is None:
            return Refusal.UNKNOWN_SENDER
        if isinstance(message, Beat):
            return self._hear(peer, way, message, now)
        if message.sender.nonce != peer.nonce:
            return Refusal.REPLAYED
        if message.sender.counter < peer.counter - paces.LONG_AGO:
            return Refusal.REPLAYED
        if isinstance(message, State):
            if message.version == peer.version and message.version != peer.has:
                self._changed.add(peer)
                peer.learn(message)
            return None
        return self._judge(peer, message)

    def refused(self, address: str, *, now: float) -> None:
        """The kernel of a peer said that nobody listens at the port."""
        for peer in self._watched:
            if peer.nonce and (way := peer.way_from(address)):
                peer.refused(way, now)
                self._changed.add(peer)

    def due(self, *, now: float) -> list[tuple[str, Message]]:
        """What to send now, with the address for each."""
        self._wake(now)
        self._sent.append((self._counter, now))
        while now - self._sent[0][1] > paces.FRESH:
            self._sent.popleft()
        if now - self._beat_at >= self.pace.every * (paces.EARLY if self._heard else 1.0):
            self._beat_at, self._calls = now, self._calls + 1
            self._beat(now)
        self._heard = False
        if now >= self._check_at:
            self._check(now)
        self._spread_out(now)
        self._look(now)
        out, self._out = self._out, []
        return out

    def _wake(self, now: float) -> None:
        """After a time in which we stood still, the others have not been silent for that long, and we may be lost to them."""
        pause, self._stepped_at = now - self._stepped_at, now
        if pause > paces.PACES[Profile.DEFAULT].lost:
            for peer in self._watched:
                peer.excuse(pause)
            self._lapse(now)

    def next_due(self) -> float:
        """When to call `due` if nothing comes before."""
        times = [self._beat_at + self.pace.every, self._check_at, *(at for at, _ in self._spread)]
        return max(min(times), self._stepped_at + paces.REPLY_REST)

    def _meet(self, ways: Mapping[str, tuple[Way, ...]]) -> None:
        if not self._peers and not self._lapses and not self._has_met:
            self._joining_since, self._has_met = self._stepped_at, bool(ways.keys() - {self._node})
        before = set(self._watched)
        self._peers = {node: self._peers.get(node) or Peer(node) for node in ways if node != self._node}
        for node, peer in self._peers.items():
            peer.follow(ways[node], self._stepped_at)
        self._sources = frozenset(
            address for peer in self._peers.values() for way in peer.ways for address in (way.address, *way.others)
        )
        watched = neighbours(self._node, self._peers)
        self._watched = tuple(peer for node, peer in self._peers.items() if node in watched)
        for peer in self._watched:
            if peer not in before and not peer.accused_by:
                peer.is_watched_from(self._stepped_at)
        self._others = tuple(peer for node, peer in self._peers.items() if node not in watched)
        for node in self._standings.keys() - self._peers.keys():
            del self._standings[node]
        self._changed.update(self._peers.values())
        self._spread_word()

    def _spread_word(self) -> None:
        """Those that are no neighbours are to hear of us, and what is new of us."""
        if self._others:
            self._spread += [(self._stepped_at + after, None) for after in paces.SPREAD]

    def _hear(self, peer: Peer, way: Way, beat: Beat, now: float) -> Refusal | None:
        peer.echo = beat.sender.nonce, beat.sender.counter
        if beat.sender.nonce != peer.nonce:
            self._say(peer, way, now)
            if not self._is_fresh(beat.echo):  # genuine as it may be, it may have been recorded; who lives echoes ours
                return None
            peer.begins(beat.sender.nonce, now)
            self._changed.add(peer)
        elif peer.is_old(way, beat):
            return Refusal.REPLAYED
        self._notice(peer, way, now)
        self._heard = True
        if peer.heard(way, beat, now):
            self._changed.add(peer)
            self._check_at = min(self._check_at, now)
        if Flag.LOST in beat.flags and self._joining_since is not None and not self._lapses:
            self._lapse(now)
        if Flag.TELL in beat.flags and peer.node in self._orders.knows and now - peer.told_at >= self._tell_rest():
            peer.told_at = now
            self._tell(peer.reached_at(way, now))
        lacks = peer.version != peer.has and now - peer.ways[way].said_at >= paces.TELL_REST
        if Flag.ANSWER in beat.flags or lacks:
            self._say(peer, way, now)
        return None

    def _notice(self, peer: Peer, way: Way, now: float) -> None:
        """Before a peer is heard that was silent: was it, or were we?"""
        before = peer.ways[way]
        if peer not in self._watched or not before.is_known or not before.is_silent(now, Profile.DEFAULT):
            return
        self._returns += 1
        peer.has = -1  # it may hold otherwise by now, and is to tell
        if peer.counter and self._was_alone(way, now) and self._orders.answered_at < before.heard_at:
            self._lapse(now)

    def _was_alone(self, way: Way, now: float) -> bool:
        there = [hearing for peer in self._watched for each, hearing in peer.ways.items() if each.by == way.by]
        return all(hearing.is_silent(now, Profile.DEFAULT) for hearing in there if hearing.is_known)

    def _lapse(self, now: float) -> None:
        """Others may have taken us for lost: nothing they told counts before they tell it anew."""
        self._lapses += 1
        self._joining_since = now
        for peer in self._peers.values():
            peer.has = -1
        self._spread_word()

    def _judge(self, peer: Peer, verdict: Verdict) -> Refusal | None:
        subject = self._peers.get(verdict.subject)
        if subject is None or subject in self._watched or verdict.nonce != subject.nonce:
            return None
        subject.accused_by.pop(peer.node, None)
        if verdict.lost:
            subject.accused_by[peer.node] = verdict.lost
        self._changed.add(subject)
        return None

    def _is_fresh(self, echo: tuple[int, int]) -> bool:
        nonce, counter = echo
        return nonce == self._nonce and bool(self._sent) and self._sent[0][0] <= counter <= self._counter

    def _beat(self, now: float) -> None:
        for peer in self._watched:
            for way, hearing in peer.ways.items():
                if hearing.gone_since is None or now - hearing.said_at >= paces.GONE_REST:
                    self._say(peer, way, now, rest=0.0)
                if way.by and hearing.is_to_be_called(now):
                    self._call(peer, way, now)
        if self._others and now - self._round_at >= paces.ROUND:
            self._round_at, self._turn = now, self._turn + 1
            peer = self._others[self._turn % len(self._others)]
            for way in peer.ways:
                self._say(peer, way, now)

    def _call(self, peer: Peer, way: Way, now: float) -> None:
        """Call one that is silent by multicast as well, or whom we were cut off from: ARP must find the way anew, which takes the
        kernel up to a second, and for as long two nodes would answer.
        """
        if now - peer.ways[way].heard_at < paces.CALLING or self._calls % paces.SELDOM == 0:
            self._counter += 1
            beat = Beat(self._sender(), self._flags(peer) | Flag.CALL, peer.echo, self._orders.version)
            self._out.append((all_on(way), beat))

    def _check(self, now: float) -> None:
        """Who has been silent for longer than it should is asked more often, and answers at once; who is for long is judged."""
        self._check_at = math.inf
        for peer in self._watched:
            for way, hearing in peer.ways.items():
                if not hearing.is_known:
                    continue
                if hearing.gone_since is None and hearing.is_doubted(now, self.pace.doubt):
                    if now - hearing.said_at >= self.pace.ask:
                        self._say(peer, way, now)
                    self._check_at = min(self._check_at, hearing.said_at + self.pace.ask)
                if hearing.is_silent(now, Profile.FAST):
                    self._changed.add(peer)
                self._check_at = min(self._check_at, hearing.next_check(now, self.pace.doubt))

    def _say(self, peer: Peer, way: Way, now: float, *, rest: float = paces.REPLY_REST) -> None:
        hearing = peer.ways[way]
        if now - hearing.said_at < rest:
            return
        hearing.said_at = now
        self._counter += 1
        flags = self._flags(peer)
        if hearing.is_doubted(now, self.pace.doubt) or not peer.nonce:
            flags |= Flag.ANSWER
        if peer.lost:
            flags |= Flag.LOST
        beat = Beat(self._sender(), flags, peer.echo, self._orders.version)
        self._out.append((way.address, beat))

    def _flags(self, peer: Peer) -> Flag:
        """What we are, and whether that peer is to tell what it holds."""
        flags = Flag.CANDIDATE if self._orders.candidate else Flag(0)
        flags |= Flag.LEAVING if self._orders.leaving else Flag(0)
        return flags | Flag.TELL if peer.version != peer.has else flags

    def _tell(self, addresses: Iterable[str]) -> None:
        version, pieces, sender = self._orders.version, self._orders.pieces, self._sender()
        said = [State(sender, version, index, len(pieces), piece) for index, piece in enumerate(pieces)]
        self._out += [(address, each) for address in addresses for each in said]

    def _tell_rest(self) -> float:
        """Who holds much tells it more seldom: whoever hears more of one node in a second takes it for a flood."""
        return max(paces.TELL_REST, len(self._orders.pieces) / paces.PIECES_A_SECOND)

    def _sender(self) -> Sender:
        return Sender(self._node, self._pod, self._nonce, self._counter)

    def _spread_out(self, now: float) -> None:
        """Tell what is due to be told to those that it is for: a verdict, or with a beat that we have changed."""
        due = [message for at, message in self._spread if at <= now]
        self._spread = [entry for entry in self._spread if entry[0] > now]
        for message in dict.fromkeys(due):
            for peer in self._audience(message):
                for way in list(peer.ways)[:1]:
                    if message is None:
                        self._say(peer, way, now)
                    else:
                        self._out.append((way.address, message))

    def _audience(self, verdict: Verdict | None) -> Iterable[Peer]:
        """Who is to hear a verdict, or that we have changed."""
        if verdict is None:
            return self._others
        strangers = unaware(verdict.subject, [self._node, *self._peers])
        return [peer for peer in self._peers.values() if peer.node in strangers]

    def _look(self, now: float) -> None:
        """Judge anew who may have changed, and say so."""
        joined = self._orders.settled and self._has_joined(now)
        changed = self._standings.keys() != self.view.standings.keys()
        for peer in self._changed:
            standing = peer.standing(now, self._quorum(peer))
            peer.lost |= Profile.DEFAULT in standing.silent or standing.is_gone(now, self._orders.grace)
            if standing != self._standings.get(peer.node):
                self._proclaim(peer, standing, now)
                self._standings[peer.node] = standing
                changed = True
        self._changed.clear()
        if changed or (self._lapses, self._returns, joined) != (self.view.lapses, self.view.returns, self.view.joined):
            self.view = View(dict(self._standings), self._lapses, self._returns, joined)

    def _quorum(self, peer: Peer) -> int | None:
        if peer in self._watched or not peer.accused_by:
            return None if peer in self._watched else QUORUM
        return quorum(peer.node, [self._node, *self._peers], self._standings)

    def _proclaim(self, peer: Peer, standing: Standing, now: float) -> None:
        """A neighbour is lost, or is no longer: those who do not watch it are told."""
        before = self._standings.get(peer.node)
        told = Profile if self._orders.fast else (Profile.DEFAULT,)
        was, is_ = (each.silent.intersection(told) if each else frozenset[Profile]() for each in (before, standing))
        if was != is_ and self._others and peer in self._watched:
            verdict = Verdict(self._sender(), peer.node, peer.nonce, is_)
            self._spread = [each for each in self._spread if not each[1] or each[1].subject != peer.node]
            self._spread += [(now + after, verdict) for after in paces.SPREAD]

    def _has_joined(self, now: float) -> bool:
        """Whether all candidates that are there have told what they hold, or had their time."""
        if self._joining_since is None:
            return True
        waited = now - self._joining_since
        if (waited < paces.JOIN_FIRST and self._peers) or (waited < paces.JOIN_LAST and self._untold(now)):
            return False
        self._joining_since = None
        return True

    def _untold(self, now: float) -> bool:
        return any(
            peer.has != peer.version
            for peer in self._peers.values()
            if Flag.CANDIDATE in peer.flags and not peer.silence(now, Profile.DEFAULT)
        )
