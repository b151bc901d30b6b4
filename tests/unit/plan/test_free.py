"""The lowest free address of a pool, found without going through those that are taken."""

from openelb.model.addresses import Address
from openelb.model.ranges import read
from openelb.plan.free import Free
from tests.unit.builders import address

PLACE = ("eip", 4, "unreserved")
GIVEN = read("192.168.1.0/24, 2001:db8::/120")[0]
FIRST, LAST = address("192.168.1.0"), address("192.168.1.255")


class Asked:
    """All is taken but what is in `free`; remembers what was asked for."""

    def __init__(self) -> None:
        self.free = frozenset[Address]()
        self.seen: list[Address] = []

    def __call__(self, one: Address) -> bool:
        self.seen.append(one)
        return one not in self.free


def lowest(free: Free, asked: Asked) -> Address | None:
    """In a look of its own."""
    free.begin()
    asked.seen.clear()
    return free.lowest(PLACE, GIVEN, asked, lasts=True)


def test_a_full_pool_is_gone_through_once_and_known_to_be_full_until_something_is_free() -> None:
    free, asked = Free(), Asked()
    free.give({"eip": GIVEN}, ())
    assert (lowest(free, asked), len(asked.seen)) == (None, 256)
    assert (lowest(free, asked), asked.seen) == (None, [LAST])
    for freed in (LAST, FIRST):
        asked.free = frozenset({freed})
        free.may_be_free(freed)
        assert (lowest(free, asked), asked.seen) == (freed, [freed])
