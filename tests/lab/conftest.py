"""The lab for tests: hosts only (`network`, `site`), an API server only (`control_plane`), or a whole cluster (`cluster`)."""

import os
import sys
from collections.abc import Iterator

import pytest

from lab.network import Network, stale_prefixes
from lab.site import Site, build

PREFIX = f"elbt{os.getpid()}"
"""One prefix for each run of pytest: two runs at once have hosts of their own."""


@pytest.fixture(scope="session", autouse=True)
def machine() -> None:
    """A machine that can hold a lab, cleared of what killed runs of pytest left. Fails, never skips, where there is none."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.fail(
            "tests/lab makes network namespaces and needs root on Linux: run `make test`, which uses sudo, "
            "or choose tests that need neither: `make test ARGS=tests/unit`",
            pytrace=False,
        )
    for prefix in stale_prefixes("elbt"):
        Network(prefix).remove()


@pytest.fixture
def network(machine: None) -> Iterator[Network]:
    """An empty network of this test."""
    with Network(f"{PREFIX}n") as network:
        yield network


@pytest.fixture
def site(network: Network) -> Site:
    """The standard site, with no program running on any of its hosts."""
    return build(network)
