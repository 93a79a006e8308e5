"""Which rules of the kit a plugin breaks, and plugins that meddle with the core to break them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from plugged import plugin

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

    import pytest

    from identra.testing import Conformance


def of(*made: type[Any]) -> ModuleType:
    """A plugin that brings these."""

    def providers() -> list[type[Any]]:
        return list(made)

    return plugin("under_test", providers)


def broken(rules: type[Conformance], module: ModuleType, *names: str) -> dict[str, str | None]:
    """The rules of these names (or all) that a plugin breaks, and what was seen."""
    sys.modules[rules.plugin] = module
    case = type("Case", (rules,), {})
    case.rules = tuple(rule for rule in rules.rules if not names or rule.name in names)
    assert case.rules
    return {one.rule: one.fault for one in case().run() if one.fault is not None}


def meddling(
    monkeypatch: pytest.MonkeyPatch, right: type[Any], changed: Mapping[str, Any]
) -> type[Any]:
    """A provider that changes the core as it is opened: what it puts there, by dotted name."""

    class Meddling(right):  # type: ignore[misc]
        def __init__(self, settings: Any) -> None:
            super().__init__(settings)
            for name, value in changed.items():
                monkeypatch.setattr(name, value)

    return Meddling
