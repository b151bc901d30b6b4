"""Images are called what manifests call them, and built with the machine's own sources of packages."""

import configparser
from dataclasses import replace

import pytest

from lab.binaries import Binaries, programs
from lab.buildah import pip_config
from lab.cache import Cache
from lab.images import Images, full_reference, manifest_image
from lab.pins import pins
from lab.recipes import router_steps, steps

MANIFEST = """
      containers:
      - name: speaker
        image: {first}
      - image: "{second}"
        name: manager
"""


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("nginx:1.27", "docker.io/library/nginx:1.27"),
        ("openelb/openelb:1.0.0", "docker.io/openelb/openelb:1.0.0"),
        ("ghcr.io/openelb/openelb:1.0.0", "ghcr.io/openelb/openelb:1.0.0"),
        ("localhost/openelb", "localhost/openelb:latest"),
        ("registry:5000/openelb", "registry:5000/openelb:latest"),
    ],
)
def test_a_reference_is_completed_as_containerd_does(short, full):
    assert full_reference(short) == full


def test_the_manifest_says_what_our_image_is_called():
    assert manifest_image(MANIFEST.format(first="openelb/openelb:1", second="openelb/openelb:1")) == "openelb/openelb:1"


def test_a_manifest_of_two_images_is_refused_by_name():
    with pytest.raises(ValueError, match="2 images"):
        manifest_image(MANIFEST.format(first="a:1", second="b:1"))


def test_pip_in_a_build_has_the_machines_settings_and_authorities():
    machines = "[global]\nindex-url = https://mirror.example/simple\ncert = /elsewhere\n[install]\nno-deps = yes\n"
    config = configparser.ConfigParser()
    config.read_string(pip_config(machines, {"PIP_EXTRA_INDEX_URL": "https://extra.example", "PIP_CERT": "/elsewhere"}))
    assert dict(config["global"]) == {
        "index-url": "https://mirror.example/simple",
        "extra-index-url": "https://extra.example",
        "cert": "/run/authorities.crt",
    }
    assert config["install"]["no-deps"] == "yes"


@pytest.fixture
def checkout(tmp_path):
    """A checkout with an image of OpenELB's own."""
    for name, text in {
        "deploy/Dockerfile": "FROM scratch\n",
        "deploy/openelb.yaml": "image: openelb:1\n",
        "src/a.py": "",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def images(checkout):
    """What this checkout asks for, each time it is looked at."""
    return lambda: Images.of(Cache(checkout / "cache"), pins(), checkout)


def test_a_changed_source_makes_a_seed_beside_the_old_one_on_the_same_base(images, checkout):
    before = images()
    (checkout / "src" / "a.py").write_text("changed = True\n")
    assert images().seed != before.seed
    assert images().base_seed == before.base_seed


def test_images_are_those_of_the_checkout_as_it_was_when_looked_at(images, checkout):
    before = images()
    seed = before.seed
    (checkout / "src" / "a.py").write_text("changed = True\n")
    assert before.seed == seed


def test_what_the_image_does_not_hold_does_not_rebuild_it(images, checkout):
    before = images()
    (checkout / "docs").mkdir()
    (checkout / "docs" / "page.md").write_text("words")
    assert images() == before


def test_a_checkout_without_a_manifest_has_no_image_of_its_own(images, checkout):
    (checkout / "deploy" / "openelb.yaml").unlink()
    assert images().openelb is None
    assert images().seed == images().base_seed


def test_a_first_set_up_makes_the_base_before_what_stands_on_it(images):
    titles = [each.title for each in steps(images())]
    assert titles[0] == "making Debian trixie"
    assert titles[-1] == "building OpenELB's image"


def test_a_changed_source_rebuilds_our_image_alone(images, checkout):
    have = images()
    mark = have.node.base.mark(have.cache)
    for made in (have.archive(have.pause), have.archive(have.nginx), have.node_root, have.base_seed, mark):
        made.parent.mkdir(parents=True, exist_ok=True)
        made.touch()
    assert [each.title for each in steps(images())] == ["building OpenELB's image"]


def test_a_changed_pin_of_gobgpd_rebuilds_our_image(images, checkout):
    before = images()
    module = checkout / "lab" / "modules" / "gobgp" / "go.mod"
    module.parent.mkdir(parents=True)
    module.write_text("require github.com/osrg/gobgp/v4 v4.9.0\n")
    assert images().seed != before.seed
    assert images().base_seed == before.base_seed


def test_routers_are_made_for_themselves(images):
    assert [each.title for each in router_steps(images())] == [
        "making Debian trixie",
        "building image router",
        "making Debian bookworm",
        "building image older-router",
    ]
    assert not {"building image router", "building image older-router"} & {each.title for each in steps(images())}


def test_a_router_stands_on_the_base_that_is_there(images):
    have = images()
    have.router.base.mark(have.cache).parent.mkdir(parents=True)
    have.router.base.mark(have.cache).touch()
    have.root(have.older_router).mkdir(parents=True)
    assert [each.title for each in router_steps(images())] == ["building image router"]


def test_nothing_is_made_twice(images, checkout):
    have = images()
    for made in (have.archive(have.pause), have.archive(have.nginx), have.node_root, have.base_seed, have.seed):
        made.parent.mkdir(parents=True, exist_ok=True)
        made.touch()
    assert steps(images()) == []


def test_a_bump_rebuilds_only_what_depends_on_it(checkout):
    cache, have = Cache(checkout / "cache"), pins()
    bumped = replace(have, etcd="v3.6.6")
    built_before = {each.name: Binaries(cache, have).file(each) for each in programs(have)}
    built_after = {each.name: Binaries(cache, bumped).file(each) for each in programs(bumped)}
    assert {name for name in built_before if built_before[name] != built_after[name]} == {"etcd"}
    assert Images.of(cache, bumped, checkout).seed == Images.of(cache, have, checkout).seed
