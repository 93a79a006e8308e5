"""What hooks are asked and told: frozen values, and nothing that could be reached through them."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from identra.values import Settings, Upstream


@dataclass(frozen=True, slots=True)
class Aid:
    """What a plugin's hooks have to work with: their settings, and a way to their hosts."""

    settings: Settings
    upstream: Upstream


@dataclass(frozen=True, slots=True)
class Arrival:
    """Somebody who proved who she is and is about to be let in.

    `user_id` is None for somebody new. `addresses` are those she has proved, by now or just now,
    in their one spelling. `network` is where she calls from as allowances count it, an IPv4
    address or an IPv6 /64, and "" where nobody is counted. `amr` is how she proved it.
    """

    provider: str
    amr: tuple[str, ...]
    user_id: str | None
    addresses: tuple[str, ...]
    network: str

    @property
    def is_new(self) -> bool:
        """Whether a user is about to be made of her."""
        return self.user_id is None


@dataclass(frozen=True, slots=True)
class Holder:
    """Whom an access token is for. `provider` is the one she came by, `auth_time` in seconds."""

    user_id: str
    session_id: str
    provider: str
    amr: tuple[str, ...]
    auth_time: int


@dataclass(frozen=True, slots=True)
class Choice:
    """A secret somebody chose for herself at a secret provider. It is to be kept nowhere."""

    provider: str
    email: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A text on its way to somebody: word about her account, or a code over a channel not mail.

    `provider` is the channel's for a code and "email" for a notice; `to` the recipient as that
    spells it. `user_id` is whose account a notice is about, and "" for a code. A notice is also
    there as `html`; `letter` is its name and `locale` its language.
    """

    kind: Literal["code", "notice"]
    provider: str
    to: str
    subject: str
    text: str = field(repr=False)
    user_id: str = ""
    html: str = field(default="", repr=False)
    letter: str = ""
    locale: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """An event that was recorded and lasts. `at` is in Unix microseconds."""

    name: str
    at: int
    user_id: str | None = None
    data: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
