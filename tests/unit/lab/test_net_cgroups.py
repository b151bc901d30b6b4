"""What a node's control groups need of either version, seen in /proc/mounts and in a directory that looks like a tree."""

from pathlib import Path

import pytest

from lab.cgroups import V1, V2, Group, Mount, tree

HYBRID = """\
proc /proc proc rw,nosuid,nodev,noexec,relatime 0 0
tmpfs /sys/fs/cgroup tmpfs ro,nosuid,nodev,noexec,mode=755 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw,nosuid,nodev,noexec,relatime,nsdelegate 0 0
cgroup /sys/fs/cgroup/systemd cgroup rw,nosuid,nodev,noexec,relatime,xattr,release_agent=/lib/agent,name=systemd 0 0
cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,nosuid,nodev,noexec,relatime,cpu,cpuacct 0 0
cgroup /sys/fs/cgroup/pids cgroup rw,relatime,pids 0 0
cgroup /somewhere/else/pids cgroup rw,relatime,pids 0 0
"""
UNIFIED = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid,nodev,noexec,relatime,nsdelegate,memory_recursiveprot 0 0\n"

OF_THE_KERNEL = "cpuset cpu io memory hugetlb pids rdma misc\n"


@pytest.fixture
def unified(tmp_path: Path) -> Path:
    """What the root of a machine's version 2 tree looks like, with what systemd passes on."""
    (tmp_path / "cgroup.controllers").write_text(OF_THE_KERNEL)
    (tmp_path / "cgroup.subtree_control").write_text("memory pids\n")
    (tmp_path / "cgroup.procs").write_text("2\n3\n")
    return tmp_path


def test_every_v1_hierarchy_is_mounted_again_on_a_directory_of_the_node() -> None:
    assert tree(HYBRID).mounts == (
        Mount("tmpfs", Path("/sys/fs/cgroup"), "mode=755"),
        Mount("cgroup", Path("/sys/fs/cgroup/systemd"), "none,name=systemd"),
        Mount("cgroup", Path("/sys/fs/cgroup/cpu,cpuacct"), "cpu,cpuacct"),
        Mount("cgroup", Path("/sys/fs/cgroup/pids"), "pids"),
    )


def test_a_machine_with_both_versions_is_one_of_version_1() -> None:
    assert isinstance(tree(HYBRID), V1)
    assert tree(HYBRID).controllers() >= {"cpu", "pids"}
    assert "memory" not in tree(HYBRID).controllers()


def test_a_machine_with_one_hierarchy_is_one_of_version_2() -> None:
    assert tree(UNIFIED) == V2(Path("/sys/fs/cgroup"))
    assert tree(UNIFIED).mounts == (Mount("cgroup2", Path("/sys/fs/cgroup"), "rw"),)


def test_a_machine_without_control_groups_offers_no_controller() -> None:
    assert tree("proc /proc proc rw 0 0\n").controllers() == frozenset()


def test_a_v2_group_is_given_the_controllers_that_it_would_not_have(unified: Path) -> None:
    assert Group("elb-n1", V2(unified)).create() == [unified / "elb-n1"]
    assert (unified / "cgroup.subtree_control").read_text() == "+cpu +cpuset"
    assert (unified / "elb-n1" / "init").is_dir()


def test_a_machine_that_passes_everything_on_is_left_alone(unified: Path) -> None:
    (unified / "cgroup.subtree_control").write_text(OF_THE_KERNEL)
    Group("elb-n1", V2(unified)).create()
    assert (unified / "cgroup.subtree_control").read_text() == OF_THE_KERNEL


def test_a_controller_that_the_kernel_leaves_out_is_not_asked_for(unified: Path) -> None:
    (unified / "cgroup.controllers").write_text("cpu pids\n")
    assert V2(unified).controllers() == {"cpu", "pids"}
    Group("elb-n1", V2(unified)).create()
    assert (unified / "cgroup.subtree_control").read_text() == "+cpu"


def test_a_container_that_has_processes_at_its_root_can_pass_nothing_on(unified: Path) -> None:
    (unified / "cgroup.events").write_text("populated 1\nfrozen 0\n")
    assert V2(unified).controllers() == {"memory", "pids"}
    (unified / "cgroup.procs").write_text("")
    assert V2(unified).controllers() >= {"cpu", "cpuset", "memory", "pids"}
