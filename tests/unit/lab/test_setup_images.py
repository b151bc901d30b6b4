"""Images are called what manifests call them, and built with the machine's own sources of packages."""

import configparser
import os

import pytest

from lab.buildah import pip_config
from lab.cache import Cache
from lab.images import Images, forget, full_reference, manifest_image
from lab.pins import pins

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
        "cert": "/run/machine.crt",
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
    return Images(Cache(checkout / "cache"), pins(), checkout)


def test_a_changed_source_makes_a_seed_beside_the_old_one_on_the_same_base(images, checkout):
    seed, base = images.seed, images.base_seed
    (checkout / "src" / "a.py").write_text("changed = True\n")
    assert images.seed != seed
    assert images.base_seed == base


def test_what_the_image_does_not_hold_does_not_rebuild_it(images, checkout):
    seed = images.seed
    (checkout / "docs").mkdir()
    (checkout / "docs" / "page.md").write_text("words")
    assert images.seed == seed


def test_a_checkout_without_a_manifest_has_no_image_of_its_own(images, checkout):
    (checkout / "deploy" / "openelb.yaml").unlink()
    assert images.openelb is None
    assert images.seed == images.base_seed


def test_the_latest_generations_are_kept(tmp_path):
    for age in range(5):
        (tmp_path / f"openelb-{age}").mkdir()
        os.utime(tmp_path / f"openelb-{age}", (100 - age, 100 - age))
    (tmp_path / "base").mkdir()
    forget(tmp_path, "openelb-*")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["base", "openelb-0", "openelb-1", "openelb-2"]
