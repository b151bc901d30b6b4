"""One repetition of a fault: it happens to the node that answers for an address, and is taken back; what clients saw of it."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from lab.clients import Watch
from lab.speakers import Speakers
from lab.traffic import LATE

PHASE_SECONDS = 1.0
"""A fault comes at any moment between two renewals or heartbeats."""

Blow = Callable[[Speakers, str], None]


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to a node, and its end: when another node answers, or after so many seconds where it `lasts`."""

    said: str
    begin: Blow
    end: Blow
    lasts: float | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """By clients, in seconds: the longest times without an answer to ARP, an echo and an accepted connection, and how long two
    nodes answered after the fault's end. Datagrams and connections that were lost are counted.
    """

    arp: float
    udp: float
    tcp: float
    disputed: float
    lost: int
    failed: int
    moved: bool


def see(watched: Watch, fault: Fault) -> Seen:
    """Have the fault happen to the node that answers, and end. Begins and returns when everything is well."""
    there, owner = watched.there, watched.well()
    time.sleep(random.uniform(0.0, PHASE_SECONDS))
    began = time.monotonic()
    fault.begin(there, owner)
    if fault.lasts is None:
        watched.works(began + watched.answers.answered_without(owner, began))
        gaps = _gaps(watched, began)
    else:
        time.sleep(max(0.0, began + fault.lasts - time.monotonic()))
    ended = time.monotonic()
    fault.end(there, owner)
    other = watched.well()
    time.sleep(LATE)
    if fault.lasts is not None:
        gaps = _gaps(watched, began)
    lost, failed = watched.datagrams.lost(began), watched.tried.failed(began)
    return Seen(*gaps, watched.answers.disputed(ended), lost, failed, other != owner)


def _gaps(watched: Watch, moment: float) -> tuple[float, float, float]:
    return watched.answers.gap(moment), watched.datagrams.gap(moment), watched.tried.gap(moment)


def _cut(there: Speakers, name: str) -> None:
    there.node(name).host.cut()


def _heal(there: Speakers, name: str) -> None:
    there.node(name).host.heal()


def _unplug(there: Speakers, name: str) -> None:
    there.node(name).host.unplug()


def _plug(there: Speakers, name: str) -> None:
    there.node(name).host.plug()


def _crash(there: Speakers, name: str) -> None:
    there.node(name).crash()


def _boot(there: Speakers, name: str) -> None:
    there.node(name).boot()


def _freeze(there: Speakers, name: str) -> None:
    there.node(name).pause()


def _thaw(there: Speakers, name: str) -> None:
    there.node(name).resume()


def _kill(there: Speakers, name: str) -> None:
    there.node(name).kill()


def _start(there: Speakers, name: str) -> None:
    there.node(name).start()


LOSSES = {
    "cut": Fault("a node is cut off silently", _cut, _heal),
    "carrier": Fault("a node loses its carrier", _unplug, _plug),
    "crash": Fault("a node crashes", _crash, _boot),
    "freeze": Fault("all processes of a node are frozen", _freeze, _thaw),
}

FLAPS = {
    f"{name}-{seconds:g}": Fault(f"{said} for {seconds:g} s", begin, end, seconds)
    for name, said, begin, end in (
        ("flap", "the carrier is lost", _unplug, _plug),
        ("silence", "frames vanish silently", _cut, _heal),
    )
    for seconds in (0.5, 2.0, 15.0, 60.0)
}

RESTART = Fault("a speaker is killed, and is started after 1 s", _kill, _start, 1.0)
