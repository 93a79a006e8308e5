"""A running service keeps to its OpenAPI document whatever it is sent: what fits the document, and
what does not. No answer is a fault of ours, and each is one that is documented.
"""

from __future__ import annotations

import json
from itertools import cycle
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import running
import schemathesis
import spoken
from homes import PASSWORD
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import checks
from schemathesis.generation import GenerationMode

from identra import loader
from identra.adminkeys import SCOPES
from identra.http.openapi import document
from identra.http.routes import every_operation
from identra.secret import uuid7

if TYPE_CHECKING:
    from collections.abc import Iterator

SECTIONS = """
[http]
trusted_proxies = ["127.0.0.0/8"]
[limits]
trusted_callers = ["127.0.0.0/8"]
[admin]
enabled = true
[providers.github]
client_id = "Iv1.8a61f9b3a7aba766"
client_secret = "9f2c4e6a8b0d1f3e5c7a9b2d4f6e8a0c1b3d5f7e"
redirect_url = "http://localhost:3000/callback"
"""
HELD = (
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
)
FEW, MANY = 3, 300
"""Requests of each kind to each operation; the latter with `--everywhere`."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[running.Running]:
    folder = tmp_path_factory.mktemp("fuzzed")
    with running.identra(folder, "--dev", extra=SECTIONS) as service:
        yield service


@pytest.fixture(scope="module")
def schema(service: running.Running) -> Any:
    said = httpx.get(f"{service.url}/openapi.json").json()
    assert said["paths"] == _documented()["paths"]
    return schemathesis.openapi.from_dict(said)


@pytest.fixture(scope="module")
def key(service: running.Running) -> str:
    """An admin key for everything."""
    every = [word for scope in SCOPES for word in ("--scope", scope)]
    file = service.log.with_name("identra.toml")
    return running.command(file, "admin-keys", "create", "fuzz", *every).strip()


def _documented() -> dict[str, Any]:
    said = document(
        every_operation(loader.load((), {}), dev=True, operators=True), "http://localhost:8080"
    )
    whole: dict[str, Any] = json.loads(json.dumps(said))
    return whole


def _cases() -> Iterator[tuple[str, GenerationMode]]:
    """Each operation with what fits it, and, where anything is asked for, with what does not."""
    for method, path, operation in spoken.documented(_documented()):
        yield f"{method} {path}", GenerationMode.POSITIVE
        asked = (one["required"] for one in operation.get("parameters", []) if "required" in one)
        if "requestBody" in operation or any(asked):
            yield f"{method} {path}", GenerationMode.NEGATIVE


@pytest.mark.parametrize(("name", "mode"), list(_cases()))
def test_an_operation_answers_as_it_is_documented(
    request: pytest.FixtureRequest,
    service: running.Running,
    key: str,
    schema: Any,
    *,
    name: str,
    mode: Any,
) -> None:
    """Whoever calls is signed in, or has a key, at every second time."""
    method, path = name.split()
    most = MANY if request.config.getoption("everywhere") else FEW
    whose = cycle((_whose(service.url, key, path), {}))

    @settings(
        max_examples=most,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(schema[path][method].as_strategy(generation_mode=mode))
    def judge(case: Any) -> None:
        answer = case.call(base_url=service.url, headers=next(whose))
        case.validate_response(answer, checks=list(HELD))

    judge()


def _whose(url: str, key: str, path: str) -> dict[str, str]:
    if path.startswith("/admin"):
        return {"Authorization": f"Bearer {key}"}
    return _bearer(url) if "/me" in path or "oauth" in path else {}


def _bearer(url: str) -> dict[str, str]:
    """The header of somebody who is signed in: what is tried on her may end her session."""
    login = {"email": f"{uuid7()}@example.com", "password": PASSWORD}
    pair = httpx.post(f"{url}/password/register", json=login).json()["token"]
    return {"Authorization": f"Bearer {pair['access_token']['token']}"}
