"""Whether a secret may be chosen: by the core's rules, its provider's, then the plugins'."""

from __future__ import annotations

from typing import TYPE_CHECKING

from identra.asked import Choice
from identra.errors import IdentraError, InvalidArgument, PluginFailed
from identra.providers.secret import demand_acceptable

if TYPE_CHECKING:
    from identra.hooks import Hooks
    from identra.mishaps import Mishaps
    from identra.providers.secret import SecretProvider


class Acceptance:
    """The one place where a chosen secret is judged."""

    def __init__(self, hooks: Hooks, mishaps: Mishaps, *, shortest: int) -> None:
        self._hooks = hooks
        self._mishaps = mishaps
        self._shortest = shortest

    async def demand(self, provider: SecretProvider, secret: str, email: str) -> str:
        """The secret as it is to be hashed, or InvalidArgument with the reason.

        Raises ProviderUnavailable where the provider's own judgement, or a plugin's that is
        required, can't be had; any other plugin that fails has nothing against it.
        """
        chosen = await self._mishaps.noting(self._by_provider(provider, secret, email))
        if why := await self._hooks.check_password(Choice(provider.name, email, chosen)):
            raise InvalidArgument.of("password", why)
        return chosen

    async def _by_provider(self, provider: SecretProvider, secret: str, email: str) -> str:
        try:
            return demand_acceptable(provider, secret, email, shortest=self._shortest)
        except IdentraError:
            raise
        except (Exception, SystemExit) as fault:
            raise PluginFailed(provider.name, "objection", type(fault).__name__) from fault
