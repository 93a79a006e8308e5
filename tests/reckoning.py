"""What a crowd was told, held against what the service does and has on record afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import spoken
from crowd import subject
from visitor import PASSWORD, bearer, token_of

if TYPE_CHECKING:
    import httpx
    from crowd import Crowd, Ledger, Session
    from town import Town


def check(town: Town, crowd: Crowd) -> None:
    """Nothing acknowledged is lost, and what was not acknowledged is there wholly or not at all."""
    with spoken.client(town.service.url) as http:
        for member in crowd.members:
            _check_users(member.ledger, http)
            for session in member.ledger.sessions:
                _check_session(session, http)
    _check_rows(town, crowd)


def _check_users(ledger: Ledger, http: httpx.Client) -> None:
    """Who was told she is registered signs in, as the user she was told she is."""
    for email, user in ledger.users.items():
        answer = http.post("/password/login", json={"email": email, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        assert subject(answer.json()["token"]) == user


def _check_session(session: Session, http: httpx.Client) -> None:
    """The last refresh token told of is the current one; what was revoked stays so."""
    token = token_of(session.pair)
    if session.revoked is None:
        assert http.post("/token/revoke", json=token).status_code == 200
    told = http.post("/me/login-info", json={}, headers=bearer(session.pair))
    headers = {"Idempotency-Key": session.key} if session.key else {}
    answer = http.post("/token/refresh", json=token, headers=headers)
    expected = 200 if session.revoked is False else 401
    assert (told.status_code, answer.status_code) == (expected, expected), session
    if session.revoked is False:
        assert told.json()["user_id"] == subject(session.pair)


def _check_rows(town: Town, crowd: Crowd) -> None:
    """No user twice, none in halves, and each fact on record as often as it happened."""
    ledgers = [member.ledger for member in crowd.members]
    registered = sum(len(ledger.users) + len(ledger.coded) for ledger in ledgers)
    unsure = sum(len(ledger.unsure) for ledger in ledgers)
    users = town.count("users")
    assert registered <= users <= registered + unsure
    assert town.count("emails") == users
    passwords = sum(len(ledger.users) for ledger in ledgers)
    assert passwords <= town.count("credentials") <= passwords + unsure
    for table in ("emails", "credentials", "sessions"):
        assert town.count(table, "user_id NOT IN (SELECT id FROM identra_users)") == 0, table
    unproved = "proved_at IS NULL AND user_id NOT IN (SELECT user_id FROM identra_credentials)"
    assert town.count("emails", unproved) == 0, "an address that leads to nobody"
    recorded = {
        "user.created": users,
        "login.succeeded": town.count("sessions"),
        "session.revoked": town.count("sessions", "revoked_at IS NOT NULL"),
        "session.theft": 0,
    }
    for name, happened in recorded.items():
        assert town.count("events", "name = {}", name) == happened, name
