"""Which certificate the webhook shows, whatever happens to the Secret it is kept in."""

import asyncio
import base64
import datetime
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from openelb.kube.admission import CONFIGURATION_PATH
from openelb.kube.client import Client
from openelb.kube.errors import Forbidden, NotFound
from openelb.manager.certificates import made, told
from openelb.manager.identity import AGAIN_SECONDS, Foreign, Ours, Shown, Unusable, names_of
from openelb.model import names
from openelb.plan.renewal import DAY, Certificate, Issued
from tests.fakes.apiserver import JSON, Refusal
from tests.fakes.steered import SteeredApiServer
from tests.unit.replica import QUICKLY

SECRETS = "/api/v1/secrets"
CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
SPACE, SERVICE = names.NAMESPACE, names.WEBHOOK_SERVICE
OF_SERVICE = {"service": {"namespace": SPACE, "name": SERVICE}}
CONFIGURATION: JSON = {
    "metadata": {"name": names.WEBHOOK_CONFIGURATION},
    "webhooks": [{"name": "validate.eip.network.kubesphere.io", "clientConfig": OF_SERVICE}],
}


async def nothing() -> None:
    pass


class Here:
    """Makes certificates as the program does, without a program, and counts how often it is asked to read one."""

    def __init__(self) -> None:
        self.reads = 0

    async def make(self, names: Iterable[str]) -> Issued:
        return Issued(**made(sorted(names), datetime.datetime.now(datetime.UTC)))

    async def read(self, issued: Issued) -> Certificate:
        self.reads += 1
        facts = told(issued.authority, issued.certificate, issued.key)
        return Certificate(**{**facts, "names": frozenset(facts.get("names", ()))})


@dataclass
class Cluster:
    """An API server, and replicas that keep the webhook's certificate on it."""

    server: SteeredApiServer
    client: Client
    shown: Shown = field(default_factory=Shown)
    days: float = 0.0
    """Since the test began."""
    issuer: Here = field(default_factory=Here)

    def ours(self, shown: Shown | None = None, settle: Callable[[], Awaitable[None]] = nothing) -> Ours:
        began = datetime.datetime.now(datetime.UTC).timestamp()
        now = shown or self.shown
        return Ours(
            self.client, SPACE, SERVICE, now, issuer=self.issuer, wall=lambda: began + self.days * DAY, settle=settle
        )

    def kept(self, key: str = "tls.crt") -> str:
        """What the Secret has."""
        return base64.b64decode(self.server.only(SECRETS)["data"][key]).decode()

    async def keep(self, **change: str) -> None:
        """Somebody writes into the Secret: `ca_crt` and so on."""
        there = self.server.only(SECRETS)
        written = {name.replace("_", "."): base64.b64encode(text.encode()).decode() for name, text in change.items()}
        await self.server.put(SECRETS, {**there, "data": {**there["data"], **written}})

    def trusted(self) -> str:
        """Whom API servers trust."""
        (hook,) = self.server.only(CONFIGURATIONS)["webhooks"]
        return base64.b64decode(hook["clientConfig"].get("caBundle", "")).decode()


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    async with SteeredApiServer().running() as server, Client(server.access, QUICKLY) as client:
        await server.put(CONFIGURATIONS, CONFIGURATION)
        yield Cluster(server, client)


def written(cluster: Cluster) -> list[str]:
    """What was written, as verb and resource, since this was asked last."""
    found = [
        f"{verb} {path.split('/')[-1 if verb == 'POST' else -2]}"
        for verb, path in map(str.split, cluster.server.writes)
    ]
    cluster.server.requests.clear()
    return found


# Ours.


async def test_a_certificate_is_made_kept_trusted_and_shown(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    await cluster.ours().look()
    assert written(cluster) == ["POST secrets", "PATCH validatingwebhookconfigurations"]
    assert cluster.trusted() == cluster.kept("ca.crt")
    assert cluster.shown.ready.is_set()
    assert "made a certificate for openelb-webhook.openelb-system.svc: there is none" in caplog.messages


async def test_nothing_is_written_or_said_while_nothing_changes(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    ours = cluster.ours()
    await ours.look()
    written(cluster)
    said, read = len(caplog.messages), cluster.issuer.reads
    cluster.days = 200
    await ours.look()
    assert written(cluster) == []
    assert (len(caplog.messages), cluster.issuer.reads) == (said, read)


async def test_who_leads_next_goes_on_with_the_same(cluster: Cluster) -> None:
    await cluster.ours().look()
    written(cluster)
    other = Shown()
    await cluster.ours(other).look()
    assert written(cluster) == []
    assert (other.ready.is_set(), other.ends) == (True, cluster.shown.ends)


async def test_it_is_renewed_in_time_and_shown_when_api_servers_trust_both(cluster: Cluster) -> None:
    settled: list[tuple[str, float]] = []

    async def settle() -> None:
        settled.append((cluster.trusted(), cluster.shown.ends))

    ours = cluster.ours(settle=settle)
    await ours.look()
    before, first, ended = cluster.trusted(), cluster.kept(), cluster.shown.ends
    written(cluster)
    cluster.days = 300
    await ours.look()
    assert written(cluster) == ["PATCH secrets", "PATCH validatingwebhookconfigurations"]
    assert cluster.kept() != first
    assert cluster.trusted() == cluster.kept("ca.crt")
    assert cluster.trusted().endswith(before)
    assert settled == [(cluster.trusted(), ended)]  # what was shown by then is the one before


async def test_who_has_shown_none_yet_renews_it_as_well(cluster: Cluster) -> None:
    await cluster.ours().look()
    before = cluster.trusted()
    cluster.days = 300
    await cluster.ours(Shown()).look()
    assert cluster.trusted() != before
    assert cluster.trusted().endswith(before)


async def test_of_those_before_only_the_last_is_trusted(cluster: Cluster) -> None:
    ours = cluster.ours()
    await ours.look()
    for _ in range(3):
        await cluster.server.remove(SECRETS, names.WEBHOOK_CERTIFICATE, SPACE)
        await ours.look()
    assert cluster.trusted().count("BEGIN CERTIFICATE") == 2


OTHERS = made(["openelb-webhook.elsewhere.svc"], datetime.datetime.now(datetime.UTC))
LATE = made(names_of(SERVICE, SPACE), datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=400))


def as_secret(issued: dict[str, str]) -> dict[str, str]:
    return {"ca_crt": issued["authority"], "tls_crt": issued["certificate"], "tls_key": issued["key"]}


def weak() -> dict[str, str]:
    """Good for a year by all it says, with a key that OpenSSL refuses to show."""
    key, now = rsa.generate_private_key(65537, 1024), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "openelb-webhook")])
    names = x509.SubjectAlternativeName([x509.DNSName(each) for each in names_of(SERVICE, SPACE)])
    begins, ends = now - datetime.timedelta(days=1), now + datetime.timedelta(days=365)
    draft = x509.CertificateBuilder(name, name, key.public_key(), 1, begins, ends).add_extension(names, critical=False)
    certificate = draft.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return {"authority": certificate, "certificate": certificate, "key": private}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (as_secret(weak()), "the certificate and its key do not belong together or are no PEM"),
        ({"tls_crt": "", "tls_key": ""}, "there is none"),
        ({"tls_crt": "damaged"}, "the certificate cannot be read"),
        ({"tls_key": ""}, "the key cannot be read"),
        ({"tls_key": OTHERS["key"]}, "the key is another certificate's"),
        ({"ca_crt": ""}, "it names no authority"),
        ({"ca_crt": "damaged"}, "it is not signed by its authority"),
        ({"ca_crt": OTHERS["authority"]}, "it is not signed by its authority"),
        (as_secret(OTHERS), "the one there is is not for openelb-webhook.openelb-system"),
        (as_secret(LATE), "the one there is expired 35 days ago"),
    ],
)
async def test_what_somebody_spoilt_is_made_anew_and_said(
    cluster: Cluster, caplog: pytest.LogCaptureFixture, change: dict[str, str], why: str
) -> None:
    caplog.set_level(logging.INFO)
    ours = cluster.ours()
    await ours.look()
    before = cluster.kept()
    await cluster.keep(**change)
    await ours.look()
    assert f"made a certificate for openelb-webhook.openelb-system.svc: {why}" in caplog.messages
    assert cluster.kept() not in (before, change.get("tls_crt"))
    assert cluster.trusted() == cluster.kept("ca.crt")
    written(cluster)
    await ours.look()
    assert written(cluster) == []


async def test_an_authority_that_is_none_is_not_handed_on(cluster: Cluster) -> None:
    await cluster.ours().look()
    await cluster.keep(ca_crt="-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    await cluster.ours(Shown()).look()
    assert cluster.kept("ca.crt").count("BEGIN CERTIFICATE") == 1


async def test_what_others_write_into_the_configuration_in_between_is_not_overwritten(cluster: Cluster) -> None:
    other = {"name": "another.example.org", "clientConfig": {"url": "https://example.org"}}

    async def add() -> None:
        changed = {**CONFIGURATION, "webhooks": [other, *CONFIGURATION["webhooks"]]}
        await cluster.server.put(CONFIGURATIONS, changed)

    cluster.server.before(f"PATCH {CONFIGURATION_PATH}", add)
    ours = cluster.ours()
    assert await ours.look() == AGAIN_SECONDS
    await ours.look()
    first, second = cluster.server.only(CONFIGURATIONS)["webhooks"]
    assert first == other
    assert second["clientConfig"]["caBundle"]


async def test_whom_somebody_made_api_servers_trust_is_put_right(cluster: Cluster) -> None:
    ours = cluster.ours()
    await ours.look()
    await cluster.server.put(CONFIGURATIONS, CONFIGURATION)
    await ours.look()
    assert cluster.trusted() == cluster.kept("ca.crt")


async def test_two_replicas_at_once_come_to_show_the_same(cluster: Cluster) -> None:
    other = Shown()
    both = cluster.ours(), cluster.ours(other)
    waits = await asyncio.gather(*(each.look() for each in both))
    assert sorted(waits, key=str) == [AGAIN_SECONDS, None]
    for each in both:
        await each.look()
    assert other.ready.is_set()
    assert cluster.shown.ready.is_set()
    assert written(cluster).count("POST secrets") == 2
    assert cluster.trusted() == cluster.kept("ca.crt")


async def test_without_the_configuration_it_is_shown_and_the_trouble_is_told(cluster: Cluster) -> None:
    await cluster.server.remove(CONFIGURATIONS, names.WEBHOOK_CONFIGURATION)
    with pytest.raises(NotFound):
        await cluster.ours().look()
    assert cluster.shown.ready.is_set()


async def test_without_the_right_to_keep_it_nothing_is_shown_and_the_trouble_is_told(cluster: Cluster) -> None:
    cluster.server.refuse("/secrets", Refusal(403, "Forbidden"))
    with pytest.raises(Forbidden):
        await cluster.ours().look()
    assert not cluster.shown.ready.is_set()
    assert not cluster.trusted()


async def test_while_api_servers_cannot_be_told_the_one_before_is_shown(cluster: Cluster) -> None:
    ours = cluster.ours()
    await ours.look()
    ended = cluster.shown.ends
    cluster.days = 300
    cluster.server.refuse(CONFIGURATION_PATH, Refusal(409, "Conflict"))
    assert await ours.look() == AGAIN_SECONDS
    assert cluster.shown.ends == ended


def test_its_names_are_those_of_the_service_in_any_namespace() -> None:
    assert names_of("hook", "lb") == {"hook.lb", "hook.lb.svc", "hook.lb.svc.cluster.local"}


# Of somebody else.


def put(directory: Path, issued: dict[str, Any]) -> None:
    (directory / "tls.crt").write_text(issued["certificate"])
    (directory / "tls.key").write_text(issued["key"])


GOOD = made(names_of(SERVICE, SPACE), datetime.datetime.now(datetime.UTC))


async def test_files_of_somebody_else_are_shown_and_followed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    shown = Shown()
    foreign = Foreign(tmp_path, names_of(SERVICE, SPACE), shown, issuer=Here())
    put(tmp_path, GOOD)
    await foreign.look()
    ends = shown.ends
    assert (shown.ready.is_set(), len(caplog.messages)) == (True, 1)
    await foreign.look()
    assert len(caplog.messages) == 1
    put(tmp_path, LATE)
    await foreign.look()
    assert shown.ends < ends
    assert caplog.messages[-1].endswith("should be replaced by whoever keeps it: the one there is expired 35 days ago")


async def test_files_that_cannot_be_shown_leave_what_was_shown(tmp_path: Path) -> None:
    shown = Shown()
    foreign = Foreign(tmp_path, names_of(SERVICE, SPACE), shown, issuer=Here())
    with pytest.raises(Unusable, match=r"cannot show tls\.crt and tls\.key in .*: No such file or directory"):
        await foreign.look()
    put(tmp_path, GOOD)
    await foreign.look()
    ends = shown.ends
    put(tmp_path, {**OTHERS, "key": GOOD["key"]})
    with pytest.raises(Unusable, match="the key is another certificate's"):
        await foreign.look()
    (tmp_path / "tls.crt").write_bytes(b"\xff")
    with pytest.raises(Unusable, match="they are no PEM"):
        await foreign.look()
    assert shown.ends == ends
