"""Whether a router takes connections: gobgpd tells nobody why it gets none."""

import asyncio
import contextlib
import socket
import struct

from openelb.model.bgp import PORT, Peer, Reach

SECONDS = 4.0
"""For an answer to a SYN, which is repeated meanwhile. That nobody has the address the kernel knows after three."""

GREETING = 0.3
"""Seconds for a router to let go of a connection that it does not want. Others say OPEN, or wait."""

TCP_MD5SIG = 14
_MD5 = struct.Struct("=128sxxHI80s")
"""struct tcp_md5sig of linux/tcp.h: the address, the key's length and the key."""
_IPV4 = struct.Struct("=HH4s")
_IPV6 = struct.Struct("=HHI16sI")
_NO_SYN = struct.pack("ii", 1, 0)  # struct linger: what is closed is reset, and no port waits for a minute


async def dial(peer: Peer, *, inner: bool) -> Reach:
    """Connect to the router as gobgpd does, and let go of it. `inner`: it is of our own autonomous system. Never raises."""
    family = socket.AF_INET6 if ":" in peer.address else socket.AF_INET
    with contextlib.closing(socket.socket(family, socket.SOCK_STREAM)) as made:
        made.setblocking(False)
        try:
            _prepare(made, peer, inner=inner)
            return await _reach(made, (peer.address, peer.remote_port or PORT))
        except TimeoutError:
            return Reach.UNANSWERED
        except ConnectionRefusedError:
            return Reach.REFUSED
        except ConnectionError:
            return Reach.CLOSED
        except OSError:
            return Reach.NO_WAY


async def _reach(made: socket.socket, where: tuple[str, int]) -> Reach:
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(SECONDS):
        await loop.sock_connect(made, where)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(GREETING):
            return Reach.OPEN if await loop.sock_recv(made, 1) else Reach.CLOSED
    return Reach.OPEN


def _prepare(made: socket.socket, peer: Peer, *, inner: bool) -> None:
    """As gobgpd does it: how far packets go, and the password."""
    made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_SYN)
    hops = 255 if peer.ttl_min else 0 if inner else peer.multihop_ttl or 1
    if hops and made.family is socket.AF_INET:
        made.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, hops)
    elif hops:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, hops)
    if peer.password:
        key, packed = peer.password.encode()[:80], socket.inet_pton(made.family, peer.address.partition("%")[0])
        if made.family is socket.AF_INET:
            address = _IPV4.pack(made.family, 0, packed)
        else:
            address = _IPV6.pack(made.family, 0, 0, packed, 0)
        made.setsockopt(socket.IPPROTO_TCP, TCP_MD5SIG, _MD5.pack(address, len(key), 0, key))
    if peer.local_address:
        made.bind((peer.local_address, 0))
