"""Whoever is signed in: who she is, and what she may know of herself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from identra.deadline import one_deadline
from identra.errors import InvalidToken, MissingToken, ReauthenticationRequired

if TYPE_CHECKING:
    from identra.loader import Providers
    from identra.sessions import Origin, Sessions
    from identra.tokens import Claims, Tokens
    from identra.users import Identity, User, Users

GITHUB: Final = "github"


@dataclass(frozen=True, slots=True)
class Caller:
    """The user and the live session behind a bearer token."""

    user_id: str
    session_id: str
    origin: Origin

    def demand_fresh(self, now: int) -> None:
        """Raise ReauthenticationRequired unless she proved who she is in the last ten minutes."""
        if not self.origin.fresh(now):
            raise ReauthenticationRequired("the authentication is older than 10 minutes")


@dataclass(frozen=True, slots=True)
class Connection:
    """An identity of the user at an OAuth place."""

    provider: str
    provider_user_id: str


@dataclass(frozen=True, slots=True)
class LoginInfo:
    """How the user can get in. `email` is the primary address, or ""."""

    user_id: str
    email: str
    email_verified: bool
    password_enabled: bool
    github_id: str | None
    connections: tuple[Connection, ...]


@dataclass(frozen=True, slots=True)
class Profile:
    """What is kept of a user, and her identities at OAuth places."""

    user: User
    identities: tuple[Identity, ...]


class Account:
    """What a signed-in user may ask."""

    def __init__(
        self, tokens: Tokens, sessions: Sessions, users: Users, providers: Providers
    ) -> None:
        self._tokens = tokens
        self._sessions = sessions
        self._users = users
        self._providers = providers

    @one_deadline
    async def identify(self, bearer: str | None) -> Caller:
        """The caller behind a bearer token, checked against user and session rows.

        Raises MissingToken, and InvalidToken for a bad token, an ended session and a disabled
        user alike (RFC 6750, 3.1).
        """
        caller = await self._by_session(bearer)
        if not await self._users.enabled(caller.user_id):
            raise InvalidToken("the user is gone or disabled")
        return caller

    @one_deadline
    async def lives(self, session_id: str, user_id: str) -> bool:
        """Whether this is a live session of the user's."""
        try:
            await self._sessions.alive(session_id, user_id)
        except InvalidToken:
            return False
        return True

    @one_deadline
    async def take_turn(self, caller: Caller) -> User:
        """The caller as she is, in a transaction that is to change something of hers.

        Whoever opens, ends or changes anything of hers at this moment holds her row until it is
        done; by then the caller's own session may be over. Raises InvalidToken.
        """
        await self._users.touch(caller.user_id)
        return await self._live(caller.user_id, caller.session_id)

    @one_deadline
    async def login_info(self, bearer: str | None) -> LoginInfo:
        """How the caller can get in. Raises as `identify`."""
        return self._describe(await self._user(bearer))

    @one_deadline
    async def profile(self, bearer: str | None) -> Profile:
        """What is kept of the caller. Raises as `identify`."""
        user = await self._user(bearer)
        return Profile(user, self._connected(user))

    async def _by_session(self, bearer: str | None) -> Caller:
        claims = await self._claims(bearer)
        origin = await self._sessions.alive(claims.session_id, claims.user_id)
        return Caller(claims.user_id, claims.session_id, origin)

    async def _user(self, bearer: str | None) -> User:
        claims = await self._claims(bearer)
        return await self._live(claims.user_id, claims.session_id)

    async def _claims(self, bearer: str | None) -> Claims:
        if bearer is None:
            raise MissingToken("no bearer token")
        return await self._tokens.check(bearer)

    async def _live(self, user_id: str, session_id: str) -> User:
        """The user, if she may enter and this is a live session of hers. Raises InvalidToken."""
        found = await self._users.in_session(user_id, session_id)
        if found.left is None:
            raise InvalidToken("no such session")
        if found.left <= 0:
            raise InvalidToken("the session is over")
        if found.user is None or found.user.disabled:
            raise InvalidToken("the user is gone or disabled")
        return found.user

    def _connected(self, user: User) -> tuple[Identity, ...]:
        """Her identities at OAuth places: a code's recipient is none of these."""
        codes = {provider.name for provider in self._providers.codes}
        return tuple(identity for identity in user.identities if identity.provider not in codes)

    def _describe(self, user: User) -> LoginInfo:
        connections = tuple(
            Connection(identity.provider, identity.subject) for identity in self._connected(user)
        )
        address = user.address
        return LoginInfo(
            user_id=user.user_id,
            email=address.email if address else "",
            email_verified=bool(address and address.proved_at is not None),
            password_enabled=bool(user.secrets),
            github_id=next((c.provider_user_id for c in connections if c.provider == GITHUB), None),
            connections=connections,
        )
