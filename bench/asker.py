"""Asks from outside, in a process of its own: ARP questions on a link, or pages of a speaker's health port.

`python -m bench.asker sweep|pace|flood|pages …` runs in a host's network namespace and prints one line of JSON. Answers to ARP
questions are stamped by the kernel when they arrive, so that the asker's own waiting for a processor counts for nothing.
"""

import http.client
import json
import random
import select
import socket
import struct
import sys
import time
from collections import deque
from collections.abc import Iterator
from ipaddress import IPv4Address

from lab.arp import ETHERTYPE, question

AT_ONCE = 64
"""Questions under way: their answers fit the buffers of both sockets."""

PATIENCE = 0.05
"""Seconds without an answer after which whoever did not answer is asked again."""

LOST = 1.0
"""Seconds after which a question counts as unanswered."""

_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("@qq")
_OPERATION, _SENDER = slice(20, 22), slice(28, 32)
_REPLY = b"\x00\x02"
_NANO = 1_000_000_000


class Link:
    """A link of this namespace to ask on."""

    def __init__(self, name: str) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETHERTYPE))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 23)
        self._socket.bind((name, ETHERTYPE))
        self._mac = self._socket.getsockname()[4]

    def ask(self, address: int) -> int:
        """Ask for an address; returns when, in nanoseconds of the wall clock."""
        frame = self.question(address)
        asked = time.time_ns()
        self.send(frame)
        return asked

    def question(self, address: int) -> bytes:
        """Who has the address?"""
        return question(str(IPv4Address(address)), sender_mac=self._mac)

    def send(self, frame: bytes) -> None:
        """Put a frame on the link."""
        self._socket.send(frame)

    def answers(self, *, within: float) -> Iterator[tuple[int, int]]:
        """Who answers us (address, when the frame arrived), until nobody has for so many seconds."""
        end = time.monotonic() + within
        while (left := end - time.monotonic()) > 0 and select.select([self._socket], [], [], left)[0]:
            frame, extras, *_ = self._socket.recvmsg(2048, 256)
            if frame[_OPERATION] == _REPLY and frame[:6] == self._mac:
                seconds, nanoseconds = _TIMESPEC.unpack(extras[0][2])
                yield int.from_bytes(frame[_SENDER], "big"), seconds * _NANO + nanoseconds
                end = time.monotonic() + within


def sweep(link: Link, addresses: list[int], *, limit: float) -> dict[str, float]:
    """Ask until every address was answered once: how many were, and when the first and the last answer came (wall clock).

    One question at a time until somebody answers at all, so that who is only starting is not kept busy.
    """
    waiting, times = deque(addresses), list[int]()
    end = time.monotonic() + limit
    while waiting and time.monotonic() < end:
        asked = {waiting.popleft() for _ in range(min(len(waiting), AT_ONCE if times else 1))}
        for address in asked:
            link.ask(address)
        for address, when in link.answers(within=PATIENCE if times else PATIENCE / 10):
            if address in asked:
                asked.remove(address)
                times.append(when)
            if not asked:
                break
        waiting.extend(asked)
    return {
        "answered": len(times),
        "first": min(times, default=0) / _NANO,
        "last": max(times, default=0) / _NANO,
    }


def pace(link: Link, addresses: list[int], *, seconds: float, rate: float) -> dict[str, object]:
    """Ask so many questions a second, each for an address picked at random: the seconds each answer took."""
    asked: dict[int, int] = {}
    took: list[float] = []
    unanswered, began = 0, time.monotonic()
    for number in range(int(seconds * rate)):
        while (left := began + number / rate - time.monotonic()) > 0:
            for address, when in link.answers(within=left):
                if address in asked:
                    took.append((when - asked.pop(address)) / _NANO)
                if time.monotonic() > began + number / rate:
                    break
        unanswered += _forget(asked)
        address = random.choice(addresses)
        if address not in asked:
            asked[address] = link.ask(address)
    for address, when in link.answers(within=LOST):
        if address in asked:
            took.append((when - asked.pop(address)) / _NANO)
    return {"took": took, "unanswered": unanswered + len(asked)}


def flood(link: Link, addresses: list[int], *, seconds: float, rate: float) -> dict[str, float]:
    """Ask so many questions a second, and wait for no answer: how many were asked, and within how many seconds."""
    frames = [link.question(address) for address in addresses]
    began, sent = time.monotonic(), 0
    while (now := time.monotonic()) < began + seconds:
        for _ in range(min(int((now - began) * rate) - sent, AT_ONCE)):
            link.send(frames[sent % len(frames)])
            sent += 1
    return {"sent": sent, "seconds": time.monotonic() - began}


def _forget(asked: dict[int, int]) -> int:
    """Give up what was asked too long ago."""
    before = time.time_ns() - LOST * _NANO
    late = [address for address, when in asked.items() if when < before]
    for address in late:
        del asked[address]
    return len(late)


def pages(port: int, *, seconds: float, rate: float) -> dict[str, object]:
    """Read a page of a loop's health port at a steady rate: the seconds it took to be served, which is how late the loop is.

    While the loop stands still, the questions that would have been put meanwhile are counted with their share of the wait.
    """
    took: list[float] = []
    began = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    while (asked := time.monotonic()) < began + seconds:
        connection.request("GET", "/healthz")
        connection.getresponse().read()
        wait = time.monotonic() - asked
        while wait > 0:
            took.append(wait)
            wait -= 1 / rate
        time.sleep(max(0.0, asked + 1 / rate - time.monotonic()))
    return {"took": took}


def main(what: str, *arguments: str) -> dict[str, object] | dict[str, float]:
    """`sweep LINK FIRST COUNT LIMIT`, `pace` or `flood LINK FIRST COUNT SECONDS RATE`, or `pages PORT SECONDS RATE`."""
    if what == "pages":
        port, seconds, rate = arguments
        return pages(int(port), seconds=float(seconds), rate=float(rate))
    name, first, count, *numbers = arguments
    addresses = list(range(int(IPv4Address(first)), int(IPv4Address(first)) + int(count)))
    if what == "sweep":
        return sweep(Link(name), addresses, limit=float(numbers[0]))
    asking = flood if what == "flood" else pace
    return asking(Link(name), addresses, seconds=float(numbers[0]), rate=float(numbers[1]))


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
