"""Login by Microsoft: the accounts of one tenant, of several, or of all."""

import re
from typing import Any

from identra.plugin import EmailTrust, OAuth2Settings, OIDCProvider, UserInfo, hookimpl

HOST = "https://login.microsoftonline.com"
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class MicrosoftSettings(OAuth2Settings):
    """`tenant` is an id, or `organizations` or `common`; `tenants` are those let in by these."""

    tenant: str = ""
    tenants: tuple[str, ...] = ()


class Microsoft(OIDCProvider):
    """A tenant's administrators write what they like into `email`, so it is never trusted."""

    name, contract = "microsoft", 1
    email_trust = EmailTrust.never
    settings_model = MicrosoftSettings
    needs = ("tenant", "client_id", "client_secret", "redirect_url")
    hosts = ("graph.microsoft.com",)
    asks_userinfo = False

    def __init__(self, settings: MicrosoftSettings) -> None:
        super().__init__(settings)
        many = settings.tenant in {"organizations", "common"}
        if settings.tenant and not many and not GUID.fullmatch(settings.tenant):
            raise ValueError("tenant is an id in small letters, or organizations, or common")
        self.issuer = f"{HOST}/{'{tenantid}' if many else settings.tenant}/v2.0"
        self.discovery_url = f"{HOST}/{settings.tenant}/v2.0/.well-known/openid-configuration"
        self.tenants = settings.tenants

    def read(self, claims: dict[str, Any]) -> UserInfo:
        """The name that people sign in with is shown, and is nobody's id."""
        return UserInfo(claims["sub"], username=claims.get("preferred_username") or "")


@hookimpl
def providers() -> list[type[OIDCProvider]]:
    """The one provider here."""
    return [Microsoft]
