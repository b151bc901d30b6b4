"""Objects as no author would write them: a server may send whatever fits the fields, and each is read as a value."""

import types
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openelb.kube import decode, resources
from openelb.kube.resources import Bodied, Resource
from openelb.model import names

ANY = [found for found in vars(resources).values() if isinstance(found, Resource)]
WRITTEN = [found.resource for found in vars(resources).values() if isinstance(found, Bodied)]
EVERY_KIND = [*ANY, *WRITTEN, resources.leases(names.NAMESPACE)]
# Beside any text, what some decoder of ours takes for something.
WORDS = ("True", "IPv4", "IPv6", "LoadBalancer", "layer2", "192.0.2.1", "192.0.2.9-192.0.2.1", "::/0", "a/b;c", "[{}]")
KEYS = (
    names.NODE_ADDRESS,
    names.DRAINED,
    names.DEFAULT_POOL,
    names.OPT_IN,
    names.NODE,
    names.LINKS,
    names.POOL_LABEL,
    names.COMMUNITIES,
    names.MED,
    names.PEERS,
    "kubernetes.io/service-name",
)
texts = st.sampled_from(WORDS) | st.text()


def anything(type_: Any) -> st.SearchStrategy[Any]:
    """Any value of a shape, or of the type of one of its fields."""
    if isinstance(type_, type) and issubclass(type_, msgspec.Struct):
        hints = get_type_hints(type_)
        return st.builds(type_, **{name: anything(hints[name]) for name in type_.__struct_fields__})
    if get_origin(type_) in (Union, types.UnionType):
        return st.one_of(*map(anything, get_args(type_)))
    if get_origin(type_) is list:
        return st.lists(anything(*get_args(type_)), max_size=3)
    if get_origin(type_) is dict:
        return st.dictionaries(st.sampled_from(KEYS) | texts, anything(get_args(type_)[1]), max_size=3)
    return {str: texts, int: st.integers(), float: st.floats(), bool: st.booleans(), types.NoneType: st.none()}[type_]


def test_every_kind_that_is_read_is_tried() -> None:
    assert {resource.path.rpartition("/")[2] for resource in EVERY_KIND} == {
        "eips",
        "eipallocations",
        "eipreservations",
        "bgpconfs",
        "bgppeers",
        "namespaces",
        "nodes",
        "services",
        "endpointslices",
        "leases",
    }


@pytest.mark.parametrize("resource", EVERY_KIND, ids=lambda resource: resource.shape.__name__)
@given(st.data())
def test_no_object_is_too_odd_to_be_read(resource: Resource[Any, Any], data: st.DataObject) -> None:
    shape = data.draw(anything(resource.shape))
    value = resource.value(shape)
    assert value == resource.value(shape)
    if isinstance(value, decode.Lease):
        speaker = decode.speaker(value)
        assert speaker is None or speaker.node == (value.annotations or {})[names.NODE]
