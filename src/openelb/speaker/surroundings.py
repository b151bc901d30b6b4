"""Tells what about this machine will trouble users, once while it lasts."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping

from openelb.complaints import Complaints
from openelb.model.host import HostSettings
from openelb.plan.hosting import Trouble, troubles

log = logging.getLogger(__name__)

EVERY = 30.0
"""Seconds between two looks: settings change when somebody changes them."""


class Surroundings:
    """Of a speaker: `read` gives the settings of links, `links` those there are, and `announced` those in use."""

    def __init__(
        self,
        read: Callable[[Collection[str]], HostSettings],
        links: Callable[[], Collection[str]],
        announced: Callable[[], Collection[str]],
    ) -> None:
        self._read = read
        self._links = links
        self._announced = announced
        self._complaints = Complaints()
        self.troubles: Mapping[tuple[Trouble, str], str] = {}

    async def run(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Look until cancelled."""
        while True:
            self.look()
            await sleep(EVERY)

    def look(self) -> None:
        """Look once, and log what has begun."""
        links, announced = self._links(), self._announced()
        self.troubles = troubles(self._read(links), links, announced)
        if not self.troubles and self._complaints.ends():
            log.info("this node has no setting any more that troubles anybody")
        for (trouble, link), sentence in self.troubles.items():
            if self._complaints.begins(f"{trouble} {link}"):
                log.warning("%s (%s)", sentence, trouble)
