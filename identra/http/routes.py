"""Every operation of the door, for the providers that are loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from identra.http import (
    addresses,
    codes,
    departure,
    development,
    docs,
    health,
    identities,
    introspection,
    keys,
    me,
    metadata,
    oauth,
    passwords,
    sessions,
    tokens,
)

if TYPE_CHECKING:
    from identra.http.operation import Operation
    from identra.loader import Providers

OLDER = "/api"
PREFIXES = ("", OLDER)
"""Where every route is served; older clients use the second."""


def every_operation(
    providers: Providers, *, dev: bool = False, introspects: bool = False
) -> tuple[Operation, ...]:
    """All operations; those of development and of introspection where these are on."""
    return (
        *passwords.operations(providers),
        *codes.operations(providers),
        *oauth.OPERATIONS,
        *tokens.OPERATIONS,
        *me.OPERATIONS,
        *addresses.OPERATIONS,
        *identities.OPERATIONS,
        *sessions.OPERATIONS,
        *departure.OPERATIONS,
        *(introspection.OPERATIONS if introspects else ()),
        *keys.OPERATIONS,
        *metadata.OPERATIONS,
        *health.OPERATIONS,
        *docs.OPERATIONS,
        *(development.OPERATIONS if dev else ()),
    )
