"""What users ask for, and what happens, in stories of sets of addresses: drawn by chance, the same for a seed every time."""

from random import Random

from openelb.model import names
from openelb.model.cluster import FamilyPolicy, Port
from tests.unit.builders import key

STEPS = 70

SERVICES = tuple(map(key, ("a", "b", "c", "other/a", "other/b")))
# Small pools that overlap; "eip-s" is what is left of "eip-x" when that is split, and "eip-b" may be bound.
POOLS = {
    "eip-x": ("192.0.2.1-192.0.2.4", "192.0.2.1-192.0.2.2", "192.0.2.3-192.0.2.6", "nonsense"),
    "eip-y": ("192.0.2.11-192.0.2.12,2001:db8::1-2001:db8::2", "192.0.2.11,2001:db8::1-2001:db8::4", "192.0.2.12"),
    "eip-o": ("192.0.2.4-192.0.2.5,2001:db8::2-2001:db8::3", "192.0.2.3-192.0.2.5"),
    "eip-s": ("192.0.2.3-192.0.2.4",),
    "eip-b": ("192.0.2.21-192.0.2.23,2001:db8::21-2001:db8::22", "2001:db8::21"),
}
FIRST = {
    "eip-x": {"default": True},
    "eip-y": {"default": True},
    "eip-o": {"default": True},
    "eip-b": {"namespaces": ("other",)},
}
FACTS = {
    "text": (),
    "default": (True, True, False),
    "disabled": (False, False, True),
    "quota": (None, None, 1, 2),
    "cooldown": (0, 20, 600),
    "exclude": ((), ("192.0.2.1",), ("192.0.2.3-192.0.2.4", "2001:db8::1")),
    "adopts": (False, True),
    "namespaces": ((), (), ("other",), ("default",)),
    "priority": (0, 1, 2),
}
WISHES = {
    "pool": ("", "", "eip-x", "eip-y", "eip-none"),
    "pools": ("", "", "eip-x,eip-y", "eip-y,eip-o", "eip-s,eip-x,eip-b"),
    "address": ("", "", "192.0.2.1", "192.0.2.3", "192.0.2.4", "2001:db8::2", "nonsense"),
    "addresses": (
        "",
        "",
        "192.0.2.3,192.0.2.4",
        "192.0.2.4,2001:db8::2",
        "192.0.2.1,192.0.2.11,2001:db8::1",
        "192.0.2.3,192.0.2.3",
    ),
    "load_balancer_ip": ("", "192.0.2.2"),
    "count": ("", "1", "2", "2", "3", "many"),
    "sharing_key": ("", "one", "one", "two"),
    "migrate_to": (
        "",
        "eip-y for 0s",
        "eip-x for 0s",
        "eip-o for 1h",
        "eip-b for 1h",
        "192.0.2.4 for 1h",
        "192.0.2.3 for 0s",
    ),
    "protocol": ("", "", "layer2"),
    "families": ((4,), (6,), (4, 6), (6, 4)),
    "family_policy": tuple(FamilyPolicy),
    "ports": ((Port("TCP", 80),), (Port("TCP", 443),), (Port("TCP", 80), Port("TCP", 443)), ()),
    "opt_in": (names.OPT_IN_VALUE, names.OPT_IN_VALUE, ""),
    "load_balancer": (True, True, False),
    "local_traffic_only": (False, False, True),
}
# What people ask for at once: with one wish after another hardly any set is ever asked for that can be had.
ASKED = (
    {},
    {"count": "2"},
    {"count": "3", "pools": "eip-x,eip-y,eip-o"},
    {"families": (4, 6), "family_policy": FamilyPolicy.PREFER_DUAL},
    {"families": (6, 4), "family_policy": FamilyPolicy.PREFER_DUAL, "count": "2"},
    {"families": (4, 6), "family_policy": FamilyPolicy.REQUIRE_DUAL},
    {"address": "192.0.2.3", "sharing_key": "one"},
    {"address": "192.0.2.4", "sharing_key": "one", "migrate_to": "eip-y for 1h"},
    {"pool": "eip-x", "sharing_key": "one", "migrate_to": "eip-o for 0s"},
    {"sharing_key": "one", "count": "2"},
    {"addresses": "192.0.2.3,192.0.2.4", "sharing_key": "one"},
    {"addresses": "192.0.2.4,2001:db8::2", "families": (4, 6), "family_policy": FamilyPolicy.REQUIRE_DUAL},
    {"opt_in": ""},
)
RESERVATIONS = {
    "held": ({"addresses": ("192.0.2.3", "192.0.2.4"), "of": "eip-x"}, {"addresses": ("192.0.2.4",), "of": "eip-o"}),
    "some": ({"count": 1, "of": "eip-y"}, {"count": 2, "of": "eip-x", "service": "a"}, {"count": 3, "of": "eip-b"}),
}
Event = tuple[object, ...]


def events(seed: int) -> list[Event]:
    """What happens in the story of that seed."""
    chance = Random(seed)
    often = {
        "look": 3,
        "write": 5,
        "work": 7,
        "serve": 7,
        "remove": 1,
        "apply": 2,
        "split": 0.3,
        "drop": 0.6,
        "die": 0.5,
        "wait": 1,
    }
    often |= {"reserve": 0.3, "unreserve": 0.3}
    told: list[Event] = [("apply", name, "priority", 0) for name in POOLS if name != "eip-s"]
    return told + [_event(chance, *chance.choices([*often], [*often.values()])) for _ in range(STEPS)]


def _event(chance: Random, what: str) -> Event:
    match what:
        case "serve":
            wish = chance.choice([*WISHES])
            change = {wish: chance.choice(WISHES[wish])}
            if chance.random() < 0.4:
                change = {"ports": chance.choice(WISHES["ports"][:2]), **chance.choice(ASKED)}
            return what, chance.choice(SERVICES), change
        case "remove":
            return what, chance.choice(SERVICES)
        case "apply":
            name, fact = chance.choice([*POOLS]), chance.choice(["text", *FACTS])
            return what, name, fact, chance.choice(POOLS[name] if fact == "text" else FACTS[fact])
        case "drop":
            return what, chance.choice([*POOLS])
        case "reserve":
            name = chance.choice([*RESERVATIONS])
            return what, name, chance.choice(RESERVATIONS[name]), chance.choice((50.0, 5000.0))
        case "unreserve":
            return what, chance.choice([*RESERVATIONS])
        case "wait":
            return what, chance.choice((1.0, 30.0, 700.0, 3600.0))
        case "write":
            return what, chance.randint(1, 6)
        case _:
            return (what,)
