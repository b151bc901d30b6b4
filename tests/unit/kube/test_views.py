"""How objects are arranged for those who judge."""

import pytest

from openelb.kube.decode import Lease, Slice
from openelb.kube.views import EndpointView, LeaseView, NodeView, Sheet, TaintView
from openelb.model import names
from openelb.model.cluster import Node, ServiceKey

WEB = ServiceKey("default", "web")


def key(name: str) -> ServiceKey:
    return ServiceKey("default", name)


def nodes(*names: str) -> Slice:
    return Slice(WEB, frozenset(names))


def speaker_lease(node: str, renewed: str) -> Lease:
    return Lease(f"openelb-speaker-{node}", "pod", renewed=renewed, annotations={names.NODE: node})


def test_a_mapping_that_was_given_out_never_changes() -> None:
    sheet = Sheet[str, int]()
    sheet.put("a", 1)
    before = sheet.read()
    sheet.put("a", 2)
    sheet.put("b", 3)
    sheet.remove("a")
    assert (dict(before), dict(sheet.read())) == ({"a": 1}, {"b": 3})
    with pytest.raises(TypeError):
        before["a"] = 4  # type: ignore[index]


def test_a_mapping_in_which_nothing_changed_is_the_same_object() -> None:
    sheet = Sheet[str, int]()
    sheet.put("a", 1)
    before = sheet.read()
    sheet.put("a", before["a"])
    sheet.remove("b")
    assert sheet.read() is before


def test_an_endpoint_that_changes_without_its_node_changes_no_mapping() -> None:
    view = EndpointView()
    view.put(key("web-1"), nodes("a", "b"))
    before = view.sheet.read()
    view.put(key("web-1"), nodes("b", "a"))
    view.put(key("web-2"), nodes("b"))
    assert view.sheet.read() is before


def test_where_no_endpoint_is_ready_those_count_that_are_ending_and_still_serve() -> None:
    view = EndpointView()
    view.put(key("web-1"), Slice(WEB, frozenset("a"), frozenset("b")))
    view.put(key("web-2"), Slice(WEB, frozenset(), frozenset("c")))
    assert view.sheet.read() == {WEB: {"a"}}
    view.put(key("web-1"), Slice(WEB, frozenset(), frozenset("ab")))
    assert view.sheet.read() == {WEB: {"a", "b", "c"}}
    view.put(key("web-1"), Slice(WEB, frozenset()))
    view.remove(key("web-2"))
    assert view.sheet.read() == {}


def test_all_slices_of_a_service_count_together() -> None:
    view = EndpointView()
    view.put(key("web-1"), nodes("a"))
    view.put(key("web-2"), nodes("a", "b"))
    assert view.sheet.read() == {WEB: {"a", "b"}}
    view.put(key("web-2"), nodes())
    assert view.sheet.read() == {WEB: {"a"}}
    view.remove(key("web-1"))
    assert view.sheet.read() == {}


def test_a_slice_that_changes_its_service_leaves_the_former_one() -> None:
    view, api = EndpointView(), key("api")
    view.put(key("s"), nodes("a"))
    view.put(key("s"), Slice(api, frozenset({"a"})))
    assert view.sheet.read() == {api: {"a"}}


def test_speakers_come_and_go_with_their_leases() -> None:
    view = LeaseView()
    first = speaker_lease("n1", "t1")
    view.put(key(first.name), first)
    view.put(key(first.name), speaker_lease("n1", "t2"))
    assert list(view.sheet.read()) == ["n1"]
    assert view.sheet.read()["n1"].renewal.endswith("t2")
    view.remove(key(first.name))
    assert view.sheet.read() == {}


def test_a_lease_that_names_another_node_speaks_for_that_one_alone() -> None:
    view = LeaseView()
    view.put(key("openelb-speaker-x"), Lease("openelb-speaker-x", "pod", annotations={names.NODE: "n1"}))
    view.put(key("openelb-speaker-x"), Lease("openelb-speaker-x", "pod", annotations={names.NODE: "n2"}))
    assert list(view.sheet.read()) == ["n2"]


def test_the_leaders_renewals_are_seen() -> None:
    view = LeaseView()
    seen = []
    for renewed in ("t1", "t2"):
        view.put(key(names.LEADER_LEASE), Lease(names.LEADER_LEASE, "m", renewed=renewed))
        seen.append(view.leader_renewal)
    assert seen[0] != seen[1]
    assert view.sheet.read() == {}


NODE = ServiceKey("", "n1")


def test_a_node_is_cordoned_whichever_watch_tells_first() -> None:
    view = NodeView()
    view.cordons.put(NODE, Node("n1"))
    assert view.sheet.read() == {}
    view.put(NODE, Node("n1", {"rack": "one"}))
    assert view.sheet.read() == {"n1": Node("n1", {"rack": "one"}, cordoned=True)}
    view.cordons.remove(NODE)
    assert view.sheet.read() == {"n1": Node("n1", {"rack": "one"})}


def test_of_a_nodes_taints_the_first_that_is_looked_for_is_told() -> None:
    told: list[str] = []
    view = TaintView({"example.com/maintenance", "other"}, told.append)
    view.put(NODE, ("node.kubernetes.io/not-ready", "example.com/maintenance", "other"))
    view.put(NODE, ("node.kubernetes.io/not-ready",))
    view.remove(NODE)
    assert told == ["example.com/maintenance", "", ""]


def test_what_a_kubelet_writes_of_its_node_changes_no_mapping() -> None:
    view = NodeView()
    view.put(NODE, Node("n1", {"rack": "one"}))
    before = view.sheet.read()
    view.put(NODE, Node("n1", {"rack": "one"}))
    assert view.sheet.read() is before


def test_a_node_that_is_made_anew_is_not_cordoned() -> None:
    view = NodeView()
    view.put(NODE, Node("n1"))
    view.cordons.put(NODE, Node("n1"))
    view.cordons.remove(NODE)
    view.remove(NODE)
    view.put(NODE, Node("n1"))
    assert not view.sheet.read()["n1"].cordoned
