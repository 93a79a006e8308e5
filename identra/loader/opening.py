"""Loading: everything found is checked and opened; what is not in order is told apart.

A plugin that others brought and nobody requires is left out if it is not in order, and the service
starts without it. What the operator wrote is no plugin's fault, and stops the start.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, SecretStr

from identra.errors import OperatorError
from identra.loader import checking
from identra.loader.checking import NAME, RESERVED, START_LIMIT, alarm
from identra.loader.finding import find
from identra.loader.nouns import Failure, Plugin, PluginError, Providers, one_line, words_of
from identra.providers.base import ProviderSettings
from identra.providers.redirecting import RedirectingProvider
from identra.settings import SettingsError, read_section
from identra.settings.masking import MASK
from identra.upstream import demand_hosts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import ModuleType

    from identra.loader.finding import Candidate
    from identra.providers.base import HookSettings, Provider
    from identra.settings import Loaded

    Sections = Mapping[str, Mapping[str, Any]]

ALWAYS_ON: Final = frozenset({"email", "password"})


def load_for(loaded: Loaded, given: Mapping[str, ModuleType] | None = None) -> Providers:
    """What the settings ask for. `given` modules stand for plugins that are not installed.

    Raises PluginError and SettingsError as `load`.
    """
    said = loaded.tree.plugins
    return load(
        (*said.enabled, *(given or {})),
        loaded.tree.providers,
        loaded.file,
        required=said.required,
        directory=said.directory,
        hooks=loaded.tree.hooks,
        given=given,
    )


def load(  # noqa: PLR0913 - what the settings say, each by name
    enabled: Sequence[str],
    sections: Sections,
    file: Path | None = None,
    *,
    required: Sequence[str] = (),
    directory: str = "",
    hooks: Sections | None = None,
    given: Mapping[str, ModuleType] | None = None,
) -> Providers:
    """Find, check and open every plugin and provider that is on.

    First-party plugins are found by themselves, others only if named in `enabled`; nothing else
    is imported. What is not in order is among the failures of what this gives; it raises
    PluginError naming the plugin, or SettingsError the key at fault, where that is first-party or
    `required`, by the plugin's name or its provider's, and where the settings themselves are
    wrong.
    """
    found = find(enabled, directory, given or {})
    for name in required:
        if name not in {*found, *sections}:
            raise PluginError(f"plugins.required: no plugin {name!r} is on")
    opening = _Opening(frozenset(required), file)
    for those in found.values():
        opening.read(those)
    opening.part_namesakes()
    opening.open_hooks(hooks or {})
    opening.open_providers(sections)
    return opening.done()


def read_plugin(name: str, directory: str = "") -> Plugin:
    """One plugin, enabled or not, with nothing said to it yet. Raises PluginError."""
    opening = _Opening(frozenset({name}), None)
    opening.read(find((name,), directory, {})[name])
    return opening.plugins[name]


@dataclass(slots=True)
class _Opening:
    """What is in order so far, and what is not."""

    required: frozenset[str]
    file: Path | None
    plugins: dict[str, Plugin] = field(default_factory=dict)
    failures: dict[str, Failure] = field(default_factory=dict)
    opened: list[Provider] = field(default_factory=list)

    def read(self, those: list[Candidate]) -> None:
        """Import the one plugin of a name."""
        ours = [one for one in those if one.first_party]
        both = " and ".join(one.source for one in those)
        taken = PluginError(f"plugin {those[0].name}: brought by {both}")
        for candidate in those:
            if not candidate.first_party and len(those) > 1:
                self.fail(candidate, candidate.source if ours else candidate.name, taken)
        for candidate in ours or those[: len(those) == 1]:
            try:
                required = candidate.name in self.required
                self.plugins[candidate.name] = checking.read(candidate, required=required)
            except PluginError as fault:
                self.fail(candidate, candidate.name, fault)

    def part_namesakes(self) -> None:
        """A provider's name stands for one place: whoever shares it is left out, but for us."""
        bringing = defaultdict(list)
        for plugin in self.plugins.values():
            for make in plugin.makes:
                bringing[make.name].append(plugin)
        for name, those in bringing.items():
            if len(those) > 1:
                both = " and ".join(plugin.source for plugin in those)
                for plugin in those:
                    if not plugin.first_party:
                        fault = PluginError(f"provider {name}: brought by {both}")
                        self.plugins.pop(plugin.name, None)
                        self.fail(plugin, plugin.name, fault)

    def open_hooks(self, sections: Sections) -> None:
        """Read what is said to hooks; those of a plugin of ours are on once anything is."""
        for name in sections:
            if name not in {*self.plugins, *self.failures}:
                raise _not_enabled(f"hooks.{name}")
        for plugin in list(self.plugins.values()):
            try:
                settings = self._hook_settings(plugin, sections.get(plugin.name))
                said = plugin.name in sections or not plugin.first_party
                told = replace(plugin, settings=settings, running=said and settings.enabled)
                self.plugins[plugin.name] = self._demand_running(told)
            except (PluginError, SettingsError) as fault:
                del self.plugins[plugin.name]
                self.fail(plugin, plugin.name, fault)

    def open_providers(self, sections: Sections) -> None:
        """Make every provider that has a section or needs none."""
        by_name = {make.name: (p, make) for p in self.plugins.values() for make in p.makes}
        always = {name for name, (p, _) in by_name.items() if not p.first_party}
        wanted: dict[str, Mapping[str, Any]] = {key: {} for key in sorted(ALWAYS_ON | always)}
        for name, section in (wanted | dict(sections)).items():
            asked = str(section.get("plugin") or name)
            if asked not in by_name:
                self._miss(name, asked)
                continue
            plugin, make = by_name[asked]
            try:
                self.opened.append(checking.passed(_open(make, name, section, self.file)))
            except (PluginError, SettingsError) as fault:
                self.fail(plugin, name, fault)

    def done(self) -> Providers:
        """What came of it."""
        closed = (one for one in self.opened if not one.settings.enabled)
        return Providers(
            plugins=tuple(self.plugins[name] for name in sorted(self.plugins)),
            on={one.name: one for one in self.opened if one.settings.enabled},
            off=tuple(one.name for one in closed if isinstance(one, RedirectingProvider)),
            failures=tuple(self.failures[name] for name in sorted(self.failures)),
            required=self.required,
        )

    def fail(
        self, plugin: Plugin | Candidate, name: str, fault: PluginError | SettingsError
    ) -> None:
        """Leave a plugin or a provider out, or refuse to start without it."""
        if plugin.first_party or {plugin.name, name} & self.required:
            raise fault
        says = one_line(str(fault))
        self.failures[name] = Failure(name, plugin.name, plugin.source, plugin.version, says)

    def _miss(self, name: str, asked: str) -> None:
        """A section whose plugin is not here: it has failed, or was never let in."""
        if not self.failures:
            raise _not_enabled(f"providers.{name}")
        if name in self.required:
            raise PluginError(f"providers.{name}: no plugin brings {asked!r}; one has failed")
        failed = ", ".join(sorted(self.failures))
        says = f"providers.{name}: no plugin brings it; these have failed: {failed}"
        self.failures.setdefault(name, Failure(name, asked, "", "", says))

    def _demand_running(self, plugin: Plugin) -> Plugin:
        """The plugin; PluginError if its hooks are off, and nobody is to get past them unasked."""
        if plugin.hooks and not plugin.running and plugin.name in self.required:
            raise PluginError(f"plugins.required: [hooks.{plugin.name}] is off")
        return plugin

    def _hook_settings(self, plugin: Plugin, said: Mapping[str, Any] | None) -> HookSettings:
        key = f"hooks.{plugin.name}"
        try:
            with alarm(START_LIMIT):
                settings = read_section(plugin.section, dict(said or {}), key, self.file)
                demand_hosts(settings.reaches)
                return settings
        except SettingsError:
            raise
        except (Exception, SystemExit) as fault:
            raise PluginError(f"{key}: {type(fault).__name__}") from fault


def _open(
    make: type[Provider], name: str, section: Mapping[str, Any], file: Path | None
) -> Provider:
    if not NAME.fullmatch(name) or name in RESERVED:
        raise PluginError(f"providers.{name}: is not a name a provider can have")
    settings = None
    try:
        with alarm(START_LIMIT):
            settings = read_section(make.settings_model, dict(section), f"providers.{name}", file)
            provider = make(settings)
            provider.name = name
            _demand_whole(provider)
    except SettingsError:
        raise
    except (Exception, SystemExit) as fault:
        told = str(fault) if isinstance(fault, OperatorError) else words_of(fault)
        says = _without_secrets(told, settings)
        raise PluginError(f"providers.{name}: {says}") from fault
    if provider.trust is not make.email_trust and provider.kind == "code":
        raise PluginError(f"providers.{name}.email_trust: is fixed for codes")
    return provider


def _demand_whole(provider: Provider) -> None:
    """OperatorError, or what it raises, unless all can be asked of it that will be."""
    if not isinstance(provider.settings, ProviderSettings):
        raise OperatorError("it does not hold its settings")
    if isinstance(provider, RedirectingProvider):
        provider.demand_sound()
        issuer: object = provider.issuer
        if not isinstance(issuer, str):
            raise OperatorError("its issuer is no URL")
    demand_hosts(provider.hosts)
    try:
        provider.missing()
    except (Exception, SystemExit):  # noqa: BLE001 - it is on, and can't serve
        return


def _without_secrets(says: str, settings: ProviderSettings | None) -> str:
    """A plugin's words, in which a secret of its section may stand."""
    for secret in sorted(_secrets(settings), key=len, reverse=True):
        says = says.replace(secret, MASK)
    return says


def _secrets(value: object) -> Iterator[str]:
    """Every secret in a value of a section, however deep it stands."""
    if isinstance(value, SecretStr):
        if secret := value.get_secret_value():
            yield secret
        return
    if isinstance(value, BaseModel):
        value = vars(value)
    parts = value.values() if isinstance(value, Mapping) else value
    if isinstance(parts, Iterable) and not isinstance(parts, str | bytes):
        for part in parts:
            yield from _secrets(part)


def _not_enabled(key: str) -> PluginError:
    return PluginError(f"{key}: no such plugin; name it in plugins.enabled if installed")
