"""Login by GitHub, or by an Enterprise Server through `base_url` and `api_url`."""

from typing import Any
from urllib.parse import urlsplit

from identra.plugin import (
    Address,
    EmailTrust,
    OAuth2Provider,
    OAuth2Settings,
    Upstream,
    UserInfo,
    hookimpl,
)


class GitHubSettings(OAuth2Settings):
    """GitHub's own two keys beside those of every OAuth 2.0 place."""

    base_url: str = "https://github.com"
    api_url: str = "https://api.github.com"


class GitHub(OAuth2Provider):
    """Addresses come from `/user/emails`, each with GitHub's own flags."""

    name, contract = "github", 1
    email_trust = EmailTrust.per_address
    settings_model = GitHubSettings
    scopes = ("read:user", "user:email")

    def __init__(self, settings: GitHubSettings) -> None:
        super().__init__(settings)
        base, self._api = settings.base_url.rstrip("/"), settings.api_url.rstrip("/")
        self.authorize_url = f"{base}/login/oauth/authorize"
        self.token_url = f"{base}/login/oauth/access_token"
        self.hosts = (urlsplit(base).netloc, urlsplit(self._api).netloc)

    async def userinfo(self, upstream: Upstream, token: str) -> UserInfo:
        """The account's number is the subject; a login can be given up and taken by another."""
        user = await upstream.get_json(f"{self._api}/user", bearer=token)
        emails = await upstream.get_json(f"{self._api}/user/emails", bearer=token)
        if type(user["id"]) is not int or user["id"] <= 0:
            message = "GitHub gave no account number"
            raise ValueError(message)
        if not isinstance(emails, list):
            message = "GitHub gave no list of addresses"
            raise TypeError(message)
        return UserInfo(
            subject=str(user["id"]),
            username=user.get("login") or "",
            avatar_url=user.get("avatar_url") or "",
            addresses=tuple(_address(entry) for entry in emails),
        )


def _address(entry: dict[str, Any]) -> Address:
    return Address(
        entry["email"],
        verified=entry.get("verified") is True,
        primary=entry.get("primary") is True,
    )


@hookimpl
def providers() -> list[type[OAuth2Provider]]:
    """The one provider here."""
    return [GitHub]
