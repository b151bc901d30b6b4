"""Nodes begin BGP anew one after the other."""

from dataclasses import replace

import pytest

from openelb.plan.turns import mark, predecessor
from tests.unit.builders import conf, speaker

OLD, NEW = mark(conf()), mark(conf(65002))


def speakers(**marks):
    return {name: replace(speaker(name), bgp=bgp) for name, bgp in marks.items()}


@pytest.mark.parametrize(
    ("marks", "waits_for"),
    [
        ({"a": NEW, "b": NEW}, ""),
        ({"a": NEW, "b": OLD}, "b"),
        ({"a": OLD, "b": OLD}, "a"),
        ({"a": "", "b": NEW}, ""),
        ({"d": OLD}, ""),
        ({"a": OLD, "dead": OLD}, "a"),
        ({"b-dead": OLD}, ""),
    ],
)
def test_a_node_waits_for_those_before_it(marks, waits_for):
    there = {**speakers(**marks), "c": speaker("c")}
    assert predecessor(there, {name for name in there if "dead" not in name}, "c", NEW) == waits_for


def test_every_setting_that_cannot_change_has_its_mark():
    others = (
        conf(65002),
        conf(asn_per_rack=(("leaf", 65003),)),
        conf(router_id="192.0.2.1"),
        conf(listen_port=17900),
        conf(listen_addresses=("192.0.2.1",)),
        conf(families=(0,)),
        conf(multipath=True),
    )
    assert len({OLD, *map(mark, others)}) == len(others) + 1
    assert mark(conf(policy="policy")) == OLD
