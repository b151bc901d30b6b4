"""GoBGP's service on a unix socket, which answers what a test says, with the messages of the real one."""

import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf.message import Message
from grpclib.const import Cardinality, Handler, Status
from grpclib.exceptions import GRPCError
from grpclib.server import Server, Stream

from openelb.host.gobgp.api import gobgp_pb2 as api

Answer = Callable[[Any], Message | Iterable[Message]]


def refuses(sentence: str, status: Status = Status.UNKNOWN) -> Answer:
    """How gobgpd says no."""

    def answer(request: object) -> Message:
        raise GRPCError(status, sentence)

    return answer


@dataclass
class Service:
    """What it was asked, and what it answers by the name of the call: by default a message with nothing in it, or none."""

    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[Message] = field(default_factory=list)

    def of(self, kind: type[Message]) -> list[Any]:
        """The requests of this kind."""
        return [each for each in self.asked if isinstance(each, kind)]

    def __mapping__(self) -> dict[str, Handler]:
        service = api.DESCRIPTOR.services_by_name["GoBgpService"]
        return {f"/api.GoBgpService/{method.name}": self._handler(method) for method in service.methods}

    def _handler(self, method: Any) -> Handler:
        request, answer = getattr(api, method.input_type.name), getattr(api, method.output_type.name)
        kinds = {
            (False, False): Cardinality.UNARY_UNARY,
            (False, True): Cardinality.UNARY_STREAM,
            (True, False): Cardinality.STREAM_UNARY,
        }

        async def handle(stream: Stream[Any, Any]) -> None:
            given = None
            async for given in stream:
                self.asked.append(given)
            made = self.answers.get(method.name, lambda _: [] if method.server_streaming else answer())(given)
            for each in [made] if isinstance(made, Message) else made:
                await stream.send_message(each)

        return Handler(handle, kinds[method.client_streaming, method.server_streaming], request, answer)


@contextlib.asynccontextmanager
async def serving(socket: Path, *services: Service) -> AsyncIterator[None]:
    """Answer at this socket."""
    server = Server(list(services))
    await server.start(path=str(socket))
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()
