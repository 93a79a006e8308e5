"""Finds plugins, checks them at the door, and opens their providers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, Final

import pluggy

from identra import hookspecs
from identra.errors import OperatorError, UnknownProvider
from identra.providers.base import CONTRACT, Provider, ProviderSettings
from identra.providers.code import CodeProvider
from identra.providers.oauth2 import OAuth2Provider
from identra.providers.oidc import OIDCProvider
from identra.providers.redirecting import RedirectingProvider
from identra.providers.secret import SecretProvider
from identra.settings import SettingsError, read_section
from identra.values import EmailTrust

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

GROUP: Final = "identra"
FIRST_PARTY: Final = "identra"
ALWAYS_ON: Final = frozenset({"email", "password"})
NAME: Final = re.compile(r"[a-z][a-z0-9_]{1,31}")
RESERVED: Final = frozenset(
    {
        *("admin", "api", "dev", "docs", "healthz", "introspect", "logout", "me", "metrics"),
        *("oauth", "openapi", "readyz", "session", "sessions", "token", "tokens", "users"),
        *("user", "identra", "well_known", "webhooks", "keys", "events", "addresses"),
    }
)
KINDS: Final = (CodeProvider, OAuth2Provider, OIDCProvider, SecretProvider)


class PluginError(OperatorError):
    """A plugin or its settings can't be accepted; one line that names it and says why."""


@dataclass(frozen=True, slots=True)
class ProviderStatus:
    """Whether an OAuth provider can serve, and the stable reason why not."""

    name: str
    enabled: bool
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Plugin:
    """A provider class as a plugin brought it."""

    name: str
    kind: str
    contract: int
    source: str
    version: str
    first_party: bool
    make: type[Provider]


@dataclass(frozen=True, slots=True)
class Providers:
    """The providers that are on, by kind, and the plugins they came from."""

    plugins: tuple[Plugin, ...]
    on: Mapping[str, Provider]
    off: tuple[str, ...] = ()
    """OAuth providers whose section says `enabled = false`."""

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
        found = [ProviderStatus(p.name, p.missing() is None, p.missing()) for p in self.oauths]
        found += [ProviderStatus(name, enabled=False, reason="disabled") for name in self.off]
        if "github" not in {status.name for status in found}:
            found.append(ProviderStatus("github", enabled=False, reason="missing_client_id"))
        return tuple(sorted(found, key=lambda status: status.name))

    def code(self, name: str) -> CodeProvider:
        """The code provider of that name. Raises UnknownProvider."""
        return next((p for p in self.codes if p.name == name), None) or _unknown()

    def secret(self, name: str) -> SecretProvider:
        """The secret provider of that name. Raises UnknownProvider."""
        return next((p for p in self.secrets if p.name == name), None) or _unknown()

    def oauth(self, name: str) -> RedirectingProvider:
        """The OAuth provider of that name. Raises UnknownProvider."""
        return next((p for p in self.oauths if p.name == name), None) or _unknown()

    def _sorted(self) -> Iterator[Provider]:
        return (self.on[name] for name in sorted(self.on))


def load(
    enabled: Sequence[str], sections: Mapping[str, Mapping[str, Any]], file: Path | None = None
) -> Providers:
    """Find, check and open every provider that is on.

    First-party plugins are found by themselves, others only if named in `enabled`; nothing else
    is imported. Raises PluginError naming the plugin, or SettingsError the key at fault.
    """
    plugins = _unique(list(_find(enabled)))
    known = {plugin.name: plugin for plugin in plugins}
    _demand_found(enabled)
    always = ALWAYS_ON | {plugin.name for plugin in plugins if not plugin.first_party}
    wanted: dict[str, Mapping[str, Any]] = {name: {} for name in always} | dict(sections)
    opened = [
        _open(_plugin(known, name, section), name, section, file)
        for name, section in wanted.items()
    ]
    return Providers(
        plugins=tuple(plugins),
        on={one.name: one for one in opened if one.settings.enabled},
        off=tuple(one.name for one in opened if _is_off(one)),
    )


def _is_off(provider: Provider) -> bool:
    return isinstance(provider, RedirectingProvider) and not provider.settings.enabled


def _plugin(known: Mapping[str, Plugin], name: str, section: Mapping[str, Any]) -> Plugin:
    return known.get(str(section.get("plugin") or name)) or _not_enabled(name)


def _find(enabled: Sequence[str]) -> Iterator[Plugin]:
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        if _is_first_party(entry) or entry.name in enabled:
            yield from _read(entry)


def _read(entry: EntryPoint) -> Iterator[Plugin]:
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    try:
        manager.register(entry.load(), name=entry.name)
        manager.check_pending()
        brought = manager.hook.providers()
    except Exception as fault:
        raise PluginError(f"plugin {entry.name}: {type(fault).__name__}: {fault}") from fault
    version = entry.dist.version if entry.dist else ""
    for make in (each for one in brought for each in one):
        _check(entry.name, make)
        yield Plugin(
            name=make.name,
            kind=make.kind,
            contract=make.contract,
            source=entry.value,
            version=version,
            first_party=_is_first_party(entry),
            make=make,
        )


def _check(plugin: str, make: Any) -> None:
    def demand(holds: object, says: str) -> None:
        if not holds:
            raise PluginError(f"plugin {plugin}: {says}")

    kind = isinstance(make, type) and issubclass(make, KINDS)
    demand(kind, "providers() gave something that is no subclass of a kind")
    name = getattr(make, "name", None)
    demand(isinstance(name, str) and NAME.fullmatch(name), f"{name!r} is not a provider name")
    demand(name not in RESERVED, f"the name {name!r} is reserved")
    contract = getattr(make, "contract", None)
    demand(contract == CONTRACT, f"speaks contract {contract!r}, this Identra {CONTRACT}")
    trust = getattr(make, "email_trust", None)
    demand(isinstance(trust, EmailTrust), "email_trust is not declared")
    demand(issubclass(make.settings_model, ProviderSettings), "settings_model is none of ours")
    demand(_may_trust(make, trust), f"a {make.kind} provider can't declare {trust}")


def _may_trust(make: Any, trust: EmailTrust | None) -> bool:
    if issubclass(make, CodeProvider):
        return trust is (EmailTrust.always if make.by_mail else EmailTrust.never)
    return not issubclass(make, SecretProvider) or trust is EmailTrust.never


def _open(plugin: Plugin, name: str, section: Mapping[str, Any], file: Path | None) -> Provider:
    if not NAME.fullmatch(name) or name in RESERVED:
        raise PluginError(f"providers.{name}: is not a name a provider can have")
    try:
        settings = read_section(
            plugin.make.settings_model, dict(section), f"providers.{name}", file
        )
        provider = plugin.make(settings)
        if isinstance(provider, RedirectingProvider):
            provider.demand_sound()
    except SettingsError:
        raise
    except Exception as fault:
        raise PluginError(f"providers.{name}: {type(fault).__name__}: {fault}") from fault
    if provider.trust is not plugin.make.email_trust and plugin.kind == "code":
        raise PluginError(f"providers.{name}.email_trust: is fixed for codes")
    provider.name = name
    return provider


def _demand_found(enabled: Sequence[str]) -> None:
    installed = {entry.name for entry in entry_points(group=GROUP)}
    for name in enabled:
        if name not in installed:
            raise PluginError(f"plugins.enabled: no plugin {name!r} is installed")


def _unique(plugins: Iterable[Plugin]) -> list[Plugin]:
    seen: dict[str, Plugin] = {}
    for plugin in plugins:
        other = seen.setdefault(plugin.name, plugin)
        if other is not plugin:
            both = f"{other.source} and {plugin.source}"
            raise PluginError(f"provider {plugin.name}: brought by {both}")
    return list(seen.values())


def _is_first_party(entry: EntryPoint) -> bool:
    return entry.dist is not None and entry.dist.name == FIRST_PARTY


def _not_enabled(name: str) -> Plugin:
    raise PluginError(f"providers.{name}: no such plugin; name it in plugins.enabled if installed")


def _unknown() -> Any:
    raise UnknownProvider("no provider of that name is on")
