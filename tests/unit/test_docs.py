"""What the documents say is so: names, links, commands and sentences in them are those of the code."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cache
from itertools import accumulate, chain
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
import pytest
import yaml
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric

from deploy.render import IMAGE
from lab.__main__ import fault
from openelb import __version__
from openelb.announce import unserved
from openelb.announce.counts import HeartbeatCounts, LinkCounts
from openelb.announce.layer2 import TOLD_ONE_BY_ONE
from openelb.announce.protocols import State
from openelb.announce.responder import FRAMES_PER_SECOND, REFRESH, REPEATS, REPEATS_IPV6
from openelb.announce.rivals import Rival
from openelb.cli import bgp as bgp_views
from openelb.cli import ending, main, views
from openelb.complaints import QUIET_SECONDS
from openelb.host import kernel
from openelb.kube import decode, decode_bgp, decode_pools, plugin, report
from openelb.kube.bgp_shapes import BgpPeerShape
from openelb.kube.conf_kind import BgpConfSpec
from openelb.kube.fields import MOST_COMMUNITIES
from openelb.kube.kinds import EipReservationSpec, EipSpec
from openelb.kube.lease import Terms
from openelb.kube.shapes import EipShape, ReservationShape, ServiceShape
from openelb.manager import admission, certificates, controller, identity, refusals, webhook
from openelb.model import names
from openelb.model.bgp import Family, FamilyCounts, Session
from openelb.model.cluster import FamilyPolicy, Pool, PoolStatus, Port, Protocol, Release, Reservation, Service
from openelb.model.findings import Condition, Reason
from openelb.model.layer2 import Layer2Choices, OnConflict, Probing
from openelb.model.probes import Found
from openelb.model.routers import SecretKey, ServiceRouting
from openelb.model.selectors import Selector
from openelb.model.snapshot import Snapshot
from openelb.plan import bgp, books, cluster, liveness, peers, request, turns
from openelb.plan.bgp_outlook import standstill
from openelb.plan.explain import Explanation
from openelb.plan.hosting import Trouble
from openelb.plan.peers import Word
from openelb.process import metrics, runtime
from openelb.speaker import node_report, sentry
from openelb.speaker.speaker import TICK
from openelb.speaker.speaking import EVENTS, EVENTS_PER_SECOND
from openelb.wire import communities, policy_keys, policy_values, toml
from openelb.wire import policy as policies
from openelb.wire.bpf import MAX_RANGES
from tests.unit.builders import (
    address,
    conf,
    key,
    ledger,
    node,
    pool,
    reservation,
    router,
    service,
    snapshot,
    speaker,
    unreadable,
)

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
SAID = [f"{at:g}" for at in accumulate(REPEATS)]
SAID_BY_IPV6 = [f"{at:g}" for at in accumulate(REPEATS_IPV6)]
CONFORMANCE = "docs/reference/layer2-conformance.md"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@cache
def text(name: str) -> str:
    return (ROOT / name).read_text()


def blocks(name: str, language: str) -> list[str]:
    return [content for kind, content in FENCE.findall(text(name)) if kind == language]


def rows(name: str, section: str) -> list[list[str]]:
    """The cells of all rows of tables under a heading, without the headers."""
    _, _, below = text(name).partition(f"\n{section}\n")
    own = re.split(rf"^#{{1,{section.index(' ')}}} ", below, flags=re.MULTILINE)[0]
    cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in own.splitlines() if line.startswith("|")]
    starts = [number for number, row in enumerate(cells) if set("".join(row)) <= set("- ")]
    return [
        [cell.strip() for cell in row]
        for number, row in enumerate(cells)
        if number not in starts and number + 1 not in starts
    ]


def code(cell: str) -> list[str]:
    """The words in backticks."""
    return re.findall(r"`([^`]+)`", cell)


# Links, files and commands.


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", document.read_text()))
    local = [target for target in targets if not re.match(r"[a-z]+:", target)]
    assert [target for target in local if not _is_there(document, target)] == []


def _is_there(document: Path, target: str) -> bool:
    path, _, anchor = target.partition("#")
    file = document.parent / path if path else document
    return file.exists() and (not anchor or anchor in _anchors(file.read_text()))


def _anchors(markdown: str) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", markdown), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_files_that_are_named_exist(document: Path) -> None:
    named = re.findall(r"(?<![\w/.-])(?:src|lab|deploy|docs|examples|tests|bench)/[\w./-]*\w", document.read_text())
    workloads = {"deploy/openelb-manager"}  # as kubectl names them
    assert [path for path in named if path not in workloads and not (ROOT / path).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_tests_that_are_named_exist(document: Path) -> None:
    named = re.findall(r"(tests/[\w/]+\.py)::(\w+)", document.read_text())
    missing = [f"{path}::{name}" for path, name in named if not re.search(rf"^(async )?def {name}\(", text(path), re.M)]
    assert missing == []


def test_every_sentence_of_a_standard_has_a_test() -> None:
    sentences = [*rows(CONFORMANCE, "## ARP"), *rows(CONFORMANCE, "## Neighbour discovery")]
    assert len(sentences) > 20
    assert [row for row in sentences if not code(row[2]) or not all("::" in name for name in code(row[2]))] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_verbs_of_make_are_in_the_makefile(document: Path) -> None:
    there = set(re.findall(r"^(\w+):", text("Makefile"), re.MULTILINE))
    commands = re.findall(r"(?:`|^\$ |=\w+ )make (\w+)", document.read_text(), re.MULTILINE)
    assert set(commands) <= there


@pytest.mark.parametrize("name", ["README.md", "README.zh.md", "docs/quick-start.md", "docs/quick-start.zh.md"])
def test_objects_of_the_quick_start_are_the_files_that_are_applied(name: str) -> None:
    files = [list(yaml.safe_load_all(path.read_text())) for path in (ROOT / "examples").glob("*/*.yaml")]
    applied = [each for file in files for each in file]
    shown = [each for block in blocks(name, "yaml") for each in yaml.safe_load_all(block)]
    assert shown
    assert [each for each in shown if each not in applied] == []


HOW_TO = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs/how-to").glob("*.md"))
IN_BOTH_LANGUAGES = ["README.md", "docs/quick-start.md", *(name for name in HOW_TO if not name.endswith(".zh.md"))]
ABOUT_NODES = [f"docs/how-to/{name}{end}" for name in ("draining", "strict-arp") for end in (".md", ".zh.md")]
OURS = {"Eip": EipSpec, "EipReservation": EipReservationSpec, "BgpConf": BgpConfSpec}


REFERENCE = [f"docs/reference/{name}.md" for name in ("annotations", "eip", "eipreservation")]


@pytest.mark.parametrize("name", [*HOW_TO, "docs/eip.md", *REFERENCE])
def test_examples_are_objects_that_can_be_used(name: str) -> None:
    shown = [each for block in blocks(name, "yaml") for each in yaml.safe_load_all(block)]
    assert shown or name in ABOUT_NODES
    assert [flaw for each in shown if (flaw := _flaw(each))] == []


def _flaw(each: Any) -> str:
    """What is wrong with an example; nothing where it is right."""
    kind, written = each["kind"], json.dumps(each)
    if kind == "Service":
        return _flaw_of_service(each)
    if kind == "ConfigMap":
        read = policies.read(each["data"]["gobgp.conf"])
        return "\n".join(map(str, read)) if isinstance(read, tuple) else ""
    if kind == "BgpPeer":
        return decode_bgp.bgp_peer(msgspec.json.decode(written, type=BgpPeerShape)).problem
    if kind not in OURS:
        return "" if kind == "Namespace" else f"{kind} is no kind of these pages"
    if unknown := each["spec"].keys() - {field.encode_name for field in msgspec.structs.fields(OURS[kind])}:
        return f"{kind} has no {unknown}"
    if kind == "BgpConf":
        return ""
    if kind == "Eip":
        return decode_pools.pool(msgspec.json.decode(written, type=EipShape)).problem
    return decode_pools.reservation(msgspec.json.decode(written, type=ReservationShape)).problem


def _flaw_of_service(each: Any) -> str:
    annotations, spec = each["metadata"].get("annotations", {}), each["spec"]
    if unknown := annotations.keys() - {value for value in vars(names).values() if isinstance(value, str)}:
        return f"nobody reads {unknown}"
    if spec["type"] != "LoadBalancer" or not spec["ports"] or not spec["selector"]:
        return "it is not complete"
    found = decode.service(msgspec.json.decode(json.dumps(each), type=ServiceShape))
    problem = request.request(found).problem or ((move := request.move(found)) and move.request.problem)
    return problem.sentence if problem else ""


def test_routers_are_told_of_by_the_example_as_in_the_how_to() -> None:
    assert blocks("docs/how-to/bgp-routers.md", "yaml")[0] == text("examples/bgp/router.yaml")


SHOWS_ROUTES = [
    "README.md",
    *(f"docs/how-to/bgp-{name}.md" for name in ("routers", "ecmp", "leaf-spine", "communities")),
]


@pytest.mark.parametrize("name", SHOWS_ROUTES)
def test_the_address_that_routers_show_is_the_first_that_the_pool_gives_out(name: str) -> None:
    shown = re.findall(r"^\$ .* (\d[\d.]+)(?:/32.*)?$", "".join(blocks(name, "console")), re.MULTILINE)
    eips = [each for block in blocks(name, "yaml") for each in yaml.safe_load_all(block) if each["kind"] == "Eip"]
    first = next(iter(decode_pools.pool(msgspec.json.decode(json.dumps(eips[-1]), type=EipShape)).given))
    assert set(shown) == {str(first)}


@pytest.mark.parametrize("english", IN_BOTH_LANGUAGES)
def test_both_languages_show_the_same_commands_and_files(english: str) -> None:
    assert FENCE.findall(text(english)) == FENCE.findall(text(english.removesuffix(".md") + ".zh.md"))


@pytest.mark.parametrize("name", HOW_TO)
def test_every_how_to_is_named_in_the_readme_of_its_language(name: str) -> None:
    assert f"]({name})" in text("README.zh.md" if name.endswith(".zh.md") else "README.md")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_image_is_the_one_that_the_manifest_asks_for(document: Path) -> None:
    assert set(re.findall(rf"{IMAGE}:([\w.]+\w)", document.read_text())) <= {__version__}


def test_the_labs_faults_are_all_documented_and_nothing_else_is() -> None:
    words = [code(cell) for row in rows("docs/lab.md", "## Breaking it") for cell in row[:2]]
    documented = {word.split()[0] for cell in words for word in cell}
    api_server = fault.commands["apiserver"]
    assert documented == {*fault.commands, *getattr(api_server, "commands", {})}


def test_every_module_is_on_the_code_map_and_nothing_else_is() -> None:
    source = ROOT / "src/openelb"
    ours = (
        path for path in source.rglob("*.py") if not path.name.startswith("__init__") and "gobgp/api/" not in str(path)
    )
    modules = {path.relative_to(source).as_posix() for path in ours}
    listed = [module for row in rows("ARCHITECTURE.md", "## Code map") for module in code(row[0])]
    assert sorted(listed) == sorted(modules)


@pytest.mark.parametrize("document", ["ARCHITECTURE.md", "docs/reliability.md"])
def test_the_tests_that_are_named_exist(document: str) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text(document))
    assert named
    assert [name for file, name in named if not re.search(rf"\b{name}\b", text(file))] == []


# Names, figures and values.


def test_every_annotation_of_a_service_is_in_its_table_and_nothing_else_is() -> None:
    asked = {code(row[0])[0] for row in rows("docs/reference/annotations.md", "## On a Service, set by you")}
    assert asked == {
        *(names.OPT_IN, names.REQUESTED_POOL, names.REQUESTED_ADDRESS, names.REQUESTED_PROTOCOL),
        *(names.ADDRESSES, names.POOLS, names.COUNT, names.SHARING_KEY, names.MIGRATE_TO, names.NODE_PROXY),
        *(names.COMMUNITIES, names.LARGE_COMMUNITIES, names.LOCAL_PREFERENCE, names.MED, names.PEERS),
    }


def test_every_metric_is_explained_with_its_labels_and_nothing_else_is() -> None:
    explained = {code(row[0])[0]: set(code(row[1])) for row in rows("docs/operate.md", "## Metrics")}
    manager = metrics.manager(leads=True, snapshot=_one_pool()), metrics.webhook({}, 0.0)
    told = (*manager, _speaker_metrics(), metrics.loop(metrics.Pulse(), 0.0))
    assert explained == _labels(chain(*told))


def _one_pool() -> Snapshot:
    return snapshot(pool())


def _speaker_metrics() -> Iterable[Metric]:
    yield from metrics.speaker({"eth0": LinkCounts()}, {"eth0": 1}, 1)
    yield from metrics.rivals({"eth0": {}})
    yield from metrics.heartbeats(HeartbeatCounts(), 1)
    yield from metrics.announcers({Protocol.LAYER2: State()})
    router = Session("192.0.2.1", bfd_up=True, counts=((Family.IPV4, FamilyCounts()),))
    yield from metrics.bgp(
        metrics.BgpFacts("n1", wanted=True, well=True, sessions={router.key: router}, losses={}, paths=())
    )
    yield metrics.gateways({"eth0": True})
    yield metrics.host([(Trouble.STRICT_ARP, "")])


def _labels(families: Iterable[Metric]) -> Mapping[str, set[str]]:
    registry = CollectorRegistry()
    registry.register(metrics.Facts(lambda: families))
    return {sample.name: set(sample.labels) for family in registry.collect() for sample in family.samples}


@pytest.mark.parametrize(
    ("name", "phrase"),
    [
        ("docs/operate.md", f"no step for {runtime.LIVENESS_SECONDS:g} seconds"),
        ("docs/operate.md", f"not older than {liveness.TTL_SECONDS:g} seconds"),
        ("docs/operate.md", f"more than once in {QUIET_SECONDS:g} seconds"),
        ("docs/operate.md", f"every {1000 * runtime.PULSE_SECONDS:g} ms"),
        ("docs/operate.md", f"for up to {views.LISTEN_SECONDS:g} seconds"),
        ("docs/operate.md", f"{views.SELDOM_SECONDS:g} seconds, until the first does"),
        ("docs/how-to/reading-explain.md", f"It takes up to {views.LISTEN_SECONDS:g} seconds"),
        ("docs/how-to/reading-explain.md", f"it takes up to {views.SELDOM_SECONDS:g}."),
        ("docs/operate.md", f"to {node_report.COUNTERS_EVERY / 60:g} minutes old, since"),
        ("docs/reference/bgppeer.md", f"up to {node_report.COUNTERS_EVERY / 60:g} minutes old"),
        ("docs/operate.md", f"needed, {plugin.EARLY:g} seconds before one expires"),
        ("docs/operate.md", f"once in {plugin.REST:g} seconds, for at most {plugin.LONGEST_RUN:g} |"),
        ("docs/operate.md", f"writes {report.PER_SECOND:g} a\nsecond at most"),
        ("docs/operate.md", f"{EVENTS_PER_SECOND:g} a second and {EVENTS} at once"),
        ("docs/operate.md", f"More than {TOLD_ONE_BY_ONE} addresses"),
        ("docs/operate.md", f"every {admission.EVERY:g} seconds. It is valid for {certificates.DAYS} days"),
        ("docs/operate.md", f"{identity.SETTLE_SECONDS:g} seconds later the new certificate is shown"),
        ("SECURITY.md", f"may have {webhook.LARGEST >> 20} MiB and {webhook.SECONDS:g} seconds"),
        ("SECURITY.md", f"at most {webhook.MOST_CONNECTIONS} connections"),
        ("SECURITY.md", f"together at most\n  {webhook.MOST_HELD >> 20} MiB"),
        ("docs/reference/reasons.md", f"not again within {report.QUIET_SECONDS / 60:g} minutes"),
        ("docs/reference/reasons.md", f"repeated every {report.SERIES_SECONDS / 60:g} minutes"),
        ("docs/eip.md", f"{books.ROOM:,} entries"),
        ("docs/reference/eipreservation.md", f"from 0 to {decode_pools.MOST_RESERVED:,}"),
        ("docs/reference/annotations.md", f"from 1 to {request.MOST}"),
        ("docs/reference/annotations.md", f"{request.MOVING_SECONDS / 60:g} minutes"),
        ("docs/reference/annotations.md", f"(`bgp`), {MOST_COMMUNITIES} at most"),
        ("docs/how-to/bgp-communities.md", f"may each have {MOST_COMMUNITIES} of either kind"),
        ("docs/how-to/moving.md", f"{request.MOVING_SECONDS / 60:g} minutes"),
        ("docs/how-it-works/bgp.md", f"or after {turns.RETURN:g} seconds without them"),
        ("docs/how-it-works/layer2.md", f"seen for {liveness.TTL_SECONDS:g} seconds"),
        ("docs/how-it-works/layer2.md", f"{liveness.ECHOES} renewals of the observer's own Lease"),
        ("docs/how-it-works/layer2.md", f"at 0, {', '.join(SAID[:-1])} and {SAID[-1]} seconds"),
        ("docs/how-it-works/layer2.md", f"at 0, {', '.join(SAID_BY_IPV6[:-1])} and {SAID_BY_IPV6[-1]} seconds"),
        ("docs/how-it-works/layer2.md", f"again every {REFRESH:g} seconds"),
        ("docs/how-it-works/layer2.md", f"At most {FRAMES_PER_SECOND:,} announcements a second"),
        ("docs/how-it-works/layer2.md", f"more than {MAX_RANGES} ranges"),
        ("docs/how-to/kernel-answering.md", f"more than {kernel.MOST} addresses"),
        ("docs/how-to/kernel-answering.md", f"every {kernel.AGAIN:g} seconds it is tried"),
        (
            "docs/reference/bgp-policy.md",
            f"at most {policies.MOST_FAULTS} at once. At most {toml.LONGEST:,} characters",
        ),
        ("docs/reference/bgp-policy.md", f"of an expression {policy_values.LONGEST_EXPRESSION}."),
        ("docs/reliability.md", f"our table is back within {unserved.AGAIN:g} s"),
        ("ARCHITECTURE.md", f"after {refusals.RESYNC:g} seconds (manager) or {TICK:g} second (speaker)"),
        ("ARCHITECTURE.md", f"{controller.AT_ONCE} writes are in flight, and after {controller.PER_LOOK} there is"),
        ("ARCHITECTURE.md", f"write for {Terms().deadline:g} seconds after it *sent*"),
        ("ARCHITECTURE.md", f"others wait {Terms().duration} seconds"),
    ],
)
def test_figures_are_those_of_the_code(name: str, phrase: str) -> None:
    assert phrase in text(name)


POLICIES = "docs/reference/bgp-policy.md"


def test_every_key_of_policies_is_in_the_reference_and_nothing_else_is() -> None:
    known = {key: takes for key, takes in policy_keys.listed() if not isinstance(takes, policy_keys.Refused)}
    sections = ("## Which policies count", "## Sets", "## Policies", "## Conditions", "## Actions")
    told = [row for section in sections for row in rows(POLICIES, section)]
    assert [(code(row[0])[0], row[1]) for row in told] == [
        (key, policy_keys.described(takes)) for key, takes in known.items()
    ]


def test_every_key_that_is_refused_is_in_the_reference_with_its_sentence() -> None:
    refused = [(key, takes.why) for key, takes in policy_keys.listed() if isinstance(takes, policy_keys.Refused)]
    assert [(code(row[0])[0], row[1]) for row in rows(POLICIES, "## What is refused")] == refused


def test_names_of_communities_are_those_that_are_read() -> None:
    _, _, below = text(POLICIES).partition("Names of communities: ")
    assert sorted(code(below.partition("Expressions")[0])) == sorted(communities.WELL_KNOWN)


def test_faults_of_policies_that_are_shown_are_really_told() -> None:
    name = "docs/how-to/bgp-policies.md"
    (written,) = (each["data"]["gobgp.conf"] for each in yaml.safe_load_all(blocks(name, "yaml")[0]) if "data" in each)
    mistaken = written.replace('["leaves"]', '["leafs"]').replace("match-set-options", "match-set-option", 1)
    assert [str(fault) for fault in policies.read(mistaken)] == blocks(name, "text")[0].splitlines()


def test_exit_codes_are_those_of_the_command() -> None:
    assert [row[0] for row in rows("docs/operate.md", "## The command line") if row[0].isdecimal()] == [
        str(number) for number in (ending.GOOD, ending.WRONG, ending.USAGE, ending.NO_CLUSTER)
    ]


def test_commands_are_all_documented() -> None:
    said = " ".join(word for row in rows("docs/operate.md", "## The command line") for word in code(row[0]))
    assert [command for command in main.openelb.commands if f"openelb {command}" not in said] == []


@pytest.mark.parametrize(
    ("number", "kind"), [(0, views.Status), (1, Explanation), (2, bgp_views.Peers), (3, bgp_views.Routes)]
)
def test_json_has_the_fields_that_are_printed(number: int, kind: type) -> None:
    assert _names(json.loads(blocks("docs/operate.md", "json")[number])) == _fields(kind)


def _names(shown: Any) -> Any:
    """The names in a JSON object, with those of the objects in its lists; mappings with free keys have upper bounds only."""
    return {
        name: _names(value[0]) if isinstance(value, list) and isinstance(value[0], dict) else None
        for name, value in shown.items()
    }


def _fields(kind: type) -> Any:
    hints = get_type_hints(kind)
    inner = {each.name: get_args(hints[each.name])[:1] for each in fields(kind)}
    return {name: _fields(of[0]) if of and is_dataclass(of[0]) else None for name, of in inner.items()}


# Reasons.

HEADING = re.compile(r"^### (\w+)(?: of an? \w+)?$", re.MULTILINE)


def sections() -> Iterator[tuple[Reason, list[str]]]:
    """Each reason with the sentences documented for it; a reason may have two sections."""
    _, *parts = HEADING.split(text("docs/reference/reasons.md"))
    for word, section in zip(parts[::2], parts[1::2], strict=True):
        own = section.partition("\n## ")[0]
        yield Reason(word), [line for _, block in FENCE.findall(own) for line in block.splitlines()]


def test_every_reason_is_documented_and_nothing_else_is() -> None:
    assert {reason for reason, _ in sections()} == set(Reason)


def written(address: str = "10.79.0.240", protocol: str = "layer2", **others: object) -> Pool:
    """An Eip as somebody writes it."""
    metadata = {"name": "eip", "finalizers": [names.POOL_FINALIZER]}
    spec = {"address": address, "protocol": protocol, "interface": "eth0", **others}
    content = {"metadata": metadata, "spec": spec}
    return decode_pools.pool(msgspec.json.decode(json.dumps(content), type=EipShape))


def asking(**facts: object) -> Service:
    """A Service that names the pool `eip`."""
    return service(pool="eip", **facts)


HELD = "192.168.1.5"
USED = {HELD: "default/web"}
HOLDER = asking(shows=HELD)
HERE = speaker("n1", "eth0 192.168.1.11/24")
FULL = pool(text="192.168.1.1-192.168.1.2", used={"192.168.1.1": "default/a", "192.168.1.2": "default/b"})

CASES: list[Snapshot] = [
    snapshot(HERE, pool(used=USED), HOLDER),
    snapshot(HERE, pool(used=USED), asking(shows=HELD, address=HELD, load_balancer_ip="192.168.1.6")),
    snapshot(HERE, asking()),
    snapshot(HERE, pool("other"), asking()),
    snapshot(HERE, pool(used=USED), service(pool="gone", shows=HELD)),
    snapshot(HERE, pool(), service()),
    snapshot(HERE, pool(), service(protocol="vip")),
    *(snapshot(HERE, written(address), asking()) for address in ("", "1.2.3", "1.2.3.4/33", "2.2.2.2-1.1.1.1")),
    *(snapshot(HERE, each, asking()) for each in (written("1.1.1.1-::1"), written(protocol="ospf"))),
    snapshot(HERE, asking(), unreadable=unreadable("Eip", "eip")),
    snapshot(HERE, pool(disabled=True), asking()),
    snapshot(HERE, FULL, service("a"), service("b"), asking()),
    snapshot(HERE, pool(deleting=True, finalizers=("example.org/other",)), asking()),
    snapshot(HERE, pool(deleting=True, used=USED), HOLDER),
    snapshot(HERE, pool(text="2001:db8::1-2001:db8::9"), asking()),
    snapshot(HERE, pool(), asking(address="five")),
    snapshot(HERE, pool(), asking(address="10.0.0.1")),
    snapshot(HERE, pool(), service(load_balancer_ip="10.0.0.1")),
    snapshot(HERE, pool(text="192.168.1.9", used=USED), HOLDER),
    snapshot(HERE, pool(used={HELD: "default/a"}), service("a"), asking(address=HELD)),
    snapshot(HERE, pool(), asking(node_proxy="daemonset")),
    snapshot(HERE, pool(used=USED), asking(shows=HELD, local_traffic_only=True)),
    snapshot(
        HERE,
        pool(used={HELD: "default/web;default/too"}),
        asking(shows=HELD, local_traffic_only=True),
        service("too", shows=HELD, local_traffic_only=True),
    ),
    snapshot(HERE, pool(interface="")),
    snapshot(HERE, pool(interface="eth9")),
    snapshot(HERE, pool(interface="can_reach:10.0.0.1")),
    snapshot(HERE, pool(text="2001:db8::/64")),
    snapshot(HERE, pool(interface="eth8,eth9")),
    snapshot(HERE, pool(interface="auto")),
    snapshot(HERE, pool(text="10.0.0.0/24", interface="auto")),
    snapshot(
        HERE,
        pool(text="192.168.1.0/24,10.0.0.5", used={"10.0.0.5": "default/web"}, interface="auto"),
        asking(shows="10.0.0.5"),
    ),
    snapshot(HERE, pool(used=USED, interface="auto"), HOLDER),
    snapshot(HERE, pool(text="10.0.0.0/24")),
    snapshot(HERE, node("n1"), pool(node_selector=Selector((("rack", "one"),)))),
    snapshot(HERE, node("n1", excluded=True), pool()),
    snapshot(pool()),
    snapshot(HERE, pool(protocol=Protocol.VIP)),
    snapshot(HERE, pool(left_to_cni=True)),
]
FULL_USED = {"192.168.1.1": "default/a", "192.168.1.2": "default/b"}
TWINS = service("a", shows="192.168.1.1"), service("b", shows="192.168.1.2")
GIVEN_BACK = {address("192.168.1.9"): Release(key("gone"), -10.0)}
COOLING = pool(text="192.168.1.9", cooldown=60, status=PoolStatus(released=GIVEN_BACK))
NEAR = {"matchExpressions": [{"key": "app", "operator": "Near"}]}
SELECTING = written(serviceSelector=NEAR)
UNUSABLE = "0.0.0.0/0 127.0.0.1 169.254.1.0/24 224.0.0.9 255.255.255.255 :: ::1 ::ffff:1.2.3.4 fe80::1 ff02::1"
TWO = service("too", shows=HELD)
OTHER_PORT = (Port("TCP", 81),)
NEW = pool("new", "192.168.1.0/25", created="2026-05-01T00:00:00Z")
TWICE = "2001:db8::7, 2001:DB8::7"
OTHERS = {"namespace": "elsewhere"}


def held(**spec: object) -> Reservation:
    """An EipReservation as somebody writes it."""
    written = json.dumps({"metadata": {"name": "held"}, "spec": {"eip": "eip", **spec}})
    return decode_pools.reservation(msgspec.json.decode(written, type=ReservationShape))


def sharing(second: Service, first: Service = HOLDER) -> Snapshot:
    """A second Service that asks for the address that the first one has."""
    return snapshot(HERE, pool(used={HELD: str(first.key)}), first, second)


def wish(name: str = "too", **facts: object) -> Service:
    """A second Service that asks for the address in use."""
    return service(name, pool="eip", address=HELD, **facts)


ASKED = pool(layer2=Layer2Choices(probe=Probing.FAST))
FINDS = replace(HERE, found=Found(taken={address(HELD): "02:00:5e:00:53:01"}))
CASES += [
    snapshot(HERE, ASKED, asking()),
    snapshot(HERE, ASKED, asking(address=HELD)),
    snapshot(FINDS, ASKED, asking(address=HELD)),
    snapshot(replace(ASKED, status=PoolStatus(used=ledger({HELD: "default/web"}))), asking()),
]
CASES += [
    snapshot(HERE, pool(used=USED, default=True, adopts=True), service(shows=HELD, opt_in="")),
    snapshot(HERE, pool(used=USED), asking(shows=HELD, addresses=HELD, load_balancer_ip="192.168.1.6")),
    snapshot(HERE, pool(used=USED), asking(shows=HELD, migrate_to="gone")),
    snapshot(
        HERE,
        pool(used=USED),
        pool("new", "10.0.0.0/24", used={"10.0.0.1": "default/web"}),
        asking(shows=HELD, migrate_to="new for 30m"),
    ),
    *(snapshot(HERE, written(text), asking()) for text in (*UNUSABLE.split(), " ")),
    snapshot(HERE, pool("e" * 64), service(pool="e" * 64)),
    snapshot(HERE, SELECTING, asking()),
    snapshot(HERE, pool(), asking(address="2001:db8::5")),
    snapshot(HERE, pool(), NEW, service(pool="new", address=HELD)),
    snapshot(HERE, pool(text="192.168.1.1-192.168.1.3", exclude=("192.168.1.3",), used=FULL_USED), *TWINS, asking()),
    snapshot(HERE, COOLING, asking()),
    snapshot(HERE, pool(used={HELD: "default/gone"}), asking(address=HELD)),
    snapshot(HERE, pool(quota=1, used={HELD: "default/too"}), TWO, asking()),
    snapshot(HERE, pool(exclude=(HELD,)), asking(address=HELD)),
    snapshot(HERE, pool(), reservation(addresses=(address(HELD),), **OTHERS), asking(address=HELD)),
    snapshot(HERE, pool(), asking(addresses=TWICE)),
    snapshot(HERE, pool(), asking(addresses=",".join(f"10.0.0.{number}" for number in range(33)))),
    snapshot(HERE, pool(), asking(count="many")),
    snapshot(HERE, pool(used=USED), asking(shows=HELD, migrate_to="to the new one")),
    sharing(wish("elsewhere/too", ports=OTHER_PORT)),
    sharing(wish(ports=())),
    sharing(wish()),
    sharing(wish(ports=OTHER_PORT, local_traffic_only=True)),
    sharing(
        wish(ports=OTHER_PORT, local_traffic_only=True, selector=(("app", "too"),)),
        asking(shows=HELD, local_traffic_only=True),
    ),
    snapshot(HERE, pool(used={HELD: "default/too;default/web"}), HOLDER, TWO),
    snapshot(HERE, pool(used=USED), asking(shows=HELD, families=(4, 6), family_policy=FamilyPolicy.PREFER_DUAL)),
    snapshot(HERE, pool(), HOLDER),
    snapshot(HERE, pool(used={HELD: "default/gone"}), gone=frozenset({key("gone")})),
    snapshot(HERE, pool(used={"192.168.1.9": "default/gone"}), HOLDER, gone=frozenset({key("gone")})),
    snapshot(HERE, pool(), held(count=1)),
    snapshot(HERE, held(count=1)),
    snapshot(HERE, pool(), held(addresses=["10.0.0.1"])),
    snapshot(HERE, pool(), held(addresses=[HELD]), reservation("elder", addresses=(address(HELD),), created="2025")),
    snapshot(HERE, pool(text="192.168.1.1-192.168.1.2"), held(count=3)),
    snapshot(HERE, pool(), reservation(count=1, expires=0.0)),
    *(
        snapshot(HERE, pool(), held(**spec))
        for spec in (
            {"eip": ""},
            {"addresses": ["five"]},
            {"count": 1, "addresses": [HELD]},
            {"count": 1001},
            {"count": 1, "expires": "soon"},
            {"count": 1, "services": {"selector": NEAR}},
        )
    ),
]
ALIVE = frozenset({"n1"})
ROUTED = pool(protocol=Protocol.BGP, interface="", used=USED)
PASSWORD = SecretKey("leaf", "password")
UP, DOWN = Word("ESTABLISHED", runs=True), Word("ACTIVE", "connection refused")
MISROUTED = replace(HOLDER, routing=ServiceRouting(problem="openelb.io/med is 'x': write a number"))
BGP_CASES = [
    snapshot(HERE, ROUTED),
    snapshot(HERE, ROUTED, router()),
    snapshot(HERE, ROUTED, conf(0)),
    snapshot(HERE, ROUTED, conf(problem="spec.routerId is no IPv4 address")),
    snapshot(HERE, ROUTED, conf()),
    snapshot(HERE, ROUTED, conf(left_to_cni=True), router()),
    snapshot(HERE, ROUTED, conf(), router(left_to_cni=True)),
    snapshot(HERE, ROUTED, conf(), router(problem="spec.conf is missing")),
    snapshot(HERE, ROUTED, HOLDER, conf(), router()),
    snapshot(HERE, ROUTED, HOLDER, conf(), router(), endpoints={HOLDER.key: frozenset({"n1"})}),
    snapshot(HERE, ROUTED, MISROUTED, conf(), router(), endpoints={MISROUTED.key: frozenset({"n1"})}),
    snapshot(ROUTED, conf(), router()),
    snapshot(HERE, ROUTED, conf(), router(node_selector=Selector((("rack", "one"),)))),
    snapshot(HERE, ROUTED, conf(), router(secret=PASSWORD), router("too", created="2")),
]
CASES += BGP_CASES


def judged() -> Iterator[tuple[Reason, str]]:
    """Every reason and sentence that these cases are told."""
    for case in CASES:
        plan = cluster.plan(case, ALIVE)
        for told in (*plan.services.values(), *plan.pools.values()):
            yield from _said(told.conditions)
        for promised in plan.reservations.values():
            yield from _said(promised.conditions)
        yield from ((Reason.LEDGER_REPAIRED, sentence) for sentence in plan.repairs.values())
    for case in BGP_CASES:
        yield from _said_of_peers(case)
    for policy in OnConflict:
        told_of = sentry.sentence(address(HELD), Rival("02:00:5e:00:53:01", policy))
        yield Reason.ADDRESS_CLAIMED_ELSEWHERE, f"node n1: {told_of}"


def _said_of_peers(case: Snapshot) -> Iterator[tuple[Reason, str]]:
    """By the manager, in the condition of each BgpPeer, and by a node, in its own words."""
    for words in ({"n1": replace(UP, runs=True)}, {"n1": DOWN}):
        yield from _said((peers.ready(peers.Told(words), frozenset(case.speakers), standstill(case)),))
    for peer in case.peers.values():
        among = peers.meant(peer, case.speakers, case.nodes)
        for session in (UP, replace(UP, problem="the session comes and goes"), DOWN):
            yield from _said((peers.established(peer, peers.Told({"n1": session}), among, standstill(case)),))
    if standstill(case) is None:
        here = bgp.Here("n1", (address("192.168.1.11"),))
        found = bgp.configuration(case, here, {PASSWORD: None}).findings.values()
        yield from ((finding.reason, finding.sentence) for finding in found)


def _said(conditions: Iterable[Condition]) -> Iterator[tuple[Reason, str]]:
    return ((Reason(condition.reason), condition.message) for condition in conditions)


def test_the_cases_provoke_every_reason() -> None:
    assert {reason for reason, _ in judged()} == set(Reason)


def test_every_sentence_is_documented_under_its_reason() -> None:
    assert [
        (reason, sentence)
        for reason, sentence in judged()
        if not any(form.fullmatch(sentence) for of, form in _forms() if of is reason)
    ] == []


def test_every_documented_sentence_is_really_told() -> None:
    told = list(judged())
    assert [
        form.pattern
        for reason, form in (*_forms(), *((Reason.POOL_INVALID, re.compile(f".*: {each}")) for each in _problems()))
        if not any(of is reason and form.fullmatch(sentence) for of, sentence in told)
    ] == []


def _forms() -> list[tuple[Reason, re.Pattern[str]]]:
    """The documented sentences as patterns, also as they are when told of the pool of a Service, or of a wish not met."""
    problem = "|".join(_problems())
    return [
        (reason, re.compile(rf"(?:Eip \w+: |keeps .* since )?{_pattern(form, problem)}"))
        for reason, forms in sections()
        for form in forms
        if reason is not Reason.POOL_INVALID or "<problem>" in form
    ]


def _problems() -> list[str]:
    """What `<problem>` stands for, which is documented among the sentences of its reason."""
    forms = [form for reason, forms in sections() if reason is Reason.POOL_INVALID for form in forms]
    return [_pattern(form) for form in forms if "<problem>" not in form]


def _pattern(form: str, problem: str = "") -> str:
    pieces = re.split(r"(<\w+>)", form)
    stands_for = {"<problem>": f"(?:{problem})"}
    return "".join(stands_for.get(piece, ".+") if piece.startswith("<") else re.escape(piece) for piece in pieces)
