"""Every operation of the door, for the providers that are loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from identra.http import (
    addresses,
    admin,
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
    from identra.settings import SettingsTree

OLDER = "/api"
PREFIXES = ("", OLDER)
"""Where every route is served; older clients use the second. Operators' routes are at the first."""

APART = (*admin.OPERATIONS, *health.OPERATIONS, *docs.OPERATIONS)
"""The operations of the operators' door, where it has a port of its own."""


def public_operations(
    tree: SettingsTree, providers: Providers, *, dev: bool = False
) -> tuple[Operation, ...]:
    """The operations of the door that everybody comes to, by these settings."""
    return every_operation(
        providers,
        dev=dev,
        introspects=bool(tree.introspection.clients),
        operators=tree.admin.enabled and tree.admin.port is None,
    )


def every_operation(
    providers: Providers, *, dev: bool = False, introspects: bool = False, operators: bool = False
) -> tuple[Operation, ...]:
    """All operations; those of development, introspection and operators where these are on."""
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
        *(admin.OPERATIONS if operators else ()),
        *keys.OPERATIONS,
        *metadata.OPERATIONS,
        *health.OPERATIONS,
        *docs.OPERATIONS,
        *(development.OPERATIONS if dev else ()),
    )
