"""NOTIFICATION messages of BGP in words: why a session ended, or did not come about, and what to do (RFC 4271, section 4.5;
RFC 4486; RFC 9384).
"""

CEASE = 6
"""The code of an end that is no error."""

_KINDS = {
    1: "message header error",
    2: "OPEN message error",
    3: "UPDATE message error",
    4: "hold timer expired",
    5: "finite state machine error",
    CEASE: "cease",
    7: "ROUTE-REFRESH message error",
}
_REASONS = {
    (1, 1): "connection not synchronized",
    (1, 2): "bad message length",
    (1, 3): "bad message type",
    (2, 1): "unsupported BGP version",
    (2, 2): "bad peer AS",
    (2, 3): "bad BGP identifier",
    (2, 5): "authentication failure",
    (2, 6): "unacceptable hold time",
    (2, 7): "unsupported capability",
    (3, 1): "malformed attribute list",
    (3, 2): "unrecognized well-known attribute",
    (3, 5): "attribute length error",
    (3, 10): "invalid network field",
    (6, 1): "maximum number of prefixes reached",
    (6, 2): "administrative shutdown",
    (6, 3): "peer de-configured",
    (6, 4): "administrative reset",
    (6, 5): "connection rejected",
    (6, 6): "other configuration change",
    (6, 7): "connection collision resolution",
    (6, 8): "out of resources",
    (6, 9): "hard reset",
    (6, 10): "BFD is down",
}

_OURS = {
    (2, 2): "the router's autonomous system is not the one in spec.conf.peerAs: correct one of the two",
    (2, 3): "the router has the router id of this node, or none: give each router and node an id of its own",
    (2, 6): "the router offers a hold time of less than 3 seconds: set a longer one there",
    (4, 0): "nothing was heard from the router for the hold time: look at it, and at the way there",
    # What GoBGP 4.8 answers to whatever comes in the place of an OPEN. It does not tell what that was.
    (
        5,
        1,
    ): "the router answered our OPEN with a refusal: have it know this node as a neighbour by the autonomous system and the "
    "router id that the status of the BgpConf has, with these address families",
}
_THEIRS = {
    (
        2,
        2,
    ): "the router expects another autonomous system of this node: correct spec.as of the BgpConf or spec.conf.localAs, or the "
    "router",
    (
        2,
        3,
    ): "the router does not take this node's router id, which may be its own or another node's: leave spec.routerId of the "
    "BgpConf out, or correct the router",
    (2, 6): "the router does not take our hold time: set another one in spec.timers.config.holdTime",
    (2, 7): "the router lacks something that was asked for: leave it out of spec.afiSafis or spec.gracefulRestart",
    (4, 0): "the router heard nothing from this node for the hold time: look at the way there, and at the node's load",
    (
        6,
        1,
    ): "the router takes fewer prefixes than it was told: allow more there, or announce few (spec.bgp.announce: Aggregate of the "
    "Eip)",
    (6, 2): "the session was shut down at the router",
    (6, 3): "the router does not know this node as a neighbour any more",
    (6, 5): "the router knows no such neighbour, or not now: have it know this node",
}
_MALFORMED = "the router sent what is no proper BGP: look for a later version of its software"


def text(code: int, subcode: int) -> str:
    """What such a message says."""
    if known := _REASONS.get((code, subcode)):
        return known
    kind = _KINDS.get(code, f"code {code}")
    return f"{kind} {subcode}" if subcode else kind


def advice(code: int, subcode: int, *, ours: bool) -> str:
    """What to do where we have sent it, or else the router; empty where it says all that there is to say."""
    if not ours:
        return _THEIRS.get((code, subcode), "")
    return _OURS.get((code, subcode), _MALFORMED if code in (1, 2, 3, 5, 7) else "")
