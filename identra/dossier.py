"""Everything that is held about a user, in one document, without a secret or its digest."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from identra.attempts import AttemptLog
from identra.events import EventLog
from identra.values import SECOND

if TYPE_CHECKING:
    from collections.abc import Mapping

    from identra.attempts import Kept
    from identra.db import Database
    from identra.dispatches import Recorded
    from identra.sessions import Roster
    from identra.users import Departures, User, Users

MOST: Final = 10_000
"""So many events, sessions and attempts are told to the person herself: the newest."""
ALL: Final = sys.maxsize >> 32

OPERATORS: Final = frozenset({"peer", "attempt", "key", "key_name"})
"""Of a program's call about her: who called, and from where, is not about her."""
_WAY: Final = "peer"
"""The step that tells by which proxies a call came: addresses of the house, none of hers."""

Part: TypeAlias = dict[str, Any]
"""What JSON has. Instants are Unix seconds; what is absent is left out."""


class Dossier:
    """Reads it. Each call raises StoreUnavailable."""

    def __init__(self, db: Database, users: Users, roster: Roster, departures: Departures) -> None:
        self._users = users
        self._roster = roster
        self._departures = departures
        self._events = EventLog(db)
        self._attempts = AttemptLog(db)

    async def of(self, user: User, *, most: int = MOST) -> Part:
        """All about a user, by the names of its parts; of events and attempts the newest."""
        user_id = user.user_id
        holdings = await self._users.holdings(user_id)
        attempts = await self._attempts.of_user(user_id, user.known_as, limit=most)
        events = await self._events.read(user_id=user_id, since=0, kinds=(), limit=most)
        return {
            "user": _user(user, await self._departures.leaves_at(user_id)),
            "addresses": [_address(row, user) for row in holdings.addresses],
            "identities": [_identity(row) for row in holdings.identities],
            "credentials": [_part(row) for row in holdings.credentials],
            "sessions": [_session(row) for row in await self._roster.every(user_id, most)],
            # There may be thousands: others have their turn meanwhile.
            "events": await asyncio.to_thread(lambda: [_event(one) for one in events]),
            "attempts": await asyncio.to_thread(lambda: [_attempt(one) for one in attempts]),
        }


def written(document: Part) -> bytes:
    """The document as JSON, piece by piece.

    To be done in a thread: of a long history it takes a second, in which everybody else's calls go
    on. An encoder, or a model, that has all of it at once lets no other thread have its turn.
    """
    return b"{%s}" % b",".join(
        _text(name) + b":" + _pieces(value) for name, value in document.items()
    )


def _pieces(value: Any) -> bytes:
    return b"[%s]" % b",".join(map(_text, value)) if isinstance(value, list) else _text(value)


def _text(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _user(user: User, leaves_at: int | None) -> Part:
    return _part(
        {
            "user_id": user.user_id,
            "created_at": user.created_at,
            "last_login_at": user.last_login_at,
            "disabled_at": user.disabled_at,
            "disabled_reason": user.disabled_reason,
            "leaves_at": leaves_at,
            "locale": user.locale,
        }
    )


def _address(row: Mapping[str, Any], user: User) -> Part:
    primary = user.address is not None and user.address.email == row["email"]
    return _part(row) | {"primary": primary}


def _identity(row: Mapping[str, Any]) -> Part:
    part = _part(row)
    return {"provider": part.pop("provider"), "provider_user_id": part.pop("subject")} | part


def _session(row: Mapping[str, Any]) -> Part:
    told = {key: value for key, value in row.items() if value != ""}
    return _part(told) | {"amr": row["amr"].split()}


def _event(one: Recorded) -> Part:
    at = one.at // SECOND
    hidden = OPERATORS if one.name == "admin.called" else frozenset()
    told = {name: value for name, value in one.data.items() if name not in hidden}
    return {"id": one.event_id, "at": at, "name": one.name, "data": told}


def _attempt(one: Kept) -> Part:
    steps = [
        {"ms": s.ms, "name": s.name, "facts": dict(s.facts)} for s in one.steps if s.name != _WAY
    ]
    return {
        "id": one.attempt_id,
        "at": one.at // SECOND,
        "act": one.act,
        "provider": one.provider,
        "outcome": one.outcome,
        "detail": one.detail,
        "peer": one.peer,
        "request_id": one.request_id,
        "steps": steps,
    }


def _part(row: Mapping[str, Any]) -> Part:
    """A row with its instants in seconds; every number in these tables is one."""
    return {
        key: value // SECOND if isinstance(value, int) else value
        for key, value in row.items()
        if value is not None
    }
