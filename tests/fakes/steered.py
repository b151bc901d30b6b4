"""The API server in memory, steered request by request: what a test says happens just before one is answered."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from tests.fakes.apiserver import JSON, FakeApiServer, Refusal

Rule = Callable[[str], Awaitable[Refusal | None]]


class SteeredApiServer(FakeApiServer):
    """Asks its `rules` about every request, given as `PATCH /api/v1/…`: they may change the world, or refuse it."""

    def __init__(self) -> None:
        super().__init__()
        self.rules: list[Rule] = []

    @property
    def writes(self) -> list[str]:
        """What was asked for and is no question, in order."""
        return [request for request in self.requests if not request.startswith(("GET ", "WATCH "))]

    def has(self, collection: str, name: str, namespace: str = "") -> bool:
        """Whether there is such an object."""
        return (namespace, name) in self._objects.get(collection, {})

    def refuse(self, about: str, refusal: Refusal) -> None:
        """Refuse every request that has that text in it."""

        async def rule(asked: str) -> Refusal | None:
            return refusal if about in asked else None

        self.rules.append(rule)

    def before(self, about: str, happens: Callable[[], Awaitable[object]]) -> None:
        """Once, just before the first request that has that text in it is answered."""

        async def rule(asked: str) -> None:
            if about in asked and rule in self.rules:
                self.rules.remove(rule)
                await happens()

        self.rules.append(rule)

    async def put(self, collection: str, what: JSON) -> JSON:
        stored = await super().put(collection, what)
        self._activity.set()
        return stored

    async def remove(self, collection: str, name: str, namespace: str = "") -> None:
        await super().remove(collection, name, namespace)
        self._activity.set()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        for rule in list(self.rules):
            refusal = await rule(f"{request.method} {request.path}")
            if refusal:
                self.requests.append(f"{request.method} {request.path}")
                return refusal.response()
        return await super()._answer(request)
