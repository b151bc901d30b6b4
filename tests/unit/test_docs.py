"""What the documents say is so: names, links, commands and sentences in them are those of the code."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
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
from openelb import __version__, admission, certificates, controller, identity, metrics, refusals, runtime, webhook
from openelb.announce.counts import LinkCounts
from openelb.announce.layer2 import TOLD_ONE_BY_ONE
from openelb.announce.protocols import State
from openelb.announce.responder import FRAMES_PER_SECOND, REFRESH, REPEATS, REPEATS_IPV6
from openelb.cli import main, views
from openelb.complaints import QUIET_SECONDS
from openelb.kube import decode, decode_pools, plugin, report
from openelb.kube.kinds import EipReservationSpec, EipSpec
from openelb.kube.lease import Terms
from openelb.kube.shapes import EipShape, ReservationShape, ServiceShape
from openelb.model import names
from openelb.model.cluster import FamilyPolicy, Pool, PoolStatus, Port, Protocol, Release, Reservation, Service
from openelb.model.findings import Condition, Reason
from openelb.model.snapshot import Snapshot
from openelb.plan import books, cluster, liveness, request
from openelb.plan.explain import Explanation
from openelb.speaker import EVENTS, EVENTS_PER_SECOND, TICK
from openelb.wire.bpf import MAX_RANGES
from tests.unit.builders import address, key, pool, reservation, service, snapshot, speaker, unreadable

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
SAID = [f"{at:g}" for at in accumulate(REPEATS)]
SAID_BY_IPV6 = [f"{at:g}" for at in accumulate(REPEATS_IPV6)]
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
def test_verbs_of_make_are_in_the_makefile(document: Path) -> None:
    there = set(re.findall(r"^(\w+):", text("Makefile"), re.MULTILINE))
    commands = re.findall(r"(?:`|^\$ |=\w+ )make (\w+)", document.read_text(), re.MULTILINE)
    assert set(commands) <= there


@pytest.mark.parametrize("name", ["README.md", "README.zh.md", "docs/quick-start.md", "docs/quick-start.zh.md"])
def test_objects_of_the_quick_start_are_the_files_that_are_applied(name: str) -> None:
    files = [list(yaml.safe_load_all(path.read_text())) for path in (ROOT / "examples/quickstart").glob("*.yaml")]
    applied = [each for file in files for each in file]
    shown = [each for block in blocks(name, "yaml") for each in yaml.safe_load_all(block)]
    assert shown
    assert [each for each in shown if each not in applied] == []


HOW_TO = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs/how-to").glob("*.md"))
IN_BOTH_LANGUAGES = ["README.md", "docs/quick-start.md", *(name for name in HOW_TO if not name.endswith(".zh.md"))]
OURS = {"Eip": EipSpec, "EipReservation": EipReservationSpec}


REFERENCE = [f"docs/reference/{name}.md" for name in ("annotations", "eip", "eipreservation")]


@pytest.mark.parametrize("name", [*HOW_TO, "docs/eip.md", *REFERENCE])
def test_examples_are_objects_that_can_be_used(name: str) -> None:
    shown = [each for block in blocks(name, "yaml") for each in yaml.safe_load_all(block)]
    assert shown
    assert [flaw for each in shown if (flaw := _flaw(each))] == []


def _flaw(each: Any) -> str:
    """What is wrong with an example; nothing where it is right."""
    kind, written = each["kind"], json.dumps(each)
    if kind == "Service":
        return _flaw_of_service(each)
    if kind not in OURS:
        return "" if kind == "Namespace" else f"{kind} is no kind of these pages"
    if unknown := each["spec"].keys() - {field.encode_name for field in msgspec.structs.fields(OURS[kind])}:
        return f"{kind} has no {unknown}"
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
    modules = {path.relative_to(source).as_posix() for path in source.rglob("*.py") if path.name != "__init__.py"}
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
    yield from metrics.announcers({Protocol.LAYER2: State()})


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
        ("docs/how-to/moving.md", f"{request.MOVING_SECONDS / 60:g} minutes"),
        ("docs/how-it-works/layer2.md", f"seen for {liveness.TTL_SECONDS:g} seconds"),
        ("docs/how-it-works/layer2.md", f"{liveness.ECHOES} renewals of the observer's own Lease"),
        ("docs/how-it-works/layer2.md", f"at 0, {', '.join(SAID[:-1])} and {SAID[-1]} seconds"),
        ("docs/how-it-works/layer2.md", f"at 0, {', '.join(SAID_BY_IPV6[:-1])} and {SAID_BY_IPV6[-1]} seconds"),
        ("docs/how-it-works/layer2.md", f"again every {REFRESH:g} seconds"),
        ("docs/how-it-works/layer2.md", f"At most {FRAMES_PER_SECOND:,} announcements a second"),
        ("docs/how-it-works/layer2.md", f"more than {MAX_RANGES} ranges"),
        ("ARCHITECTURE.md", f"after {refusals.RESYNC:g} seconds (manager) or {TICK:g} second (speaker)"),
        ("ARCHITECTURE.md", f"{controller.AT_ONCE} writes are in flight, and after {controller.PER_LOOK} there is"),
        ("ARCHITECTURE.md", f"write for {Terms().deadline:g} seconds after it *sent*"),
        ("ARCHITECTURE.md", f"others wait {Terms().duration} seconds"),
    ],
)
def test_figures_are_those_of_the_code(name: str, phrase: str) -> None:
    assert phrase in text(name)


def test_exit_codes_are_those_of_the_command() -> None:
    assert [row[0] for row in rows("docs/operate.md", "## The command line") if row[0].isdecimal()] == [
        str(number) for number in (main.GOOD, main.WRONG, main.USAGE, main.NO_CLUSTER)
    ]


def test_commands_are_all_documented() -> None:
    said = " ".join(word for row in rows("docs/operate.md", "## The command line") for word in code(row[0]))
    assert [command for command in main.openelb.commands if f"openelb {command}" not in said] == []


@pytest.mark.parametrize(("number", "kind"), [(0, views.Status), (1, Explanation)])
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

HEADING = re.compile(r"^### (\w+)(?: of an \w+)?$", re.MULTILINE)


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
    snapshot(pool()),
    snapshot(HERE, pool(protocol=Protocol.BGP)),
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


def judged() -> Iterator[tuple[Reason, str]]:
    """Every reason and sentence that these cases are told."""
    for case in CASES:
        plan = cluster.plan(case, ALIVE)
        for told in (*plan.services.values(), *plan.pools.values()):
            yield from _said(told.conditions)
        for promised in plan.reservations.values():
            yield from _said(promised.conditions)
        yield from ((Reason.LEDGER_REPAIRED, sentence) for sentence in plan.repairs.values())


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
