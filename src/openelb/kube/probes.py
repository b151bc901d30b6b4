"""What manager and speakers tell each other about addresses that are to be asked about on LANs: annotations of Leases, written
and read. Whatever cannot be read says nothing.
"""

import json
from functools import lru_cache
from itertools import islice

import msgspec

from openelb.kube.answers import UNREADABLE
from openelb.model.addresses import Address, AddressRange, order
from openelb.model.probes import NOTHING_FOUND, Found, Question, Questions
from openelb.model.ranges import Ranges, read

MOST_TAKEN = 8192
"""Addresses that one machine has at most, as far as is read."""

LONGEST = 48 * 1024
"""Characters of each text. All annotations of a Lease have room for 256 KiB, and one that has more cannot be renewed: a router
that answers for all addresses, or an enemy who does so with a MAC for each, is not to silence a node.
"""


def found_texts(found: Found) -> tuple[str, str]:
    """What a speaker has found: the free addresses as ranges, `10.79.0.240-10.79.0.250`, and by MAC those that are taken,
    `{"02:00:5e:00:53:09":"10.79.0.241"}`. What is too long is cut: of what is left out nothing is known.
    """
    by_mac: dict[str, list[Address]] = {}
    for address in sorted(found.taken, key=order):
        by_mac.setdefault(found.taken[address], []).append(address)
    taken, room = dict[str, str](), LONGEST
    for mac, addresses in by_mac.items():
        taken[mac] = _text(Ranges.of(AddressRange(one, one) for one in addresses), room)
        room -= len(mac) + len(taken[mac]) + len('"":"",')
        if room <= 0:
            break
    return _text(found.free, LONGEST), json.dumps(taken, separators=(",", ":"))


@lru_cache(maxsize=256)
def found(free: str, taken: str) -> Found:
    """The same, read."""
    if not (free or taken):
        return NOTHING_FOUND
    try:
        by_mac = msgspec.json.decode(taken or "{}", type=dict[str, str])
        ranges = read(free)[0] if free else Ranges()
        known = {address: mac for mac, text in by_mac.items() if text for address in islice(read(text)[0], MOST_TAKEN)}
    except (*UNREADABLE, ValueError):
        return NOTHING_FOUND
    return Found(ranges, known)


def questions_text(questions: Questions) -> str:
    """What the manager wants to know, by Eip, and since when: `{"office":[["10.79.0.240-10.79.0.250",1790000000]]}`."""
    shapes = {pool: [[_text(one.ranges), one.since] for one in of] for pool, of in questions.items()}
    return json.dumps(shapes, separators=(",", ":"), sort_keys=True)


@lru_cache(maxsize=4)
def questions(text: str) -> Questions:
    """The same, read."""
    try:
        shapes = msgspec.json.decode(text or "{}", type=dict[str, list[tuple[str, float]]])
        return {pool: tuple(Question(read(ranges)[0], since) for ranges, since in shapes[pool]) for pool in shapes}
    except (*UNREADABLE, ValueError):
        return {}


def _text(ranges: Ranges, room: int | None = None) -> str:
    text = ",".join(map(str, ranges.parts))
    return text if room is None or len(text) <= room else text[:room].rpartition(",")[0]
