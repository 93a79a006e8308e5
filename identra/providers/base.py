"""What every provider declares, whatever its kind."""

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias

from identra.values import EmailTrust, Settings

Kind: TypeAlias = Literal["code", "oauth2", "oidc", "secret"]

CONTRACT = 1
"""The newest plugin contract this core speaks."""
OLDEST = 1
"""The oldest that it still speaks."""


class ProviderSettings(Settings):
    """The keys any provider's section may hold; a provider's own model adds to them.

    `plugin` names the provider whose further instance this section makes; `email_trust` lowers
    what the provider's word about an address is worth to "never".
    """

    enabled: bool = True
    plugin: str = ""
    email_trust: Literal["never"] | None = None


class HookSettings(Settings):
    """What an operator tells a plugin's hooks, and the only `hosts` that they may reach."""

    hosts: ClassVar[tuple[str, ...]] = ()
    enabled: bool = True

    @property
    def reaches(self) -> tuple[str, ...]:
        """Every host that the hooks may reach: `hosts`, unless the settings name another."""
        return self.hosts


class Provider:
    """A place where people prove who they are. Subclass a kind, not this.

    `name` is `[a-z][a-z0-9_]{1,31}`, `contract` the number of the plugin contract it was written
    for, `email_trust` what its word about an address is worth. `hosts` are the only ones it may
    reach.
    """

    kind: ClassVar[Kind]
    name: str
    contract: ClassVar[int]
    email_trust: ClassVar[EmailTrust]
    settings_model: ClassVar[type[ProviderSettings]] = ProviderSettings
    hosts: tuple[str, ...] = ()

    def __init__(self, settings: ProviderSettings) -> None:
        self.settings = settings

    def missing(self) -> str | None:
        """Why this provider can't serve yet, as a stable word, or None when it can."""
        return None

    @property
    def reaches(self) -> tuple[str, ...]:
        """Every host that it may reach."""
        return self.hosts

    @property
    def keeps_identity(self) -> bool:
        """Whether a person here is an identity of its own, beside any address."""
        return True

    @property
    def trust(self) -> EmailTrust:
        """What its word about an address is worth here: as declared, or lowered by settings."""
        return EmailTrust.never if self.settings.email_trust == "never" else self.email_trust
