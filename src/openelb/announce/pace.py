"""When heartbeats are sent, and after how long a silence means what."""

from collections.abc import Mapping
from typing import NamedTuple

from openelb.model.layer2 import Profile

OUT_OF_CONTACT = 1.5
"""Seconds. A kernel whose port nobody listens at says so at least once a second (net.ipv4.icmp_ratelimit): one that is silent
for longer is lost, as its process was before."""


HEARD_JUST_NOW = 0.12
"""Seconds: a beat and a bit. Word that nobody listens at a port can be forged, and is believed only of one that is silent."""


class Pace(NamedTuple):
    """Of one profile, in seconds: how often to beat, after what silence to ask and how often, and when a peer is lost.

    A fifth of all datagrams may be lost without a false alarm in weeks: four beats, and a dozen questions whose answers are
    lost as well, would have to go missing in a row.
    """

    every: float
    doubt: float
    ask: float
    lost: float


EDGE = 0.0005
"""Seconds by which a silence is looked at later than it ends: by then it is longer than what it is compared with."""

PACES: Mapping[Profile, Pace] = {
    Profile.DEFAULT: Pace(every=0.1, doubt=0.22, ask=0.025, lost=0.5),
    Profile.FAST: Pace(every=0.04, doubt=0.09, ask=0.012, lost=0.2),
}

EARLY = 0.5
"""Part of the time between two beats after which who hears a beat sends its own as well. So all soon beat at the same time, and
each has to wake for it once, and not once for each of the others.
"""

FRESH = 2.0
"""Seconds for which an echo of ours proves that its sender lives."""

REPLY_REST = 0.01
TELL_REST = 0.05
"""Seconds between two answers to one peer, and between two tellings of a state: who asks more often gets no more."""

PIECES_A_SECOND = 300
"""Datagrams with what we hold, to one peer; `heartbeats.MOST_A_SECOND` has room for many times as many."""

JOIN_FIRST = 0.3
JOIN_LAST = 2.0
"""Seconds in which a node that begins, or begins again, hears who is there; and for which it waits for what they hold."""

SPREAD = (0.0, 0.2, 0.6)
"""Seconds after which those that are no neighbours are told of a change: any one datagram may be lost."""

GONE_REST = 0.5
"""Seconds between two beats for a port at which nobody listens."""

CALLING, SELDOM = 60.0, 10
"""Seconds for which a silent neighbour is called with every beat, and after how many beats each time from then on."""

LINKED = 1.5
"""Seconds for which all are called after a link of ours came back. What was sent meanwhile has the kernel ask for their MACs, once a
second (net.ipv4.neigh.*.retrans_time_ms), and until it asks again nothing that is sent to one of them leaves."""

ALL_HOSTS = "224.0.0.1"
ALL_NODES = "ff02::1"
"""Every host of a link is in this group (RFC 1112, section 4; RFC 4291, section 2.7.1)."""

LONG_AGO = 1000
"""Datagrams that a peer has sent since: what it said before is not heeded any more. A verdict is repeated within fifty."""

ROUND = 1.0
"""Seconds between two beats for one of those that are no neighbours, each in its turn."""
