"""The API server really asks the manager about changes of Eips; who asks when nobody serves is not held up."""

import base64
import time
from typing import Any

import pytest

from lab.cluster import Cluster
from lab.demo import OPENELB
from lab.network import CommandError
from lab.wait import NotYetError, require, until
from openelb.kube.admission import slice_name
from openelb.model import names
from tests.lab import installed
from tests.lab.test_installation import metric

CONFIGURATION = f"/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/{names.WEBHOOK_CONFIGURATION}"
SLICE = f"/apis/discovery.k8s.io/v1/namespaces/{OPENELB}/endpointslices/{slice_name(names.WEBHOOK_SERVICE)}"
SECRET = f"/api/v1/namespaces/{OPENELB}/secrets/{names.WEBHOOK_CERTIFICATE}"
OVERLAPPING = installed.eip("other")
QUICKLY = 1.0
"""Seconds for a write that nobody is asked about: kubectl itself takes a good part of one."""
SOON = 15.0
"""Seconds until another replica serves: it waits for the end of the Lease, five to seven seconds, where none is given up."""


@pytest.fixture
def guarded(pool: Cluster) -> Cluster:
    """A pool, and a webhook that refuses another one with its addresses."""
    until(lambda: refusal(pool, OVERLAPPING), what="a refusal", timeout=120)
    return pool


def refusal(cluster: Cluster, manifest: str) -> str:
    """What kubectl prints where a manifest is refused; nothing is changed. Raises NotYetError where it is accepted."""
    return _refused(lambda: cluster.kubectl("apply", "--dry-run=server", "-f", "-", stdin=manifest))


def _refused(run: Any) -> str:
    try:
        said = run()
    except CommandError as error:
        return error.wrote
    raise NotYetError(f"it was accepted: {said}")


def serving(cluster: Cluster) -> str:
    """The address that API servers are sent to. Raises NotYetError without one."""
    endpoints = cluster.get(SLICE)["endpoints"]
    require(endpoints, "nobody serves")
    return str(endpoints[0]["addresses"][0])


# Refusals.


def test_what_is_refused_is_told_where_it_was_typed(guarded: Cluster) -> None:
    installed.serve(guarded, "web")
    first, _, last = installed.RANGE.partition("-")
    narrow = installed.eip(address=f"{last}-{last}")
    said = refusal(guarded, OVERLAPPING)
    assert (
        'admission webhook "validate.eip.network.kubesphere.io" denied the request: eip address overlap with pool'
        in said
    )
    said = refusal(guarded, narrow)
    assert "the address field is not allowed to be modified so that addresses in use fall out of it" in said
    assert "default/web" in said
    said = _refused(lambda: guarded.kubectl("delete", "eip", "pool", "--dry-run=server"))
    assert "Eip pool is in use by " in said
    assert first in guarded.kubectl("get", "eip", "pool", "-o", "yaml")


def test_who_insists_is_let(guarded: Cluster) -> None:
    installed.serve(guarded, "web")
    guarded.kubectl("annotate", "eip", "pool", f"{names.FORCE}=true")
    guarded.kubectl("delete", "eip", "pool", "--dry-run=server")
    guarded.apply(installed.eip("other", annotations={names.FORCE: "true"}))


def test_about_labels_and_finalizers_nobody_is_asked(guarded: Cluster) -> None:
    node = guarded.node("n1").host

    def asked() -> float:
        told = node.get(f"http://{serving(guarded)}:50052/metrics")
        verdicts = ("allowed", "refused", "failed", "unreadable")
        return sum(metric(told, f'openelb_webhook_reviews_total{{verdict="{one}"}}') for one in verdicts)

    before = asked()
    guarded.kubectl("label", "eip", "pool", "example.org/colour=blue")
    assert asked() == before
    guarded.kubectl("annotate", "eip", "pool", "example.org/colour=blue")
    assert asked() == before + 1


# Who serves.


def test_a_leader_that_leaves_is_followed_at_once(guarded: Cluster) -> None:
    before = serving(guarded)
    guarded.kubectl("-n", OPENELB, "delete", "pod", installed.leader(guarded), "--wait=false")
    until(lambda: require(serving(guarded) != before, f"{before} serves"), what="another one to serve", timeout=SOON)
    until(lambda: refusal(guarded, OVERLAPPING), what="a refusal", timeout=SOON)
    installed.roll_out(guarded)


def test_a_leader_that_is_killed_is_followed_within_seconds(guarded: Cluster) -> None:
    before = serving(guarded)
    guarded.kubectl("-n", OPENELB, "delete", "pod", installed.leader(guarded), "--force", "--grace-period=0")
    until(lambda: require(serving(guarded) != before, f"{before} serves"), what="another one to serve", timeout=SOON)
    until(lambda: refusal(guarded, OVERLAPPING), what="a refusal", timeout=SOON)
    installed.roll_out(guarded)


def test_with_both_managers_gone_every_write_passes_at_once(guarded: Cluster) -> None:
    guarded.kubectl("-n", OPENELB, "scale", installed.MANAGER, "--replicas=0")
    try:
        until(lambda: require(not managers(guarded), "there are managers"), what="the end of the managers")
        assert not guarded.get(SLICE)["endpoints"]
        for number in range(3):
            began = time.monotonic()
            guarded.apply(installed.eip(f"other-{number}"))
            assert time.monotonic() - began < QUICKLY
        for number in range(3):
            guarded.kubectl("delete", "eip", f"other-{number}")
    finally:
        guarded.kubectl("-n", OPENELB, "scale", installed.MANAGER, "--replicas=2")
        installed.roll_out(guarded)
    until(lambda: refusal(guarded, OVERLAPPING), what="a refusal")


def managers(cluster: Cluster) -> list[str]:
    return [pod["metadata"]["name"] for pod in installed.pods(cluster, "app=openelb-manager")]


# Certificates.


def test_a_secret_that_was_deleted_is_made_anew_and_the_webhook_goes_on(guarded: Cluster) -> None:
    before = bundle(guarded)
    guarded.kubectl("-n", OPENELB, "delete", "secret", names.WEBHOOK_CERTIFICATE)
    assert refusal(guarded, OVERLAPPING)
    until(lambda: require(bundle(guarded) != before, "nothing has changed"), what="another authority", timeout=120)
    assert bundle(guarded).endswith(before)
    assert bundle(guarded) == base64.b64decode(guarded.get(SECRET)["data"]["ca.crt"]).decode()
    for _ in range(20):  # also while the other certificate comes to be shown
        assert refusal(guarded, OVERLAPPING)


def test_the_manifest_applied_again_leaves_the_authority(guarded: Cluster) -> None:
    before = bundle(guarded)
    installed.install(guarded)
    assert bundle(guarded) == before


def bundle(cluster: Cluster) -> str:
    """Whom the API server trusts for both webhooks."""
    (found,) = {hook["clientConfig"].get("caBundle", "") for hook in cluster.get(CONFIGURATION)["webhooks"]}
    return base64.b64decode(found).decode()
