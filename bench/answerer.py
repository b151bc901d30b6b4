"""A process that answers for addresses on its link, and whose main thread does nothing, or is busy most of the time.

`python -m bench.answerer socket|kernel idle|busy LINK FIRST COUNT` runs in a host's network namespace until it is ended.
"""

import sys
import time
from functools import partial
from ipaddress import IPv4Address
from pathlib import Path

from openelb.announce.layer2 import Layer2
from openelb.host.sockets import LinkPort
from openelb.model.announcements import Claim
from openelb.model.layer2 import AnsweredBy, Layer2Choices
from openelb.speaker.speaking import SWITCH

BUSY = 0.1
"""Seconds for which the main thread computes, without a rest."""

REST = 0.01

_BY = {"socket": Layer2Choices(), "kernel": Layer2Choices(answer=AnsweredBy.KERNEL)}


def main(by: str, state: str, link: str, first: str, count: str) -> None:
    """Answer, as a speaker does whose main loop has that to do."""
    sys.setswitchinterval(SWITCH)
    addresses = [IPv4Address(first) + number for number in range(int(count))]
    claims = frozenset(Claim(address, link, choices=_BY[by]) for address in addresses)
    layer2 = Layer2(partial(LinkPort, pins=Path("/nowhere")))
    while True:
        layer2.apply(claims, valid_until=time.monotonic() + 4)
        until = time.monotonic() + 0.9
        while time.monotonic() < until:
            if state == "busy":
                compute(BUSY)
            time.sleep(REST)


def compute(seconds: float) -> None:
    """Be busy as a judgement of many Services is: in Python, with values."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sorted({number: str(number) for number in range(100)}.items())


if __name__ == "__main__":
    main(*sys.argv[1:])
