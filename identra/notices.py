"""Telling the owner of an account what happened to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from identra.errors import IdentraError
from identra.mail import letters

if TYPE_CHECKING:
    from identra.linking import Decision
    from identra.messenger import Messenger
    from identra.users import Users
    from identra.values import Assertion

log = structlog.get_logger(__name__)


class Notices:
    """Words that follow a commit: what they tell is already true, so no failure undoes it."""

    def __init__(self, messenger: Messenger, users: Users, *, application: str) -> None:
        self._messenger = messenger
        self._users = users
        self._application = application

    async def after(
        self, decision: Decision, assertion: Assertion, user_id: str, *, secret_set: bool = False
    ) -> None:
        """Tell what a decision did, to the user's proved address, if it can leave.

        `secret_set` says that a first secret came with it: whose account it already was is told.
        """
        told = decision.tell or (secret_set and not decision.creates)
        if not told or not self._messenger.configured:
            return
        try:
            await self._tell(decision, assertion, user_id, secret_set=secret_set)
        except IdentraError as fault:
            log.warning("notice not sent", user_id=user_id, reason=fault.reason)

    async def _tell(
        self, decision: Decision, assertion: Assertion, user_id: str, *, secret_set: bool
    ) -> None:
        if decision.lock_out == user_id and assertion.address:
            dropped = letters.claim_dropped(assertion.address, application=self._application)
            self._messenger.post(dropped, user_id)
        elif secret_set and (to := await self._owner(user_id)):
            self._messenger.post(letters.password_set(to, application=self._application), user_id)
        if decision.link and (to := await self._owner(user_id)):
            linked = letters.identity_linked(
                to, provider=assertion.provider, application=self._application
            )
            self._messenger.post(linked, user_id)

    async def _owner(self, user_id: str) -> str | None:
        """The address by which a user is told: one she proved, or none."""
        user = await self._users.user(user_id)
        address = user.address if user else None
        return address.email if address and address.proved_at is not None else None
