"""The system call bpf(2): maps, programs and links of programs, as file descriptors. It needs the capabilities BPF and
NET_ADMIN. What the programs do is not known here. Source: linux/bpf.h (`union bpf_attr`).
"""

import ctypes
import errno
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

_NUMBERS: Mapping[str, int] = MappingProxyType({"x86_64": 321, "aarch64": 280})
"""Of the system call. Both architectures have the low octet first, as the programs of `wire.ebpf` ask for."""

HASH, ARRAY = 1, 2
_NO_PREALLOCATION = 1

_MAP_CREATE, _MAP_LOOKUP, _MAP_UPDATE, _PROGRAM_LOAD, _PIN, _GET, _TEST_RUN, _INFO = 0, 1, 2, 5, 6, 7, 10, 15
_UPDATE_BATCH, _DELETE_BATCH, _LINK_CREATE, _LINK_UPDATE, _LINK_DETACH = 26, 27, 28, 29, 34
_SCHED_CLS, _TCX_INGRESS, _BEFORE_ALL, _TCX_LINK = 3, 46, 8, 11

_LICENSE = b"Dual MIT/GPL\0"
_LOG = 1 << 16
_LARGEST_FRAME = 2048


class Run(NamedTuple):
    """How a program ended on a frame: what it returned, and what the frame was then."""

    returned: int
    frame: bytes


class NotHere(OSError):
    """This machine has no bpf(2) that we know how to call."""


def create_map(kind: int, key: int, value: int, entries: int, name: str) -> int:
    """A map with keys and values of so many octets. Raises OSError."""
    flags = _NO_PREALLOCATION if kind == HASH else 0
    return _bpf(_MAP_CREATE, struct.pack("@6I4x16s", kind, key, value, entries, flags, 0, name.encode()[:15]))


def look_up(at: int, key: bytes, size: int) -> bytes:
    """The value for a key. Raises OSError."""
    value = ctypes.create_string_buffer(size)
    kept = ctypes.create_string_buffer(key, len(key))
    _bpf(_MAP_LOOKUP, struct.pack("@I4xQQQ", at, ctypes.addressof(kept), ctypes.addressof(value), 0))
    return value.raw


def write(at: int, key: bytes, value: bytes) -> None:
    """Write one value. Raises OSError."""
    kept, said = ctypes.create_string_buffer(key, len(key)), ctypes.create_string_buffer(value, len(value))
    _bpf(_MAP_UPDATE, struct.pack("@I4xQQQ", at, ctypes.addressof(kept), ctypes.addressof(said), 0))


def write_many(at: int, keys: bytes, values: bytes, count: int) -> None:
    """Write so many values in one call. Raises OSError: some may be written then."""
    kept, said = ctypes.create_string_buffer(keys, len(keys)), ctypes.create_string_buffer(values, len(values))
    _bpf(_UPDATE_BATCH, _batch(at, count, ctypes.addressof(kept), ctypes.addressof(said)))


def delete_many(at: int, keys: bytes, count: int) -> None:
    """Take away so many keys in one call. Raises OSError: some may be gone then."""
    kept = ctypes.create_string_buffer(keys, len(keys))
    _bpf(_DELETE_BATCH, _batch(at, count, ctypes.addressof(kept), 0))


def load(program: bytes, name: str) -> int:
    """A program for the ingress of links, checked by the kernel. Raises OSError, with the kernel's last word."""
    code, license_, log = (
        ctypes.create_string_buffer(program, len(program)),
        ctypes.create_string_buffer(_LICENSE),
        ctypes.create_string_buffer(_LOG),
    )
    addresses = [ctypes.addressof(each) for each in (code, license_, log)]
    attributes = struct.pack(
        "@IIQQIIQII16sII",
        _SCHED_CLS, len(program) // 8, addresses[0], addresses[1], 1, _LOG, addresses[2], 0, 0,
        name.encode()[:15], 0, _TCX_INGRESS,
    )  # fmt: skip
    try:
        return _bpf(_PROGRAM_LOAD, attributes)
    except OSError as refused:
        said = [line for line in log.value.decode(errors="replace").splitlines() if line.strip()]
        if said and refused.errno != errno.EPERM:
            raise OSError(refused.errno, f"{refused.strerror}: {said[-2 if len(said) > 1 else 0]}") from refused
        raise


def test_run(program: int, frame: bytes) -> Run:
    """Run a program on a frame that nobody sent. Raises OSError."""
    given, out = ctypes.create_string_buffer(frame, len(frame)), ctypes.create_string_buffer(_LARGEST_FRAME)
    attributes = ctypes.create_string_buffer(
        struct.pack(
            "@4IQQ4IQQ4I",
            program, 0, len(frame), _LARGEST_FRAME, ctypes.addressof(given), ctypes.addressof(out),
            1, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        )
    )  # fmt: skip
    _call(_TEST_RUN, attributes, 80)
    _, returned, _, size = struct.unpack_from("@IiII", attributes)
    return Run(returned, out.raw[:size])


def attach(program: int, interface: int) -> int:
    """A link: the program sees what comes in by the interface, before all others that do. Raises OSError."""
    return _bpf(_LINK_CREATE, struct.pack("@6IQ", program, interface, _TCX_INGRESS, _BEFORE_ALL, 0, 0, 0))


def replace(link: int, program: int) -> None:
    """Put another program in the place of a link's, at one stroke. Raises OSError."""
    _bpf(_LINK_UPDATE, struct.pack("@4I", link, program, 0, 0))


def detach(link: int) -> None:
    """Have a link lead to nothing. Raises OSError when it does all the same."""
    if interface_of(link):
        _bpf(_LINK_DETACH, struct.pack("@I", link))
    if interface_of(link):
        raise OSError(errno.EBUSY, "the program is on the interface still")


def interface_of(link: int) -> int:
    """The number of the interface that a link of ours is at; 0 when it is at none any more. Raises OSError."""
    info = ctypes.create_string_buffer(64)
    _bpf(_INFO, struct.pack("@IIQ", link, len(info), ctypes.addressof(info)))
    kind, _, _, _, interface, where = struct.unpack_from("@6I", info)
    if kind != _TCX_LINK or where != _TCX_INGRESS:
        raise OSError(errno.EINVAL, "it is no link of a program to the ingress of an interface")
    return int(interface)


def pin(descriptor: int, path: Path) -> None:
    """Keep what the descriptor stands for, under this name, when the process ends. Raises OSError."""
    name = ctypes.create_string_buffer(os.fsencode(path))
    _bpf(_PIN, struct.pack("@QII", ctypes.addressof(name), descriptor, 0))


def pinned(path: Path) -> int | None:
    """A descriptor of what was kept under this name; None when nothing was. Raises OSError."""
    name = ctypes.create_string_buffer(os.fsencode(path))
    try:
        return _bpf(_GET, struct.pack("@QII", ctypes.addressof(name), 0, 0))
    except FileNotFoundError:
        return None


def _batch(at: int, count: int, keys: int, values: int) -> bytes:
    return struct.pack("@QQQQIIQQ", 0, 0, keys, values, count, at, 0, 0)


def _bpf(command: int, attributes: bytes) -> int:
    return _call(command, ctypes.create_string_buffer(attributes, len(attributes)), len(attributes))


def _call(command: int, attributes: "ctypes.Array[ctypes.c_char]", size: int) -> int:
    number = _NUMBERS.get(os.uname().machine)
    if number is None:
        raise NotHere(
            errno.ENOSYS, f"on {os.uname().machine} this is not known to work; it is on {', '.join(_NUMBERS)}"
        )
    returned = _libc().syscall(ctypes.c_long(number), ctypes.c_int(command), attributes, ctypes.c_uint(size))
    if returned < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return int(returned)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
