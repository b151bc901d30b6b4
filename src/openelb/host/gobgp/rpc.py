"""Calls of gobgpd's service by name, and what their failures mean. Messages go in and out as they are."""

import contextlib
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any, TypeVar

from google.protobuf.message import Message
from grpclib.client import Channel, StreamUnaryMethod, UnaryStreamMethod, UnaryUnaryMethod
from grpclib.const import Status
from grpclib.exceptions import GRPCError, ProtocolError, StreamTerminatedError

from openelb.host.gobgp.api import gobgp_pb2
from openelb.host.gobgp.errors import GobgpError, Lost, OtherVersion, PortTaken, Refused, Stopped, Unreachable

SERVICE = "/api.GoBgpService/"
SECONDS = 10.0
"""For which a call may take: gobgpd is busy for half a second when a router is told 100,000 paths."""

WHY_NOT = "see why the container gobgpd beside this node's speaker does not run, or, with --spawn, the speaker's log"

Answer = TypeVar("Answer", bound=Message)


class Rpc:
    """One connection to one gobgpd. Every call may raise a GobgpError."""

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self._channel = Channel(path=socket)

    def close(self) -> None:
        """End the connection, and every call that waits for an answer."""
        self._channel.close()

    async def call(self, request: Message, answer: type[Answer]) -> Answer:
        """One question, one answer."""
        method = UnaryUnaryMethod[Any, Answer](self._channel, _path(request), type(request), answer)
        with self._understood():
            return await method(request, timeout=SECONDS)

    async def tell(self, request: Message) -> None:
        """One call of which nothing is to be known but that it was done."""
        await self.call(request, _answer(request))

    async def listing(self, request: Message, answer: type[Answer], *, ends: bool = True) -> AsyncIterator[Answer]:
        """One question, many answers: as many as there are, or for as long as the connection lasts."""
        method = UnaryStreamMethod[Any, Answer](self._channel, _path(request), type(request), answer)
        with self._understood():
            async with method.open(timeout=SECONDS if ends else None) as stream:
                await stream.send_message(request, end=True)
                async for each in stream:
                    yield each
        if not ends:
            raise Lost(f"gobgpd at {self._socket} has ended what it was asked to follow")

    async def stream(self, requests: Iterable[Message], kind: type[Message]) -> None:
        """Many requests in one call, which is done when this returns."""
        method = StreamUnaryMethod[Any, Any](self._channel, _path(kind), kind, _answer(kind))
        with self._understood():
            async with method.open(timeout=SECONDS * 6) as stream:
                for request in requests:
                    await stream.send_message(request)
                await stream.end()
                await stream.recv_message()

    @contextlib.contextmanager
    def _understood(self) -> Iterator[None]:
        """What goes wrong in the block is raised by its own name."""
        try:
            yield
        except GRPCError as error:
            raise self._said(error) from error
        except TimeoutError as error:
            raise Lost(f"gobgpd at {self._socket} has not answered within {SECONDS:g} s") from error
        except FileNotFoundError as error:
            raise Unreachable(f"gobgpd is not there: no socket {self._socket}; {WHY_NOT}") from error
        except ConnectionRefusedError as error:
            raise Unreachable(f"gobgpd is not there: nobody listens at {self._socket}; {WHY_NOT}") from error
        except PermissionError as error:
            raise Unreachable(
                f"the speaker may not use gobgpd's socket {self._socket}: run both as one user"
            ) from error
        except (StreamTerminatedError, ProtocolError, ConnectionError) as error:
            raise Lost(f"the connection to gobgpd at {self._socket} was lost") from error

    def _said(self, error: GRPCError) -> GobgpError:
        said = error.message or error.status.name
        if error.status is Status.UNIMPLEMENTED:
            return OtherVersion(
                f"the gobgpd at {self._socket} is not of version 4, which this speaker needs: {said}; use that of OpenELB's image, or install GoBGP 4"
            )
        if error.status is Status.UNAVAILABLE:
            return Lost(f"the connection to gobgpd at {self._socket} was lost: {said}")
        if "server stopped" in said or "is not running" in said:
            return Stopped(f"BGP was stopped in the gobgpd at {self._socket}, which has to be started anew")
        if "address already in use" in said:
            return PortTaken(
                f"gobgpd cannot listen: {said}; stop the other program, or choose another listenPort (-1: never listen)"
            )
        return Refused(f"gobgpd refuses: {said}")


def _path(request: Message | type[Message]) -> str:
    return SERVICE + request.DESCRIPTOR.name.removesuffix("Request")


def _answer(request: Message | type[Message]) -> type[Message]:
    found: type[Message] = getattr(gobgp_pb2, request.DESCRIPTOR.name.removesuffix("Request") + "Response")
    return found
