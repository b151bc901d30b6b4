"""What hinders a lab is said in sentences before anything is built."""

from dataclasses import replace
from pathlib import Path

import pytest

from lab.cgroups import CONTROLLERS
from lab.machine import ROOM, Machine, filesystem, hindrances, missing_packages

GOOD = Machine(
    root=True,
    controllers=frozenset(CONTROLLERS),
    overlay=True,
    namespaces=True,
    cache_on_overlay=False,
    free=ROOM,
)

MOUNTINFO = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:26 / /home rw - overlay overlay rw,lowerdir=/a
31 30 0:27 / /home/ann rw - ext4 /dev/vdb rw
32 22 0:28 / /srv rw - ext4 /dev/vdc rw
33 22 0:29 / /srv rw master:1 - tmpfs tmpfs rw
"""


def test_nothing_hinders_a_good_machine():
    assert list(hindrances(GOOD, cold=True)) == []


@pytest.mark.parametrize(
    ("machine", "what_to_do"),
    [
        (replace(GOOD, root=False), "run it as root"),
        (replace(GOOD, namespaces=False), "--privileged"),
        (replace(GOOD, overlay=False), "modprobe overlay"),
        (replace(GOOD, controllers=frozenset({"cpu", "cpuset", "pids"})), "no memory: start a container with"),
        (replace(GOOD, cache_on_overlay=True), "set OPENELB_CACHE"),
        (replace(GOOD, free=ROOM - 1), "make room"),
    ],
)
def test_each_hindrance_says_what_to_do(machine, what_to_do):
    [sentence] = hindrances(machine, cold=True)
    assert what_to_do in sentence


def test_all_hindrances_are_said_at_once():
    assert len(list(hindrances(replace(GOOD, overlay=False, free=0), cold=True))) == 2


def test_without_root_nothing_else_is_said_for_it_cannot_be_seen():
    assert len(list(hindrances(replace(GOOD, root=False, overlay=False, namespaces=False), cold=True))) == 1


def test_a_warm_cache_needs_no_room():
    assert list(hindrances(replace(GOOD, free=0), cold=False)) == []


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/root/.cache", "ext4"), ("/home/bob", "overlay"), ("/home/ann/.cache", "ext4"), ("/srv/cache", "tmpfs")],
)
def test_a_path_is_on_the_file_system_mounted_last_and_nearest(path, kind):
    assert filesystem(Path(path), MOUNTINFO) == kind


def test_only_packages_that_are_missing_are_installed():
    assert missing_packages(lambda evidence: evidence != "ip") == ["iproute2"]
    assert missing_packages(lambda evidence: True) == []
