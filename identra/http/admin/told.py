"""A user, as operators are told of her."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from identra.http.me import addresses_of
from identra.http.models import Listed, OwnIdentity, Shown
from identra.values import SECOND

if TYPE_CHECKING:
    from identra.users import User


def listed(user: User) -> Listed:
    """The user among others."""
    return Listed(**_short(user))


def shown(user: User, leaves_at: int | None) -> Shown:
    """The user with what is hers; `leaves_at` is in microseconds."""
    return Shown(
        **_short(user),
        disabled_at=_seconds(user.disabled_at),
        disabled_reason=user.disabled_reason,
        leaves_at=_seconds(leaves_at),
        locale=user.locale,
        addresses=addresses_of(user),
        identities=[
            OwnIdentity(
                provider=one.provider,
                provider_user_id=one.subject,
                username=one.username,
                linked_at=one.linked_at // SECOND,
            )
            for one in user.identities
        ],
        secrets=list(user.secrets),
    )


def _short(user: User) -> dict[str, Any]:
    address = user.address
    return {
        "user_id": user.user_id,
        "email": address.email if address else "",
        "email_verified": bool(address and address.proved_at is not None),
        "disabled": user.disabled,
        "created_at": user.created_at // SECOND,
        "last_login_at": _seconds(user.last_login_at),
    }


def _seconds(instant: int | None) -> int | None:
    return None if instant is None else instant // SECOND
