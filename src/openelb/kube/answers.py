"""What the API server answers, read: as the shape that was asked for, or as the Status with which it says no."""

from typing import TypeVar

import msgspec

from openelb.kube.errors import Nonsense, Refused, refusal

Shape = TypeVar("Shape")

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises of bytes that are no JSON of a shape: its own error, or Python's where they are no UTF-8 or nested
too deep."""


class _Details(msgspec.Struct):
    name: str = ""
    causes: list[msgspec.Raw] | None = None


class _Status(msgspec.Struct):
    """What the API server says instead of an object (meta/v1 Status)."""

    code: int = 0
    reason: str = ""
    message: str = ""
    details: _Details | None = None


def read(content: bytes, shape: type[Shape], what: str) -> Shape:
    """The object in the answer to the request `what`. Raises Nonsense."""
    try:
        return msgspec.json.decode(content, type=shape)
    except UNREADABLE as error:
        raise Nonsense(f"the answer to {what} cannot be read: {error}") from error


def refused(what: str, code: int, body: bytes, retry_after: str) -> Refused:
    """The error for an answer of that HTTP status; `retry_after` is its header of that name, empty without one."""
    try:
        status = msgspec.json.decode(body, type=_Status)
    except UNREADABLE:
        # A proxy or a web server in between: its own words, as far as they fit a log line.
        status = _Status(message=body[:200].decode(errors="replace"))
    return _refusal(what, status, code, retry_after=_seconds(retry_after))


def refused_by_status(what: str, content: bytes | msgspec.Raw) -> Refused:
    """The error that a Status tells, as it comes inside a watch."""
    try:
        status = msgspec.json.decode(content, type=_Status)
    except UNREADABLE:
        status = _Status(code=500, message="an error that cannot be read")
    return _refusal(what, status, status.code or 500, retry_after=1.0)


def _refusal(what: str, status: _Status, code: int, *, retry_after: float) -> Refused:
    explained = status.details is not None and bool(status.details.name or status.details.causes)
    return refusal(what, code, status.reason, status.message, explained=explained, retry_after=retry_after)


def _seconds(text: str) -> float:
    # RFC 9110, section 10.2.3 also allows a date, which kube-apiserver never sends.
    return float(text) if text.isdecimal() else 1.0
