"""The hooks a plugin may implement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from identra.providers.base import Provider

PROJECT = "identra"

hookspec = pluggy.HookspecMarker(PROJECT)


@hookspec
def providers() -> Sequence[type[Provider]]:  # type: ignore[empty-body]
    """The provider classes this plugin brings; called once, at start."""
