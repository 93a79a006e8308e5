"""A try at a secret: counted before it is judged, and as much work whoever's it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from identra.errors import (
    InvalidArgument,
    InvalidCredentials,
    PasswordChangeRequired,
    StoreUnavailable,
)
from identra.hashing import Asking
from identra.limits import network_of
from identra.providers.secret import normalise
from identra.trail import about, step

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from identra.hashing import Hashing
    from identra.limits import Limits
    from identra.users import Credential
    from identra.values import Peer


class Trial:
    """The one place where a secret is held against what is kept of it."""

    def __init__(self, hashing: Hashing, limits: Limits) -> None:
        self._hashing = hashing
        self._limits = limits

    async def judge(
        self,
        subject: str,
        secret: str,
        peer: Peer,
        find: Callable[[], Awaitable[Credential | None]],
    ) -> Credential:
        """The credential that `find` gives, if the secret is right for it.

        `subject` is what the try is counted under, PROVIDER:ADDRESS. Raises InvalidCredentials
        alike for a wrong secret and for none, RateLimited, Busy.
        """
        address = subject.partition(":")[2]
        with self._hashing.place(Asking(network_of(peer), address)) as place:
            tried = await self._limits.try_secret(subject, peer)
            try:
                credential = await find()
                kept = credential.hash if credential else None
                right = await place.verify(kept, normalise(secret))
            except StoreUnavailable:
                await self._limits.was_not_judged(tried)
                raise
        _note(credential, right=right)
        if not right or credential is None:
            await self._limits.was_wrong(tried)
            raise InvalidCredentials("unknown user, wrong secret or none")
        await self._limits.was_right(tried)
        return credential

    async def demand_another(
        self, credential: Credential | None, secret: str, asking: Asking
    ) -> None:
        """Raise InvalidArgument where an operator asked for another secret, and this is that one.

        Costs a hash for such a user alone: to be asked once it is known to be her. Raises Busy.
        """
        if credential is None or credential.change_required_at is None:
            return
        with self._hashing.place(asking) as place:
            if await place.verify(credential.hash, normalise(secret)):
                raise InvalidArgument.of("password", "is the one that an operator had replaced")


def demand_no_change(credential: Credential) -> None:
    """Raise PasswordChangeRequired where an operator asked for another secret than this one."""
    if credential.change_required_at is not None:
        raise PasswordChangeRequired("an operator asked for another")


def _note(credential: Credential | None, *, right: bool) -> None:
    """Why a secret opens nothing, for whoever may know."""
    if credential is None:
        step("secret.none")
        return
    about(user_id=credential.user_id)
    step("secret.right" if right else "secret.wrong", user=credential.user_id)
