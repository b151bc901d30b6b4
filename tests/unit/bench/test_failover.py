"""What the bench of failover makes of what clients saw."""

import re
from pathlib import Path

from bench.failover import FAULTS, loss, restart
from bench.trial import Seen

PAGE = Path(__file__).parents[3] / "docs/performance.md"


def seen(*, arp: float = 0.4, udp: float = 0.4, disputed: float = 0.0, lost: int = 0) -> Seen:
    return Seen(arp, udp, 0.4, disputed, lost, 0, moved=False)


def verdicts(name: str, *repetitions: Seen) -> list[str]:
    return [row.verdict for row in loss(name, repetitions, (0.6, 1.0), "3 nodes")]


def test_a_loss_is_held_to_the_gap_of_the_warm_flow() -> None:
    assert verdicts("cut", *[seen()] * 98, seen(udp=5.0), seen(udp=5.0)) == ["reached", "missed", "reached"]
    assert verdicts("cut", *[seen(arp=5.0)] * 3) == ["reached", "reached", "reached"]


def test_a_freeze_is_held_to_the_answers_to_arp_since_the_kernel_goes_on() -> None:
    assert verdicts("freeze", *[seen(arp=5.0, udp=0.0)] * 3) == ["missed", "missed", "reached"]


def test_two_nodes_that_answer_long_after_the_end_are_told() -> None:
    assert verdicts("crash", seen(), seen(disputed=0.6)) == ["reached", "reached", "missed"]


def test_a_restart_loses_no_datagram() -> None:
    assert [row.verdict for row in restart([seen(arp=1.5), seen(arp=1.5)], "3 nodes")] == ["reached", "reached"]
    assert [row.verdict for row in restart([seen(arp=3.5), seen(lost=1)], "3 nodes")] == ["missed", "missed"]


def test_the_page_tells_every_fault() -> None:
    _, _, below = PAGE.read_text().partition("| `--fault` | what happens |")
    told = [name for row in below.partition("\n\n")[0].splitlines()[2:] for name in re.findall(r"`([^`]+)`", row)]
    assert sorted(told) == sorted(FAULTS)
