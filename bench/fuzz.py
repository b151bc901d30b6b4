"""Spoilt frames of ARP and neighbour discovery, and spoilt heartbeats, a million of each unless said otherwise, read as a
speaker's threads read them: none may raise, whatever its octets.
"""

import hmac
import random
import time
from collections import Counter
from ipaddress import IPv4Address, IPv6Address

from bench import table
from bench.table import Row
from lab import arp, ndp
from openelb.announce.responder import Responder
from openelb.announce.standings import Orders
from openelb.announce.vigil import Vigil
from openelb.model.layer2 import Profile
from openelb.plan.heard import Way
from openelb.wire.heartbeat import Beat, Flag, Key, Message, Refusal, Sender, State, Verdict, seal, told, unseal

OURS, ASKER = bytes.fromhex("02005e005301"), bytes.fromhex("02005e005302")
FOUR, SIX = "192.0.2.10", "2001:db8::10"
SEED = 5227
FAR = 1e9  # until when the claims are valid


def rows(count: int) -> list[Row]:
    """How many of so many frames raised, and how long one took."""
    chance = random.Random(SEED)
    responder = Responder(OURS)
    responder.claim(frozenset({IPv4Address(FOUR), IPv6Address(SIX)}), valid_until=FAR, now=0.0)
    questions = [
        arp.question(FOUR, sender_mac=ASKER, sender="192.0.2.1"),
        arp.question(FOUR, sender_mac=ASKER),
        ndp.question(SIX, sender_mac=ASKER, sender="2001:db8::1"),
        ndp.question(SIX, sender_mac=ASKER),
    ]
    ends: Counter[str] = Counter()
    spent = 0.0
    for _ in range(count):
        frame = spoilt(chance, questions)
        began = time.perf_counter()
        ends[_end(responder, frame)] += 1
        spent += time.perf_counter() - began
    said = ", ".join(f"{number} {end}" for end, number in ends.most_common(6))
    what = f"fuzz: {count:,} spoilt frames of ARP and neighbour discovery, exceptions"
    found = table.bound(what, ends["raised"], at_most=0, compared=f"{1e6 * spent / count:.1f} µs a frame; {said}")
    return [found, _heartbeats(count)]


def _heartbeats(count: int) -> Row:
    """Half of them are sealed as they are: what is wrong is in the content."""
    chance, key = random.Random(SEED), Key.of(b"k" * 32)
    vigil = Vigil("a", "pod-a", 1, now=0.0)
    vigil.follow(Orders({"b": (Way("eth0", "192.0.2.2", "eth0"),)}, candidate=True, version=1, knows=frozenset({"b"})))
    sender = Sender("b", "pod-b", 7, 5)
    messages: list[Message] = [
        Beat(sender, Flag.CANDIDATE | Flag.TELL, (1, 1), 2),
        State(sender, 2, 0, 1, told(frozenset({IPv4Address(FOUR), IPv6Address(SIX)}), ["eth0"])[0]),
        Verdict(sender, "c", 9, frozenset(Profile)),
    ]
    datagrams = [seal(message, [key]) for message in messages]
    ends: Counter[str] = Counter()
    spent = 0.0
    for number in range(count):
        datagram = spoilt(chance, datagrams)
        if chance.random() < 0.5 and len(datagram) > 23:
            datagram = _sealed(key, datagram)
        began = time.perf_counter()
        ends[_heard(vigil, key, datagram, number * 1e-4)] += 1
        spent += time.perf_counter() - began
    said = ", ".join(f"{number} {end}" for end, number in ends.most_common(6))
    what = f"fuzz: {count:,} spoilt heartbeats, exceptions"
    return table.bound(what, ends["raised"], at_most=0, compared=f"{1e6 * spent / count:.1f} µs each; {said}")


def _sealed(key: Key, datagram: bytes) -> bytes:
    kind, content = datagram[1], datagram[23:]
    tag = hmac.digest(key.secret, bytes((1, kind)) + content, "sha256")[:16]
    return bytes((1, kind, 1)) + key.name + tag + content


def _heard(vigil: Vigil, key: Key, datagram: bytes, now: float) -> str:
    try:
        message = unseal(datagram, [key])
        if isinstance(message, Refusal):
            return message.value
        refusal = vigil.receive(message, "192.0.2.2", now=now)
        vigil.due(now=now)
    except Exception:  # this is what is looked for
        return "raised"
    return refusal.value if refusal else "heeded"


def spoilt(chance: random.Random, questions: list[bytes]) -> bytes:
    """A question with octets changed, cut off, put in or taken out; or nothing but chance."""
    if chance.random() < 0.1:
        return chance.randbytes(chance.randint(0, 200))
    frame = bytearray(chance.choice(questions))
    for _ in range(chance.randint(0, 4)):
        place, how = chance.randrange(len(frame) + 1), chance.random()
        if how < 0.7 and place < len(frame):
            frame[place] = chance.choice((0, 1, 2, 255, chance.randrange(256)))
        elif how < 0.8:
            del frame[place:]
        elif how < 0.9:
            frame[place:place] = chance.randbytes(chance.randint(1, 16))
        else:
            del frame[place : place + chance.randint(1, 8)]
    if len(frame) > 58 and frame[12:14] == b"\x86\xdd" and chance.random() < 0.5:
        _mend(frame)
    return bytes(frame)


def _mend(frame: bytearray) -> None:
    """Make length and checksum right, so that what lies behind them is looked at."""
    frame[18:20] = (len(frame) - 54).to_bytes(2, "big")
    frame[56:58] = bytes(2)
    covered = bytes(frame[22:54]) + (len(frame) - 54).to_bytes(4, "big") + bytes(3) + b"\x3a" + bytes(frame[54:])
    padded = covered + bytes(len(covered) % 2)
    frame[56:58] = (-int.from_bytes(padded, "big") % 0xFFFF).to_bytes(2, "big")


def _end(responder: Responder, frame: bytes) -> str:
    try:
        answer = responder.receive(frame, now=1.0)
    except Exception:  # this is what is looked for
        return "raised"
    if isinstance(answer, str):
        return str(answer)
    return "answered"
