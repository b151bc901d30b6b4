"""What users apply, on an API server without nodes and controllers: nothing follows from it but what somebody starts."""

from pathlib import Path

import yaml

from lab.controlplane import ControlPlane

NAMESPACE = "openelb-system"


def install(plane: ControlPlane, manifest: Path) -> None:
    """Apply it. The webhook goes again: no proxy runs that would refuse who calls it while nobody serves it, so that every
    Eip would wait until the API server gives up.
    """
    plane.kubectl("apply", "-f", "-", stdin=manifest.read_text())
    plane.kubectl("delete", "validatingwebhookconfiguration", "--all")
    plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", "crd", "--all")


def write_kubeconfig(plane: ControlPlane, account: str, path: Path) -> None:
    """A kubeconfig with the rights of one of our service accounts, `openelb-manager` or `openelb-speaker`."""
    access = yaml.safe_load(plane.kubeconfig.read_text())
    token = plane.kubectl("-n", NAMESPACE, "create", "token", account, "--duration=24h").strip()
    access["users"][0]["user"] = {"token": token}
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(access))
