"""Whether a change of a BgpConf or a BgpPeer is accepted, and what its author is told of it: only what it makes worse is refused."""

from openelb.model.routers import CONF, BgpConf, BgpPeer
from openelb.plan.admission import Facts, Verdict
from openelb.plan.bgp import unusable
from openelb.plan.standing import has_session
from openelb.plan.turns import mark


def conf_written(new: BgpConf, old: BgpConf | None, _facts: Facts) -> Verdict:
    """Of a BgpConf that is to be there, or to be another than the `old` one."""
    if new.deleting:
        return Verdict()
    if new.problem and not (old and old.problem):
        return Verdict(f"it cannot be used: {new.problem}")
    warnings = []
    if new.name != CONF:
        warnings.append(f"only the BgpConf named {CONF} counts: give this one that name")
    elif problem := unusable(new):
        warnings.append(problem)
    elif old is not None and not unusable(old) and mark(old) != mark(new):
        warnings.append("BGP begins anew for this, on one node after the other: look at the condition Ready")
    return Verdict(warnings=tuple(warnings))


def peer_written(new: BgpPeer, old: BgpPeer | None, facts: Facts) -> Verdict:
    """Of a BgpPeer that is to be there, or to be another than the `old` one."""
    if new.deleting:
        return Verdict()
    if new.problem:
        told = f"it cannot be used: {new.problem}"
        return Verdict(warnings=(told,)) if old and old.problem else Verdict(told)
    same = old is not None and (old.peer.key, old.node_selector) == (new.peer.key, new.node_selector)
    other = next((one.name for one in facts.peers.values() if _collides(new, one, facts)), "")
    if not other:
        return Verdict()
    told = f"BgpPeer {other} is for {new.peer.key} too: delete one of the two, or give them nodeSelectors that no node matches both of"
    return Verdict(warnings=(told,)) if same else Verdict(told)


def _collides(new: BgpPeer, other: BgpPeer, facts: Facts) -> bool:
    if other.name == new.name or other.deleting or other.problem or other.peer.key != new.peer.key:
        return False
    both = new.node_selector, other.node_selector
    return (
        None in both
        or both[0] == both[1]
        or any(has_session(new, node) and has_session(other, node) for node in facts.nodes.values())
    )
