"""What the signed-in person asks and is told of herself."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from identra.http.models.view import View


class Connection(View):
    """An identity bound to the account."""

    provider: str
    provider_user_id: str


class LoginInfo(View):
    """The ways into an account."""

    user_id: str
    email: str = Field(description='The primary address, else a claimed one, else "".')
    email_verified: bool
    password_enabled: bool
    github_id: str | None = None
    oauth_connections: list[Connection]


class OwnAddress(View):
    """An address of the caller's: proved, or only claimed."""

    email: str
    verified: bool
    primary: bool = Field(description="The one that /me/login-info tells.")


class OwnAddresses(View):
    """The caller's addresses, the oldest first."""

    addresses: list[OwnAddress]


class OwnIdentity(Connection):
    """An identity bound to the account, and since when (Unix seconds)."""

    username: str
    linked_at: int


class Me(View):
    """What is kept of the caller. Instants are Unix seconds."""

    user_id: str
    addresses: list[OwnAddress]
    identities: list[OwnIdentity]
    password_enabled: bool
    created_at: int
    last_login_at: int | None = None


class OwnSession(View):
    """A live session of the caller's. Instants are Unix seconds."""

    id: str
    created_at: int
    last_used_at: int = Field(description="When it was opened, or last refreshed.")
    amr: list[str]
    idp: str
    peer: str | None = Field(default=None, description="The network it was opened from.")
    user_agent: str | None = Field(default=None, description="Of whoever opened it.")
    current: bool = Field(description="Whether it is the session of this very call.")


class OwnSessions(View):
    """The caller's live sessions, the last used first."""

    sessions: list[OwnSession]


class Keep(View):
    """What is not to be ended."""

    keep: Literal["current"] | None = Field(
        default=None, description="`current`: the session of this very call stays."
    )
