"""Admission, of the replica that leads: its webhook, the certificate, and that the API server finds it. The other replica has
no door: it knows nothing of the cluster, and who calls the webhook when nobody serves it is refused at once.
"""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from openelb.kube import admission
from openelb.kube.backoff import Backoff
from openelb.kube.client import Client
from openelb.kube.errors import AlreadyExists, ApiError, Conflict
from openelb.kube.review import Change, Review
from openelb.manager.identity import Foreign, Ours, Shown, names_of
from openelb.manager.webhook import Judge, Webhook
from openelb.model import names
from openelb.model.cluster import Pool, Reservation
from openelb.model.routers import BgpConf, BgpPeer
from openelb.plan import admission as rules
from openelb.plan import bgp_admission
from openelb.plan.admission import Facts, Verdict
from openelb.process.runtime import Progress, look_again

log = logging.getLogger(__name__)

EVERY = 60.0
"""Seconds between two looks at the certificate and at the way to us."""
FOREIGN_EVERY = 10.0
"""The same at files that somebody else keeps: that asks no API server."""
SLOWLY = Backoff(first=1.0, last=EVERY)
LEAVING_SECONDS = 1.0
"""For all that is said to the API server before the door is shut; who stops has more to do."""
STILL_OPEN_SECONDS = 0.3
"""Until every node's kube-proxy knows that nobody is to come any more."""


@dataclass(frozen=True, slots=True)
class Door:
    """Where the webhook is served (`host:port`), the address at which others reach this process, and the Service by which
    API servers come. `certificates` is a directory in which somebody else keeps its certificate.
    """

    address: str
    ip: str
    service: str = names.WEBHOOK_SERVICE
    certificates: Path | None = None


class Admission:
    """Of one reign. `certify` and `serve` run side by side until they are cancelled."""

    def __init__(self, client: Client, namespace: str, door: Door, judge: Judge, counts: Counter[str]) -> None:
        self._client = client
        self._namespace = namespace
        self._door = door
        self._webhook = Webhook(judge, counts)
        self._port = 0
        self.shown = Shown()

    async def certify(self) -> None:
        """Show a certificate that is good, for as long as this runs."""
        door = self._door
        if door.certificates is None:
            ours = Ours(self._client, self._namespace, door.service, self.shown)
            await _again(ours.look, EVERY)
        else:
            foreign = Foreign(door.certificates, names_of(door.service, self._namespace), self.shown)
            await _again(foreign.look, FOREIGN_EVERY)

    async def serve(self) -> None:
        """Serve once there is a certificate, and be found. Raises NoPort."""
        await self.shown.ready.wait()
        host, _, port = self._door.address.rpartition(":")
        async with self._webhook.serving(host.strip("[]"), int(port), lambda: self.shown.context) as self._port:
            log.info("serving the webhook of Service %s at %s:%d", self._door.service, self._door.ip, self._port)
            try:
                await _again(self._be_found, EVERY)
            finally:
                await self._leave()

    async def _be_found(self) -> float | None:
        try:
            await admission.be_found(self._client, self._namespace, self._door.service, self._door.ip, self._port)
        except (Conflict, AlreadyExists):
            return 1.0  # the leader before has just left
        return None

    async def _leave(self) -> None:
        """While questions that are under way are still answered."""
        with contextlib.suppress(ApiError, TimeoutError):
            async with asyncio.timeout(LEAVING_SECONDS):
                await admission.be_gone(self._client, self._namespace, self._door.service, self._door.ip)
                await asyncio.sleep(STILL_OPEN_SECONDS)


def judged(review: Review, facts: Facts) -> Verdict:
    """What the rules say of a change."""
    match review.change:
        case Change(before=None, after=Pool() as new):
            return rules.eip_created(new, facts)
        case Change(before=Pool() as old, after=Pool() as new):
            return rules.eip_changed(old, new, facts)
        case Change(before=Pool() as old, after=None):
            return rules.eip_deleted(old, facts)
        case Change(before=Reservation() | None as old, after=Reservation() as new):
            return rules.reservation_written(new, old, facts)
        case Change(before=BgpConf() | None as old, after=BgpConf() as new):
            return bgp_admission.conf_written(new, old, facts)
        case Change(before=BgpPeer() | None as old, after=BgpPeer() as new):
            return bgp_admission.peer_written(new, old, facts)
        case _:
            return Verdict()


async def _again(look: Callable[[], Awaitable[float | None]], seconds: float) -> None:
    never = asyncio.Event().wait

    async def changed() -> None:
        await never()

    await look_again(look, changed, Progress(), rest=0.0, resync=seconds, backoff=SLOWLY)
