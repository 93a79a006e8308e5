"""Session rows: one each, of fixed size, advanced by compare-and-set."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from identra.db import Param
from identra.errors import InvalidRefreshToken, InvalidToken, StoreUnavailable
from identra.secret import digest, token, uuid7
from identra.sessions.ending import Ending
from identra.sessions.judgement import Policy, Session, Verdict, advance, judge
from identra.sessions.token import RefreshToken, prove, read, write
from identra.tokens import Subject
from identra.values import SECOND, Peer, Token, TokenPair, plain

if TYPE_CHECKING:
    from identra.db import Database, Statement
    from identra.events import Events
    from identra.keys import Keys, RingSecret, SigningKey
    from identra.tokens import Tokens

TURNS: Final = 3
AGENT_LENGTH: Final = 255


@dataclass(frozen=True, slots=True)
class Origin:
    """How a session comes to be: whose, when proved (µs), by which methods and provider."""

    user_id: str
    auth_time: int
    amr: tuple[str, ...]
    idp: str


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that a transaction opened; its pair is minted after the commit."""

    session_id: str
    seed: str = field(repr=False)
    origin: Origin
    ends_at: int
    signer: SigningKey
    secret: RingSecret


@dataclass(frozen=True, slots=True)
class Refreshed:
    """The outcome of a refresh, and the user it was for."""

    pair: TokenPair
    user_id: str


@dataclass(frozen=True, slots=True)
class _Recognised:
    """A refresh token whose MAC is right, the row of its session, the secret that proved it."""

    token: RefreshToken
    row: dict[str, Any]
    secret: RingSecret


class Sessions(Ending):
    """Opens, refreshes and revokes sessions; knows which are alive."""

    def __init__(
        self, db: Database, keys: Keys, tokens: Tokens, events: Events, policy: Policy
    ) -> None:
        super().__init__(db, events)
        self._keys = keys
        self._tokens = tokens
        self._policy = policy
        self._by_id = _select_by_id(db)
        self._advancing = _update_advancing(db)
        self._signing = _update_signing(db)

    async def open(self, origin: Origin, peer: Peer) -> Opened:
        """Insert a session; inside the transaction that admits its user."""
        now = await self._db.instant()
        t = self._db.tables.sessions
        opened = Opened(
            session_id=uuid7(),
            seed=token(),
            origin=origin,
            ends_at=now + min(self._policy.idle, self._policy.absolute),
            signer=self._keys.signer(),
            secret=self._keys.current_secret(),
        )
        row = t(
            **_columns_of(opened, peer),
            created_at=now,
            last_used_at=now,
            idle_ends_at=opened.ends_at,
            ends_at=now + self._policy.absolute,
        )
        await self._db.change(t.insert(row))
        return opened

    def pair(self, opened: Opened) -> TokenPair:
        """The first token pair of a session, after its commit."""
        subject = _subject(opened.session_id, opened.origin)
        access = self._tokens.mint(subject, opened.signer)
        refresh = write(opened.session_id, 0, opened.seed, opened.secret)
        return TokenPair(access, Token(refresh, opened.ends_at // SECOND))

    async def refresh(self, presented: str, *, idempotency_key: str | None) -> Refreshed:
        """Exchange a refresh token as DESIGN says. Raises InvalidRefreshToken."""
        key = digest("idempotency", idempotency_key) if idempotency_key else None
        for _ in range(TURNS):
            known = await self._recognise(presented)
            session, now = _session(known.row), known.row["now"]
            verdict = judge(known.token, session, now=now, policy=self._policy, key=key)
            if verdict is Verdict.advance:
                if refreshed := await self._advance(known, session, key):
                    return refreshed
            elif verdict is Verdict.repeat:
                return await self._repeat(known)
            else:
                await self._punish(known.row, verdict)
                raise InvalidRefreshToken(verdict.value)
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
        return _origin(row)

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
        access = self._tokens.mint(_subject(row["id"], _origin(row)), signer)
        refresh = write(row["id"], generation, row["seed"], known.secret)
        return Refreshed(TokenPair(access, Token(refresh, ends_at // SECOND)), row["user_id"])

    def _idle_end(self, row: dict[str, Any]) -> int:
        return int(min(row["now"] + self._policy.idle, row["ends_at"]))


def _columns_of(opened: Opened, peer: Peer) -> dict[str, Any]:
    """What the row of a session says besides its instants."""
    origin = opened.origin
    return {
        "id": opened.session_id,
        "user_id": origin.user_id,
        "auth_time": origin.auth_time,
        "amr": " ".join(origin.amr),
        "idp": origin.idp,
        "generation": 0,
        "seed": opened.seed,
        "secret_id": opened.secret.secret_id,
        "advances": "",
        "peer": peer.address or "",
        "user_agent": plain(peer.user_agent, AGENT_LENGTH),
        "signed_by": opened.signer.kid,
    }


def _select_by_id(db: Database) -> Statement:
    t = db.tables.sessions
    return db.prepare(t.select(*_columns(t), db.now().as_alias("now")).where(t.id == Param("id")))


def _update_advancing(db: Database) -> Statement:
    """Compare-and-set: of several that present one generation, one advances."""
    t = db.tables.sessions
    values: dict[Any, Any] = {
        t.generation: Param("successor"),
        t.advances: Param("advances"),
        t.last_used_at: Param("now"),
        t.idle_ends_at: Param("idle_ends_at"),
        t.spent_with: Param("spent_with"),
        t.signed_by: Param("signed_by"),
    }
    current = (t.id == Param("id")) & (t.generation == Param("generation"))
    return db.prepare(t.update(values).where(current & t.revoked_at.is_null()))


def _update_signing(db: Database) -> Statement:
    t = db.tables.sessions
    return db.prepare(t.update({t.signed_by: Param("signed_by")}).where(t.id == Param("id")))


def _columns(t: Any) -> tuple[Any, ...]:
    return (
        t.id,
        t.user_id,
        t.auth_time,
        t.amr,
        t.idp,
        t.generation,
        t.seed,
        t.secret_id,
        t.advances,
        t.idle_ends_at,
        t.ends_at,
        t.revoked_at,
        t.spent_with,
        t.signed_by,
    )


def _session(row: dict[str, Any]) -> Session:
    return Session(
        generation=row["generation"],
        advances=tuple(map(int, row["advances"].split())),
        spent_with=row["spent_with"],
        idle_ends_at=row["idle_ends_at"],
        ends_at=row["ends_at"],
        revoked=row["revoked_at"] is not None,
    )


def _origin(row: dict[str, Any]) -> Origin:
    return Origin(row["user_id"], row["auth_time"], tuple(row["amr"].split()), row["idp"])


def _subject(session_id: str, origin: Origin) -> Subject:
    return Subject(origin.user_id, session_id, origin.auth_time // SECOND, origin.amr, origin.idp)
