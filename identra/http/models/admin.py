"""What operators ask and are told through the REST door. Instants are Unix seconds."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from identra.http.models.person import OwnAddress, OwnIdentity
from identra.http.models.view import View

_DIGITS = re.compile(r"[0-9]{1,15}", re.ASCII)


def _number(said: Any) -> Any:
    """A number as a query says it."""
    return int(said) if isinstance(said, str) and _DIGITS.fullmatch(said) else said


Limit = Annotated[int, BeforeValidator(_number), Field(ge=1, le=1000)]
Instant = Annotated[int | None, BeforeValidator(_number), Field(ge=0, le=10**12)]
After = Annotated[str | None, Field(description="The `next` of the page before.")]
Next = Annotated[str | None, Field(description="Where the next page begins, if there is one.")]
Who = Annotated[str | None, Field(description="A user id, an address, or `PROVIDER:RECIPIENT`.")]
At = Annotated[str | None, Field(description="The network address of whoever calls.")]


class UserQuery(View):
    """Which users, and how many of them."""

    email: str | None = Field(default=None, description="Whoever has just this address.")
    prefix: str | None = Field(default=None, description="Whose address begins so.")
    limit: Limit = 100
    after: After = None


class Listed(View):
    """A user among others."""

    user_id: str
    email: str = Field(description='The primary address, else a claimed one, else "".')
    email_verified: bool
    disabled: bool
    created_at: int
    last_login_at: int | None = None


class UserPage(View):
    """Some users of many."""

    users: list[Listed]
    next: Next = None


class Shown(Listed):
    """A user, and what is hers."""

    disabled_at: int | None = None
    disabled_reason: str | None = None
    leaves_at: int | None = Field(default=None, description="When she will be gone, if she leaves.")
    locale: str | None = None
    addresses: list[OwnAddress]
    identities: list[OwnIdentity]
    secrets: list[str] = Field(description="Where she has a secret, such as `password`.")


class NewUser(View):
    """A user to be made."""

    email: str
    password: str | None = Field(default=None, json_schema_extra={"format": "password"})
    proved: bool = Field(default=False, description="The address is known to be hers.")


class Invitation(View):
    """Somebody to be invited."""

    email: str
    locale: str | None = Field(default=None, description="The language of her letters.")


class Made(View):
    """A user who was made."""

    user_id: str


class Reason(View):
    """Why it is done."""

    reason: str = Field(default="", description="For the record; the user never sees it.")


class Changed(View):
    """Whether it was not so already."""

    changed: bool


class Required(View):
    """Whether she has a password that could be asked for anew."""

    required: bool


class Proof(View):
    """An address that is known to be hers."""

    email: str
    keep: bool = Field(default=False, description="Her password and sessions are hers too.")


class Ended(View):
    """How many sessions ended."""

    ended: int


class Now(View):
    """Whether there is a time of grace."""

    grace: Literal["none"] | None = Field(
        default=None, description="`none`: she is gone at once, and nobody can bring her back."
    )


class Going(View):
    """When she will be gone; without `leaves_at` she is."""

    leaves_at: int | None = None


class LimitQuery(View):
    """Whose allowances."""

    who: Who = None
    peer: At = None


class Count(View):
    """What is spent of an allowance."""

    subject: str = Field(description='Whose it is; "" for the network itself.')
    limit: str
    network: str = Field(description="From where; `all` for all networks together.")
    spent: int
    most: int
    seconds: int = Field(description="Until it is whole again.")
    state: Literal["", "spent", "waits", "rests"]


class Counts(View):
    """What is spent, or was."""

    limits: list[Count]


class Provider(View):
    """A provider that is installed, and how it stands."""

    name: str
    plugin: str
    kind: str
    state: Literal["on", "lacking", "off", "left_out"]
    reason: str | None = Field(default=None, description="What it lacks, or why it is left out.")


class ProviderStates(View):
    """Every provider that is installed."""

    providers: list[Provider]


class RingKey(View):
    """What is public of a key of the ring."""

    kid: str
    purpose: Literal["sig", "mac"]
    algorithm: str
    state: str
    sealed_by: str
    created_at: int
    changed_at: int
    signs_from: int | None = None


class RingKeys(View):
    """The keys of the ring, the newest first."""

    keys: list[RingKey]


class EventQuery(View):
    """Which events, and how many of them."""

    user_id: str | None = None
    name: str | None = Field(default=None, description="An event's name.")
    since: Instant = Field(default=None, description="From then on, in Unix seconds.")
    until: Instant = Field(default=None, description="Before then, in Unix seconds.")
    limit: Limit = 100
    after: After = None


class Recorded(View):
    """Something that was recorded."""

    id: str
    at: int
    name: str
    user_id: str | None = None
    data: dict[str, str]


class EventPage(View):
    """Some events of many, the newest first."""

    events: list[Recorded]
    next: Next = None
