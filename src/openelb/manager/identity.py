"""The certificate that the webhook shows: made by us, kept in a Secret and renewed in time, or read from files that somebody
else keeps. It changes while the webhook serves, and connections that are open go on.
"""

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from openelb.host import issuing
from openelb.kube import admission, tls
from openelb.kube.admission import Kept, NobodyAsks
from openelb.kube.client import Client
from openelb.kube.errors import AlreadyExists, Conflict, Forbidden, NotFound
from openelb.plan.renewal import Certificate, Issued, due

log = logging.getLogger(__name__)

SETTLE_SECONDS = 5.0
"""From when API servers are told to trust another authority until its certificate is shown: each of them hears it by a watch."""
AGAIN_SECONDS = 1.0
"""Until the next look, when another replica has just written."""

_FIRST = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n?", re.DOTALL)


class Issuer(Protocol):
    """Makes and reads certificates. Both raise NotIssued."""

    async def make(self, names: Iterable[str]) -> Issued:
        """One for a server of these names."""

    async def read(self, issued: Issued) -> Certificate:
        """What one says of itself, whatever it is."""


class Unusable(Exception):
    """Files that somebody else keeps are no certificate and its key; the text says why."""


class Shown:
    """What the webhook shows, as the context of its server; `ready` once there is anything, which ends at `ends` (seconds
    since 1970)."""

    def __init__(self) -> None:
        self.context = tls.serving()
        self.ready = asyncio.Event()
        self.ends = 0.0

    def show(self, certificate: str, key: str, ends: float) -> None:
        """Show this one from the next handshake on. Raises ValueError, and goes on with the one before, if it cannot be."""
        # One context would keep a certificate for each kind of key, and go on showing the older one to many.
        context = tls.serving()
        tls.identify(context, certificate, key)
        self.context = context
        self.ends = ends
        self.ready.set()


def names_of(service: str, namespace: str) -> frozenset[str]:
    """What a Service is called by API servers, and by everybody else in a cluster."""
    return frozenset({f"{service}.{namespace}{end}" for end in ("", ".svc", ".svc.cluster.local")})


class Ours:
    """Keeps the Secret, whom API servers trust, and what is shown as they should be. Replicas share the Secret: it is written
    by compare-and-swap, then API servers are told, then it is shown. They trust the authority before, too.
    """

    def __init__(
        self,
        client: Client,
        namespace: str,
        service: str,
        shown: Shown,
        *,
        issuer: Issuer = issuing,
        wall: Callable[[], float] = time.time,
        settle: Callable[[], Awaitable[None]] = lambda: asyncio.sleep(SETTLE_SECONDS),
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._service = service
        self._names = names_of(service, namespace)
        self._shown = shown
        self._issuer = issuer
        self._wall = wall
        self._settle = settle
        self._showing = Issued()
        self._read = Issued(), Certificate()

    async def look(self) -> float | None:
        """Look once. Returns the seconds after which to look again, where it is not the usual time. Raises ApiError, NotIssued."""
        try:
            await self._keep()
        except (Conflict, AlreadyExists):
            return AGAIN_SECONDS
        return None

    async def _keep(self) -> None:
        kept = await admission.read_certificate(self._client, self._namespace)
        why = due(await self._facts(kept.issued), self._names, self._wall()) or self._refused(kept.issued)
        if why:
            kept = await self._renew(kept, why)
        try:
            told = await admission.trust(self._client, self._namespace, self._service, kept.issued.authority)
        except (Forbidden, NotFound, NobodyAsks):
            await self._show(kept.issued)  # somebody else may see to it that the authority is trusted
            raise
        if told and self._shown.ready.is_set():
            await self._settle()
        await self._show(kept.issued)

    def _refused(self, issued: Issued) -> str:
        """Why OpenSSL shows none like this, as one whose key is too short; nothing where it does."""
        if issued == self._showing:
            return ""
        try:
            tls.identify(tls.serving(), issued.certificate, issued.key)
        except ValueError as error:
            return str(error)
        return ""

    async def _renew(self, kept: Kept, why: str) -> Kept:
        made = await self._issuer.make(self._names)
        authorities = made.authority + _first(self._showing.authority or kept.issued.authority)
        renewed = Kept(replace(made, authority=authorities), kept.version)
        kept = await admission.write_certificate(self._client, self._namespace, renewed)
        log.info("made a certificate for %s.%s.svc: %s", self._service, self._namespace, why)
        return kept

    async def _show(self, issued: Issued) -> None:
        if issued == self._showing:
            return
        facts = await self._facts(issued) or Certificate()
        self._shown.show(issued.certificate, issued.key, facts.ends)
        self._showing = issued
        log.info("the webhook shows a certificate that is valid until %s", _day(facts.ends))

    async def _facts(self, issued: Issued) -> Certificate | None:
        """What it says of itself; asked again only when it is another one."""
        if not issued.certificate and not issued.key:
            return None
        if not issued.authority:
            return Certificate(problem="it names no authority")
        if issued != self._read[0]:
            self._read = issued, await self._issuer.read(issued)
        return self._read[1]


class Foreign:
    """Shows what is in `tls.crt` and `tls.key` of a directory, and follows changes. Who keeps them sees to it that API servers
    trust it, as cert-manager does.
    """

    def __init__(
        self,
        directory: Path,
        names: frozenset[str],
        shown: Shown,
        *,
        issuer: Issuer = issuing,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._directory = directory
        self._names = names
        self._shown = shown
        self._issuer = issuer
        self._wall = wall
        self._showing = Issued()

    async def look(self) -> None:
        """Look once. Raises Unusable, and goes on with what was shown before."""
        try:
            certificate, key = ((self._directory / name).read_text() for name in (admission.CERTIFICATE, admission.KEY))
        except (OSError, UnicodeDecodeError) as error:
            raise self._unusable(error.strerror if isinstance(error, OSError) else "they are no PEM") from error
        found = Issued("", certificate, key)
        if found == self._showing:
            return
        facts = await self._issuer.read(found)
        if facts.problem:
            raise self._unusable(facts.problem)
        try:
            self._shown.show(certificate, key, facts.ends)
        except ValueError as error:
            raise self._unusable(str(error)) from error
        self._showing = found
        log.info("the webhook shows the certificate in %s, valid until %s", self._directory, _day(facts.ends))
        if why := due(facts, self._names, self._wall()):
            log.warning("the certificate in %s should be replaced by whoever keeps it: %s", self._directory, why)

    def _unusable(self, why: str | None) -> Unusable:
        files = f"{admission.CERTIFICATE} and {admission.KEY} in {self._directory}"
        return Unusable(f"the webhook cannot show {files}: {why}")


def _first(authorities: str) -> str:
    """The authority that signs, without those trusted before it; nothing where there is none that could be trusted."""
    found = _FIRST.search(authorities)
    if found is None:
        return ""
    try:
        tls.trusting(found[0])
    except ValueError:
        return ""
    return found[0]


def _day(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).date().isoformat()
