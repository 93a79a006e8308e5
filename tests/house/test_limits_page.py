"""The page of limits says of every route and every gRPC method what it takes, or why nothing."""

from __future__ import annotations

import handbook

from identra import limits, loader
from identra.errors import RateLimited
from identra.grpc.methods import METHODS
from identra.http.routes import every_operation

ROWS = handbook.rows(handbook.read("docs/reference/limits.md"), "route")
OPERATORS = "every route of [`/admin`](admin.md)"
"""Their routes have a page of their own; each takes the same."""
OPERATIONS = every_operation(loader.load((), {}), dev=True, introspects=True)


def test_every_route_and_every_method_has_its_row() -> None:
    told = [handbook.coded(row[0])[0] for row in ROWS if row[0] != OPERATORS]
    assert sorted(told) == sorted(f"{one.method} {one.path}" for one in OPERATIONS)
    methods = [name for row in ROWS for name in handbook.coded(row[1])]
    assert sorted(methods) == sorted(METHODS)


def test_a_row_names_allowances_or_gives_a_reason() -> None:
    known = {one.name for one in limits.EVERY}
    for route, _, takes, why in ROWS:
        named = handbook.coded(takes)
        assert set(named) <= known, route
        assert why or limits.CALLING.name in named, route


def test_just_what_takes_from_an_allowance_is_said_to_be_limited() -> None:
    takes = {handbook.coded(row[0])[0]: handbook.coded(row[2]) for row in ROWS}
    for one in OPERATIONS:
        named = takes[f"{one.method} {one.path}"]
        assert (RateLimited in one.fails) == bool(named), one.path
        assert one.counted == (limits.CALLING.name in named), one.path


def test_no_allowance_is_without_a_route() -> None:
    assert {name for row in ROWS for name in handbook.coded(row[2])} == {
        one.name for one in limits.EVERY
    }
