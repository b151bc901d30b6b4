"""Our table of nftables: what is written where something else is there."""

import pytest

from openelb.wire.nft import Table, Wish, changed, difference, removed

A, B, SIX = "192.0.2.10", "192.0.2.11", "2001:db8::10"
BOTH = Wish()


def test_where_there_is_no_table_it_is_written_as_a_whole() -> None:
    command = difference(None, BOTH, frozenset({A, B, SIX}))
    assert command.startswith("add table inet openelb\ndelete table inet openelb\ntable inet openelb {\n")
    assert command.endswith(
        "add element inet openelb ipv4 { 192.0.2.10, 192.0.2.11 }\nadd element inet openelb ipv6 { 2001:db8::10 }\n"
    )


def test_where_all_is_as_wished_nothing_is_written() -> None:
    there = frozenset({A, SIX})
    assert difference(BOTH.table(there), BOTH, there) == ""


def test_only_what_differs_is_written() -> None:
    command = difference(BOTH.table(frozenset({A, SIX})), BOTH, frozenset({A, B}))
    assert (
        command == "add element inet openelb ipv4 { 192.0.2.11 }\ndelete element inet openelb ipv6 { 2001:db8::10 }\n"
    )


@pytest.mark.parametrize(
    "there",
    [Table(), Wish(reject=False).table(frozenset({A})), Table((("ping", "OpenELB 0"),) * 2, frozenset({A}))],
    ids=["no rules", "fewer rules", "rules of another version"],
)
def test_a_table_with_other_rules_is_written_anew(there: Table) -> None:
    assert difference(there, BOTH, frozenset({A})) == BOTH.written({A})


def test_a_table_without_addresses_has_its_rules() -> None:
    assert "add element" not in BOTH.written(())
    assert "chain ping" in BOTH.written(())


def test_each_half_can_be_had_alone() -> None:
    ping, reject = Wish(reject=False).written(()), Wish(ping=False).written(())
    assert "chain ping" in ping
    assert "chain unserved" not in ping
    assert "chain unserved" in reject
    assert "chain ping" not in reject


def test_who_wishes_for_neither_has_no_table() -> None:
    neither = Wish(ping=False, reject=False)
    assert not neither
    assert difference(None, neither, frozenset({A})) == ""
    assert difference(BOTH.table(frozenset({A})), neither, frozenset({A})) == removed()


def test_nothing_gained_or_lost_is_no_command() -> None:
    assert changed(frozenset(), frozenset()) == ""
