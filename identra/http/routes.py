"""Every operation of the door, for the providers that are loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from identra.http import (
    codes,
    development,
    docs,
    health,
    keys,
    me,
    oauth,
    passwords,
    tokens,
)

if TYPE_CHECKING:
    from identra.http.operation import Operation
    from identra.loader import Providers

PREFIXES = ("", "/api")
"""Where every route is served; older clients use the second."""


def every_operation(providers: Providers, *, dev: bool = False) -> tuple[Operation, ...]:
    """All operations, those of development only with `dev`."""
    return (
        *passwords.operations(providers),
        *codes.operations(providers),
        *oauth.OPERATIONS,
        *tokens.OPERATIONS,
        *me.OPERATIONS,
        *keys.OPERATIONS,
        *health.OPERATIONS,
        *docs.OPERATIONS,
        *(development.OPERATIONS if dev else ()),
    )
