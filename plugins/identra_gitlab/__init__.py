"""Login by GitLab, or by a server of one's own through `base_url`."""

from typing import Any

from identra.plugin import EmailTrust, OAuth2Settings, OIDCProvider, UserInfo, hookimpl


class GitLabSettings(OAuth2Settings):
    """Where it is."""

    base_url: str = "https://gitlab.com"


class GitLab(OIDCProvider):
    """The number of an account is its subject; a nickname can be taken by another."""

    name, contract = "gitlab", 1
    email_trust = EmailTrust.claim
    settings_model = GitLabSettings

    def __init__(self, settings: GitLabSettings) -> None:
        super().__init__(settings)
        self.issuer = settings.base_url.rstrip("/")

    def read(self, claims: dict[str, Any]) -> UserInfo:
        """As everywhere, but that GitLab calls the user name a nickname."""
        return super().read({"preferred_username": claims.get("nickname"), **claims})


@hookimpl
def providers() -> list[type[OIDCProvider]]:
    """The one provider here."""
    return [GitLab]
