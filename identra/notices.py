"""Telling the owner of an account what happened to it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

from identra.errors import IdentraError
from identra.mail import letters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from identra.linking import Decision
    from identra.messenger import Messenger
    from identra.users import Users
    from identra.values import Assertion, Message

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
        with self._logging(user_id):
            await self._tell(decision, assertion, user_id, secret_set=secret_set)

    async def tell(self, user_id: str, letter: Callable[..., Message], **words: str) -> None:
        """Send a user this letter, to her proved address if she has one."""
        if not self._messenger.configured:
            return
        with self._logging(user_id):
            if to := await self._owner(user_id):
                self.tell_at(to, user_id, letter, **words)

    def tell_at(self, to: str, user_id: str, letter: Callable[..., Message], **words: str) -> None:
        """The same to this address, which is or was hers and proved."""
        if self._messenger.configured:
            with self._logging(user_id):
                self._messenger.post(letter(to, application=self._application, **words), user_id)

    @contextmanager
    def _logging(self, user_id: str) -> Iterator[None]:
        try:
            yield
        except IdentraError as fault:
            log.warning("notice not sent", user_id=user_id, reason=fault.reason)

    async def _tell(
        self, decision: Decision, assertion: Assertion, user_id: str, *, secret_set: bool
    ) -> None:
        if decision.lock_out == user_id and assertion.address:
            self.tell_at(assertion.address, user_id, letters.claim_dropped)
        elif secret_set:
            await self.tell(user_id, letters.password_set)
        if decision.link:
            await self.tell(user_id, letters.identity_linked, provider=assertion.provider)

    async def _owner(self, user_id: str) -> str | None:
        """The address by which a user is told: one she proved, or none."""
        user = await self._users.user(user_id)
        address = user.address if user else None
        return address.email if address and address.proved_at is not None else None
