"""Whether a stop is a restart or for good: a speaker that comes back keeps its addresses, one that leaves hands them over."""

from collections.abc import Mapping


def is_for_good(
    node_selector: Mapping[str, str] | None, node_labels: Mapping[str, str] | None, *, cordoned: bool = False
) -> bool:
    """True when the pod of this node will not be replaced: the DaemonSet (of that selector) or the Node (of those labels)
    is gone, which None says, or the selector leaves the node out. Also when the node is cordoned: it is drained, and
    most often about to be switched off or started anew.
    """
    if cordoned or node_selector is None or node_labels is None:
        return True
    return any(node_labels.get(key) != value for key, value in node_selector.items())
