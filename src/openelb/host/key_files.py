"""The keys of heartbeats in the files that the kubelet mounts: there without the API server."""

from collections.abc import Iterable
from pathlib import Path

from openelb.model import names
from openelb.wire.heartbeat import SHORTEST_KEY, Key

LONGEST = 4096
"""Octets of a file that are read."""


def keys(found: Iterable[bytes]) -> tuple[Key, ...]:
    """Those that are long enough, each once, the current one first."""
    return tuple(dict.fromkeys(Key.of(secret) for secret in found if len(secret) >= SHORTEST_KEY))


def key_files(directory: Path | None) -> list[bytes]:
    """What is mounted; nothing where nothing is yet. Raises OSError."""
    if directory is None:
        return []
    found = []
    for name in (names.CURRENT_KEY, names.PREVIOUS_KEY):
        try:
            with open(directory / name, "rb") as file:
                found.append(file.read(LONGEST))
        except FileNotFoundError:
            continue
    return found
