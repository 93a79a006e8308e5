"""The OpenAPI document tells the truth: every route, every failure, and nothing else."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx
import jsonschema
import pytest
import running
import spoken

from identra import errors, loader
from identra.http import admin
from identra.http.openapi import document
from identra.http.routes import every_operation
from identra.loader import Providers
from identra.providers.base import ProviderSettings
from identra.providers.code import CodeProvider
from identra.values import EmailTrust

if TYPE_CHECKING:
    from pathlib import Path

API = {
    "GET /.well-known/jwks.json",
    "GET /oauth/providers",
    "GET /oauth/url",
    "POST /oauth/login",
    "POST /oauth/bind",
    "POST /email/code",
    "POST /email/login",
    "POST /password/register",
    "POST /password/register/confirm",
    "POST /password/login",
    "POST /password/reset",
    "POST /password/reset/confirm",
    "POST /me/password",
    "POST /token/refresh",
    "POST /token/revoke",
    "POST /me/login-info",
    "GET /me",
    "GET /me/export",
    "DELETE /me",
    "GET /me/addresses",
    "POST /me/addresses",
    "POST /me/addresses/confirm",
    "PUT /me/addresses/primary",
    "DELETE /me/addresses/{email}",
    "DELETE /me/identities/{provider}",
    "GET /me/sessions",
    "DELETE /me/sessions",
    "DELETE /me/sessions/{session_id}",
    "POST /logout",
    "GET /.well-known/oauth-authorization-server",
    "GET /healthz",
    "GET /readyz",
    "GET /openapi.json",
    "GET /docs",
}
DEVELOPMENT = {"GET /dev/outbox", "GET /oauth/callback"}


class Sms(CodeProvider):
    name, contract = "sms", 1
    email_trust = EmailTrust.never


@pytest.fixture(scope="module")
def said() -> dict[str, Any]:
    return document(every_operation(loader.load((), {})), "http://localhost:8080")


def _routes(said: dict[str, Any]) -> set[str]:
    return {f"{method} {path}" for method, path, _ in spoken.documented(said)}


def test_every_promised_route_is_documented(said: dict[str, Any]) -> None:
    assert _routes(said) - API == {"GET /docs/reference.js", "GET /docs/reference.css"}
    assert _routes(said) >= API
    with_dev = document(every_operation(loader.load((), {}), dev=True), "http://localhost")
    assert _routes(with_dev) - _routes(said) == DEVELOPMENT


def test_introspection_is_there_just_with_clients_to_ask(said: dict[str, Any]) -> None:
    asked = document(every_operation(loader.load((), {}), introspects=True), "http://localhost")
    assert _routes(asked) - _routes(said) == {"POST /introspect"}
    operation = asked["paths"]["/introspect"]["post"]
    assert operation["security"] == [{"client": []}]
    assert set(operation["requestBody"]["content"]) == {"application/x-www-form-urlencoded"}


def test_operators_routes_are_there_just_where_they_are_let_in(said: dict[str, Any]) -> None:
    """Each names its scope, and the one server that has it."""
    asked = document(every_operation(loader.load((), {}), operators=True), "http://localhost")
    theirs = {f"{one.method} {one.path}": one for one in admin.OPERATIONS}
    assert _routes(asked) - _routes(said) == set(theirs)
    for method, path, operation in spoken.documented(asked):
        if one := theirs.get(f"{method} {path}"):
            assert one.clears
            assert operation["security"] == [{"admin_key": [one.clears.scope]}]
            assert operation["servers"] == [{"url": "http://localhost"}]
    assert "/admin" not in json.dumps(said)
    for schema in asked["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_the_parts_of_a_path_are_documented(said: dict[str, Any]) -> None:
    for _, path, operation in spoken.documented(said):
        listed = [p["name"] for p in operation.get("parameters", []) if p["in"] == "path"]
        assert listed == re.findall(r"{(\w+)}", path)


def test_a_further_code_provider_gets_its_routes_by_its_name() -> None:
    providers = Providers((), {"sms": Sms(ProviderSettings())})
    said = document(every_operation(providers), "http://localhost")
    assert {"POST /sms/code", "POST /sms/login"} <= _routes(said)
    assert said["components"]["schemas"]["ChannelTo"]["required"] == ["to"]
    assert said["components"]["schemas"]["ChannelCode"]["required"] == ["to", "code"]
    assert "MAIL_NOT_CONFIGURED" not in json.dumps(said["paths"]["/sms/code"])
    assert "POST /password/login" not in _routes(said)


def test_every_schema_is_sound_and_every_reference_leads_somewhere(said: dict[str, Any]) -> None:
    for schema in said["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    for reference in _references(said):
        there: Any = said
        for step in reference.removeprefix("#/").split("/"):
            there = there[step]


def _references(value: Any) -> list[str]:
    if isinstance(value, list):
        return [found for item in value for found in _references(item)]
    if isinstance(value, dict):
        here = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return here + [found for item in value.values() for found in _references(item)]
    return []


def test_the_document_tells_of_ways_in_first_and_of_itself_last(said: dict[str, Any]) -> None:
    topics = [operation["tags"][0] for _, _, operation in spoken.documented(said)]
    assert list(dict.fromkeys(topics))[:3] == ["password", "email", "oauth"]
    assert topics[-1] == "docs"


def test_operation_ids_are_unique(said: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, _, operation in spoken.documented(said)]
    assert len(ids) == len(set(ids))


def test_every_documented_reason_exists_with_its_status(said: dict[str, Any]) -> None:
    known = {error.reason: str(error.status) for error in errors.every_error()}
    for method, path, operation in spoken.documented(said):
        for status, answer in operation["responses"].items():
            schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
            for part in schema.get("allOf", []):
                for reason in part.get("properties", {}).get("reason", {}).get("enum", []):
                    assert known[reason] == status, f"{method} {path} {reason}"


def test_answers_leave_out_what_is_absent(said: dict[str, Any]) -> None:
    """No answer's schema allows null: an absent field is absent."""
    for name in ("LoginInfo", "Me", "OwnSession", "ProviderStatus", "Readiness"):
        assert "null" not in json.dumps(said["components"]["schemas"][name]), name


def test_bearer_routes_say_so(said: dict[str, Any]) -> None:
    secured = {p for _, p, operation in spoken.documented(said) if "security" in operation}
    hers = {path for path in said["paths"] if path.partition("/me")[0] == ""}
    assert secured == {"/oauth/url", "/oauth/bind", "/email/login", "/logout"} | hers


def test_the_command_prints_what_the_server_serves(tmp_path: Path) -> None:
    digest = "0123456789abcdef" * 4
    asked = f'[[introspection.clients]]\nid = "a"\nsecret_sha256 = "{digest}"\n'
    file = running.write_settings(tmp_path, asked)
    command = [sys.executable, "-m", "identra", "openapi", "--json", "--config", str(file)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    with running.identra(tmp_path, extra=asked) as service:
        served = httpx.get(f"{service.url}/openapi.json")
    assert json.loads(printed) == served.json()
    assert "/introspect" in served.json()["paths"]
    assert served.json()["openapi"].startswith("3.1")
