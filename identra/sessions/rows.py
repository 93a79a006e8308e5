"""The row of a session: what is written there, and what is read of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from identra.asked import Holder
from identra.db import Param
from identra.sessions.judgement import Session
from identra.tokens import Subject
from identra.values import MINUTE, SECOND, Peer, plain

if TYPE_CHECKING:
    from identra.db import Database, Statement
    from identra.keys import RingSecret, SigningKey

AGENT_LENGTH: Final = 255
FRESH: Final = 10 * MINUTE
"""How long an authentication is young enough for what changes the ways into an account."""


@dataclass(frozen=True, slots=True)
class Origin:
    """How a session comes to be: whose, when proved (µs), by which methods and provider.

    `counts_from` is since when what it was proved by counts as proof that it is she.
    """

    user_id: str
    auth_time: int
    amr: tuple[str, ...]
    idp: str
    counts_from: int | None = None

    def fresh(self, now: int) -> bool:
        """Whether she proved who she is within the last ten minutes, by what counts."""
        return now - self.auth_time <= FRESH and (self.counts_from or 0) <= self.auth_time


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that a transaction opened; its pair is minted after the commit."""

    session_id: str
    seed: str = field(repr=False)
    origin: Origin
    ends_at: int
    signer: SigningKey
    secret: RingSecret


def columns_of(opened: Opened, peer: Peer) -> dict[str, Any]:
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
        "counts_from": origin.counts_from,
    }


def insert_opened(db: Database) -> Statement:
    """A new row, of what `columns_of` says and of its instants."""
    return db.prepare_insert(db.tables.sessions, empty=("revoked_at", "revoked_for", "spent_with"))


def select_by_id(db: Database) -> Statement:
    """A session's row, and what time it is there."""
    t = db.tables.sessions
    return db.prepare(t.select(*_columns(t), db.now().as_alias("now")).where(t.id == Param("id")))


def update_advancing(db: Database) -> Statement:
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


def update_signing(db: Database) -> Statement:
    """Note which key signed last."""
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
        t.counts_from,
    )


def session_in(row: dict[str, Any]) -> Session:
    """What the judgement needs of a row."""
    return Session(
        generation=row["generation"],
        advances=tuple(map(int, row["advances"].split())),
        spent_with=row["spent_with"],
        idle_ends_at=row["idle_ends_at"],
        ends_at=row["ends_at"],
        revoked=row["revoked_at"] is not None,
    )


def origin_in(row: dict[str, Any]) -> Origin:
    """How the session of a row came to be."""
    amr = tuple(row["amr"].split())
    return Origin(row["user_id"], row["auth_time"], amr, row["idp"], row["counts_from"])


def subject_of(session_id: str, origin: Origin) -> Subject:
    """Whom a session's tokens speak of."""
    return Subject(origin.user_id, session_id, origin.auth_time // SECOND, origin.amr, origin.idp)


def holder_of(session_id: str, origin: Origin) -> Holder:
    """Whom the tokens of a session are for."""
    subject = subject_of(session_id, origin)
    return Holder(
        user_id=subject.user_id,
        session_id=session_id,
        provider=subject.idp,
        amr=subject.amr,
        auth_time=subject.auth_time,
    )
