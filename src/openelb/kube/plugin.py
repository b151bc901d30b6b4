"""Exec plugins of kubeconfigs: programs that print a credential (client.authentication.k8s.io/v1 and v1beta1).

They are run without a terminal: nobody sits at one when a credential expires.
"""

import asyncio
import base64
import contextlib
import math
import os
import signal
import time
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

import msgspec

from openelb.kube.answers import UNREADABLE
from openelb.kube.credentials import Credential, usable
from openelb.kube.errors import NoCredentials

VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")

LONGEST_RUN = 30.0
"""Seconds until a plugin is taken for hung: time enough to ask an identity provider that is far away."""

LAST_WORDS = 1.0
"""Seconds for the rest of the output once a plugin has ended: what it started may keep its output open for ever."""

MOST_OUTPUT = 1 << 20
"""Bytes: a hundred times the largest credential."""

EARLY = 10.0
"""Seconds before its end at which a credential is renewed beside the work: a lead is lost after three without one."""

REST = 2.0
"""Seconds from the end of one run to the next at the least, whoever asks: a server that refuses whatever the plugin gives
must not have it run without a pause."""

_LONGEST_QUOTE = 200  # characters
_HEARD_OF_COMPLAINTS = 4096  # bytes
_STDERR = 2


@dataclass(frozen=True, slots=True)
class Grant:
    """What a plugin has printed: a token, a client certificate with its key (PEM), or both. None expires never."""

    token: str = field(default="", repr=False)
    certificate: str = ""
    key: str = field(default="", repr=False)
    expires: datetime | None = None


class _Status(msgspec.Struct, rename="camel"):
    token: str | None = None
    client_certificate_data: str | None = None
    client_key_data: str | None = None
    expiration_timestamp: datetime | None = None


class _ExecCredential(msgspec.Struct, rename="camel"):
    api_version: str = ""
    kind: str = ""
    status: _Status | None = None


@dataclass(frozen=True, slots=True)
class ExecPlugin:
    """How a plugin is called. `user` is the kubeconfig's; `cluster` is what it is told of the cluster, if anything."""

    user: str
    command: str
    version: str
    args: tuple[str, ...] = field(default=(), repr=False)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    hint: str = ""
    cluster: Mapping[str, object] | None = None
    seconds: float = LONGEST_RUN

    async def __call__(self) -> Grant:
        """Run it once. Raises NoCredentials, with a sentence for whoever wrote the kubeconfig."""
        try:
            return read(await self._output(), self.version)
        except ValueError as error:
            raise self._failed(str(error)) from error

    async def _output(self) -> bytes:
        run = await self._start()
        try:
            async with asyncio.timeout(self.seconds):
                await run.exited.wait()
        except TimeoutError:
            raise self._failed(f"did not end within {self.seconds:g} s") from None
        finally:
            await run.end()
        if len(run.output) > MOST_OUTPUT:
            raise self._failed(f"printed more than {MOST_OUTPUT >> 20} MiB")
        if run.code:
            words = " ".join(run.complaint.decode(errors="replace").split())[-_LONGEST_QUOTE:]
            raise self._failed(f"ended with {run.code}{': ' if words else ''}{words}")
        return bytes(run.output)

    async def _start(self) -> "_Run":
        environment = {**os.environ, **self.environment, "KUBERNETES_EXEC_INFO": self.told().decode()}
        try:
            _, run = await asyncio.get_running_loop().subprocess_exec(
                _Run,
                self.command,
                *self.args,
                stdin=DEVNULL,
                stdout=PIPE,
                stderr=PIPE,
                env=environment,
                start_new_session=True,  # so that what it started can be ended with it
            )
        except (OSError, ValueError) as error:
            why = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
            raise self._failed(f"cannot be run: {why}", self.hint) from error
        return run

    def told(self) -> bytes:
        """What the plugin reads from KUBERNETES_EXEC_INFO."""
        cluster = {"cluster": self.cluster} if self.cluster is not None else {}
        spec = {"interactive": False, **cluster}
        return msgspec.json.encode({"kind": "ExecCredential", "apiVersion": self.version, "spec": spec})

    def _failed(self, what: str, hint: str = "") -> NoCredentials:
        advice = f"; {' '.join(hint.split())}" if hint else ""
        return NoCredentials(f"the exec plugin {self.command} of the kubeconfig's user {self.user!r} {what}{advice}")


class _Run(asyncio.SubprocessProtocol):
    """One run of a program: what it prints, and how it ends. One that prints without end is ended."""

    _transport: asyncio.SubprocessTransport

    def __init__(self) -> None:
        self.output = bytearray()
        self.complaint = b""
        self.exited = asyncio.Event()
        self._closed = asyncio.Event()  # and nobody has its outputs open any more

    @property
    def code(self) -> int | None:
        return self._transport.get_returncode()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.SubprocessTransport", transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == _STDERR:
            self.complaint = (self.complaint + data)[-_HEARD_OF_COMPLAINTS:]
        elif len(self.output) <= MOST_OUTPUT:
            self.output += data
            if len(self.output) > MOST_OUTPUT:
                self._kill()

    def process_exited(self) -> None:
        self.exited.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed.set()

    async def end(self) -> None:
        """Hear its last words, after ending it with all that it started where it goes on."""
        self._kill()
        # Bounded: a child that left its group may have the outputs open for ever.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS):
                await self.exited.wait()
                await self._closed.wait()
        self._transport.close()

    def _kill(self) -> None:
        """A shell script's children go with it."""
        if self.code is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._transport.get_pid(), signal.SIGKILL)


def read(output: bytes, version: str) -> Grant:
    """The credential in a plugin's output. Raises ValueError, whose text goes on after the plugin's name."""
    try:
        printed = msgspec.json.decode(output, type=_ExecCredential)
    except UNREADABLE as error:
        raise ValueError(f"printed no ExecCredential: {error}") from error
    if (printed.kind, printed.api_version) != ("ExecCredential", version):
        found = f"{printed.api_version or 'no apiVersion'} {printed.kind or 'without a kind'}"
        raise ValueError(f"printed {found}, and the kubeconfig says {version} ExecCredential")
    status = printed.status or _Status()
    try:
        token = usable(status.token or "")
    except ValueError as error:
        raise ValueError(f"printed what cannot be used: {error}") from error
    certificate, key = status.client_certificate_data or "", status.client_key_data or ""
    if not (token or certificate or key):
        raise ValueError("printed neither a token nor a client certificate")
    if bool(certificate) != bool(key):
        raise ValueError("printed one of client certificate and key alone")
    expires = status.expiration_timestamp
    if expires is not None and expires.tzinfo is None:
        raise ValueError("printed an expirationTimestamp without a time zone (RFC 3339 asks for one)")
    return Grant(token, certificate, key, expires)


class PluginLogin:
    """Asks a plugin, and again shortly before what it gave expires, or when the server refuses it.

    One run serves all who wait for it and is not ended by one who cannot wait any longer. The clock on the wall is read
    once for each credential, to know how long it lasts; if it is wrong, the server's 401 puts that right.
    """

    def __init__(
        self,
        ask: Callable[[], Awaitable[Grant]],
        accept: Callable[[Grant], Credential],
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._ask = ask
        self._accept = accept
        self._clock = clock
        self._wall_clock = wall_clock
        self._held: Credential | None = None
        self._good_until = -math.inf
        self._next_run = -math.inf
        self._failure: NoCredentials | None = None
        self._run: asyncio.Task[None] | None = None

    async def credential(self) -> Credential:
        now = self._clock()
        if self._run is None and now >= max(self._good_until - EARLY, self._next_run):
            self._run = asyncio.create_task(self._renew())
        if self._held is not None and now < self._good_until:
            return self._held
        if self._run is not None:
            await asyncio.shield(self._run)
        if self._failure is not None:
            raise self._failure
        if self._held is None:
            raise NoCredentials("the exec plugin of the kubeconfig was ended before it gave anything")
        return self._held

    def refused(self, credential: Credential) -> None:
        if credential is self._held:
            self._good_until = -math.inf

    async def _renew(self) -> None:
        try:
            grant = await self._ask()
            self._held, self._failure = self._accept(grant), None
            self._good_until = self._clock() + self._lasts(grant)
        except NoCredentials as failure:
            self._failure = failure
        finally:
            self._run = None
            self._next_run = self._clock() + REST

    def _lasts(self, grant: Grant) -> float:
        """Seconds. Where it seems expired already our clock may be fast: it is held until the server's 401."""
        if grant.expires is None:
            return math.inf
        seconds = (grant.expires - self._wall_clock()).total_seconds()
        return seconds if seconds > 0 else math.inf


def cluster_info(server: str, *, authority: str, verify: bool, server_name: str, config: object) -> dict[str, object]:
    """What a plugin is told of its cluster (provideClusterInfo), under the names of ExecCredential.spec.cluster."""
    whole = {
        "server": server,
        "tls-server-name": server_name,
        "insecure-skip-tls-verify": not verify,
        "certificate-authority-data": base64.b64encode(authority.encode()).decode(),
        "config": config,
    }
    return {name: value for name, value in whole.items() if value or name == "server"}
