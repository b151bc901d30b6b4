"""Questions for IPv4 addresses on one link, answered by a program in the kernel: while this process is busy, and, where its link
can be kept beside the process, for a while after its end. By its deadlines it falls silent by itself.

Whether it works is found out by trying, never from a version: the program is loaded, run on a question, and attached.
"""

import contextlib
import errno
import logging
import os
import socket
import time
from collections.abc import Callable, Collection, Mapping
from ipaddress import IPv4Address
from pathlib import Path

from openelb.host import bpf
from openelb.host.state_file import boottime
from openelb.wire import arp, ebpf
from openelb.wire.arp import NO_MAC, Operation, Request
from openelb.wire.ebpf import DEADLINES, KEY, TIME, VALUE

log = logging.getLogger(__name__)

PINS = Path("/sys/fs/bpf/openelb")
"""Where links are kept that outlive the process, when a bpf file system is there."""

MOST = 1 << 16
"""Addresses of one link. What they take is taken when they come; the table for it is 1 MB."""

LEAST = 2.0
"""Seconds for which an answer is good at least: renewals come every second."""

AGAIN = 30.0
"""Seconds between two tries of a kernel that refuses."""

_NANO = 1_000_000_000
_FIRST = bytes(4)  # the key of the first value of an array
_TEST = Request(bytes.fromhex("02005e005302"), IPv4Address("192.0.2.1"), IPv4Address("192.0.2.2"))
_TEST_MAC = bytes.fromhex("02005e005301")


class Refused(Exception):
    """The kernel does not do it; the text is a sentence."""


class KernelAnswers:
    """Of one link. Nothing is asked of the kernel before the first address."""

    def __init__(self, link: str, *, pins: Path = PINS, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = link
        self._pins = pins
        self._clock = clock
        self._program: _Program | None = None
        self._link: int | None = None
        self._kept_as: Path | None = None
        self._cleared = False
        self._refusal: Refused | None = None
        self._refused_at = 0.0

    @property
    def count(self) -> int:
        """How many questions the kernel has answered since it was last begun with."""
        return self._program.count if self._program else 0

    def follow(self, graces: Mapping[IPv4Address, int], mac: bytes, valid_until: float) -> None:
        """Answer for exactly these addresses, each for as many seconds from now as it may wait for another process; at least
        until the next renewal, and not at all when `valid_until` (seconds of the clock) is over.

        Raises Refused when the kernel does not, and then it answers for none; OSError when the link is gone.
        """
        interface = socket.if_nametoindex(self._name)
        if not graces:
            self._leave(interface)
            return
        if self._refusal and self._clock() < self._refused_at + AGAIN:
            raise self._refusal
        try:
            if self._program is None:
                self._program = _Program()
            self._program.hold(graces, mac)
            self._program.live(self._deadlines(set(graces.values()), valid_until))
            self._attach(self._program, interface)
        except OSError as refused:
            self.forget()
            self._refusal, self._refused_at = Refused(_sentence(refused)), self._clock()
            raise self._refusal from refused
        self._refusal = None

    def forget(self) -> None:
        """Answer for nothing any more. Never raises: what cannot be detached is out of time."""
        if self._program:
            with contextlib.suppress(OSError):
                self._program.live(dict.fromkeys(range(DEADLINES), 0))
        if self._link is not None:
            self._remove(self._link)
        self.close()

    def close(self) -> None:
        """Let go: what is kept beside the process goes on until its deadlines."""
        if self._program:
            self._program.close()
            self._program = None
        if self._link is not None:
            os.close(self._link)
            self._link = None

    def _leave(self, interface: int) -> None:
        """Also what another process left there is to be silent, once this one knows better."""
        if self._cleared and self._link is None:
            return
        self._cleared = True
        if self._link is None:
            with contextlib.suppress(OSError):
                self._link = self._left_at(interface)
        self.forget()

    def _deadlines(self, graces: Collection[int], valid_until: float) -> dict[int, int]:
        """By a clock that goes on while the machine sleeps: others take over meanwhile. What is not valid has no grace."""
        left, now = valid_until - self._clock(), boottime()
        return {grace: int((now + (max(grace, min(left, LEAST)) if left > 0 else 0)) * _NANO) for grace in graces}

    def _attach(self, program: "_Program", interface: int) -> None:
        if self._link is not None:
            if bpf.interface_of(self._link) == interface:
                return
            self._remove(self._link)
            os.close(self._link)
        self._link = self._left_at(interface)
        if self._link is not None:
            bpf.replace(self._link, program.descriptor)
            return
        self._link = bpf.attach(program.descriptor, interface)
        if bpf.interface_of(self._link) != interface:
            raise OSError(errno.ENODEV, "the program is not on the interface")
        self._keep(self._link, interface)

    def _left_at(self, interface: int) -> int | None:
        """The link that a process before this one left at the interface, if it is there still."""
        self._kept_as = self._path(interface)
        link = bpf.pinned(self._kept_as)
        if link is None:
            return None
        with contextlib.suppress(OSError):
            if bpf.interface_of(link) == interface:
                return link
        os.close(link)
        self._kept_as.unlink()
        return None

    def _keep(self, link: int, interface: int) -> None:
        path = self._path(interface)
        try:
            self._pins.mkdir(mode=0o700, exist_ok=True)
            bpf.pin(link, path)
        except OSError as refused:
            told = "answers of the kernel on %s end with this process: %s is no place to keep them (%s)"
            log.info(told, self._name, self._pins, refused.strerror)

    def _path(self, interface: int) -> Path:
        """Interfaces have numbers in each network of their own, and the place may be shared."""
        network = os.stat("/proc/thread-self/ns/net").st_ino
        return self._pins / f"link-{network}-{interface}"

    def _remove(self, link: int) -> None:
        with contextlib.suppress(OSError):
            bpf.detach(link)
        if self._kept_as is not None:
            with contextlib.suppress(OSError):
                self._kept_as.unlink()
            self._kept_as = None


class _Program:
    """The program with its maps. It has answered a question of ours before it is given an address."""

    def __init__(self) -> None:
        self._held: Mapping[IPv4Address, int] = {}
        self._mac = NO_MAC
        with contextlib.ExitStack() as begun:

            def own(descriptor: int) -> int:
                begun.callback(os.close, descriptor)
                return descriptor

            self._addresses = own(bpf.create_map(bpf.HASH, KEY.size, VALUE.size, MOST, "openelb_address"))
            self._deadlines = own(bpf.create_map(bpf.ARRAY, 4, TIME.size, DEADLINES, "openelb_until"))
            self._counts = own(bpf.create_map(bpf.ARRAY, 4, TIME.size, 1, "openelb_count"))
            code = ebpf.answers(self._addresses, self._deadlines, self._counts)
            self.descriptor = own(bpf.load(code, "openelb_arp"))
            self._try()
            self._descriptors = begun.pop_all()

    @property
    def count(self) -> int:
        return int(TIME.unpack(bpf.look_up(self._counts, _FIRST, TIME.size))[0])

    def hold(self, graces: Mapping[IPv4Address, int], mac: bytes) -> None:
        """Have exactly these addresses, with their MAC and their graces. Raises OSError."""
        if graces is self._held and mac == self._mac:
            return
        before = self._held if mac == self._mac else {}
        gone = [address.packed for address in self._held if address not in graces]
        new = [(address, grace) for address, grace in graces.items() if before.get(address) != grace]
        if gone:
            bpf.delete_many(self._addresses, b"".join(gone), len(gone))
        if new:
            keys = b"".join([address.packed for address, _ in new])
            values = {grace: VALUE.pack(mac, min(grace, DEADLINES - 1)) for grace in set(graces.values())}
            bpf.write_many(self._addresses, keys, b"".join([values[grace] for _, grace in new]), len(new))
        self._held, self._mac = graces, mac

    def live(self, deadlines: Mapping[int, int]) -> None:
        """Answer for the addresses of each grace until then. Raises OSError."""
        for grace, deadline in deadlines.items():
            bpf.write(self._deadlines, min(grace, DEADLINES - 1).to_bytes(4, "little"), TIME.pack(deadline))

    def close(self) -> None:
        self._descriptors.close()

    def _try(self) -> None:
        """Raises OSError unless a question is answered as it should be, and one that comes too late is not."""
        asked = _question(_TEST)
        self.hold({_TEST.target: 0}, _TEST_MAC)
        self.live({0: 0})
        if bpf.test_run(self.descriptor, asked) != (ebpf.NEXT, asked):
            raise OSError(errno.EPROTO, "its program answers when it should be silent")
        self.live({0: int((boottime() + 60) * _NANO)})
        if bpf.test_run(self.descriptor, asked) != (ebpf.REDIRECT, arp.reply(_TEST, mac=_TEST_MAC)):
            raise OSError(errno.EPROTO, "its program does not answer as it should")
        self.live({0: 0})
        self.hold({}, _TEST_MAC)
        bpf.write(self._counts, _FIRST, TIME.pack(0))


def _question(request: Request) -> bytes:
    """What an announcement is, but for the sender's address; to the loopback interface, where the kernel tries programs."""
    said = bytearray(arp.announcement(request.target, Operation.REQUEST, mac=request.sender_mac))
    said[:6] = NO_MAC
    said[28:32] = request.sender.packed
    return bytes(said)


def _sentence(refused: OSError) -> str:
    if refused.errno == errno.EPERM:
        return "it may not: give the speaker the capabilities BPF and NET_ADMIN"
    if refused.errno == errno.E2BIG:
        return f"there are more than {MOST} addresses"
    if refused.errno == errno.EINVAL:
        return f"it is too old for this, or made without it (Linux 6.6 has it): {refused.strerror}"
    return str(refused.strerror)
