"""Who may do what operators do, from outside: one short path that every door takes first.

A key, then its scope, then the record; whatever is missing ends the call there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from identra.deadline import one_deadline
from identra.errors import InsufficientScope, InvalidAdminKey, MissingAdminKey
from identra.limits import ENDED_ADMIN, FAILING_ADMIN

if TYPE_CHECKING:
    from identra.adminkeys import AdminKey, AdminKeys, Scope
    from identra.errors import IdentraError
    from identra.events import Events
    from identra.limits import Limits
    from identra.values import Clock, Peer

USER_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,36}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Act:
    """Something that operators do: its name on record, and the scope that it takes."""

    name: str
    scope: Scope


LIST_USERS: Final = Act("users.list", "users:read")
SHOW_USER: Final = Act("users.show", "users:read")
EXPORT_USER: Final = Act("users.export", "users:read")
CREATE_USER: Final = Act("users.create", "users:write")
INVITE_USER: Final = Act("users.invite", "users:write")
DISABLE_USER: Final = Act("users.disable", "users:write")
ENABLE_USER: Final = Act("users.enable", "users:write")
END_SESSIONS: Final = Act("users.end_sessions", "users:write")
REQUIRE_PASSWORD: Final = Act("users.require_password", "users:write")
PROVE_ADDRESS: Final = Act("users.prove_address", "users:prove")
"""Whoever says whose an address is can come into any account: a scope by itself."""
UNLINK_IDENTITY: Final = Act("users.unlink", "users:write")
DELETE_USER: Final = Act("users.delete", "users:delete")
SHOW_LIMITS: Final = Act("limits.show", "limits:read")
RELEASE_LIMITS: Final = Act("limits.release", "limits:write")
LIST_PROVIDERS: Final = Act("providers.list", "providers:read")
LIST_KEYS: Final = Act("keys.list", "keys:read")
READ_EVENTS: Final = Act("events.read", "events:read")


class Clearance:
    """Asks every caller for her key, and keeps on record what she did with it."""

    def __init__(self, keys: AdminKeys, limits: Limits, events: Events, clock: Clock) -> None:
        self._keys = keys
        self._limits = limits
        self._events = events
        self._clock = clock

    @one_deadline
    async def clear(
        self, written: str | None, act: Act, peer: Peer, *, user_id: str | None = None
    ) -> AdminKey:
        """The key of a caller who may do this; the call is on record before anything is done.

        `written` is the bearer's text, `user_id` whom the act is about, where that is one user.
        Raises MissingAdminKey, InvalidAdminKey, RateLimited, InsufficientScope, StoreUnavailable:
        what can't be on record is not done. That a key lacks the scope is on record, and so, within
        its allowance, is that it is over: anybody may have found it.
        """
        key = await self._identify(written, peer)
        refusal = judge(key, act, self._clock())
        if isinstance(refusal, InvalidAdminKey):
            await self._limits.spend_key(ENDED_ADMIN, key.key_id, peer)
        await self._record(key, act, peer, user_id, refusal)
        if refusal:
            raise refusal
        await self._keys.used(key)
        return key

    async def _identify(self, written: str | None, peer: Peer) -> AdminKey:
        """Judge first and count then: past the allowance a right key is told like a wrong one."""
        if written is None:
            raise MissingAdminKey("no bearer")
        key = await self._keys.find(written)
        if key is None:
            await self._limits.spend_peer(FAILING_ADMIN, peer)
            raise InvalidAdminKey("no such admin key")
        await self._limits.heed_peer(FAILING_ADMIN, peer)
        return key

    async def _record(
        self, key: AdminKey, act: Act, peer: Peer, user_id: str | None, refusal: IdentraError | None
    ) -> None:
        # What is no id at all names nobody, and would not fit.
        target = user_id if user_id and USER_ID.fullmatch(user_id) else None
        await self._events.record(
            "admin.called",
            user_id=target,
            peer=peer,
            key=key.key_id,
            key_name=key.name,
            act=act.name,
            refused=refusal.reason if refusal else "",
        )


def judge(key: AdminKey, act: Act, now: int) -> InsufficientScope | InvalidAdminKey | None:
    """Why this key may not do this now; None where it may. A key that is over was no guess."""
    if not key.live(now):
        return InvalidAdminKey(f"{key.by} is over")
    if not key.may(act.scope):
        return InsufficientScope(f"{key.by} lacks {act.scope}", scope=act.scope)
    return None
