"""When words on gateways count, and for which addresses a node is without one."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openelb.model.cluster import Speaker
from openelb.plan.gateways import AT_LAST, SETTLED, Word, listen, lost, used, without, without_losses
from openelb.plan.interfaces import link_for
from tests.unit.builders import address, node, pool, speaker

NODES = ("a", "b", "c")


def says(*without_gateway: str, link: str = "eth0") -> dict[str, Speaker]:
    """Three speakers, of which these say that they have lost the gateway of a link."""
    return {name: lost_by(speaker(name), link if name in without_gateway else "") for name in NODES}


def lost_by(one: Speaker, *links: str) -> Speaker:
    return replace(one, links=tuple(replace(link, gateway_lost=link.name in links) for link in one.links))


def follow(*words: tuple[float, dict[str, Speaker]]) -> list[set[str]]:
    """The nodes of which it counts, after each look."""
    word, found = None, []
    for now, speakers in words:
        word = listen(word, speakers, now)
        found.append({name for name, _ in lost(word.heeded(speakers))})
    return found


def test_a_word_counts_two_seconds_later_and_so_does_that_it_is_taken_back() -> None:
    looks = [
        (0.0, says()),
        (1.0, says("a")),
        (2.9, says("a")),
        (3.0, says("a")),
        (4.0, says()),
        (5.9, says()),
        (6.0, says()),
    ]
    assert follow(*looks) == [set(), set(), set(), {"a"}, {"a"}, {"a"}, set()]


def test_words_that_follow_each_other_count_together() -> None:
    looks = [(0.0, says()), (1.0, says("a")), (2.0, says("a", "b")), (3.5, says("a", "b")), (4.0, says("a", "b"))]
    assert follow(*looks) == [set(), set(), set(), set(), {"a", "b"}]


def test_a_word_that_is_taken_back_in_time_never_counted() -> None:
    looks = [(0.0, says()), (1.0, says("a")), (2.0, says()), (9.0, says("b")), (10.0, says("b"))]
    assert follow(*looks) == [set()] * 5


def test_where_there_is_another_word_each_second_they_count_after_ten() -> None:
    looks = [(0.0, says()), *((1.0 + second, says("a", *("b" * (second % 2)))) for second in range(11))]
    found = follow(*looks)
    assert found[: round(AT_LAST)] == [set()] * round(AT_LAST)
    assert "a" in found[-1]


def test_who_begins_heeds_what_the_others_do() -> None:
    assert follow((0.0, says("a"))) == [{"a"}]


def test_it_says_when_time_alone_changes_it() -> None:
    word = listen(Word(), says(), 0.0)
    assert word.due() is None
    word = listen(word, says("a"), 1.0)
    assert word.due() == 1.0 + SETTLED
    assert listen(word, says("a"), 1.0 + SETTLED).due() is None


def test_speakers_of_whom_nothing_is_said_are_given_on_as_they_are() -> None:
    speakers = says()
    assert listen(None, speakers, 0.0).heeded(speakers) is speakers
    assert without_losses(says("a")) == speakers


@given(st.lists(st.tuples(st.floats(0.01, 5.0), st.frozensets(st.sampled_from(NODES))), max_size=20))
def test_what_is_said_long_enough_counts_whatever_was_before(steps: list[tuple[float, frozenset[str]]]) -> None:
    word, now = None, 0.0
    for pause, nodes in steps:
        now += pause
        word = listen(word, says(*nodes), now)
        assert word.due() is None or word.due() > now
    last = says(*(steps[-1][1] if steps else ()))
    word = listen(listen(word, last, now), last, now + SETTLED)
    assert (word.counts, word.due()) == (lost(last), None)


def test_a_node_is_without_a_gateway_for_addresses_of_the_link_that_has_lost_it() -> None:
    both = [speaker(name, "eth0 192.168.1.11/24", "eth1 10.0.0.11/24") for name in NODES]
    speakers = {one.node: lost_by(one, "eth1") if one.node == "b" else one for one in both}
    tell = without(speakers, {})
    auto = pool(text="192.168.1.0/25,10.0.0.0/25", interface="auto")
    assert tell(auto, address("10.0.0.1")) == {"b"}
    assert tell(auto, address("192.168.1.1")) == frozenset()
    assert tell(pool(interface="eth1"), address("192.168.1.1")) == {"b"}
    assert tell(pool(interface="eth0"), address("10.0.0.1")) == frozenset()


@pytest.mark.parametrize("interface", ["auto", "eth*", "eth1,eth0", "eth0", "can_reach:10.0.0.9", ""])
@pytest.mark.parametrize("own", ["", "10.0.0.0/24"])
def test_addresses_of_one_network_are_judged_as_each_on_its_own(interface: str, own: str) -> None:
    one = lost_by(speaker("a", "eth0 192.168.1.11/24 192.168.0.11/16", "eth1 10.0.0.11/24 fd00::1/64"), "eth1")
    tell, sought = without({"a": one}, {"a": node("a", address=own)}), pool(interface=interface)
    for text in (
        "192.168.1.1",
        "192.168.1.2",
        "192.168.7.1",
        "10.0.0.1",
        "172.16.0.1",
        "172.16.0.2",
        "fd00::7",
        "fd01::7",
    ):
        link = link_for(interface, one.links, address(text), own)
        assert tell(sought, address(text)) == ({"a"} if link and link.gateway_lost else set())


def test_links_are_used_by_which_a_pool_may_be_announced() -> None:
    links = speaker("a", "eth0 192.168.1.11/24", "eth1 10.0.0.11/24", "eth2 10.1.0.11/24").links
    pools = [pool(interface="eth0"), pool("auto", "10.0.0.8/29", interface="auto")]
    assert used(pools, links, "") == {"eth0", "eth1"}
    assert used([], links, "") == frozenset()
