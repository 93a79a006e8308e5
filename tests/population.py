"""A crowd of users put into a database at once, by its own SQL, as if they had come one by one.

Each has a proved address, a password, two sessions of which one is over, an event, a spent
challenge and an allowance; every third has an identity at GitHub. Ids come in the order of their
making, as real ones do, addresses in none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from piccolo.querystring import QueryString

if TYPE_CHECKING:
    from identra.db import Database

MOST = 10_000_000
BATCH = 20_000
"""Users in one transaction."""

_SCATTER = 7_368_787
"""A prime: its multiples modulo ten million come in no order, and none twice."""

_DIGIT = "(" + " UNION ALL ".join(f"SELECT {digit} AS d" for digit in range(10)) + ")"
_NUMBERS = (
    "(SELECT {first} + a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d AS i"  # noqa: S608 - digits
    f" FROM {_DIGIT} a CROSS JOIN {_DIGIT} b CROSS JOIN {_DIGIT} c CROSS JOIN {_DIGIT} e"
    " CROSS JOIN (SELECT 0 AS d UNION ALL SELECT 1) f) n WHERE i < {count}"
)


def _wide(number: str) -> str:
    """SQL that writes a number with eight digits."""
    return f"SUBSTR(CAST(100000000 + {number} AS CHAR(9)), 2)"


def _id(kind: int) -> str:
    return f"{_wide('i')} || '-0000-7000-8000-00000000000{kind}'"


_USER = _id(0)
# Ten milliards more change nothing of the rest, but have PostgreSQL count in 64 bits.
_EMAIL = f"'p' || {_wide(f'((i + 10000000000) * {_SCATTER}) % {MOST}')} || '@example.com'"
_HOUR, _DAY = 3_600_000_000, 86_400_000_000
_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def _session(kind: int, ended: str) -> tuple[str, str]:
    into = (
        "sessions (id, user_id, created_at, auth_time, amr, idp, generation, seed, secret_id,"
        " advances, last_used_at, idle_ends_at, ends_at, revoked_at, peer, user_agent, signed_by)"
    )
    row = (
        f"{_id(kind)}, {_USER}, {{now}} - {_DAY}, {{now}} - {_DAY}, 'pwd', 'password', 40,"
        f" {_wide('i')} || '{'s' * 35}', '{'c' * 16}', '{' '.join(['1700000000000000'] * 16)}',"
        f" {{now}} - {_HOUR}, {{now}} + {_DAY}, {{now}} + {10 * _DAY}, {ended}, '198.51.100.7',"
        f" '{_AGENT}', 'made-in-bulk'"
    )
    return into, row


_ROWS = (
    ("users (id, created_at, last_login_at)", f"{_USER}, {{now}}, {{now}}"),
    ("emails (email, user_id, proved_at, created_at)", f"{_EMAIL}, {_USER}, {{now}}, {{now}}"),
    (
        "credentials (id, user_id, provider, hash, set_at)",
        f"{_id(1)}, {_USER}, 'password', '{{hashed}}', {{now}}",
    ),
    _session(3, "NULL"),
    _session(4, f"{{now}} - {_HOUR}"),
    ("events (id, at, name, user_id, data)", f"{_id(5)}, {{now}}, 'user.created', {_USER}, ''"),
    ("spent (id, expires_at)", f"{_id(6)}, {{now}} + {_DAY}"),
    ("state (id, value, count, expires_at)", f"{_id(7)}, '', 1, {{now}} + {_DAY}"),
    (
        "identities (id, user_id, provider, subject, username, linked_at, counts_from)",
        f"{_id(2)}, {_USER}, 'github', {_wide('i')}, 'someone', {{now}}, {{now}}",
    ),
)
_STATEMENTS = tuple(
    f"INSERT INTO identra_{into} SELECT {row} FROM {_NUMBERS}"  # noqa: S608 - our own words
    + " AND i % 3 = 0" * into.startswith("identities")
    for into, row in _ROWS
)


def email(number: int) -> str:
    """The address of one of them."""
    return f"p{number * _SCATTER % MOST:08}@example.com"


def subject(number: int) -> str:
    """What GitHub calls one of them, if her number can be divided by three."""
    return f"{number:08}"


async def gather(db: Database, count: int, hashed: str = "$none") -> None:
    """Put so many there, fewer than ten million, whose passwords have this hash."""
    now = await db.instant()
    for first in range(0, count, BATCH):
        async with db.transaction(patient=True):
            for statement in _STATEMENTS:
                said = statement.format(now=now, hashed=hashed, first=first, count=count)
                await db.change(QueryString(said))
