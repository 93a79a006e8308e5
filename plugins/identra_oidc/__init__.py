"""Login by any OpenID Connect place, named by settings alone."""

from typing import Literal

from identra.plugin import EmailTrust, OAuth2Settings, OIDCProvider, hookimpl


class OpenIdSettings(OAuth2Settings):
    """The place: its issuer, whatever hosts besides the issuer's it uses, and its word's worth."""

    issuer: str = ""
    hosts: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    email_trust: Literal["never", "claim"]  # type: ignore[assignment] # required here


class OpenId(OIDCProvider):
    """Everything else is read from the issuer's discovery."""

    name, contract = "oidc", 1
    email_trust = EmailTrust.claim
    settings_model = OpenIdSettings

    def __init__(self, settings: OpenIdSettings) -> None:
        super().__init__(settings)
        self.issuer, self.hosts, self.scopes = settings.issuer, settings.hosts, settings.scopes


@hookimpl
def providers() -> list[type[OIDCProvider]]:
    """The one provider here."""
    return [OpenId]
