"""The frozen nouns that travel between rooms, and the protocols by which rooms meet.

Instants are Unix microseconds in UTC unless a name says seconds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from identra.locales import Locale
    from identra.standing import Standing

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

SUBJECT_LENGTH = 255
PROFILE_LENGTH = 255
AVATAR_LENGTH = 2048
NOBODY = frozenset({"none", "null", "undefined", "nan", "true", "false", "0"})
"""What is missing, written out as a string: the same for everybody, and so nobody's id."""

Clock: TypeAlias = Callable[[], int]
"""Tells now, in Unix microseconds. Tests hand in one that they turn by hand."""

Method: TypeAlias = Literal["pwd", "otp"]
"""A method of authentication, in the words of RFC 8176."""


class Settings(BaseModel):
    """A section of settings: frozen, every key known. Plugins subclass it for their own."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class EmailTrust(Enum):
    """What a provider's word about an e-mail address is worth."""

    never = "never"
    always = "always"
    per_address = "per_address"
    claim = "claim"


@dataclass(frozen=True, slots=True)
class Address:
    """An e-mail address as a provider tells it. Only `verified=True` itself vouches."""

    email: str
    verified: bool = False
    primary: bool = False

    def __post_init__(self) -> None:
        _demand(isinstance(self.email, str), "an address is a string")
        _demand(isinstance(self.verified, bool), "verified is True or False")
        _demand(isinstance(self.primary, bool), "primary is True or False")


@dataclass(frozen=True, slots=True)
class UserInfo:
    """What a provider says of the person: validated when made, ValueError when it can't be.

    `subject` is the provider's own stable id of the person, a non-empty string of at most 255
    characters: never an e-mail address, a login or a name (OpenID Connect Core, 5.7).
    """

    subject: str
    username: str = ""
    avatar_url: str = ""
    addresses: tuple[Address, ...] = ()

    def __post_init__(self) -> None:
        _demand(isinstance(self.subject, str), "a subject is a string")
        _demand(0 < len(self.subject) <= SUBJECT_LENGTH, "a subject has 1 to 255 characters")
        _demand(self.subject.isprintable(), "a subject has no control characters")
        _demand(self.subject == self.subject.strip(), "a subject has no space around it")
        _demand(self.subject.lower() not in NOBODY, "a subject names somebody")
        _demand(isinstance(self.username, str), "a username is a string")
        _demand(isinstance(self.avatar_url, str), "an avatar_url is a string")
        _demand(isinstance(self.addresses, tuple), "addresses are a tuple")
        _demand(all(isinstance(a, Address) for a in self.addresses), "addresses hold Address")

    @property
    def primary(self) -> Address | None:
        """The one address that takes part: the provider's primary, or its only one."""
        marked = [address for address in self.addresses if address.primary]
        if len(marked) == 1:
            return marked[0]
        return self.addresses[0] if len(self.addresses) == 1 else None


@dataclass(frozen=True, slots=True)
class Assertion:
    """A proof that the core has stamped: this provider, this person, this way, at this instant.

    `subject` is None where the provider keeps no identity of its own (codes by e-mail).
    `address` is the vouched primary address in its one spelling, or None.
    """

    provider: str
    subject: str | None
    address: str | None
    amr: tuple[Method, ...]
    at: int
    username: str = ""
    avatar_url: str = ""


@dataclass(frozen=True, slots=True)
class Peer:
    """The network end of a call. `address` is None where no end may be counted.

    `chain` is how the call came, as far as it was told: X-Forwarded-For, then the socket's end.
    `locale` is the language of ours that it asks for, if it does.
    `standings` are added to by whoever counts, for the door to tell beside the answer.
    """

    address: str | None = None
    user_agent: str = ""
    attempt_id: str = ""
    request_id: str = ""
    chain: str = ""
    locale: Locale | None = None
    standings: dict[str, Standing] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Token:
    """A token and its end in Unix seconds."""

    token: str = field(repr=False)
    expires_at: int


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a login gives: an access token for services, a refresh token for Identra alone."""

    access_token: Token
    refresh_token: Token
    token_type: str = "Bearer"  # noqa: S105 - the scheme's name (RFC 6750), no secret


@dataclass(frozen=True, slots=True)
class Message:
    """A mail ready to leave: one recipient in the stored spelling, text, and HTML if wanted.

    `letter` is its name and `locale` its language, where it is one of ours.
    """

    to: str
    subject: str
    text: str = field(repr=False)
    html: str | None = field(default=None, repr=False)
    letter: str = ""
    locale: str = ""


class Upstream(Protocol):
    """A provider's way to the network: its declared hosts only, no redirects, bounded in all."""

    async def get_json(
        self, url: str, *, bearer: str | None = None, params: dict[str, str] | None = None
    ) -> Any:
        """GET and parse JSON. Raises ProviderRefused for a 4xx, else ProviderUnavailable."""
        ...

    async def get_text(self, url: str, *, headers: dict[str, str] | None = None) -> str:
        """GET and read UTF-8 text, with further headers. Raises as `get_json`."""
        ...

    async def post_form(
        self,
        url: str,
        data: dict[str, str],
        *,
        bearer: str | None = None,
        basic: tuple[str, str] | None = None,
    ) -> dict[str, Any]:
        """POST a form; read a JSON or form-encoded object. Raises as `get_json`.

        `basic` is a client's id and secret for HTTP Basic authentication (RFC 6749, 2.3.1).
        """
        ...


class Mailer(Protocol):
    """Takes mail off the request path and delivers it."""

    @property
    def configured(self) -> bool:
        """Whether mail can leave at all."""
        ...

    def post(self, message: Message) -> None:
        """Queue a message; return at once. Raise Busy when the queue is full."""
        ...

    def commission(self, to: str, write: Callable[[], Message], *, leaves: bool = True) -> None:
        """Queue a letter that is yet to be written; return at once. Raise Busy as `post` does.

        It is written beside the requests, also where it does not leave: neither this call's time
        nor that of the next tells which letter it was, or that it stays.
        """
        ...


def rfc3339(microseconds: int) -> str:
    """An instant as RFC 3339 in UTC, to the second."""
    return datetime.fromtimestamp(microseconds // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def plain(text: str, length: int) -> str:
    """What can be shown and stored of text from outside: printable, and no longer than that."""
    if text.isprintable():  # as nearly all of it is
        return text[:length]
    return "".join(character for character in text if character.isprintable())[:length]


def error_word(said: object) -> str:
    """A provider's error code (RFC 6749, 5.2) as a log may hold it, else an empty string.

    Such codes are small words. Anything else may repeat what the provider was sent.
    """
    return said if isinstance(said, str) and _ERROR_WORD.fullmatch(said) else ""


_ERROR_WORD = re.compile(r"[a-z_]{1,64}")


def _demand(holds: bool, says: str) -> None:  # noqa: FBT001 - reads as the sentence it is
    if not holds:
        raise ValueError(says)
