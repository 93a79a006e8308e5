"""Routes of the signed-in person's addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from identra import errors
from identra.http.call import bearer, peer, speaking
from identra.http.me import addresses_of
from identra.http.models import EmailAlone, EmailCode, Empty, Mailbox, OwnAddresses
from identra.http.operation import Operation

if TYPE_CHECKING:
    from identra.app import App
    from identra.http.call import Call


async def listed(app: App, call: Call, _query: Empty) -> OwnAddresses:
    """The caller's addresses."""
    profile = await app.account.profile(bearer(call))
    return OwnAddresses(addresses=addresses_of(profile.user))


async def begin(app: App, call: Call, body: Mailbox) -> Empty:
    """Mail a code to a further address."""
    end = speaking(peer(call, app.settings), body.locale)
    await app.addresses.begin(bearer(call), body.email, end)
    return Empty()


async def confirm(app: App, call: Call, body: EmailCode) -> Empty:
    """Add an address by its code."""
    end = peer(call, app.settings)
    await app.addresses.confirm(bearer(call), body.email, body.code, end)
    return Empty()


async def promote(app: App, call: Call, body: EmailAlone) -> Empty:
    """Make an address the primary one."""
    await app.addresses.promote(bearer(call), body.email, peer(call, app.settings))
    return Empty()


async def remove(app: App, call: Call, _query: Empty) -> Empty:
    """Remove an address."""
    email = _said(call.match_info["email"])
    await app.addresses.remove(bearer(call), email, peer(call, app.settings))
    return Empty()


def _said(part: str) -> str:
    """A part of a path as it was meant (RFC 3986, 2.1)."""
    try:
        return unquote(part, errors="strict")
    except UnicodeDecodeError as fault:
        raise errors.InvalidArgument.of("email", "is not readable") from fault


_KNOWN = (errors.MissingToken, errors.InvalidToken)
_STORES = (errors.RateLimited, errors.StoreUnavailable)
_YOUNG = (*_KNOWN, errors.ReauthenticationRequired)

OPERATIONS = (
    Operation(
        "GET",
        "/me/addresses",
        listed,
        "List the caller's addresses",
        "addresses",
        gives={200: OwnAddresses},
        fails=(*_KNOWN, *_STORES),
        bearer="required",
    ),
    Operation(
        "POST",
        "/me/addresses",
        begin,
        "Mail a code to a further address",
        "addresses",
        takes=Mailbox,
        fails=(*_YOUNG, errors.MailNotConfigured, errors.Busy, *_STORES),
        bearer="required",
    ),
    Operation(
        "POST",
        "/me/addresses/confirm",
        confirm,
        "Add an address by its code",
        "addresses",
        takes=EmailCode,
        fails=(*_YOUNG, errors.InvalidCode, errors.EmailTaken, *_STORES),
        bearer="required",
    ),
    Operation(
        "PUT",
        "/me/addresses/primary",
        promote,
        "Make one of the caller's addresses the primary",
        "addresses",
        takes=EmailAlone,
        fails=(*_YOUNG, errors.NotFound, *_STORES),
        bearer="required",
    ),
    Operation(
        "DELETE",
        "/me/addresses/{email}",
        remove,
        "Remove one of the caller's addresses",
        "addresses",
        fails=(*_YOUNG, errors.NotFound, errors.LastLoginMethod, *_STORES),
        bearer="required",
    ),
)
