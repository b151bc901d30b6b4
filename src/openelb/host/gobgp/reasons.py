"""Why sessions ended, or do not come about: gobgpd tells that in what it writes alone, and not to who asks.

What a router says before a session is established gobgpd 4.8 does not write either; what it says itself then, it does.
"""

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from openelb.wire import notifications

_ENDS = {
    "hold-timer-expired": "nothing was heard for the hold time",
    "read-failed": "the connection was closed",
    "write-failed": "the connection was closed",
    "graceful-restart": "it restarts gracefully",
}


class Reasons:
    """The last reason of each peer, by its address. gobgpd's log is the file beside its socket."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._read = 0
        self._reasons: dict[str, str] = {}

    def __call__(self) -> Mapping[str, str]:
        """As of now. Never raises: reasons are a comfort."""
        with contextlib.suppress(OSError), open(self._log, "rb") as log:
            if log.seek(0, 2) < self._read:
                self._read = 0  # it was cut, or is another one
            log.seek(self._read)
            new = log.read()
            whole = new.rfind(b"\n") + 1
            self._read += whole
            for line in new[:whole].splitlines():
                self._note(line)
        return MappingProxyType(self._reasons)

    def forget(self, peer: str) -> None:
        """What was said until now was said to another, as a BgpPeer with other settings is."""
        self()
        self._reasons.pop(peer, None)

    def _note(self, line: bytes) -> None:
        try:
            said = json.loads(line)
            peer, message = said["Key"], said["msg"]
            if message == "sent notification" and said["Code"] == notifications.CEASE:
                self._reasons.pop(peer, None)  # what we have ended ourselves, as for an edit
            elif message in ("received notification", "sent notification"):
                self._reasons[peer] = _reason(said["Code"], said["Subcode"], ours=message.startswith("sent"))
            elif message == "Peer Down" and (end := _ENDS.get(said["Reason"])):
                self._reasons[peer] = end
            elif message == "Peer Up":
                self._reasons.pop(peer, None)
        except (ValueError, KeyError, TypeError):
            return  # what has no peer, and whatever a later version may write


def _reason(code: int, subcode: int, *, ours: bool) -> str:
    advice = notifications.advice(code, subcode, ours=ours)
    said = f"{'we' if ours else 'it'} said: {notifications.text(code, subcode)}"
    return f"{said}; {advice}" if advice else said
