"""The page of routes says every operation: what it takes and gives, how it fails, who keeps it."""

from __future__ import annotations

import re
from typing import Any

import handbook
import pytest
from pydantic import BaseModel

from identra import loader
from identra.http import cors, openapi
from identra.http.operation import NO_STORE, Operation
from identra.http.routes import PREFIXES, every_operation
from identra.loader import Providers
from identra.providers.base import ProviderSettings
from identra.providers.code import CodeProvider
from identra.providers.secret import SecretProvider

PAGE = "docs/reference/routes.md"
SECTIONS = handbook.sections(PAGE, 3)
KINDS = {"code": CodeProvider, "secret": SecretProvider}
OPERATIONS = {
    f"{operation.method} {operation.path}": operation
    for operation in every_operation(loader.load((), {}), dev=True, introspects=True)
}


def fact(section: str, name: str) -> str:
    """What a section's list says under a name; empty where it says nothing."""
    found = re.search(rf"^- {name}: (.*)$", section, re.MULTILINE)
    return found[1] if found else ""


def fields(section: str, way: str) -> dict[str, str]:
    return {handbook.coded(row[0])[0]: row[1] for row in handbook.rows(section, way)}


def test_every_route_has_its_section_and_no_other() -> None:
    assert set(SECTIONS) == set(OPERATIONS)


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_section_says_what_its_operation_declares(name: str) -> None:
    section, operation = SECTIONS[name], OPERATIONS[name]
    said = fields(section, "in")
    assert set(said) == {*operation.takes.model_fields, *operation.parts}
    for part in operation.parts:
        assert "in the path" in said[part]
    for field, info in operation.takes.model_fields.items():
        assert said[field].startswith("text, required") == info.is_required(), field
    assert set(fields(section, "out")) == _given(operation)
    assert fact(section, "Answers") == ", ".join(map(str, sorted(operation.gives)))
    told = handbook.coded(fact(section, "Fails with"))
    assert len(told) == len(set(told))
    assert set(told) == {error.reason for error in operation.fails}
    assert fact(section, "Access token") == {"none": ""}.get(operation.bearer, operation.bearer)
    client = "HTTP Basic, one of `introspection.clients`" if operation.client else ""
    assert fact(section, "Client") == client
    assert handbook.coded(fact(section, "Reads")) == list(operation.reads)
    kept = handbook.coded(fact(section, "Cache-Control")) or [NO_STORE]
    assert kept == [operation.caching]


def _given(operation: Operation) -> set[str]:
    models: list[Any] = list(operation.gives.values())
    kept = [m for m in models if isinstance(m, type) and issubclass(m, BaseModel)]
    return {field for model in kept for field in model.model_fields}


@pytest.mark.parametrize("kind", KINDS)
def test_the_routes_of_a_kind_are_those_that_its_provider_gets(kind: str) -> None:
    rows = handbook.rows(handbook.read(PAGE), "kind")
    told = next(handbook.coded(row[1]) for row in rows if handbook.coded(row[0]) == [kind])
    without = {f"{o.method} {o.path}" for o in every_operation(Providers((), {}))}
    one = type("One", (KINDS[kind],), {"name": "NAME"})(ProviderSettings())
    with_one = {f"{o.method} {o.path}" for o in every_operation(Providers((), {"NAME": one}))}
    assert set(told) == with_one - without


def test_the_failures_of_every_route_are_named() -> None:
    (paragraph,) = re.findall(r"\*\*Answers\*\*.*?\n\n", handbook.read(PAGE), re.DOTALL)
    shared = {error.reason for error in (*openapi._ANYWHERE, *openapi._WITH_A_BODY)}
    told = {word for word in handbook.coded(paragraph) if word.isupper()}
    assert told == shared | {"POST", "PUT", "NOT_FOUND", "METHOD_NOT_ALLOWED"}


def test_what_other_origins_may_send_and_read_is_what_preflights_say() -> None:
    (paragraph,) = re.findall(r"\*\*Browsers.*?\n\n", handbook.read(PAGE), re.DOTALL)
    told = [word for word in handbook.coded(paragraph) if not word.startswith("[")]
    assert told == [*cors._ACCEPTED.split(", "), *cors._EXPOSED.split(", ")]
    assert f"holds for {cors._PREFLIGHT_AGE} seconds" in paragraph


def test_the_prefix_is_named() -> None:
    assert PREFIXES == ("", "/api")
    assert "at the root and again under `/api`" in handbook.read(PAGE)
