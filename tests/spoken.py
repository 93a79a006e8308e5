"""What the service says is held against what its OpenAPI document promises."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any

import httpx
import jsonschema
from wires import certificates

if TYPE_CHECKING:
    from collections.abc import Iterator

ANYWHERE = {404, 405}
EVERYWHERE = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


@cache
def document(base_url: str) -> dict[str, Any]:
    """The document of a running service."""
    said: dict[str, Any] = httpx.get(f"{base_url}/openapi.json").json()
    return said


def validate(response: httpx.Response, said: dict[str, Any]) -> None:
    """Fail unless the response is one that the document promises, to the last field."""
    for name, value in EVERYWHERE.items():
        assert response.headers[name] == value, name
    assert "content-security-policy" in response.headers
    assert "server" not in response.headers
    if response.request.method == "OPTIONS":
        return
    operation = _operation(response, said)
    if operation is None or response.status_code in ANYWHERE:
        assert response.status_code >= 400, f"{response.url} is not documented"
        _hold(response, {"$ref": "#/components/schemas/Failure"}, said)
        return
    promised = operation["responses"].get(str(response.status_code))
    assert promised, f"{response.status_code} of {response.url} is not documented: {response.text}"
    for name in promised["headers"]:
        assert name in response.headers, f"{response.url} promised the header {name}"
    content = promised.get("content", {})
    if response.request.method == "HEAD":
        return
    kind = response.headers.get("content-type", "").partition(";")[0]
    assert kind in content or (not content and not response.content), f"{response.url} is {kind}"
    if kind == "application/json":
        _hold(response, content[kind]["schema"], said)


def client(base_url: str, **options: Any) -> httpx.Client:
    """A client each of whose answers is validated."""
    said = document(base_url)

    def check(response: httpx.Response) -> None:
        response.read()
        validate(response, said)

    return httpx.Client(
        base_url=base_url, verify=certificates(), event_hooks={"response": [check]}, **options
    )


def async_client(base_url: str, said: dict[str, Any], **options: Any) -> httpx.AsyncClient:
    """The same for a test's own loop; `said` is the document, fetched before."""

    async def check(response: httpx.Response) -> None:
        await response.aread()
        validate(response, said)

    return httpx.AsyncClient(
        base_url=base_url, verify=certificates(), event_hooks={"response": [check]}, **options
    )


def _operation(response: httpx.Response, said: dict[str, Any]) -> dict[str, Any] | None:
    path = response.url.path.removeprefix("/api")
    method = response.request.method.lower()
    named = said["paths"].get(path) or next(
        (methods for pattern, methods in said["paths"].items() if _fits(pattern, path)), {}
    )
    found: dict[str, Any] | None = named.get("get" if method == "head" else method)
    return found


def _fits(pattern: str, path: str) -> bool:
    """Whether a path is one of those that a documented path with `{parts}` stands for."""
    return re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(pattern)), path) is not None


def _hold(response: httpx.Response, schema: dict[str, Any], said: dict[str, Any]) -> None:
    closed = {**schema, "components": _closed(said["components"])}
    found = jsonschema.Draft202012Validator(closed).iter_errors(json.loads(response.content))
    faults = [f"{error.json_path}: {error.message}" for error in found]
    assert not faults, f"{response.url} is not as promised: {faults}"


def _closed(components: dict[str, Any]) -> dict[str, Any]:
    """The schemas, with every object closed: no field is said that is not promised."""
    schemas = {
        name: schema if "additionalProperties" in schema else {**schema, **_CLOSED}
        for name, schema in components["schemas"].items()
    }
    return {"schemas": schemas}


_CLOSED = {"additionalProperties": False}


def documented(said: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every method and path of the document with its operation."""
    for path, methods in said["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation
