"""Reads what is there once all is quiet, and tries what was given out."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from chaos.records import Records, Row, Tried
from machines import until
from visitor import PASSWORD

from identra.sessions import read

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from chaos.asking import Doors
    from chaos.member import Member, Person, Session
    from chaos.nodes import Nodes
    from doors import Door, Told

HANDS = 6
RECOVERED = 10.0
"""Seconds after which everything is served again once nothing fails any more."""
COUNTED = ("users", "emails", "identities", "credentials", "sessions", "events")


def records_of(nodes: Nodes, members: Sequence[Member], doors: Doors) -> Records:
    """The rows first, then what becomes of the tokens and passwords; this ends every session."""
    _wait_until_quiet(nodes, doors)
    rows = _rows(nodes)
    published = doors.rest.ask("GetJWKS", {}, {}).answer["keys"]
    sessions = [session for member in members for session in member.sessions]
    registered = [p for member in members for p in member.people if p.registered]
    with ThreadPoolExecutor(HANDS) as hands:
        tried = dict(hands.map(lambda one: _try(doors, one), sessions))
        signed_in = dict(hands.map(lambda one: _sign_in(doors, one), registered))
    return Records(
        **rows,
        tried=tried,
        signed_in=signed_in,
        published=frozenset(key["kid"] for key in published),
    )


def _wait_until_quiet(nodes: Nodes, doors: Doors) -> None:
    """Until both doors of all that answers say that they are ready, and no row changes."""
    ready = lambda: all(_is_ready(doors) for _ in range(8))  # noqa: E731
    until(ready, "readiness", RECOVERED)
    seen: list[Any] = []

    def still() -> bool:
        seen.append([nodes.rows(_counting(table)) for table in COUNTED])
        return len(seen) > 2 and seen[-1] == seen[-2] == seen[-3]

    until(still, "quiet", RECOVERED)


def _is_ready(doors: Doors) -> bool:
    answer = doors.http.get("/readyz")
    return answer.status_code == 200 and "degraded" not in answer.json()


def _counting(table: str) -> str:
    return f"SELECT COUNT(*) AS found FROM identra_{table}"  # noqa: S608 - a test's own words


def _rows(nodes: Nodes) -> dict[str, Any]:
    owners: dict[str, list[str]] = defaultdict(list)
    for row in nodes.rows("SELECT email, user_id FROM identra_emails"):
        owners[f"mail:{row['email']}"].append(row["user_id"])
    for row in nodes.rows("SELECT provider, subject, user_id FROM identra_identities"):
        owners[f"{row['provider']}:{row['subject']}"].append(row["user_id"])
    asked = "SELECT id, user_id, generation, revoked_at, revoked_for FROM identra_sessions"
    return {
        "users": frozenset(row["id"] for row in nodes.rows("SELECT id FROM identra_users")),
        "owners": {finder: tuple(users) for finder, users in owners.items()},
        "secrets": Counter(_column(nodes.rows("SELECT user_id FROM identra_credentials"))),
        "sessions": {row["id"]: _session(row) for row in nodes.rows(asked)},
        "events": _events(nodes.rows("SELECT name, data FROM identra_events")),
    }


def _session(row: dict[str, Any]) -> Row:
    revoked = row["revoked_for"] if row["revoked_at"] is not None else ""
    return Row(row["user_id"], row["generation"], revoked)


def _column(rows: Iterable[dict[str, Any]]) -> Iterable[str]:
    return (next(iter(row.values())) for row in rows)


def _events(rows: Iterable[dict[str, Any]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for row in rows:
        found[row["name"]] += int(json.loads(row["data"]).get("sessions", 1))
    return found


def _try(doors: Doors, session: Session) -> tuple[str, Tried]:
    """Its access token; then the newest refresh token that was told of, and that once more."""
    door = doors.rpc if int(session.name[-1], 16) % 2 else doors.rest
    metadata = {"x-forwarded-for": session.person.network}
    bearer = {"authorization": f"Bearer {session.access}"}
    alive = _sure(door, "GetCurrentUserLoginInfo", {}, metadata | bearer)
    shown = read(session.refresh)
    assert shown
    advanced = []
    for key in (session.key or "in the end", "once more"):
        request = {"refresh_token": session.refresh}
        told = _sure(door, "RefreshToken", request, metadata | {"idempotency-key": key})
        advanced += [shown.generation] if told.code == 0 else []
    return session.name, Tried(alive.code == 0, tuple(advanced))


def _sign_in(doors: Doors, person: Person) -> tuple[str, str]:
    body = {"email": person.mail, "password": PASSWORD}
    metadata = {"x-forwarded-for": person.network}
    told = _sure(doors.rest, "LoginByPassword", body, metadata)
    if told.code:
        return person.by_mail[0], ""
    bearer = {"authorization": f"Bearer {told.answer['token']['access_token']['token']}"}
    who = _sure(doors.rest, "GetCurrentUserLoginInfo", {}, metadata | bearer)
    return person.by_mail[0], str(who.answer.get("user_id", ""))


def _sure(door: Door, method: str, request: dict[str, Any], metadata: dict[str, str]) -> Told:
    """An answer that is one: nothing fails any more, but a queue may be full."""
    told = door.ask(method, request, metadata)
    while told.reason == "BUSY":
        told = door.ask(method, request, metadata)
    return told
