"""The page on reading `openelb explain` shows what it prints, in both languages."""

from pathlib import Path

import pytest

from openelb.cli import views
from openelb.plan.explain import explain
from tests.unit.builders import key, pool, service, snapshot, speaker

PAGES = [Path(__file__).parents[2] / "docs/how-to" / name for name in ("reading-explain.md", "reading-explain.zh.md")]
FOUR, SIX = "10.79.0.200", "fd00:79::200"
OFFICE = pool("office", f"{FOUR}-10.79.0.239,{SIX}/128", used={FOUR: "default/web", SIX: "default/six"})
WEB = service("web", shows=FOUR, of="office", pool="office")


@pytest.fixture(params=PAGES, ids=lambda page: page.name)
def page(request: pytest.FixtureRequest) -> str:
    return str(request.param.read_text())


def test_what_it_prints_of_a_served_service_is_shown(page: str) -> None:
    there = [speaker("n1", "bond0", "eth1"), *map(speaker, ("n2", "n3", "n4"))]
    told = explain(snapshot(OFFICE, WEB, *there), frozenset({"n1", "n2", "n4"}), key("web"))
    assert views.explanation_text(told) in page


def test_what_it_prints_of_a_service_that_waits_is_shown(page: str) -> None:
    lost = service("web", pool="ofice")
    told = explain(snapshot(OFFICE, lost, speaker("n1")), frozenset({"n1"}), key("web"))
    assert views.explanation_text(told) in page


def test_everything_that_is_said_of_a_node_is_in_the_table(page: str) -> None:
    rows = [line.split("`")[1] for line in page.splitlines() if line.startswith("| `")]
    assert said() <= {row.replace("…", "bond0, eth1") for row in rows}


def said() -> set[str]:
    """Of nodes in every state there is."""
    hearing = (speaker(name, "eth0 fd00:79::2/64") for name in ("n2", "n4"))
    there = [speaker("n1", "bond0", "eth1"), *hearing, speaker("n3"), speaker("n5")]
    six = service("six", shows=SIX, of="office", pool="office", local_traffic_only=True)
    alive = frozenset({"n1", "n2", "n4", "n5"})
    facts = snapshot(OFFICE, WEB, six, *there, endpoints={six.key: frozenset({"n2"})})
    found = {verdict.sentence for name in ("web", "six") for verdict in explain(facts, alive, key(name)).nodes}
    assert len(found) == len(("answers", "stands by", "lost", "no interface", "no IPv6", "no endpoint"))
    return found
