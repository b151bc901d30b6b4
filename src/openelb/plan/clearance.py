"""Which addresses may be given out as far as other machines on the LAN are concerned, and about which ones it is to be asked.

An address that nobody has asked about yet waits for the answer, and for no longer than a few seconds. What a ledger holds or a
Service shows is never asked about: it is ours.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice

from openelb.model.addresses import Address, AddressRange, order
from openelb.model.cluster import Pool, Speaker
from openelb.model.findings import Finding, Reason
from openelb.model.layer2 import Probing
from openelb.model.probes import Question, Questions
from openelb.model.ranges import Ranges
from openelb.model.snapshot import Snapshot
from openelb.plan.books import Books
from openelb.plan.placement import Reach
from openelb.plan.probing import is_probed
from openelb.plan.terms import Terms

AHEAD = 32
"""So many free addresses of a pool are asked about before anybody needs them: then nobody waits."""

MOST_AHEAD = 1024
"""As many while that many Services wait."""

MOST_OF_ALL = 4096
"""Of all pools together: the text of the questions has to fit into one object."""

PATIENCE = {Probing.FAST: 5.0, Probing.RFC5227: 10.0}
"""Seconds that an address waits for an answer at most; the standard's probes alone take up to seven."""

TIDYING = 60.0
"""Seconds that an address may be asked about which is in use by now: it is asked again only after four minutes."""

TAKEN_NAMED = 3
UNPROBED = "unprobed: no speaker could ask whether another machine has it"
_NOTHING = Ranges()


@dataclass(frozen=True, slots=True)
class _Answers:
    """About the addresses of one pool, which need one: `cleared` may be given out, `asked` since these moments."""

    cleared: Ranges
    found_free: Ranges
    asked: Mapping[Address, float]
    patience: float


@dataclass(frozen=True, slots=True)
class Clearance:
    """Of one look. `waiting` gathers the Services that wait for an answer, by pool, and `wanted` the addresses that are asked for
    by name; `due` when waiting ends (seconds since 1970).
    """

    now: float = 0.0
    due: list[float] = field(default_factory=list)
    answers: Mapping[str, _Answers] = field(default_factory=dict)
    taken: Mapping[Address, str] = field(default_factory=dict)
    unasked: frozenset[str] = frozenset()
    waiting: dict[str, int] = field(default_factory=dict)
    wanted: dict[str, set[Address]] = field(default_factory=dict)
    _narrowed: dict[str, tuple[Ranges, Ranges]] = field(default_factory=dict)

    def narrowed(self, pool: Pool, given: Ranges) -> Ranges:
        """Those of the addresses `given` that may be given out at once."""
        if pool.name not in self.answers and not self.taken:
            return given
        before = self._narrowed.get(pool.name)
        if before is None or before[0] is not given:
            answers = self.answers.get(pool.name)
            rest = _common(given, answers.cleared) if answers else given
            if not answers and pool.name in self.unasked:
                rest = rest.without(Ranges.of(AddressRange(one, one) for one in self.taken))
            before = self._narrowed[pool.name] = given, rest
        return before[1]

    def obstacle(self, pool: Pool, address: Address) -> Finding | None:
        """Why a certain address cannot be given out, or not yet; None where it can be."""
        if pool.name not in self.answers and pool.name not in self.unasked:
            return None
        if mac := self.taken.get(address):
            return Finding(
                Reason.ADDRESS_IN_USE_ELSEWHERE,
                f"{address} is in use by another machine on the LAN, {mac}: ask for another address, or take it from that "
                f"machine; see kubectl get eipconflicts",
            )
        answers = self.answers.get(pool.name)
        if answers is None or address in answers.cleared:
            return None
        self.wanted.setdefault(pool.name, set()).add(address)
        return self._waits(pool, answers, [address], f"{address}")

    def wait(self, pool: Pool, family: int) -> Finding | None:
        """That a Service waits for whatever address of the pool is found free; None where nothing is to be waited for."""
        answers = self.answers.get(pool.name)
        if answers is None:
            return None
        self.waiting[pool.name] = self.waiting.get(pool.name, 0) + 1
        open_ones = [one for one in answers.asked if one.version == family and one not in self.taken]
        return self._waits(pool, answers, open_ones, "the next free addresses")

    def _waits(self, pool: Pool, answers: _Answers, about: Iterable[Address], what: str) -> Finding:
        since = [answers.asked[one] for one in about if one in answers.asked and one not in answers.cleared]
        self.due.append(min(since, default=self.now) + answers.patience)
        return Finding(
            Reason.PROBING,
            f"a node asks on the LAN whether another machine has {what} of Eip {pool.name}: this takes a moment",
        )

    def is_unprobed(self, pool: Pool, address: Address) -> bool:
        """Whether the address that was just given out was given without an answer."""
        if pool.name in self.unasked:
            return True
        answers = self.answers.get(pool.name)
        return answers is not None and address in answers.asked and address not in answers.found_free


def clearance(
    snapshot: Snapshot, reaches: Mapping[str, Reach], alive: frozenset[str], now: float, due: list[float]
) -> Clearance:
    """What is known by this snapshot, while the speakers on the nodes in `alive` are."""
    probed = [pool for pool in snapshot.pools.values() if is_probed(pool)]
    if not probed:
        return Clearance(now, due)
    taken = {one: mac for speaker in snapshot.speakers.values() for one, mac in speaker.found.taken.items()}
    speakers = [speaker for node, speaker in snapshot.speakers.items() if node in alive and speaker.found.free]
    answers, unasked = {}, set()
    for pool in probed:
        reach = reaches[pool.name]
        if not (reach.nodes or reach.ipv6_nodes or reach.near.nodes):
            unasked.add(pool.name)
            continue
        answers[pool.name] = _answers(pool, snapshot.questions.get(pool.name, ()), speakers, taken, now)
    return Clearance(now, due, answers, taken, frozenset(unasked))


def _answers(
    pool: Pool, questions: Iterable[Question], speakers: Iterable[Speaker], taken: Mapping[Address, str], now: float
) -> _Answers:
    patience = PATIENCE[pool.layer2.probe]
    asked = {
        one: min(question.since, now) for question in questions for one in islice(question.ranges, 2 * MOST_OF_ALL)
    }
    free = Ranges.of(part for speaker in speakers for part in speaker.found.free.parts)
    found_free = _common(pool.ranges, free)
    late = [one for one, since in asked.items() if now >= since + patience and one not in free and one not in taken]
    cleared = Ranges.of((*found_free.parts, *(AddressRange(one, one) for one in late)))
    return _Answers(cleared.without(Ranges.of(AddressRange(one, one) for one in taken)), found_free, asked, patience)


def _common(one: Ranges, other: Ranges) -> Ranges:
    """What both have: what is taken out of one by all that the other lacks."""
    return one.without(one.without(other))


def questions(clear: Clearance, snapshot: Snapshot, books: Books, terms: Terms) -> Questions:
    """What is to be asked about from now on: of each pool the next free addresses, those that are asked for by name, and those
    that were given out and are not shown yet, so that it stays known whether anybody answered.
    """
    found: dict[str, tuple[Question, ...]] = {}
    room = MOST_OF_ALL
    for name in sorted(clear.answers):
        pool, asked = snapshot.pools[name], clear.answers[name].asked
        if pool.deleting or pool.disabled or pool.problem:
            continue
        count = min(MOST_AHEAD, max(AHEAD, clear.waiting.get(name, 0)), max(1, room))
        needed = {
            *sorted(clear.wanted.get(name, ()), key=order)[:MOST_OF_ALL],
            *(one for one in asked if books.holders(one) and not books.showers(one)),
        }
        ahead = frozenset(_next(clear, name, books, terms, count))
        if _will_do(clear, asked, needed, ahead, books, len(ahead) - clear.waiting.get(name, 0)):
            found[name] = snapshot.questions[name]
        elif needed or ahead:
            found[name] = _asking(asked, needed | ahead, clear.now)
        room -= len(needed | ahead)
    return found


def _will_do(
    clear: Clearance,
    asked: Mapping[Address, float],
    needed: set[Address],
    ahead: frozenset[Address],
    books: Books,
    spare: int,
) -> bool:
    """Whether what is asked about already is enough: every change is sent to all nodes. Half of what nobody waits for may be
    missing, and what is in use by now may be there for a while.
    """
    if not asked or not needed <= asked.keys() or 2 * sum(one not in asked for one in ahead) > spare:
        return False
    until = max(asked.values()) + TIDYING
    if all(one in ahead or one in needed for one in asked):
        return True
    clear.due.append(until)
    return clear.now < until


def _asking(asked: Mapping[Address, float], wanted: Iterable[Address], now: float) -> tuple[Question, ...]:
    by_time: dict[float, list[Address]] = {}
    for one in sorted(wanted, key=order):
        by_time.setdefault(asked.get(one, math.floor(now)), []).append(one)
    return tuple(
        Question(Ranges.of(AddressRange(one, one) for one in by_time[since]), since) for since in sorted(by_time)
    )


def _next(clear: Clearance, pool: str, books: Books, terms: Terms, count: int) -> Iterable[Address]:
    """The lowest free addresses of each family that nobody else has, with those among them that somebody has."""
    given = terms.unreserved(pool)
    for family in sorted(given.versions):
        left = count
        for one in islice(books.lowest_free(pool, given, family, "unreserved"), 2 * MOST_AHEAD):
            yield one
            left -= one not in clear.taken
            if not left:
                break


def told(taken: Mapping[Address, str], pool: Pool) -> str:
    """What is said of a pool of which other machines have addresses; nothing where none has."""
    own = sorted((one for one in taken if one in pool.ranges), key=order)
    if not own:
        return ""
    some = ", ".join(f"{one} ({taken[one]})" for one in own[:TAKEN_NAMED])
    more = f" and {len(own) - TAKEN_NAMED} more" if len(own) > TAKEN_NAMED else ""
    return f"; other machines on the LAN have addresses of it, which are not given out: {some}{more}"
