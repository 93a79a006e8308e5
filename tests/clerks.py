"""Programs that have an admin key, at the operators' door of a house."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from identra.adminkeys import SCOPES
from identra.values import DAY

if TYPE_CHECKING:
    import httpx
    from callers import Caller, House, Sections

    from identra.adminkeys import AdminKeys, Scope
    from identra.http.operation import Operation

LET_IN: Sections = {"admin": {"enabled": True}}
BODIES: dict[str, dict[str, Any]] = {
    "POST /admin/users": {"email": "new@example.com", "proved": True},
    "POST /admin/invitations": {"email": "invited@example.com"},
    "POST /admin/users/{user_id}/disable": {"reason": "as a test"},
    "POST /admin/users/{user_id}/addresses/prove": {"email": "further@example.com"},
    "POST /admin/limits/release": {"peer": "192.0.2.1"},
}
QUERIES = {
    "GET /admin/limits": {"peer": "192.0.2.1"},
    "DELETE /admin/users/{user_id}": {"grace": "none"},
}


@dataclass(frozen=True)
class Clerk:
    """One such program, calling from a network of its own."""

    caller: Caller
    key: str

    async def ask(self, path: str, **query: Any) -> Any:
        """What a GET tells."""
        return _told(await self.caller.ask(path, bearer=self.key, **query))

    async def say(self, path: str, body: Any = None) -> Any:
        """What a POST tells."""
        return _told(await self.caller.say(path, body, bearer=self.key))

    async def end(self, path: str, **query: Any) -> Any:
        """What a DELETE tells."""
        return _told(await self.caller.end(path, bearer=self.key, **query))

    async def call(self, operation: Operation, user_id: str) -> httpx.Response:
        """Its answer to one operation, about this user where it is about one."""
        name = f"{operation.method} {operation.path}"
        path = operation.path.replace("{user_id}", user_id).replace("{provider}", "github")
        headers = {"Authorization": f"Bearer {self.key}", "X-Forwarded-For": self.caller.network}
        return await self.caller.http.request(
            operation.method,
            path,
            headers=headers,
            params=QUERIES.get(name),
            json=BODIES.get(name, {}) if operation.method == "POST" else None,
        )


def keys_of(house: House) -> AdminKeys:
    """The room where the house's keys are made."""
    assert house.app.backoffice
    return house.app.backoffice.clearance._keys


async def clerk(house: House, name: str = "ci", scopes: tuple[Scope, ...] = SCOPES) -> Clerk:
    """Somebody with a new key for these scopes; for all where none is named."""
    _, key = await keys_of(house).create(name, scopes, life=DAY)
    return Clerk(house.caller(), key)


def _told(answer: httpx.Response) -> Any:
    body = answer.json()
    return body["reason"] if answer.is_error else body
