"""What a real API server asks a webhook: our own, by the configuration that users apply, but for the way to it."""

import asyncio
import base64
import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.controlplane import ControlPlane
from lab.network import CommandError
from openelb.kube.client import Client
from openelb.kube.review import Review
from openelb.manager.identity import Shown
from openelb.manager.webhook import Webhook
from openelb.model import names
from openelb.model.cluster import Pool, Reservation
from openelb.plan.admission import Verdict
from tests.unit.serving import issued

MANIFEST = Path(__file__).parents[2] / "deploy" / "manifests" / "webhook.yaml"
CONFIGURATION_PATH = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"


@dataclass
class Asked:
    """A webhook that answers with one verdict, and remembers what it was asked."""

    plane: ControlPlane
    shown: Shown
    reviews: list[Review] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)

    def judge(self, review: Review) -> Verdict:
        self.reviews.append(review)
        return self.verdict

    async def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """While the webhook answers."""
        return await asyncio.to_thread(self.plane.kubectl, *arguments, stdin=stdin)

    async def apply(self, kind: str, name: str, version: str = names.VERSION, **spec: object) -> str:
        what = {"apiVersion": f"{names.GROUP}/{version}", "kind": kind, "metadata": {"name": name}, "spec": spec}
        return await self.kubectl("apply", "-f", "-", stdin=json.dumps(what))

    def changes(self) -> list[tuple[Any, Any]]:
        """What was asked since this was asked last: before and after."""
        found = [(one.change.before, one.change.after) for one in self.reviews if one.change is not None]
        assert len(found) == len(self.reviews)
        self.reviews.clear()
        return found


@pytest.fixture
async def asked(plane: ControlPlane, client: Client) -> AsyncIterator[Asked]:
    """The webhook on the API server's own host, and a configuration that leads there."""
    identity = issued("localhost")
    made = Asked(plane, Shown())
    made.shown.show(identity["certificate"], identity["key"], 0.0)
    (configuration,) = (
        each for each in yaml.safe_load_all(MANIFEST.read_text()) if each["kind"] == "ValidatingWebhookConfiguration"
    )
    async with Webhook(made.judge, Counter()).serving("127.0.0.1", 0, lambda: made.shown.context) as port:
        for hook in configuration["webhooks"]:
            url = f"https://localhost:{port}{hook['clientConfig']['service']['path']}"
            bundle = base64.b64encode(identity["authority"].encode()).decode()
            hook["clientConfig"] = {"url": url, "caBundle": bundle}
        await made.kubectl("apply", "-f", "-", stdin=json.dumps(configuration))
        async with asyncio.timeout(30):
            while not made.reviews:  # the API server learns of it by a watch
                await made.kubectl("create", "--dry-run=server", "-f", "-", stdin=json.dumps(PROBE))
        made.reviews.clear()
        try:
            yield made
        finally:
            await made.kubectl("delete", "validatingwebhookconfiguration", names.WEBHOOK_CONFIGURATION)


SPEC = {"address": "192.0.2.0/24", "protocol": "layer2", "interface": "eth0"}
PROBE = {"apiVersion": f"{names.GROUP}/{names.VERSION}", "kind": "Eip", "metadata": {"name": "probe"}, "spec": SPEC}


async def test_an_eip_that_is_made_changed_and_deleted_is_asked_about(asked: Asked) -> None:
    await asked.apply("Eip", "office", **SPEC)
    ((before, after),) = asked.changes()
    assert before is None
    assert isinstance(after, Pool)
    assert (after.name, after.address, after.interface) == ("office", "192.0.2.0/24", "eth0")
    await asked.apply("Eip", "office", **{**SPEC, "address": "192.0.2.0/25"})
    ((before, after),) = asked.changes()
    assert (before.address, after.address) == ("192.0.2.0/24", "192.0.2.0/25")
    await asked.kubectl("delete", "eip", "office")
    ((before, after),) = asked.changes()
    assert (before.name, after) == ("office", None)


async def test_what_is_written_by_the_old_version_is_asked_about_as_well(asked: Asked) -> None:
    await asked.apply("Eip", "office", "v1alpha1", **SPEC)
    ((before, after),) = asked.changes()
    assert (before, after.name, after.interface) == (None, "office", "eth0")
    await asked.kubectl("delete", "eip", "office")


async def test_a_reservation_is_asked_about(asked: Asked) -> None:
    await asked.apply("EipReservation", "kept", eip="office", count=2)
    ((before, after),) = asked.changes()
    assert before is None
    assert isinstance(after, Reservation)
    assert (after.pool, after.count) == ("office", 2)
    await asked.kubectl("delete", "eipreservation", "kept")
    assert asked.changes() == []


async def test_labels_finalizers_and_the_status_are_not_asked_about_and_annotations_are(asked: Asked) -> None:
    await asked.apply("Eip", "office", **SPEC)
    asked.changes()
    await asked.kubectl("label", "eip", "office", "example.org/colour=blue")
    for finalizers in (["example.org/guard"], []):
        patch = json.dumps({"metadata": {"finalizers": finalizers}})
        await asked.kubectl("patch", "eip", "office", "--type=merge", "-p", patch)
    patch = json.dumps({"status": {"usage": 1}})
    await asked.kubectl("patch", "eip", "office", "--subresource=status", "--type=merge", "-p", patch)
    assert asked.changes() == []
    await asked.kubectl("annotate", "eip", "office", "example.org/colour=blue")
    assert len(asked.changes()) == 1
    await asked.kubectl("delete", "eip", "office")


async def test_a_refusal_and_warnings_reach_who_wrote(asked: Asked) -> None:
    asked.verdict = Verdict("not this one: take another")
    with pytest.raises(CommandError) as refused:
        await asked.apply("Eip", "office", **SPEC)
    denied = 'admission webhook "validate.eip.network.kubesphere.io" denied the request: not this one: take another'
    assert denied in refused.value.wrote
    assert "(Forbidden)" in refused.value.wrote
    asked.verdict = Verdict(warnings=("mind the gap",))
    with pytest.raises(CommandError) as warned:  # kubectl exits with 1 for a warning when it is told to
        await asked.kubectl("create", "--warnings-as-errors", "-f", "-", stdin=json.dumps(PROBE))
    assert "Warning: mind the gap" in warned.value.wrote
    await asked.kubectl("delete", "eip", "probe")


async def test_a_certificate_is_replaced_while_questions_come(asked: Asked, client: Client) -> None:
    identity = issued("localhost")
    asked.shown.show(identity["certificate"], identity["key"], 0.0)
    await asked.apply("Eip", "office", **SPEC)  # on the connection there is
    assert len(asked.changes()) == 1
    await asked.kubectl("delete", "eip", "office")
