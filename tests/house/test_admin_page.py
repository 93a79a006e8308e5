"""The page of the operators' interface says every route: its scope, what it takes and gives."""

from __future__ import annotations

import re
from typing import Any, get_args

import handbook
import pytest
from pydantic import BaseModel

from identra import clearance
from identra.adminkeys import SCOPES, Scope
from identra.cli.admin_keys import create
from identra.http import admin
from identra.http.admin.asked import REFUSALS
from identra.http.operation import NO_STORE

PAGE = "docs/reference/admin.md"
SECTIONS = handbook.sections(PAGE, 3)
OPERATIONS = {f"{one.method} {one.path}": one for one in admin.OPERATIONS}


def fact(section: str, name: str) -> list[str]:
    """What a section's list says under a name; nothing where it does not have it."""
    found = re.search(rf"^- {name}: (.*)$", section, re.MULTILINE)
    return handbook.coded(found[1]) if found else []


def fields(section: str, way: str) -> dict[str, str]:
    return {handbook.coded(row[0])[0]: row[1] for row in handbook.rows(section, way)}


def test_every_route_has_its_section_and_no_other() -> None:
    assert set(SECTIONS) == set(OPERATIONS)


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_section_says_what_its_operation_declares(name: str) -> None:
    section, operation = SECTIONS[name], OPERATIONS[name]
    assert operation.clears
    assert fact(section, "Scope") == [operation.clears.scope]
    assert fact(section, "On record as") == [operation.clears.name]
    told = fact(section, "Fails with")
    assert set(told) == {one.reason for one in operation.fails} - {one.reason for one in REFUSALS}
    said = fields(section, "in")
    assert set(said) == {*operation.takes.model_fields, *operation.parts}
    assert all("in the path" in said[part] for part in operation.parts)
    for field, info in operation.takes.model_fields.items():
        assert said[field].startswith("text, required") == info.is_required(), field
    (given,) = operation.gives.values()
    assert isinstance(given, type)
    assert issubclass(given, BaseModel)
    assert set(fields(section, "out")) == set(given.model_fields)
    assert operation.caching == NO_STORE
    assert operation.counted


def test_a_list_names_what_each_of_it_has() -> None:
    for name, operation in OPERATIONS.items():
        (given,) = operation.gives.values()
        for field, said in fields(SECTIONS[name], "out").items():
            found = re.search(r"a list of `{(.*)}`", said)
            if found:
                held: Any = given.model_fields[field].annotation  # type: ignore[union-attr]
                assert found[1].split(", ") == list(get_args(held)[0].model_fields), name


def test_every_scope_is_explained_and_opens_something() -> None:
    rows = handbook.rows(handbook.read(PAGE), "scope")
    assert [handbook.coded(row[0])[0] for row in rows] == list(SCOPES)
    assert {one.clears.scope for one in admin.OPERATIONS if one.clears} == set(get_args(Scope))
    assert next(p.type.choices for p in create.params if p.name == "scopes") == SCOPES  # type: ignore[attr-defined]


def test_no_act_is_without_a_route_nor_two_for_one() -> None:
    acts = [one for one in vars(clearance).values() if isinstance(one, clearance.Act)]
    routed = [one.clears for one in admin.OPERATIONS]
    assert sorted(map(str, acts)) == sorted(map(str, routed))
    assert len({act.name for act in acts}) == len(acts)


def test_the_failures_of_every_route_are_named() -> None:
    (paragraph,) = re.findall(r"\*\*Answers\*\*.*?\n\n", handbook.read(PAGE), re.DOTALL)
    told = {word for word in handbook.coded(paragraph) if word.isupper()}
    assert told == {one.reason for one in REFUSALS}
