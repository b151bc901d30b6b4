"""What is to be done in gobgpd for it to be as it should: the difference of two values, in an order that tells nobody too much.

Sessions end only where a router could not know of the change otherwise. Not known here: how gobgpd is told.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from openelb.announce.bgp_policies import inbound, outbound
from openelb.announce.bgp_readback import normal, resolved, started
from openelb.model.bgp import (
    Arm,
    Instance,
    Path,
    Peer,
    Prefix,
    Session,
)
from openelb.model.policy import NO_POLICIES, Outline, Policies


@dataclass(frozen=True, slots=True)
class Wish:
    """What this node is to be to its routers. Without an instance it speaks no BGP, whatever else is asked for. The peers that are
    `kept`, by their keys, stay as they are where they are there.
    """

    instance: Instance | None = None
    peers: tuple[Peer, ...] = ()
    paths: frozenset[Path] = frozenset()
    policies: Policies = NO_POLICIES
    kept: frozenset[str] = frozenset()

    @property
    def is_loose(self) -> bool:
        """Whether gobgpd may have changed our own paths on their way in, which policies of import judge too."""
        return bool(self.policies.imports.policies)

    def differs_in_paths_alone(self, made: "Wish | None") -> bool:
        """Whether all but paths is as it was made, which is found out much sooner than by a comparison with what is there."""
        if made is None or self.instance is None:
            return False
        before = made.instance, made.peers, made.policies, made.kept
        return before == (self.instance, self.peers, self.policies, self.kept)


NOTHING = Wish()


@dataclass(frozen=True, slots=True)
class Found:
    """A peer in gobgpd, with all defaults filled in, and its session. A range of peers has no session of its own."""

    peer: Peer
    session: Session | None = None

    @property
    def is_established(self) -> bool:
        """Whether routes are exchanged with it."""
        return self.session is not None and self.session.is_established


@dataclass(frozen=True, slots=True)
class Reality:
    """What gobgpd has. `peers` by their keys; `policies` where it was us who put them in force."""

    instance: Instance | None = None
    peers: Mapping[str, Found] = field(default_factory=lambda: MappingProxyType({}))
    paths: frozenset[Path] = frozenset()
    outline: Outline = Outline()  # noqa: RUF009 - a frozen value
    policies: Policies | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """BGP ends on this node. A gobgpd that was stopped does nothing any more: another process takes its place."""


@dataclass(frozen=True, slots=True)
class Start:
    """BGP begins."""

    instance: Instance


@dataclass(frozen=True, slots=True)
class Drop:
    """A peer, or a range of them, is known no more."""

    key: str


@dataclass(frozen=True, slots=True)
class SetPolicies:
    """These policies take the place of those in force."""

    policies: Policies


@dataclass(frozen=True, slots=True)
class Tell:
    """Paths are added, of which some take the place of those `replaced`; others are withdrawn."""

    gained: tuple[Path, ...] = ()
    lost: tuple[Path, ...] = ()
    replaced: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Resend:
    """Every established peer is sent what policies let through now, without an end of its session; or what it sent is judged anew.
    Where there are addresses in `to`, those alone."""

    inbound: bool = False
    outbound: bool = False
    to: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Add:
    """A peer is known. `restarting`: its router is asked to keep the routes that it may have from before."""

    peer: Peer
    restarting: bool = False


@dataclass(frozen=True, slots=True)
class Update:
    """A peer is changed in what no router needs to be told."""

    peer: Peer


Step = Stop | Start | Drop | SetPolicies | Tell | Resend | Add | Update


def changes(have: Reality, want: Wish) -> tuple[Step, ...]:
    """The steps from the one to the other. After a `Stop` there is nothing more to do before another gobgpd was looked at.

    Peers and paths go before policies are others, policies stand before paths are told, and paths are there before a peer comes: so
    none is sent what it shall not see, and one that kept our routes through a restart sees all of them in its first look.
    """
    if want.instance is None:
        return () if have.instance is None else (Stop(),)
    instance = started(want.instance)
    if have.instance is not None and have.instance != instance:
        return (Stop(),)
    begins = have.instance is None
    peers = {each.key: each for each in (resolved(peer, instance) for peer in want.peers)}
    there = [key for key in have.peers if key not in want.kept]
    gone = sorted(key for key in there if key not in peers or _is_another(have.peers[key], peers[key]))
    steps: list[Step] = [Start(want.instance)] if begins else []
    steps += [Drop(key) for key in gone]
    kept = have.peers.keys() - set(gone)
    policies = _policies(have, want, [have.peers[key].peer for key in kept])
    tell = told(have.paths, want.paths) if have.paths != want.paths else Tell()
    if policies and tell.lost:
        # First: where a path that is not ours is left, gobgpd withdraws ours by the policies that are in force then.
        wanted = {path.prefix for path in want.paths}
        last = tuple(path for path in tell.lost if path.prefix not in wanted)
        steps += [Tell(lost=last)] if last else []
        tell = replace(tell, lost=tuple(path for path in tell.lost if path.prefix in wanted))
    steps += policies[:1]
    steps += [tell] if tell != Tell() else []
    steps += policies[1:]
    for key in sorted(peers):
        if key not in kept:
            steps.append(Add(armed(peers[key], established=False), restarting=begins))
        elif not peers[key].prefix:
            peer = _watched(have.peers[key], peers[key])
            steps += [Update(peer)] if peer != have.peers[key].peer else []
    return tuple(steps)


def told(have: frozenset[Path], want: frozenset[Path]) -> Tell:
    """What differs of two sets of paths."""
    gained, gone = want - have, have - want
    staying = {_key(path) for path in gained} if gone else set()
    return Tell(
        tuple(gained),
        lost=tuple(path for path in gone if _key(path) not in staying),
        replaced=tuple(path for path in gone if _key(path) in staying),
    )


def recognised(found: Iterable[Path], wanted: Iterable[Path], *, loosely: bool = False) -> frozenset[Path]:
    """Paths as gobgpd tells them, by the values that stand for them in a wish, where they do.

    `loosely`: whatever their attributes are, which a policy for what is received changes of our own paths as well.
    """
    there = {_key(path): path for path in found}
    same: list[Path] = []
    for path in wanted:
        other = there.get(_key(path))
        if other is not None and (loosely or other == normal(path)):
            same.append(path)
            del there[_key(path)]
    return frozenset([*same, *there.values()])


def _key(path: Path) -> tuple[object, int]:
    return path.prefix, path.identifier


def after(have: Reality, step: Step) -> Reality:
    """What is there when a step was made. Sessions are not foretold."""
    match step:
        case Stop():
            return Reality()
        case Start(instance):
            return replace(have, instance=started(instance))
        case SetPolicies(policies):
            return replace(have, outline=policies.outline, policies=policies)
        case Tell(gained, lost, replaced):
            return replace(have, paths=have.paths.difference(lost, replaced).union(gained))
        case Drop(key):
            return replace(have, peers=MappingProxyType({each: have.peers[each] for each in have.peers if each != key}))
        case Add(peer) | Update(peer):
            session = have.peers[peer.key].session if peer.key in have.peers else None
            return replace(have, peers=MappingProxyType({**have.peers, peer.key: Found(peer, session)}))
        case Resend():
            return have


def owed(before: frozenset[Resend], step: Step, steps: Collection[Step]) -> frozenset[Resend]:
    """Who is to be sent everything anew when a step of several was made: whom policies concern that are in force is known no more when
    gobgpd is looked at again.
    """
    match step:
        case Start():
            return frozenset()
        case SetPolicies():
            return before.union(each for each in steps if isinstance(each, Resend))
        case Resend():
            return before - {step}
        case _:
            return before


def still_owed(resends: Iterable[Resend], have: Reality) -> list[Resend]:
    """What of that is left to do for peers that are there."""
    addresses = {found.peer.address for found in have.peers.values()}
    return [replace(each, to=each.to & addresses) for each in resends if not each.to or each.to & addresses]


def _policies(have: Reality, wish: Wish, peers: Sequence[Peer]) -> list[Step]:
    want = wish.policies
    if have.outline == want.outline:
        return []
    received, sent = _concerned(have, wish, peers)
    everybody = Resend(inbound=received is None, outbound=sent is None)
    some = [Resend(inbound=True, to=received)] if received else []
    some += [Resend(outbound=True, to=sent)] if sent else []
    return [SetPolicies(want), *([everybody] if everybody != Resend() else []), *some]


def _concerned(have: Reality, wish: Wish, peers: Sequence[Peer]) -> tuple[frozenset[str] | None, frozenset[str] | None]:
    """Of whom may be taken in otherwise, and who may be told otherwise; None: anybody. Of policies that somebody else has put in force
    no more is known than their outline.
    """
    want = wish.policies
    known = NO_POLICIES if have.outline == NO_POLICIES.outline else have.policies
    if known is not None:
        return inbound(known, want, peers), outbound(known, want, peers, _staying(have.paths, wish.paths))
    there, outline = have.outline, want.outline
    imports = (there.imports, there.import_default) == (outline.imports, outline.import_default)
    exports = (there.exports, there.export_default) == (outline.exports, outline.export_default)
    return frozenset() if imports else None, frozenset() if exports else None


def _staying(have: frozenset[Path], want: frozenset[Path]) -> set[Prefix]:
    """The prefixes that are told before and after."""
    same, gained = have & want, {path.prefix for path in want - have}
    return {path.prefix for path in same} | {path.prefix for path in have - want if path.prefix in gained}


def _is_another(found: Found, wanted: Peer) -> bool:
    """Whether only a new session can make it what is wanted."""
    if wanted.prefix:
        return found.peer.description != wanted.description
    if found.session and found.session.over_limit and found.peer.families != wanted.families:
        return True  # who was shut out for too many prefixes stays out, whatever the limit is
    return _lasting(found.peer) != _lasting(wanted)


def _lasting(peer: Peer) -> Peer:
    """What of it holds as long as a session. Hold time and keepalives are agreed on when it begins."""
    families = tuple(replace(family, max_prefixes=0) for family in peer.families)
    return replace(peer, connect_retry=0, bfd=None, families=families)


def _watched(found: Found, wanted: Peer) -> Peer:
    """With BFD as it is to be for the session as it is now. Where it is up it goes on as it was: with other timers, or with none,
    the router would hear nothing for a moment, and take this node for lost.
    """
    session = found.session
    if session and session.is_established and session.bfd_up:
        return replace(wanted, bfd=found.peer.bfd)
    return armed(wanted, established=found.is_established)


def armed(peer: Peer, *, established: bool) -> Peer:
    """With BFD if it is to watch this session as it is now."""
    if peer.bfd is None or peer.bfd.arm is Arm.ALWAYS or (established and not peer.prefix):
        # When it is armed is our business alone: gobgpd knows BFD that is on, or none.
        return peer if peer.bfd is None else replace(peer, bfd=replace(peer.bfd, arm=Arm.ESTABLISHED))
    return replace(peer, bfd=None)
