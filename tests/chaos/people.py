"""Whom members are for a while, and what they hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jwt

from identra.sessions import read

if TYPE_CHECKING:
    from doors import Said
    from standin.github import Person as Account
    from visitor import Pair


@dataclass(eq=False)
class Person:
    """Whom a member is, for a while: an address, an account at GitHub, and what is known of her."""

    name: str
    network: str
    account: Account
    shares: bool
    """Whether her account at GitHub has her address; without it, it leads to another user."""
    codes: int = 0
    letters: int = 0
    registered: bool = False

    @property
    def mail(self) -> str:
        return f"{self.name}@example.com"

    @property
    def by_mail(self) -> tuple[str, ...]:
        return (f"mail:{self.mail}",)

    @property
    def by_account(self) -> tuple[str, ...]:
        return (f"github:{self.account.id}", *(self.by_mail if self.shares else ()))


@dataclass(eq=False)
class Session:
    """What a member holds. `over` once she gave it up, `key` of a refresh without an answer."""

    person: Person
    pair: Pair
    name: str
    user: str
    over: bool = False
    key: str = ""

    @property
    def access(self) -> str:
        return str(self.pair["access_token"]["token"])

    @property
    def refresh(self) -> str:
        return str(self.pair["refresh_token"]["token"])


def learn_session(answer: Said) -> dict[str, Any]:
    """What a pair tells of the session that it opened."""
    token = answer["token"]["access_token"]["token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    kid = jwt.get_unverified_header(token)["kid"]
    return {"user": claims["sub"], "session": claims["sid"], "kid": kid}


def learn_successor(answer: Said) -> dict[str, Any]:
    """What a pair tells of the generation that its refresh token is of."""
    shown = read(answer["token"]["refresh_token"]["token"])
    assert shown
    kid = jwt.get_unverified_header(answer["token"]["access_token"]["token"])["kid"]
    return {"successor": shown.generation, "kid": kid}
