"""The door for plugins: what they bring is read once and held against the contract."""

from __future__ import annotations

import inspect
import re
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import pluggy

from identra import hookspecs
from identra.errors import OperatorError
from identra.loader.nouns import Hook, Plugin, PluginError, words_of
from identra.providers.base import CONTRACT, OLDEST, HookSettings, ProviderSettings
from identra.providers.code import CodeProvider
from identra.providers.oauth2 import OAuth2Provider
from identra.providers.oidc import OIDCProvider
from identra.providers.secret import SecretProvider
from identra.upstream import demand_hosts
from identra.values import EmailTrust

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from identra.loader.finding import Candidate
    from identra.providers.base import Provider

NAME: Final = re.compile(r"[a-z][a-z0-9_]{1,31}")
RESERVED: Final = frozenset(
    {
        *("admin", "api", "dev", "docs", "healthz", "introspect", "logout", "me", "metrics"),
        *("oauth", "openapi", "readyz", "session", "sessions", "token", "tokens", "users"),
        *("user", "identra", "well_known", "webhooks", "keys", "events", "addresses"),
        *("identities", "export"),
    }
)
KINDS: Final = (CodeProvider, OAuth2Provider, OIDCProvider, SecretProvider)
THEIRS: Final = frozenset(
    {"kind", "trust", "keeps_identity", "reaches", "field", "redirects", "demand_sound"}
)
"""What a kind says of itself, and no plugin otherwise."""
START_LIMIT: Final = 10.0
"""Seconds in which a plugin is imported and says what it brings."""


def read(candidate: Candidate, *, required: bool) -> Plugin:
    """Import a plugin and take what it brings. Raises PluginError that names it, in START_LIMIT."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    try:
        with alarm(START_LIMIT):
            module = candidate.read()
            manager.register(module, name=candidate.name)
            manager.check_pending()
            hooks = tuple(_hooks(manager, candidate.name, module, required=required))
            made = [make for some in manager.hook.providers() for make in some]
            for make in made:
                check(candidate.name, make)
            return Plugin(
                name=candidate.name,
                source=candidate.source,
                version=candidate.version,
                contract=_contract(candidate.name, module, made),
                first_party=candidate.first_party,
                makes=tuple(made),
                hooks=hooks,
                section=_section(candidate.name, manager.hook.section()),
            )
    except PluginError:
        raise
    except (Exception, SystemExit) as fault:
        raise _refused(candidate.name, words_of(fault)) from fault


def check(plugin: str, make: Any) -> None:
    """Hold a provider class against the contract. Raises PluginError that names the plugin."""

    def demand(holds: object, says: str) -> None:
        if not holds:
            raise _refused(plugin, says)

    kind = isinstance(make, type) and issubclass(make, KINDS)
    demand(kind, "providers() gave something that is no subclass of a kind")
    name = getattr(make, "name", None)
    demand(isinstance(name, str) and NAME.fullmatch(name), f"{name!r} is not a provider name")
    demand(name not in RESERVED, f"the name {name!r} is reserved")
    linked = issubclass(make, CodeProvider) and make.with_link
    demand(not linked or make.by_mail, "only what is mailed by the core has a link")
    _demand_spoken(plugin, getattr(make, "contract", None))
    trust = getattr(make, "email_trust", None)
    demand(isinstance(trust, EmailTrust), "email_trust is not declared")
    model = getattr(make, "settings_model", None)
    ours = isinstance(model, type) and issubclass(model, ProviderSettings)
    demand(ours, "settings_model is none of ours")
    demand(_may_trust(make, trust), f"a {make.kind} provider can't declare {trust}")
    for kept in sorted(THEIRS):
        same = getattr(make, kept, None) is getattr(_kind_of(make), kept, None)
        demand(same, f"{kept} is set by the kind")


def _kind_of(make: type[Provider]) -> type[Provider]:
    return next(kind for kind in KINDS if issubclass(make, kind))


def _may_trust(make: Any, trust: EmailTrust | None) -> bool:
    if issubclass(make, CodeProvider):
        return trust is (EmailTrust.always if make.by_mail else EmailTrust.never)
    return not issubclass(make, SecretProvider) or trust is EmailTrust.never


def passed(provider: Provider) -> Provider:
    """The provider, unless no mailed link may lead where its own do. Raises PluginError."""
    if isinstance(provider, CodeProvider):
        try:
            provider.demand_sound()
        except (Exception, SystemExit) as fault:
            told = str(fault) if type(fault) is ValueError else words_of(fault)
            raise PluginError(f"providers.{provider.name}: {told}") from fault
    return provider


def _hooks(
    manager: pluggy.PluginManager, plugin: str, module: Any, *, required: bool
) -> Iterator[Hook]:
    for caller in manager.get_hookcallers(module) or ():
        for found in caller.get_hookimpls():
            runs = caller.name not in hookspecs.AT_START
            if found.wrapper or found.hookwrapper:
                raise _refused(plugin, f"hook {caller.name}: no hook wraps another")
            if inspect.iscoroutinefunction(found.function) is not runs:
                must = "async def" if runs else "a plain function"
                raise _refused(plugin, f"hook {caller.name}: must be {must}")
            if runs:
                takes = tuple(found.argnames)
                act: Any = found.function
                yield Hook(plugin, caller.name, act, takes, required)


def _contract(plugin: str, module: Any, made: list[type[Provider]]) -> int:
    """What the module says it speaks; it may leave that to the providers that it brings."""
    said: Any = getattr(module, "contract", made[0].contract if made else None)
    _demand_spoken(plugin, said)
    return int(said)


def _demand_spoken(plugin: str, contract: object) -> None:
    if type(contract) is not int or not OLDEST <= contract <= CONTRACT:
        spoken = CONTRACT if OLDEST == CONTRACT else f"{OLDEST} to {CONTRACT}"
        raise _refused(plugin, f"speaks contract {contract!r}, this Identra {spoken}")


def _section(plugin: str, models: list[Any]) -> type[HookSettings]:
    model = models[0] if models else HookSettings
    if not (isinstance(model, type) and issubclass(model, HookSettings)):
        raise _refused(plugin, "section() gave no subclass of HookSettings")
    try:
        demand_hosts(model.hosts)
    except OperatorError as fault:
        raise _refused(plugin, str(fault)) from fault
    return model


def _refused(plugin: str, says: str) -> PluginError:
    return PluginError(f"plugin {plugin}: {says}")


class _Late(BaseException):
    """Time is up. It is no Exception: a plugin that tries for ever would catch that, and go on."""


@contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Interrupt what takes longer; where no signal can reach it, it takes its time.

    Raises TimeoutError.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise _Late

    former = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    except _Late as late:
        raise TimeoutError(f"took longer than {seconds:g} s to start") from late
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)
