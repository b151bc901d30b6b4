"""The page on reading `openelb explain` shows what it prints, in both languages."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from openelb.cli import views
from openelb.model.cluster import Link, Protocol
from openelb.model.selectors import Selector
from openelb.plan.explain import explain
from tests.unit.builders import address, conf, key, node, pool, router, service, snapshot, speaker

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
    forms = [re.compile(".+".join(map(re.escape, row.split("…")))) for row in rows]
    assert [one for one in said() | excused() if not any(form.fullmatch(one) for form in forms)] == []


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


def excused() -> set[str]:
    """Of nodes that announce less than others, or nothing, or what another one would announce."""
    chosen = pool("office", f"{FOUR}/32", used={FOUR: "default/web"}, node_selector=Selector((("rack", "one"),)))
    nodes = [
        node("n1", rack="one", drained=True),
        node("n2", rack="two"),
        node("n3", rack="one", cordoned=True),
        node("n4", rack="one", excluded=True),
    ]
    there = [
        *map(speaker, ("n1", "n2", "n4", "n7", "n8")),
        speaker("n3", leaves_when_cordoned=True),
        speaker("n5", tainted="example.com/maintenance"),
        replace(speaker("n6"), links=(Link("eth0", gateway_lost=True),)),
    ]
    here = [replace(one, holds=frozenset({address(FOUR)})) for one in map(speaker, ("n7", "n8"))]
    found = set[str]()
    for facts in (
        *([replace(chosen, protocol=protocol), *there] for protocol in (Protocol.LAYER2, Protocol.BGP, Protocol.VIP)),
        [replace(chosen, interface="auto"), *there],
        *([chosen, *there, one] for one in here),
    ):
        case = snapshot(*facts, WEB, *nodes, conf(), router(), endpoints={WEB.key: frozenset({"n7"})})
        found |= {verdict.sentence for verdict in explain(case, frozenset(case.speakers), key("web")).nodes}
    assert [words for words in EXCUSES if not any(words in sentence for sentence in found)] == []
    return found


EXCUSES = [
    *("here already", "tells its routers", "it has the label", "spec.nodeSelector", "a network that holds", "vip"),
    *("drained: would answer", "cordoned: would answer", "tainted with", "drained: would tell", "lost its gateway"),
]
