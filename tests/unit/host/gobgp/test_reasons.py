"""Why sessions ended, read from what gobgpd writes."""

import json
from pathlib import Path

import pytest

from openelb.host.gobgp.reasons import Reasons
from openelb.wire.notifications import advice, text


def write(log: Path, *messages: dict[str, object]) -> None:
    with open(log, "a") as out:
        out.writelines(json.dumps({"level": "INFO", "Key": "10.0.0.2", **each}) + "\n" for each in messages)


def test_the_last_reason_of_a_peer_is_known(tmp_path: Path) -> None:
    log = tmp_path / "gobgp.log"
    reasons = Reasons(log)
    assert reasons() == {}
    write(log, {"msg": "received notification", "Code": 6, "Subcode": 4}, {"msg": "gobgpd started", "Key": None})
    assert reasons() == {"10.0.0.2": "it said: administrative reset"}
    write(log, {"msg": "sent notification", "Code": 2, "Subcode": 2})
    assert reasons() == {
        "10.0.0.2": "we said: bad peer AS; the router's autonomous system is not the one in spec.conf.peerAs: correct one of the two"
    }
    write(log, {"msg": "Peer Up"})
    assert reasons() == {}
    write(log, {"msg": "Peer Down", "Reason": "hold-timer-expired"}, {"msg": "Peer Down"})
    assert reasons() == {"10.0.0.2": "nothing was heard for the hold time"}


def test_what_we_have_ended_ourselves_and_what_was_before_an_edit_is_no_reason(tmp_path: Path) -> None:
    log = tmp_path / "gobgp.log"
    reasons = Reasons(log)
    write(log, {"msg": "sent notification", "Code": 2, "Subcode": 2})
    reasons.forget("10.0.0.2")
    assert reasons() == {}
    write(log, {"msg": "sent notification", "Code": 6, "Subcode": 3})
    assert reasons() == {}


def test_half_a_line_is_read_when_it_is_whole(tmp_path: Path) -> None:
    log = tmp_path / "gobgp.log"
    reasons = Reasons(log)
    log.write_text('{"msg": "Peer Down", "Key": "10.0.0.2", ')
    assert reasons() == {}
    with open(log, "a") as out:
        out.write('"Reason": "read-failed"}\npanic: no JSON\n')
    assert reasons() == {"10.0.0.2": "the connection was closed"}


def test_a_log_that_was_cut_is_read_from_its_beginning(tmp_path: Path) -> None:
    log = tmp_path / "gobgp.log"
    reasons = Reasons(log)
    write(log, *[{"msg": "Peer Up"}] * 10)
    assert reasons() == {}
    log.write_text("")
    write(log, {"msg": "received notification", "Code": 6, "Subcode": 10})
    assert reasons() == {"10.0.0.2": "it said: BFD is down"}


@pytest.mark.parametrize(
    ("code", "subcode", "expected"),
    [(4, 0, "hold timer expired"), (3, 11, "UPDATE message error 11"), (99, 1, "code 99 1")],
)
def test_other_notifications_have_words_too(code: int, subcode: int, expected: str) -> None:
    assert text(code, subcode) == expected


@pytest.mark.parametrize(
    ("code", "subcode", "ours", "expected"),
    [
        (2, 2, True, "spec.conf.peerAs"),
        (2, 2, False, "spec.as of the BgpConf or spec.conf.localAs"),
        (2, 3, True, "router id of this node"),
        (2, 3, False, "leave spec.routerId"),
        (5, 1, True, "have it know this node as a neighbour"),
        (3, 1, True, "no proper BGP"),
        (6, 5, False, "knows no such neighbour"),
        (6, 4, True, ""),
        (3, 1, False, ""),
    ],
)
def test_what_can_be_done_is_said(code: int, subcode: int, ours: bool, expected: str) -> None:
    told = advice(code, subcode, ours=ours)
    assert expected in told
    assert bool(told) is bool(expected)
