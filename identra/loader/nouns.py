"""Plugins, what they bring, and the providers that are on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Literal

from identra.errors import OperatorError, UnknownProvider
from identra.providers.base import HookSettings, Provider
from identra.providers.code import CodeProvider
from identra.providers.oauth2 import OAuth2Provider
from identra.providers.oidc import OIDCProvider
from identra.providers.secret import SecretProvider
from identra.values import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Mapping

    from identra.providers.redirecting import RedirectingProvider


LONGEST: Final = 1000
"""Characters of what is told of a plugin that is not in order."""


class PluginError(OperatorError):
    """A plugin or its settings can't be accepted; one line that names it and says why."""

    def __init__(self, says: str) -> None:
        super().__init__(one_line(says))


@dataclass(frozen=True, slots=True)
class ProviderStatus:
    """Whether an OAuth provider can serve, and the stable reason why not."""

    name: str
    enabled: bool
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ProviderState:
    """How a provider that is installed stands; `reason` says what it lacks, or what is wrong."""

    name: str
    plugin: str
    kind: str
    state: Literal["on", "lacking", "off", "left_out"]
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Hook:
    """A run-time hook of a plugin: what to call, and with which of its arguments.

    `required` says that nobody is let past it unasked: where it fails, so does what it was asked.
    """

    plugin: str
    name: str
    act: Callable[..., Coroutine[Any, Any, Any]]
    takes: tuple[str, ...]
    required: bool = False


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin as it was found, passed at the door: the providers and hooks that it brings.

    `section` is the model of its hooks' settings, `settings` what an operator said there.
    `running` says whether its hooks are asked.
    """

    name: str
    source: str
    version: str
    contract: int
    first_party: bool
    makes: tuple[type[Provider], ...] = ()
    hooks: tuple[Hook, ...] = ()
    section: type[HookSettings] = HookSettings
    settings: HookSettings = field(default_factory=HookSettings, repr=False)
    running: bool = True


@dataclass(frozen=True, slots=True)
class Failure:
    """A plugin, or an instance of its provider, that is left out, and why, in one line."""

    name: str
    plugin: str
    source: str
    version: str
    says: str


@dataclass(frozen=True, slots=True)
class Providers:
    """The providers that are on, by kind, and the plugins they and their hooks came from."""

    plugins: tuple[Plugin, ...]
    on: Mapping[str, Provider]
    off: tuple[str, ...] = ()
    """OAuth providers whose section says `enabled = false`."""
    failures: tuple[Failure, ...] = ()
    """What was left out because it is not in order."""
    required: frozenset[str] = frozenset()
    """Plugins and providers without which nothing starts."""
    waiting: Mapping[str, str] = field(default_factory=dict)
    """What OAuth providers lacked at the start, by name: they serve after the next at the earliest.

    What their names stand for was not looked at, and a plugin may lack nothing any more by now.
    """

    @property
    def codes(self) -> tuple[CodeProvider, ...]:
        """The code providers, by name."""
        return tuple(p for p in self._sorted() if isinstance(p, CodeProvider))

    @property
    def secrets(self) -> tuple[SecretProvider, ...]:
        """The secret providers, by name."""
        return tuple(p for p in self._sorted() if isinstance(p, SecretProvider))

    @property
    def oauths(self) -> tuple[OAuth2Provider | OIDCProvider, ...]:
        """The OAuth providers, by name, whether or not they can serve."""
        return tuple(p for p in self._sorted() if isinstance(p, OAuth2Provider | OIDCProvider))

    def statuses(self) -> tuple[ProviderStatus, ...]:
        """Every OAuth provider with a section, and GitHub, with what it lacks."""
        missing = {p.name: self.lacking(p) for p in self.oauths}
        found = [ProviderStatus(name, why is None, why) for name, why in missing.items()]
        found += [ProviderStatus(name, enabled=False, reason="disabled") for name in self.off]
        if "github" not in {status.name for status in found}:
            found.append(ProviderStatus("github", enabled=False, reason="missing_client_id"))
        return tuple(sorted(found, key=lambda status: status.name))

    def states(self) -> tuple[ProviderState, ...]:
        """Every provider that is installed, by name."""
        found = [
            ProviderState(one.name, one.plugin, "", "left_out", one.says) for one in self.failures
        ]
        for plugin in self.plugins:
            for make in plugin.makes:
                made = [one for one in self.on.values() if type(one) is make]
                found += [self._state(plugin, one) for one in made]
                if not made:
                    found.append(ProviderState(make.name, plugin.name, make.kind, "off"))
        return tuple(sorted(found, key=lambda one: (one.name, one.plugin)))

    def _state(self, plugin: Plugin, one: Provider) -> ProviderState:
        lacking = self.lacking(one)
        state: Literal["on", "lacking"] = "on" if lacking is None else "lacking"
        return ProviderState(one.name, plugin.name, one.kind, state, lacking)

    def code(self, name: str) -> CodeProvider:
        """The code provider of that name. Raises UnknownProvider."""
        return next((p for p in self.codes if p.name == name), None) or _unknown()

    def secret(self, name: str) -> SecretProvider:
        """The secret provider of that name. Raises UnknownProvider."""
        return next((p for p in self.secrets if p.name == name), None) or _unknown()

    def oauth(self, name: str) -> RedirectingProvider:
        """The OAuth provider of that name. Raises UnknownProvider."""
        return next((p for p in self.oauths if p.name == name), None) or _unknown()

    def hooks(self, name: str) -> tuple[Hook, ...]:
        """Every plugin's hook of that name that is on, in the order of the plugins' names."""
        running = (plugin for plugin in self.plugins if plugin.running)
        found = (hook for plugin in running for hook in plugin.hooks if hook.name == name)
        return tuple(sorted(found, key=lambda hook: hook.plugin))

    def lacking(self, provider: Provider) -> str | None:
        """Why a provider can't serve, as a stable word, or None."""
        return self.waiting.get(provider.name) or lacks(provider)

    def at_start(self) -> Providers:
        """These; whichever OAuth provider lacks something now, waits for another start."""
        waiting = {one.name: why for one in self.oauths if (why := lacks(one)) is not None}
        return replace(self, waiting=waiting)

    def without(self, wrong: Mapping[str, str]) -> Providers:
        """All but these, each with what is wrong with it, which are among the failures then.

        Raises PluginError for the first that is first-party or required.
        """
        failures = []
        for name, says in sorted(wrong.items()):
            plugin = self.plugin_of(name)
            if self.must_have(name):
                raise PluginError(says)
            failures.append(Failure(name, plugin.name, plugin.source, plugin.version, says))
        left = {name: provider for name, provider in self.on.items() if name not in wrong}
        return replace(self, on=left, failures=(*self.failures, *failures))

    def must_have(self, name: str) -> bool:
        """Whether nothing starts without the provider of that name."""
        plugin = self.plugin_of(name)
        return plugin.first_party or bool({plugin.name, name} & self.required)

    def plugin_of(self, name: str) -> Plugin:
        """The plugin that brought the provider of that name, which is on."""
        return next(one for one in self.plugins if type(self.on[name]) in one.makes)

    def _sorted(self) -> Iterator[Provider]:
        return (self.on[name] for name in sorted(self.on))


def one_line(says: str) -> str:
    """What can be shown and kept of it: what a plugin says may be of any length, and no text."""
    return plain(" ".join(says.split()), LONGEST)


def words_of(fault: BaseException) -> str:
    """A fault's name and, where it has any, its words, which a plugin may have written."""
    called = type(fault).__name__
    try:
        return f"{called}: {fault}"
    except (Exception, SystemExit):  # noqa: BLE001 - its own words may fail too
        return called


def lacks(provider: Provider) -> str | None:
    """Why a provider can't serve, as a stable word, or None; `failed` if it can't even say."""
    try:
        missing: object = provider.missing()
    except (Exception, SystemExit):  # noqa: BLE001 - whatever a plugin raises, others are served
        return "failed"
    return missing if missing is None or isinstance(missing, str) else "failed"


def _unknown() -> Any:
    raise UnknownProvider("no provider of that name is on")
