"""Single fields that authors write: numbers within bounds, words of a choice, addresses, communities.

What cannot be used raises `Unclear` with a sentence for the author, which names the field.
"""

import re
from collections.abc import Callable, Collection, Mapping
from enum import StrEnum
from ipaddress import IPv4Address
from typing import TypeVar

from openelb.kube.shapes import AttributesShape
from openelb.model import names
from openelb.model.addresses import parse_address
from openelb.model.routers import AS_THE_POOL, NO_ATTRIBUTES, Attributes, ServiceRouting
from openelb.wire.communities import WELL_KNOWN

HIGHEST_ASN = 2**32 - 1
"""RFC 6793: four octets."""

AS_TRANS = 23456
OF_NOBODY = "which stands for numbers of four octets and is nobody's own (RFC 6793): write the real one"

TOO_SHORT = (
    "spec.timers.config.holdTime is less than 3 seconds: write 3 or more, or 0 for no limit (RFC 4271, section 4.2)"
)

HIGHEST_TTL = 255

MOST_COMMUNITIES = 32
"""Of one kind, in one place: those of a pool, of Services that share an address and of a peer have to fit into one UPDATE (RFC
4271, section 4: 4096 octets).
"""

Choice = TypeVar("Choice", bound=StrEnum)


class Unclear(ValueError):
    """What the author wrote cannot be used; the message is a sentence for them."""


def attributes(where: str, shape: AttributesShape) -> Attributes:
    """Raises ValueError with a sentence for the author."""
    found = Attributes(
        _each(f"{where}.communities", shape.communities or (), _community),
        _each(f"{where}.largeCommunities", shape.large_communities or (), _large),
        number(f"{where}.localPreference", shape.local_preference),
        number(f"{where}.med", shape.med),
    )
    return NO_ATTRIBUTES if found == NO_ATTRIBUTES else found


def asn(where: str, asn: int | None) -> int:
    if asn == AS_TRANS:
        raise Unclear(f"{where} is {AS_TRANS}, {OF_NOBODY}")
    return within(where, asn or 0, 0, HIGHEST_ASN)


def ttl(where: str, ttl: int | None) -> int:
    return within(where, ttl or HIGHEST_TTL, 1, HIGHEST_TTL)


def number(where: str, number: int | None) -> int | None:
    return None if number is None else within(where, number, 0, 2**32 - 1)


def within(where: str, number: int, lowest: int, highest: int) -> int:
    if not lowest <= number <= highest:
        raise Unclear(f"{where} is {number}: write {lowest} to {highest}")
    return number


def seconds(name: str, text: str | None, most: int) -> int:
    """A number of seconds in text, as upstream's schema has them; 0 where there is none."""
    where = f"spec.timers.config.{name}"
    if not text:
        return 0
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise Unclear(f'{where} is {text!r}: write whole seconds as text, for example "90"')
    return within(where, int(text), 0, most)


def address(where: str, text: str) -> str:
    address = parse_address(text)
    if address is None:
        raise Unclear(f"{where} {text!r} is no IP address")
    return str(address)


def router_id(text: str) -> str:
    try:
        return str(IPv4Address(text)) if text else ""
    except ValueError:
        raise Unclear(
            f"spec.routerId {text!r} is no router id: write an IPv4 address that no other router has, or leave it out"
        ) from None


def choice(where: str, text: str | None, default: Choice) -> Choice:
    if not text:
        return default
    kind = type(default)
    if text not in [one.value for one in kind]:
        *words, last = kind
        raise Unclear(f"{where} is {text!r}: write {', '.join(words)} or {last}")
    return kind(text)


def routing(annotations: Mapping[str, str]) -> ServiceRouting:
    """What a Service's annotations say about its routes. What is wrong with them becomes a sentence in it."""
    if not _OF_ROUTES & annotations.keys():
        return AS_THE_POOL
    peers = _words(annotations.get(names.PEERS, ""))
    try:
        said = Attributes(
            _each(names.COMMUNITIES, _words(annotations.get(names.COMMUNITIES, "")), _community),
            _each(names.LARGE_COMMUNITIES, _words(annotations.get(names.LARGE_COMMUNITIES, "")), _large),
            _annotated(names.LOCAL_PREFERENCE, annotations),
            _annotated(names.MED, annotations),
        )
    except Unclear as problem:
        return ServiceRouting(peers=peers or None, problem=str(problem))
    return ServiceRouting(said, peers or None)


_OF_ROUTES = frozenset((names.COMMUNITIES, names.LARGE_COMMUNITIES, names.LOCAL_PREFERENCE, names.MED, names.PEERS))


def _words(text: str) -> frozenset[str]:
    return frozenset(word for part in text.split(",") if (word := part.strip()))


def _annotated(name: str, annotations: Mapping[str, str]) -> int | None:
    text = annotations.get(name, "").strip()
    if not text:
        return None
    if not _is_number(text, 2**32 - 1):
        raise Unclear(f"{name} is {text!r}: write a number up to 4294967295")
    return int(text)


def _each(where: str, texts: Collection[str], read: Callable[[str, str], str]) -> frozenset[str]:
    if len(texts) > MOST_COMMUNITIES:
        raise Unclear(f"{where} has {len(texts)} communities: {MOST_COMMUNITIES} are the most that a route may carry")
    return frozenset(read(where, one) for one in texts)


def _community(where: str, text: str) -> str:
    """A standard community (RFC 1997), as `65000:100`, one number or a name."""
    parts = text.split(":")
    if text.lower() in WELL_KNOWN:
        return text.lower()
    if len(parts) == 2 and all(_is_number(part, 2**16 - 1) for part in parts):
        return f"{int(parts[0])}:{int(parts[1])}"
    if len(parts) == 1 and _is_number(text, 2**32 - 1):
        return f"{int(text) >> 16}:{int(text) & 0xFFFF}"
    raise Unclear(f"{where} has {text!r}: write two numbers up to 65535, as in 65000:100, or a name such as no-export")


def _large(where: str, text: str) -> str:
    """A large community (RFC 8092)."""
    parts = text.split(":")
    if len(parts) != 3 or not all(_is_number(part, 2**32 - 1) for part in parts):
        raise Unclear(f"{where} has {text!r}: write three numbers up to 4294967295, as in 65000:1:2")
    return ":".join(str(int(part)) for part in parts)


def _is_number(text: str, most: int) -> bool:
    return re.fullmatch(r"[0-9]{1,10}", text) is not None and int(text) <= most
