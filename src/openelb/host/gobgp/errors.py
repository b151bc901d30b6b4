"""What can go wrong with gobgpd, named by who is to blame. Each text is a sentence with what to do.

OSError
└── GobgpError
    ├── Unreachable     nobody answers at the socket
    ├── OtherVersion    somebody does, but not GoBGP 4
    ├── Lost            it went away, or is silent
    ├── Stopped         it was stopped, and another process has to take its place
    └── Refused         it says no to what it was told (also a Refusal, as the announcer knows it)
        └── PortTaken   another program listens where BGP should
"""

from openelb.announce.gobgpd import Refusal


class GobgpError(OSError):
    """gobgpd does not do what it is asked."""


class Unreachable(GobgpError):
    """Nobody answers at the socket."""


class OtherVersion(GobgpError):
    """Whoever answers does not speak GoBGP 4."""


class Lost(GobgpError):
    """The connection ended, or no answer came in time."""


class Stopped(GobgpError):
    """BGP was stopped in this process, which cannot begin again."""


class Refused(GobgpError, Refusal):
    """gobgpd says no; what it was told before holds."""


class PortTaken(Refused):
    """BGP cannot listen, since another program does."""
