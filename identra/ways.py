"""Which ways lead into an account here, and that the last of them is never removed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from identra.errors import LastLoginMethod
from identra.loader import lacks

if TYPE_CHECKING:
    from identra.loader import Providers
    from identra.users import User


@dataclass(frozen=True, slots=True)
class Ways:
    """What opens accounts here and now.

    `places` are the providers whose identities do, `secrets` the kinds of secret. Where it `mails`,
    a proved address is a way in: by a mailed code, or by a new secret that one sets.
    """

    places: frozenset[str]
    secrets: frozenset[str]
    mails: bool

    def lead_to(self, user: User) -> bool:
        """Whether any of them opens this user's account."""
        proved = any(own.proved_at is not None for own in user.addresses)
        known = any(identity.provider in self.places for identity in user.identities)
        secret = bool(user.addresses) and not self.secrets.isdisjoint(user.secrets)
        return known or secret or (self.mails and proved)

    def demand(self, user: User) -> None:
        """Raise LastLoginMethod unless this user, as she would be, can still get in."""
        if not self.lead_to(user):
            raise LastLoginMethod("nothing else opens the account")


def ways_of(providers: Providers, *, mail: bool) -> Ways:
    """The ways of these providers; `mail` says whether any can leave."""
    places = {one.name for one in providers.oauths if providers.lacking(one) is None}
    channels = {one.name for one in providers.codes if not one.by_mail and lacks(one) is None}
    mailed = bool(providers.secrets) or any(one.by_mail for one in providers.codes)
    return Ways(
        places=frozenset(places | channels),
        secrets=frozenset(one.name for one in providers.secrets),
        mails=mail and mailed,
    )
