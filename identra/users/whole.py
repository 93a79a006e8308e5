"""A user with what is hers, in one statement: each part a few rows of one union."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from piccolo.querystring import QueryString

from identra.db import Param
from identra.linking import Candidate, Known
from identra.locales import stored
from identra.users.nouns import Identity, InSession, OwnAddress, User

if TYPE_CHECKING:
    from collections.abc import Sequence

    from identra.db import Database, Statement
    from identra.users.nouns import Credential

_WHOLE: Final = """
SELECT 'user' AS part, disabled_reason AS a, primary_email AS b, locale AS c,
       created_at AS x, last_login_at AS y, disabled_at AS z
  FROM identra_users WHERE id = {}
UNION ALL
SELECT 'address', email, '', '', created_at, proved_at, 0
  FROM identra_emails WHERE user_id = {}
UNION ALL
SELECT 'identity', provider, subject, username, linked_at, 0, 0
  FROM identra_identities WHERE user_id = {}
UNION ALL
SELECT 'secret', provider, '', '', set_at, 0, 0
  FROM identra_credentials WHERE user_id = {}
"""
_MANY: Final = """
SELECT id AS owner, 'user' AS part, disabled_reason AS a, primary_email AS b, locale AS c,
       created_at AS x, last_login_at AS y, disabled_at AS z
  FROM identra_users WHERE id IN ({these})
UNION ALL
SELECT user_id, 'address', email, '', '', created_at, proved_at, 0
  FROM identra_emails WHERE user_id IN ({these})
UNION ALL
SELECT user_id, 'identity', provider, subject, username, linked_at, 0, 0
  FROM identra_identities WHERE user_id IN ({these})
UNION ALL
SELECT user_id, 'secret', provider, '', '', set_at, 0, 0
  FROM identra_credentials WHERE user_id IN ({these})
"""
_SESSION: Final = """
UNION ALL
SELECT 'session', '', '', '', idle_ends_at - {}, ends_at - {}, revoked_at
  FROM identra_sessions WHERE id = {} AND user_id = {}
"""
_STANDING: Final = """
SELECT 'user' AS part, disabled_at AS x FROM identra_users WHERE id = {}
UNION ALL
SELECT 'proof', proved_at FROM identra_emails WHERE user_id = {} AND proved_at IS NOT NULL
UNION ALL
SELECT 'proof', linked_at FROM identra_identities WHERE user_id = {}
"""
_KEPT: Final = """
UNION ALL
SELECT 'secret', set_at FROM identra_credentials WHERE user_id = {} AND provider = {}
UNION ALL
SELECT 'now', {}
"""
"""What a part has no column for is '' or 0: every database finds the same types for the union."""
_MANY_PARTS: Final = _MANY.count("{these}")


def select_whole(db: Database) -> Statement:
    """All rows that speak of the user `user_id`."""
    hers = Param("user_id")
    return db.prepare(QueryString(_WHOLE.strip(), hers, hers, hers, hers))


def select_many(ids: Sequence[str]) -> QueryString:
    """All rows that speak of these users, each with its `owner`."""
    these = ", ".join(["{}"] * len(ids))
    return QueryString(_MANY.strip().replace("{these}", these), *(tuple(ids) * _MANY_PARTS))


def users_in(rows: Sequence[dict[str, Any]]) -> dict[str, User]:
    """The users that the rows of many speak of, by id."""
    theirs: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        theirs[row["owner"]].append(row)
    read = {user_id: user_in(user_id, hers) for user_id, hers in theirs.items()}
    return {user_id: user for user_id, user in read.items() if user}


def select_in_session(db: Database) -> Statement:
    """The same, and how long the session `session_id` of hers goes on."""
    hers, session = Param("user_id"), Param("session_id")
    now = db.now()
    query = (_WHOLE + _SESSION.lstrip()).strip()
    return db.prepare(QueryString(query, hers, hers, hers, hers, now, now, session, hers))


def select_standing(db: Database) -> Statement:
    """Whether the user `user_id` is disabled, and what she has proved."""
    hers = Param("user_id")
    return db.prepare(QueryString(_STANDING.strip(), hers, hers, hers))


def select_by_secret(db: Database) -> Statement:
    """The same, since when her secret at `provider` is hers, and what time it is there."""
    hers = Param("user_id")
    query = (_STANDING + _KEPT.lstrip()).strip()
    return db.prepare(QueryString(query, hers, hers, hers, hers, Param("provider"), db.now()))


def known_in(credential: Credential, rows: Sequence[dict[str, Any]]) -> Known:
    """The user of a credential whose secret was right, if that is still hers."""
    told = {row["part"]: row["x"] for row in rows}
    if told.get("secret") != credential.set_at:
        return Known()
    return Known(identity=candidate_in(credential.user_id, rows), at=told["now"])


def candidate_in(user_id: str, rows: Sequence[dict[str, Any]]) -> Candidate | None:
    """The user as the linking table asks for her; None where she has no row of her own."""
    own = next((row for row in rows if row["part"] == "user"), None)
    if own is None:
        return None
    return Candidate(user_id, own["x"] is not None, any(row["part"] == "proof" for row in rows))


def in_session(user_id: str, rows: Sequence[dict[str, Any]]) -> InSession:
    """The user that the rows speak of, and what is left of her session."""
    session = next((row for row in rows if row["part"] == "session"), None)
    user = user_in(user_id, [row for row in rows if row is not session])
    if session is None:
        return InSession(user, None)
    return InSession(user, min(session["x"], session["y"]) if session["z"] is None else 0)


def user_in(user_id: str, rows: Sequence[dict[str, Any]]) -> User | None:
    """The user that the rows speak of; None where she has none of her own."""
    parts: dict[str, list[dict[str, Any]]] = {"user": [], "address": [], "identity": []}
    for row in sorted(rows, key=_age):
        parts.setdefault(row["part"], []).append(row)
    if not parts["user"]:
        return None
    (own,) = parts["user"]
    return User(
        user_id=user_id,
        created_at=own["x"],
        last_login_at=own["y"],
        disabled_at=own["z"],
        disabled_reason=own["a"],
        addresses=tuple(OwnAddress(row["a"], row["y"]) for row in parts["address"]),
        identities=tuple(
            Identity(row["a"], row["b"], row["c"], row["x"]) for row in parts["identity"]
        ),
        secrets=tuple(row["a"] for row in parts.get("secret", ())),
        primary_email=own["b"],
        locale=stored(own["c"]),
    )


def _age(row: dict[str, Any]) -> int:
    return int(row["x"])
