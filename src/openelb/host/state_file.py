"""What a speaker announces, in a small file: a successor on the same node, soon after, goes on with it before it has read the
cluster. The file is of use for seconds only, and nothing depends on it: what is wrong with it is told, and that is all.

Times are of CLOCK_BOOTTIME, which all processes since the kernel's start share and which goes on while the machine sleeps.
"""

import contextlib
import logging
import os
import stat
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from socket import AF_INET6, inet_ntoa, inet_ntop
from types import MappingProxyType

import msgspec

from openelb.complaints import Complaints
from openelb.model.addresses import Address, parse_address
from openelb.model.announcements import Claim
from openelb.model.cluster import Protocol
from openelb.model.layer2 import DEFAULTS, AnsweredBy
from openelb.plan.heard import Way

log = logging.getLogger(__name__)

MAX_BYTES = 1 << 22
"""Some 80,000 claims; whatever is longer was not written by a speaker."""

EVERY = 0.5
"""Seconds between two stamps, where no claim has gone: looks may come much closer together, and claims by the thousand."""

NO_PEERS: Mapping[str, tuple[Way, ...]] = MappingProxyType({})

FEW = 500
"""Claims that are written whenever there are others."""

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def boottime() -> float:
    """Seconds since the kernel's start, with those that the machine slept."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@cache
def boot_id() -> str:
    """The kernel's name for the time since its start: one for all the life of a process."""
    return _BOOT_ID.read_text().strip()


class Broken(Exception):
    """There is a file that no speaker wrote; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Left:
    """What the process before this one announced, and for how many seconds that is valid still: below 0 when it is not. `peers`
    are the other speakers that it heard, and by which ways.
    """

    claims: frozenset[Claim]
    valid_for: float
    peers: Mapping[str, tuple[Way, ...]] = field(default_factory=dict)


class _Kept(msgspec.Struct, array_like=True):
    """Of a claim, what a successor has to know. What the author chose is left out where it is what nobody need choose."""

    address: str
    link: str
    protocol: Protocol
    answer: AnsweredBy = DEFAULTS.answer
    restart_grace: int = DEFAULTS.restart_grace

    def claim(self) -> Claim:
        choices = replace(DEFAULTS, answer=self.answer, restart_grace=self.restart_grace)
        return Claim(_address(self.address), self.link, self.protocol, choices)


class _Content(msgspec.Struct):
    boot: str
    valid_until: float
    claims: list[_Kept]
    peers: dict[str, tuple[Way, ...]] = {}


class _Encoded(msgspec.Struct):
    """As `_Content`; the claims stay in bytes from one stamp to the next."""

    boot: str
    valid_until: float
    claims: msgspec.Raw
    peers: Mapping[str, tuple[Way, ...]]


class StateFile:
    """The file of one speaker. Without a path nothing is kept. No method raises."""

    def __init__(
        self, path: Path | None, *, clock: Callable[[], float] = boottime, boot: Callable[[], str] = boot_id
    ) -> None:
        self._path = path
        self._clock = clock
        self._boot = boot
        self._claims: frozenset[Claim] | None = None
        self._encoded = msgspec.Raw()
        self._written_at = 0.0
        self._complaints = Complaints()

    def left(self) -> Left | None:
        """What a process before this one left since the kernel's start; None when there is nothing of use."""
        if self._path is None:
            return None
        try:
            content = _decoded(_bytes(self._path))
            claims = frozenset(kept.claim() for kept in content.claims)
            if content.boot != self._boot():
                return None
            return Left(claims, content.valid_until - self._clock(), content.peers)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, Broken) as error:
            log.warning("the state file %s is of no use and is left alone: %s", self._path, error)
            return None

    def keep(
        self, claims: frozenset[Claim], peers: Mapping[str, tuple[Way, ...]] = NO_PEERS, *, valid_for: float
    ) -> None:
        """Write down that these claims are announced, beside these peers, and are valid for so many seconds from now."""
        now = self._clock()
        if self._path is None or (
            now - self._written_at < EVERY
            and self._claims is not None
            and self._claims <= claims
            and not self._is_news(claims)
        ):
            return
        try:
            if claims != self._claims:
                self._claims, self._encoded = claims, _encoded(claims)
            _replace(
                self._path, msgspec.json.encode(_Encoded(self._boot(), now + valid_for, self._encoded, dict(peers)))
            )
        except OSError as error:
            self._claims = None
            _remove(self._path)  # it says what is not so any more
            if self._complaints.begins("writing"):
                told = error.strerror or error
                log.warning(
                    "the state file %s cannot be written, so a restart without the API server is silent: %s",
                    self._path,
                    told,
                )
            return
        self._written_at = now
        if self._complaints.ends():
            log.info("the state file %s is written again", self._path)

    def _is_news(self, claims: frozenset[Claim]) -> bool:
        """Whether there are other claims that a successor had better know at once, and not so many that writing takes long."""
        return claims != self._claims and len(claims) <= FEW

    def remove(self) -> None:
        """Leave nothing to a successor."""
        self._claims = None
        if self._path is not None:
            _remove(self._path)


def _bytes(path: Path) -> bytes:
    with open(path, "rb", opener=_open) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise Broken("it is no regular file")
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise Broken(f"it is longer than {MAX_BYTES} bytes")
    return content


def _decoded(content: bytes) -> _Content:
    try:
        return msgspec.json.decode(content, type=_Content)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Broken(str(error)) from error


def _address(text: str) -> Address:
    address = parse_address(text)
    if address is None:
        raise Broken(f"{text[:60]!r} is no address")
    return address


def _encoded(claims: Collection[Claim]) -> msgspec.Raw:
    # A tenth of the time of str(address), which was a third of a look's when thousands of claims are kept once a second.
    return msgspec.Raw(msgspec.json.encode([_kept(each) for each in claims]))


def _kept(claim: Claim) -> tuple[object, ...]:
    text, choices = _text(claim.address.packed), claim.choices
    if choices is DEFAULTS:
        return (text, claim.link, claim.protocol)
    return (text, claim.link, claim.protocol, choices.answer, choices.restart_grace)


def _text(packed: bytes) -> str:
    return inet_ntoa(packed) if len(packed) == 4 else inet_ntop(AF_INET6, packed)


def _replace(path: Path, content: bytes) -> None:
    """Whole or not at all, also for a reader that comes in between or after a crash."""
    beside = path.with_name(f"{path.name}.new")
    with open(beside, "wb", opener=_open) as file:
        file.write(content)
    os.replace(beside, path)


def _open(path: str, flags: int) -> int:
    """Without waiting for the other end of a pipe, and through no link, which could lead anywhere."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def _remove(path: Path) -> None:
    for each in (path, path.with_name(f"{path.name}.new")):
        with contextlib.suppress(OSError):
            os.unlink(each)
