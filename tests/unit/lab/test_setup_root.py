"""What a system that never saw the checkout is told: where packages come from, as this machine has it, and nothing else."""

import re
import subprocess
from pathlib import Path

from lab import fresh
from lab.cache import Cache
from lab.fresh import Archive
from lab.progress import Output
from lab.root import Root, environment

BEHIND_A_PROXY = {
    "https_proxy": "http://proxy:3128",
    "NO_PROXY": "localhost",
    "PIP_INDEX_URL": "https://index/simple",
    "UV_DEFAULT_INDEX": "https://index/simple",
    "GOPROXY": "https://modules",
}


def test_variables_that_tell_where_packages_come_from_are_passed_on():
    assert (
        fresh.variables(BEHIND_A_PROXY | {"PYTHONPATH": "src", "OPENELB_CACHE": "/c", "GOFLAGS": "-x"})
        == BEHIND_A_PROXY
    )


def test_a_visitor_has_a_login_of_its_own_and_a_lab_that_is_nobody_elses():
    told = environment({"HOME": "/home/ann", "PATH": "/home/ann/bin", "OPENELB_LAB": "elb", "TERM": "xterm"})
    assert told["HOME"] == "/root"
    assert "/home/ann" not in told["PATH"]
    assert told["TERM"] == "xterm"
    assert re.fullmatch(r"root\d+", told["OPENELB_LAB"])


def test_settings_of_package_clients_are_copied_and_no_others(tmp_path):
    here, root = tmp_path / "here", tmp_path / "there"
    files = {
        "etc/pip.conf": "[global]\n",
        "root/.config/uv/uv.toml": "native-tls = true\n",
        "etc/apt/apt.conf.d/80proxy": 'Acquire::http::Proxy "http://proxy:3128";\n',
        "etc/apt/apt.conf.d/20hook": 'DPkg::Post-Invoke {"true";};\n',
        "etc/shadow": "root::\n",
    }
    for name, content in files.items():
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_text(content)
    fresh.settings(root, here)
    copied = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    assert copied == {"etc/pip.conf", "root/.config/uv/uv.toml", "etc/apt/apt.conf.d/80proxy"}


def test_parts_of_a_cache_are_shared_without_copying_them(tmp_path):
    cache = Cache(tmp_path / "cache")
    binary = cache.path("bin", "all", "etcd")
    binary.parent.mkdir(parents=True)
    binary.write_text("etcd")
    with (tmp_path / "log").open("w") as log:
        fresh.share(cache, [binary.parent], tmp_path / "other", Output(log))
    assert (tmp_path / "other/bin/all/etcd").samefile(binary)


def test_another_archive_makes_another_system(tmp_path):
    debian = Root("trixie", Cache(tmp_path), Archive())
    assert Root("trixie", Cache(tmp_path), Archive(mirror="http://near/debian")).directory != debian.directory


def test_what_enters_a_root_is_a_script_that_a_shell_can_read():
    script = Path(fresh.__file__).with_name("root.sh")
    subprocess.run(["sh", "-n", script], check=True)
