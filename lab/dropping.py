"""Packets that vanish on the way in or out of a host, as by a firewall: its kernel drops them."""

import itertools
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

from lab.network import Host

INPUT, OUTPUT = "input", "output"

_NUMBERS = itertools.count()


@contextmanager
def dropping(hosts: Iterable[Host], hook: str, what: str) -> Iterator[None]:
    """Drop on each host, while the block runs, what comes to it (`INPUT`) or is sent by it (`OUTPUT`), in the words of nft(8) such
    as `udp dport 53`.
    """
    table = f"inet lab_dropping_{next(_NUMBERS)}"
    rules = f"table {table} {{ chain {hook} {{ type filter hook {hook} priority filter; {what} drop; }}; }}"
    with ExitStack() as stack:
        for host in hosts:
            host.run(["nft", "-f", "-"], stdin=rules)
            stack.callback(host.run, ["nft", "delete", "table", *table.split()])
        yield
