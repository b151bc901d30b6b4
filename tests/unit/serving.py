"""The webhook served on loopback with a certificate of its own, and API servers that ask it."""

import asyncio
import datetime
import io
import json
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from openelb.kube import tls
from openelb.manager.certificates import made
from openelb.manager.identity import Shown
from openelb.manager.webhook import PATHS, SECONDS, Judge, Webhook
from openelb.plan.admission import Verdict
from tests.unit.kube.objects import eip

NAME = "openelb-webhook.openelb-system.svc"
EIP_PATH, RESERVATION_PATH, *_ = PATHS


def issued(name: str = NAME) -> dict[str, str]:
    return made([name], datetime.datetime.now(datetime.UTC))


def question(operation: str = "CREATE", kind: str = "Eip", **request: Any) -> bytes:
    """What an API server asks; without more, about an Eip that is made."""
    about = {"group": "network.kubesphere.io", "version": "v1alpha2", "kind": kind}
    whole = {"uid": "705ab4f5", "kind": about, "operation": operation, "object": eip(), **request}
    review = {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": whole}
    return json.dumps(review).encode()


@dataclass
class Served:
    """A webhook that is served, and who asks it."""

    port: int
    shown: Shown
    session: aiohttp.ClientSession
    trusted: ssl.SSLContext
    counts: Counter[str] = field(default_factory=Counter)

    async def post(self, body: bytes, path: str = EIP_PATH, method: str = "POST", **headers: str) -> tuple[int, str]:
        """The status and the text of the answer."""
        url = f"https://127.0.0.1:{self.port}{path}"
        told = {"Content-Type": "application/json", **headers}
        async with self.session.request(
            method, url, data=io.BytesIO(body), headers=told, ssl=self.trusted, server_hostname=NAME
        ) as answer:
            return answer.status, await answer.text()

    async def ask(self, body: bytes, path: str = EIP_PATH) -> Any:
        """The response in the AdmissionReview that is answered."""
        status, text = await self.post(body, path)
        assert status == 200, text
        return json.loads(text)["response"]

    @asynccontextmanager
    async def said(self, *what: bytes, tls: bool = True) -> AsyncIterator[asyncio.StreamReader]:
        """A connection on which just that is said; what is answered can be read."""
        secure = {"ssl": self.trusted, "server_hostname": NAME} if tls else {}
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, **secure)
        writer.writelines(what)
        try:
            yield reader
        finally:
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()


@asynccontextmanager
async def serving(judge: Judge = lambda _: Verdict(), *, seconds: float = SECONDS) -> AsyncIterator[Served]:
    """Serve with that judge."""
    identity, shown, counts = issued(), Shown(), Counter[str]()
    shown.show(identity["certificate"], identity["key"], 0.0)
    async with (
        Webhook(judge, counts, seconds=seconds).serving("127.0.0.1", 0, lambda: shown.context) as port,
        aiohttp.ClientSession() as session,
    ):
        yield Served(port, shown, session, tls.trusting(identity["authority"]), counts)
