"""Telling the owner of an account, by mail, what happened to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from identra.errors import IdentraError
from identra.mail import letters

if TYPE_CHECKING:
    from identra.linking import Decision
    from identra.users import Users
    from identra.values import Assertion, Mailer, Message

log = structlog.get_logger(__name__)


class Notices:
    """Mails that follow a commit: what they tell is already true, so no failure undoes it."""

    def __init__(self, mailer: Mailer, users: Users, *, application: str) -> None:
        self._mailer = mailer
        self._users = users
        self._application = application

    async def after(self, decision: Decision, assertion: Assertion, user_id: str) -> None:
        """Tell what a decision did, to the user's proved address, if mail can leave."""
        if not decision.tell or not self._mailer.configured:
            return
        try:
            await self._tell(decision, assertion, user_id)
        except IdentraError as fault:
            log.warning("notice not sent", user_id=user_id, reason=fault.reason)

    async def _tell(self, decision: Decision, assertion: Assertion, user_id: str) -> None:
        if decision.lock_out == user_id and assertion.address:
            self._mailer.post(
                letters.claim_dropped(assertion.address, application=self._application)
            )
        if decision.link:
            await self._tell_owner(user_id, assertion.provider)

    async def _tell_owner(self, user_id: str, provider: str) -> None:
        user = await self._users.user(user_id)
        address = user.address if user else None
        if address and address.proved_at is not None:
            self._mailer.post(self._linked(address.email, provider))

    def _linked(self, to: str, provider: str) -> Message:
        return letters.identity_linked(to, provider=provider, application=self._application)
