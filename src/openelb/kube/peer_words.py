"""What nodes say of a BgpConf or BgpPeer in its status, and the condition that sums it up, read and written by whoever leads."""

from collections.abc import Iterable
from datetime import datetime

from msgspec import field

from openelb.kube.bgp_status import FIELDS
from openelb.kube.client import Body, Client
from openelb.kube.decode import condition
from openelb.kube.encode import told_condition
from openelb.kube.resources import bgp_path
from openelb.kube.shapes import ConditionShape, ObjectShape, Shape
from openelb.model.findings import Condition
from openelb.plan.peers import Told, Word


class _PeerState(Shape):
    session_state: str | None = None


class _TimersState(Shape):
    uptime: str | None = None
    downtime: str | None = None


class _NodeStatus(Shape):
    asn: int | None = field(name="as", default=None)
    peer_state: _PeerState | None = None
    timers_state: _TimersState | None = None
    problem: str | None = None


class _Status(Shape):
    nodes_conf_status: dict[str, _NodeStatus] | None = None
    nodes_peer_status: dict[str, _NodeStatus] | None = None
    conditions: list[ConditionShape] | None = None


class _Object(ObjectShape):
    status: _Status | None = None


async def read(client: Client, kind: str, name: str) -> Told:
    """What is said of that object. Raises ApiError."""
    found = await client.get(bgp_path(kind, name), _Object)
    status = found.status or _Status()
    words = status.nodes_conf_status if kind == "BgpConf" else status.nodes_peer_status
    return Told(
        {node: _word(one) for node, one in (words or {}).items()}, tuple(map(condition, status.conditions or ()))
    )


def _word(one: _NodeStatus) -> Word:
    timers = one.timers_state or _TimersState()
    state = (one.peer_state.session_state if one.peer_state else None) or ""
    return Word(state, one.problem or "", timers.uptime or timers.downtime or "", bool(one.asn))


async def write(
    client: Client, kind: str, name: str, struck: Iterable[str], before: Told, wanted: Condition, now: datetime
) -> None:
    """Strike out the words of some nodes, and say what the others come to. Raises ApiError."""
    body = patch(kind, struck, before, wanted, now)
    await client.merge(f"{bgp_path(kind, name)}/status", body, ObjectShape)


def patch(kind: str, struck: Iterable[str], before: Told, wanted: Condition, now: datetime) -> Body:
    """A merge patch: of the nodes' words it names those alone that go, since their writers do not wait for us. Of conditions, a
    list, it has to name all: those of others stay as they are.
    """
    had = {one.type: one for one in before.conditions}
    conditions = had | {wanted.type: wanted}
    status: dict[str, object] = {
        "conditions": [told_condition(one, had.get(one.type), now) for one in conditions.values()]
    }
    if gone := dict.fromkeys(struck):
        status[FIELDS[kind]] = gone
    return {"status": status}
