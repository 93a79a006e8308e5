"""Telling the owner of an account, by mail, what happened to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from identra.errors import IdentraError
from identra.mail import letters

if TYPE_CHECKING:
    from identra.linking import Decision
    from identra.users import Users
    from identra.values import Assertion, Mailer

log = structlog.get_logger(__name__)


class Notices:
    """Mails that follow a commit: what they tell is already true, so no failure undoes it."""

    def __init__(self, mailer: Mailer, users: Users, *, application: str) -> None:
        self._mailer = mailer
        self._users = users
        self._application = application

    async def after(
        self, decision: Decision, assertion: Assertion, user_id: str, *, secret_set: bool = False
    ) -> None:
        """Tell what a decision did, to the user's proved address, if mail can leave.

        `secret_set` says that a first secret came with it: whose account it already was is told.
        """
        told = decision.tell or (secret_set and not decision.creates)
        if not told or not self._mailer.configured:
            return
        try:
            await self._tell(decision, assertion, user_id, secret_set=secret_set)
        except IdentraError as fault:
            log.warning("notice not sent", user_id=user_id, reason=fault.reason)

    async def _tell(
        self, decision: Decision, assertion: Assertion, user_id: str, *, secret_set: bool
    ) -> None:
        if decision.lock_out == user_id and assertion.address:
            self._mailer.post(
                letters.claim_dropped(assertion.address, application=self._application)
            )
        elif secret_set and (to := await self._owner(user_id)):
            self._mailer.post(letters.password_set(to, application=self._application))
        if decision.link and (to := await self._owner(user_id)):
            self._mailer.post(
                letters.identity_linked(
                    to, provider=assertion.provider, application=self._application
                )
            )

    async def _owner(self, user_id: str) -> str | None:
        """The address by which a user is told: one she proved, or none."""
        user = await self._users.user(user_id)
        address = user.address if user else None
        return address.email if address and address.proved_at is not None else None
