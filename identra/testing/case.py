"""Rules, and the class that an author subclasses to have them run."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from identra.errors import IdentraError, OperatorError
from identra.testing.watching import Watch, watching

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Mapping
    from types import ModuleType

    Check: TypeAlias = Callable[[Any, Watch], Coroutine[Any, Any, None]]


class Broken(AssertionError):
    """A rule that does not hold; it says what was seen."""


def demand(holds: object, says: str) -> None:
    """Raise Broken unless it holds."""
    if not holds:
        raise Broken(says)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule by its name, as its test is called, and how it is looked at."""

    name: str
    check: Check

    @property
    def says(self) -> str:
        """Its sentence."""
        looking = self.check.func if isinstance(self.check, partial) else self.check
        return (looking.__doc__ or "").partition("\n")[0]


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a rule: `fault` is None where it holds. `seconds` is how long it took."""

    rule: str
    says: str
    fault: str | None
    seconds: float


class Conformance:
    """The rules for one plugin. Subclass that of a kind, name the plugin, give canned answers.

    `name` is the plugin's (its entry point), `plugin` its module. `provider` is the provider's
    name if another, `settings` what its section says beyond what every one of its kind needs.
    """

    name: ClassVar[str]
    plugin: ClassVar[str]
    provider: ClassVar[str] = ""
    settings: ClassVar[Mapping[str, Any]] = {}
    rules: ClassVar[tuple[Rule, ...]] = ()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for rule in cls.rules:
            test = f"test_{rule.name}"
            if not hasattr(cls, test):
                setattr(cls, test, _as_test(rule))

    @property
    def module(self) -> ModuleType:
        """The plugin under test."""
        return import_module(self.plugin)

    @property
    def place_name(self) -> str:
        """The provider's name."""
        return self.provider or self.name

    @property
    def looks_at(self) -> str:
        """The name of the provider class under test; none where there is no provider."""
        return str(self.settings.get("plugin") or self.place_name)

    def run(self) -> Iterator[Result]:
        """Run every rule."""
        for rule in self.rules:
            began, fault = time.perf_counter(), None
            try:
                self.check(rule)
            except Exception as broken:  # noqa: BLE001 - whatever it raises, the rule does not hold
                fault = _seen(broken).partition("\n")[0]
            yield Result(rule.name, rule.says, fault, time.perf_counter() - began)

    def check(self, rule: Rule) -> None:
        """Run one rule. Raises Broken, or whatever the plugin makes of it."""
        with watching() as watch:
            asyncio.run(self._watched(rule, watch))
        demand(not watch.reached, f"reached the network past its upstream: {watch.reached}")

    async def _watched(self, rule: Rule, watch: Watch) -> None:
        async with watch.ticking():
            await rule.check(self, watch)


def _seen(broken: Exception) -> str:
    """What was seen, in one's words where these are ours."""
    if isinstance(broken, IdentraError):
        return f"{broken.reason}: {broken.detail}".removesuffix(": ")
    ours = isinstance(broken, AssertionError | OperatorError) and str(broken)
    return str(broken) if ours else type(broken).__name__


def _as_test(rule: Rule) -> Callable[[Conformance], None]:
    def test(self: Conformance) -> None:
        self.check(rule)

    test.__doc__ = rule.says
    test.__name__ = f"test_{rule.name}"
    return test
