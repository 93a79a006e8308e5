"""Session rows: one each, of fixed size, advanced by compare-and-set."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from identra.errors import InvalidRefreshToken, InvalidToken, StoreUnavailable
from identra.secret import digest, token, uuid7
from identra.sessions.ending import Ending
from identra.sessions.judgement import Policy, Session, Verdict, advance, judge
from identra.sessions.rows import (
    Opened,
    Origin,
    columns_of,
    holder_of,
    insert_opened,
    origin_in,
    select_by_id,
    session_in,
    subject_of,
    update_advancing,
    update_signing,
)
from identra.sessions.token import RefreshToken, prove, read, write
from identra.values import SECOND, Peer, Token, TokenPair

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from identra.asked import Holder
    from identra.db import Database
    from identra.events import Events
    from identra.keys import Keys, RingSecret, SigningKey
    from identra.tokens import Tokens

Claims: TypeAlias = "Callable[[Holder], Awaitable[Mapping[str, Any]]]"
"""Tells what is added to the access token of a session's user."""

TURNS: Final = 3


@dataclass(frozen=True, slots=True)
class Refreshed:
    """The outcome of a refresh, and the user it was for."""

    pair: TokenPair
    user_id: str


@dataclass(frozen=True, slots=True)
class _Recognised:
    """A refresh token whose MAC is right: its session's row, its secret, claims of plugins."""

    token: RefreshToken
    row: dict[str, Any]
    secret: RingSecret
    more: Mapping[str, Any] | None = None


class Sessions(Ending):
    """Opens, refreshes and revokes sessions; knows which are alive."""

    def __init__(  # noqa: PLR0913 - the rooms it works with, each by name
        self,
        db: Database,
        keys: Keys,
        tokens: Tokens,
        events: Events,
        policy: Policy,
        *,
        claims: Claims | None = None,
    ) -> None:
        super().__init__(db, events)
        self._claims = claims
        self._keys = keys
        self._tokens = tokens
        self._policy = policy
        self._by_id = select_by_id(db)
        self._inserting = insert_opened(db)
        self._advancing = update_advancing(db)
        self._signing = update_signing(db)

    async def open(self, origin: Origin, peer: Peer, *, at: int | None = None) -> Opened:
        """Insert a session; inside the transaction that admits its user.

        `at` is the database's instant, where the transaction has just been told it.
        """
        await self.make_room(origin.user_id, "crowded")
        now = await self._db.instant() if at is None else at
        opened = Opened(
            session_id=uuid7(),
            seed=token(),
            origin=origin,
            ends_at=now + min(self._policy.idle, self._policy.absolute),
            signer=self._keys.signer(),
            secret=self._keys.current_secret(),
        )
        await self._db.change(
            self._inserting.bind(
                **columns_of(opened, peer),
                created_at=now,
                last_used_at=now,
                idle_ends_at=opened.ends_at,
                ends_at=now + self._policy.absolute,
            )
        )
        return opened

    def pair(self, opened: Opened, more: Mapping[str, Any] | None = None) -> TokenPair:
        """The first token pair of a session, after its commit; `more` are plugins' claims."""
        subject = subject_of(opened.session_id, opened.origin)
        access = self._tokens.mint(subject, opened.signer, more)
        refresh = write(opened.session_id, 0, opened.seed, opened.secret)
        return TokenPair(access, Token(refresh, opened.ends_at // SECOND))

    async def refresh(self, presented: str, *, idempotency_key: str | None) -> Refreshed:
        """Exchange a refresh token as DESIGN says. Raises InvalidRefreshToken.

        Plugins are asked for claims before anything is advanced: where one that is required
        fails, with ProviderUnavailable, the same token can be presented again.
        """
        key = digest("idempotency", idempotency_key) if idempotency_key else None
        more: Mapping[str, Any] | None = None
        for _ in range(TURNS):
            known = await self._recognise(presented)
            session, now = session_in(known.row), known.row["now"]
            verdict = judge(known.token, session, now=now, policy=self._policy, key=key)
            if verdict not in {Verdict.advance, Verdict.repeat}:
                await self._punish(known.row, verdict)
                raise InvalidRefreshToken(verdict.value)
            if self._claims:
                if more is None:
                    more = await self._claims(holder_of(known.row["id"], origin_in(known.row)))
                known = replace(known, more=more)
            if verdict is Verdict.repeat:
                return await self._repeat(known)
            if refreshed := await self._advance(known, session, key):
                return refreshed
        raise StoreUnavailable("others advanced the session each time", retry_after=1)

    async def revoke_by_token(self, presented: str) -> None:
        """Revoke the session any of whose tokens this is; silent otherwise (RFC 7009, 2.2)."""
        try:
            row = (await self._recognise(presented)).row
        except InvalidRefreshToken:
            return
        await self.revoke(row["id"], "asked", user_id=row["user_id"])

    async def alive(self, session_id: str, user_id: str) -> Origin:
        """The origin of a user's session, if it is live. Raises InvalidToken."""
        row = await self._db.first(self._by_id.bind(id=session_id))
        if row is None or row["user_id"] != user_id:
            raise InvalidToken("no such session")
        over = row["now"] >= min(row["idle_ends_at"], row["ends_at"])
        if row["revoked_at"] is not None or over:
            raise InvalidToken("the session is over")
        return origin_in(row)

    async def _recognise(self, presented: str) -> _Recognised:
        refresh_token = read(presented)
        if refresh_token is None:
            raise InvalidRefreshToken("malformed")
        secret = await self._keys.secret(refresh_token.secret_id)
        if secret is None:
            raise InvalidRefreshToken("unknown secret")
        row = await self._db.first(self._by_id.bind(id=refresh_token.session_id))
        if row is None or row["secret_id"] != refresh_token.secret_id:
            raise InvalidRefreshToken("no such session")
        if not prove(refresh_token, row["seed"], secret):
            raise InvalidRefreshToken("forged")
        return _Recognised(refresh_token, row, secret)

    async def _advance(
        self, known: _Recognised, session: Session, key: str | None
    ) -> Refreshed | None:
        row, signer = known.row, self._keys.signer()
        changed = await self._db.change(
            self._advancing.bind(
                id=row["id"],
                generation=session.generation,
                successor=session.generation + 1,
                advances=" ".join(map(str, advance(session, now=row["now"]))),
                now=row["now"],
                idle_ends_at=self._idle_end(row),
                spent_with=key,
                signed_by=signer.kid,
            )
        )
        if not changed:
            return None
        return self._answer(known, session.generation + 1, self._idle_end(row), signer)

    async def _repeat(self, known: _Recognised) -> Refreshed:
        row, signer = known.row, self._keys.signer()
        if row["signed_by"] != signer.kid:
            await self._db.change(self._signing.bind(id=row["id"], signed_by=signer.kid))
        return self._answer(known, row["generation"], row["idle_ends_at"], signer)

    async def _punish(self, row: dict[str, Any], verdict: Verdict) -> None:
        if verdict is Verdict.theft:
            await self.revoke(row["id"], "theft", user_id=row["user_id"])
        elif verdict is Verdict.ahead:
            await self.revoke(row["id"], "ahead", user_id=row["user_id"])

    def _answer(
        self, known: _Recognised, generation: int, ends_at: int, signer: SigningKey
    ) -> Refreshed:
        row = known.row
        access = self._tokens.mint(subject_of(row["id"], origin_in(row)), signer, known.more)
        refresh = write(row["id"], generation, row["seed"], known.secret)
        return Refreshed(TokenPair(access, Token(refresh, ends_at // SECOND)), row["user_id"])

    def _idle_end(self, row: dict[str, Any]) -> int:
        return int(min(row["now"] + self._policy.idle, row["ends_at"]))
