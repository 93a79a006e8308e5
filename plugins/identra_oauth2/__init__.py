"""Login by any OAuth 2.0 place, named by settings alone."""

from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import model_validator

from identra.plugin import (
    Address,
    EmailTrust,
    OAuth2Provider,
    OAuth2Settings,
    Upstream,
    UserInfo,
    hookimpl,
)

NO_SUBJECTS = ("mail", "login", "name", "nick", "handle", "upn", "display")
"""Parts of the names of fields that can be given up and taken by another person."""


class PlaceSettings(OAuth2Settings):
    """The place, and where its answer says what; `user.id` looks for `id` within `user`."""

    authorize_url: str
    token_url: str
    userinfo_url: str
    scopes: tuple[str, ...] = ()
    client_auth: Literal["post", "basic"] = "post"
    email_trust: Literal["never", "claim", "per_address"]  # type: ignore[assignment] # required
    subject: str
    username: str = ""
    avatar_url: str = ""
    email: str = ""
    email_verified: str = ""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        last = self.subject.rpartition(".")[2].lower()
        if not last or any(part in last for part in NO_SUBJECTS):
            raise ValueError("subject is a stable id: no address, login or name")
        if self.email_trust != "never" and not (self.email and self.email_verified):
            raise ValueError("email_trust needs email and email_verified, or is never")
        return self


class Place(OAuth2Provider):
    """What the settings say."""

    name, contract = "oauth2", 1
    email_trust = EmailTrust.claim
    settings_model = PlaceSettings
    settings: PlaceSettings

    def __init__(self, settings: PlaceSettings) -> None:
        super().__init__(settings)
        self.authorize_url, self.token_url = settings.authorize_url, settings.token_url
        self.hosts = tuple(urlsplit(url).netloc for url in (self.token_url, settings.userinfo_url))
        self.scopes, self.client_auth = settings.scopes, settings.client_auth

    async def userinfo(self, upstream: Upstream, token: str) -> UserInfo:
        """Ask the one endpoint; what stands where the settings say is who it is."""
        said = self.settings
        told = await upstream.get_json(said.userinfo_url, bearer=token)
        found = (said.subject, said.username, said.email, said.email_verified)
        subject, username, email, verified = (_at(told, where) for where in found)
        if type(subject) is int and subject > 0:
            subject = str(subject)
        if subject in (email, username):
            raise ValueError("the subject is an address or a name")
        return UserInfo(
            subject=subject,
            username=username or "",
            avatar_url=_at(told, said.avatar_url) or "",
            addresses=(Address(email, verified=verified is True, primary=True),) if email else (),
        )


def _at(told: Any, where: str) -> Any:
    for name in where.split("."):
        told = told.get(name) if isinstance(told, dict) else None
    return told


@hookimpl
def providers() -> list[type[OAuth2Provider]]:
    """The one provider here."""
    return [Place]
