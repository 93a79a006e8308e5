"""What is held about a person, and when she will be gone. Instants are Unix seconds."""

from __future__ import annotations

from pydantic import Field

from identra.http.models.view import View


class HeldUser(View):
    """Her account."""

    user_id: str
    created_at: int
    last_login_at: int | None = None
    disabled_at: int | None = None
    disabled_reason: str | None = None
    leaves_at: int | None = None
    locale: str | None = Field(default=None, description="The language that she is written to in.")


class HeldAddress(View):
    """An address; without `proved_at` a mere claim."""

    email: str
    created_at: int
    proved_at: int | None = None
    counts_from: int | None = Field(
        default=None, description="From when on it is proof that it is she; absent: ever since."
    )
    primary: bool


class HeldIdentity(View):
    """An identity, at an OAuth place or on a channel for codes."""

    provider: str
    provider_user_id: str
    username: str
    linked_at: int
    counts_from: int


class HeldCredential(View):
    """That there is a secret of hers, never the secret or its hash."""

    provider: str
    set_at: int
    change_required_at: int | None = None


class HeldSession(View):
    """A session, live or ended of late."""

    id: str
    created_at: int
    auth_time: int
    amr: list[str]
    idp: str
    last_used_at: int
    idle_ends_at: int
    ends_at: int
    revoked_at: int | None = None
    revoked_for: str | None = None
    peer: str | None = None
    user_agent: str | None = None


class HeldEvent(View):
    """What happened to her account."""

    id: str
    at: int
    name: str
    data: dict[str, str]


class HeldStep(View):
    """A step of an attempt, so many milliseconds after its begin."""

    ms: int
    name: str
    facts: dict[str, str]


class HeldAttempt(View):
    """An attempt to get in, by her or about her addresses."""

    id: str
    at: int
    act: str
    provider: str
    outcome: str
    detail: str
    peer: str
    request_id: str
    steps: list[HeldStep]


class Export(View):
    """Everything that is held about the caller."""

    user: HeldUser
    addresses: list[HeldAddress]
    identities: list[HeldIdentity]
    credentials: list[HeldCredential]
    sessions: list[HeldSession]
    events: list[HeldEvent]
    attempts: list[HeldAttempt]


class Leave(View):
    """When the caller will be gone."""

    leaves_at: int
