"""What is told of the machine, and how often."""

import logging

import pytest

from openelb.model.host import HostSettings
from openelb.plan.hosting import IPVS, Trouble
from openelb.speaker.surroundings import Surroundings

LOOSE, STRICT = {"eth0": 0}, {"eth0": 1}


def test_a_trouble_is_told_once_while_it_lasts_and_so_is_its_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    kernel = dict(LOOSE)
    there = Surroundings(lambda _: HostSettings(frozenset({"eth0", IPVS}), dict(kernel)), lambda: ["eth0"], list)
    there.look()
    there.look()
    assert list(there.troubles) == [(Trouble.STRICT_ARP, "")]
    assert [record.message.endswith("(StrictARP)") for record in caplog.records] == [True]
    kernel |= STRICT
    there.look()
    there.look()
    assert there.troubles == {}
    assert [record.message for record in caplog.records[1:]] == [
        "this node has no setting any more that troubles anybody"
    ]
