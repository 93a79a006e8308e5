"""The run-time hooks: asked in the order of their plugins' names, each within its time.

Nothing here is called inside a transaction. A hook that fails is told as an event and, unless its
plugin is required, goes unheard: one bad plugin never fails another's login.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from identra.asked import Aid
from identra.deadline import bounded
from identra.errors import PluginFailed
from identra.tokens import RESERVED
from identra.trail import step
from identra.values import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from identra.asked import Arrival, Choice, Delivery, Holder
    from identra.loader import Hook, Providers
    from identra.mishaps import Mishaps
    from identra.values import Upstream

DECIDING: Final = 2.0
"""Seconds for `admit` and for `claims`, each plugin."""
CHECKING: Final = 3.0
"""Seconds for `check_password`, each plugin."""
CARRYING: Final = 5.0
"""Seconds for `send_message`, each plugin."""
SENTENCE: Final = 200
"""Characters of what a plugin says to a person."""
CLAIMS: Final = 2048
"""Bytes of all that plugins add to a token, as JSON."""

_CLAIM: Final = re.compile(r"[!-~]{1,128}")
_LIMITS: Final = {
    "admit": DECIDING,
    "claims": DECIDING,
    "check_password": CHECKING,
    "send_message": CARRYING,
}


@dataclass(frozen=True, slots=True)
class Bound:
    """A hook and what its plugin has to work with."""

    hook: Hook
    aid: Aid

    async def ask(self, seconds: float, **told: object) -> object:
        """What it answers. Raises PluginFailed for whatever else comes of it."""
        hook, offered = self.hook, {**told, "aid": self.aid}
        try:
            call = hook.act(**{name: offered[name] for name in hook.takes})
            return await bounded(call, seconds)
        except TimeoutError as late:
            raise PluginFailed(hook.plugin, hook.name, "no answer in time") from late
        except Exception as fault:
            raise PluginFailed(hook.plugin, hook.name, type(fault).__name__) from fault

    def rubbish(self, cause: str) -> PluginFailed:
        """Its answer is none."""
        return PluginFailed(self.hook.plugin, self.hook.name, cause)


@dataclass(frozen=True, slots=True)
class Denial:
    """Which plugin lets somebody not in, and what it says to her."""

    plugin: str
    says: str


class Hooks:
    """Asks the plugins. Whoever is not asked by any costs nothing."""

    def __init__(
        self, providers: Providers, upstreams: Mapping[str, Upstream], mishaps: Mishaps
    ) -> None:
        self._mishaps = mishaps
        self._bound = {name: bind(providers, upstreams, name) for name in _LIMITS}

    def has(self, name: str) -> bool:
        """Whether anybody implements that hook."""
        return bool(self._bound[name])

    async def admit(self, arrival: Arrival) -> Denial | None:
        """The first no to somebody's coming in. Raises ProviderUnavailable if required."""
        for one in self._bound["admit"]:
            if says := await self._sentence(one, arrival=arrival):
                step("plugin.denied", plugin=one.hook.plugin, hook="admit")
                return Denial(one.hook.plugin, says)
        return None

    async def check_password(self, choice: Choice) -> str | None:
        """Why a secret is not acceptable, or None. Raises ProviderUnavailable if required."""
        for one in self._bound["check_password"]:
            why = await self._sentence(one, choice=choice)
            if why:
                step("plugin.denied", plugin=one.hook.plugin, hook="check_password")
                return why
        return None

    async def claims(self, holder: Holder) -> Mapping[str, Any]:
        """What plugins add to an access token. Raises ProviderUnavailable if required."""
        added: dict[str, Any] = {}
        for one in self._bound["claims"]:
            try:
                more = readable(one, await one.ask(DECIDING, holder=holder), added)
            except PluginFailed as failure:
                await self._go_on(one, failure)
            else:
                added |= more
        return added

    async def send_message(self, delivery: Delivery) -> bool:
        """Whether a plugin has delivered it; a failing one has not."""
        for one in self._bound["send_message"]:
            try:
                said = await one.ask(CARRYING, delivery=delivery)
                if said is not None and not isinstance(said, bool):
                    raise one.rubbish("gave neither True, False nor None")
            except PluginFailed as failure:
                await self._mishaps.note(failure)
            else:
                if said:
                    return True
        return False

    async def _sentence(self, one: Bound, **told: object) -> str | None:
        try:
            said = await one.ask(_LIMITS[one.hook.name], **told)
            if said is None:
                step("plugin.passed", plugin=one.hook.plugin, hook=one.hook.name)
                return None
            if not isinstance(said, str) or not (sentence := plain(said, SENTENCE).strip()):
                raise one.rubbish("gave neither a sentence nor None")
        except PluginFailed as failure:
            await self._go_on(one, failure)
            return None
        return sentence

    async def _go_on(self, one: Bound, failure: PluginFailed) -> None:
        """Go on without it, unless nobody is to get past it unasked."""
        await self._mishaps.note(failure)
        if one.hook.required:
            raise failure


def bind(providers: Providers, upstreams: Mapping[str, Upstream], name: str) -> tuple[Bound, ...]:
    """Every plugin's hook of that name, in the order of names, with what it may use."""
    settings = {plugin.name: plugin.settings for plugin in providers.plugins}
    return tuple(
        Bound(hook, Aid(settings[hook.plugin], upstreams[hook.plugin]))
        for hook in providers.hooks(name)
    )


def readable(one: Bound, said: object, before: Mapping[str, Any]) -> Mapping[str, Any]:
    """The claims of an answer, as they will read in the token; PluginFailed if any is none."""
    if said is None:
        return {}
    if not isinstance(said, dict):
        raise one.rubbish("gave no dict of claims")
    for name in said:
        if not isinstance(name, str) or not _CLAIM.fullmatch(name):
            raise one.rubbish("a claim's name is not plain ASCII")
        if name in RESERVED:
            raise one.rubbish(f"the claim {name} is reserved")
        if name in before:
            raise one.rubbish(f"the claim {name} is another plugin's")
    try:
        written = json.dumps({**before, **said}, allow_nan=False)
        added = json.loads(json.dumps(said))
    except (TypeError, ValueError, RecursionError) as fault:
        raise one.rubbish("a claim is no JSON") from fault
    if len(written) > CLAIMS or not _same_names(added, said):
        raise one.rubbish("the claims are too large, or no JSON")
    return dict(added)


def _same_names(read: Any, said: Any) -> bool:
    """Whether JSON keeps it as it was said: Python also writes keys that are no strings."""
    if isinstance(said, dict):
        return set(read) == set(said) and all(_same_names(read[k], said[k]) for k in said)
    if isinstance(said, list | tuple):
        return all(map(_same_names, read, said))
    return not isinstance(said, float) or math.isfinite(said)
