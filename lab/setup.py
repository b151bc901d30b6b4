"""Everything between a bare machine and a lab that can start: programs, binaries, images.

Nothing is started here; ``Prepared`` says where a lab finds what it starts.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Prepared:
    """Where a lab finds its parts. Every directory is shared by all labs of this machine and must not be written to."""

    binaries: Path
    """Directory of kube-apiserver, kube-controller-manager, kube-scheduler, kube-proxy, kubelet, kubectl, etcd,
    containerd, containerd-shim-runc-v2 and ctr."""

    node_root: Path
    """Unpacked root file system of a node: the lower directory of its overlay."""

    seed: Path
    """A containerd root (``/var/lib/containerd``) that holds every image, also OpenELB's own, unpacked. A node gets hard
    links of it; only the ``*.db`` files must be copied, and ``io.containerd.grpc.v1.introspection`` left out."""

    images: tuple[str, ...]
    """The full references in the seed, such as ``docker.io/library/nginx:latest``."""

    pause: str
    """The reference of the sandbox image, for containerd's configuration."""
