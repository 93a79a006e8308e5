"""Routes by which operators find, make, mend, shut out and let in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from identra import clearance as acts
from identra.errors import (
    Busy,
    EmailTaken,
    LastLoginMethod,
    NotFound,
    ProviderUnavailable,
    UnknownProvider,
)
from identra.http.admin.asked import let_in, operation
from identra.http.admin.told import listed, shown
from identra.http.departure import told
from identra.http.models import (
    Changed,
    Ended,
    Export,
    Going,
    Invitation,
    Made,
    NewUser,
    Now,
    Proof,
    Reason,
    Required,
    Shown,
    UserPage,
    UserQuery,
)
from identra.http.models.view import Empty
from identra.locales import spoken
from identra.values import SECOND

if TYPE_CHECKING:
    from sanic.response import HTTPResponse

    from identra.app import App
    from identra.http.call import Call


async def find(app: App, _call: Call, query: UserQuery) -> UserPage:
    """A page of users."""
    page = await app.office.list(
        limit=query.limit, after=query.after or "", email=query.email, prefix=query.prefix
    )
    return UserPage(users=[listed(user) for user in page.users], next=page.next or None)


async def show(app: App, call: Call, _query: Empty) -> Shown:
    """One user."""
    user = await app.office.show(_named(call))
    return shown(user, await app.office.leaves_at(user.user_id))


async def export(app: App, call: Call, _query: Empty) -> HTTPResponse:
    """All that is held about a user."""
    return await told(await app.office.export(_named(call), by=call.by))


async def create(app: App, call: Call, body: NewUser) -> Made:
    """A new user; to say that the address is hers takes what proving it does."""
    if body.proved:
        await let_in(app, call, acts.PROVE_ADDRESS)
    made = await app.office.create(body.email, body.password, proved=body.proved, by=call.by)
    return Made(user_id=made)


async def invite(app: App, call: Call, body: Invitation) -> Made:
    """A new user, who is written to."""
    locale = spoken(body.locale or "")
    return Made(user_id=await app.office.invite(body.email, by=call.by, locale=locale))


async def disable(app: App, call: Call, body: Reason) -> Changed:
    """Shut a user out."""
    changed = await app.office.disable(_named(call), body.reason, by=call.by)
    return Changed(changed=changed)


async def enable(app: App, call: Call, _body: Empty) -> Changed:
    """Let a user in again."""
    return Changed(changed=await app.office.enable(_named(call), by=call.by))


async def require_password(app: App, call: Call, _body: Empty) -> Required:
    """Ask for another password."""
    required = await app.office.require_password(_named(call), by=call.by)
    return Required(required=required)


async def prove(app: App, call: Call, body: Proof) -> Changed:
    """Prove an address by hand."""
    proof = await app.office.prove(_named(call), body.email, by=call.by, keep=body.keep)
    return Changed(changed=proof is not None)


async def end_sessions(app: App, call: Call, _query: Empty) -> Ended:
    """End a user's sessions."""
    return Ended(ended=await app.office.revoke_sessions(_named(call), by=call.by))


async def unlink(app: App, call: Call, _query: Empty) -> Empty:
    """Remove a user's identities at a provider."""
    await app.office.unlink(_named(call), call.match_info["provider"], by=call.by)
    return Empty()


async def delete(app: App, call: Call, query: Now) -> Going:
    """Delete a user."""
    now = query.grace == "none"
    leaves_at = await app.office.delete(_named(call), now=now, by=call.by)
    return Going(leaves_at=None if leaves_at is None else leaves_at // SECOND)


def _named(call: Call) -> str:
    """The user's id, as the path has it; an address in its place would be on no record."""
    named: str = call.match_info["user_id"]
    if not acts.USER_ID.fullmatch(named):
        raise NotFound("no user has such an id")
    return named


OPERATIONS = (
    operation(
        "GET",
        "/users",
        find,
        acts.LIST_USERS,
        "List users, or find them by their addresses",
        takes=UserQuery,
        gives=UserPage,
    ),
    operation(
        "POST",
        "/users",
        create,
        acts.CREATE_USER,
        "Make a user",
        takes=NewUser,
        gives=Made,
        fails=(EmailTaken, UnknownProvider, Busy, ProviderUnavailable),
    ),
    operation(
        "POST",
        "/invitations",
        invite,
        acts.INVITE_USER,
        "Make a user whom nobody can be but the address's owner, and write to her",
        takes=Invitation,
        gives=Made,
        fails=(EmailTaken,),
    ),
    operation(
        "GET",
        "/users/{user_id}",
        show,
        acts.SHOW_USER,
        "Show a user",
        gives=Shown,
        fails=(NotFound,),
    ),
    operation(
        "GET",
        "/users/{user_id}/export",
        export,
        acts.EXPORT_USER,
        "Tell everything that is held about a user",
        gives=Export,
        fails=(NotFound,),
    ),
    operation(
        "POST",
        "/users/{user_id}/disable",
        disable,
        acts.DISABLE_USER,
        "Shut a user out, and end her sessions",
        takes=Reason,
        gives=Changed,
        fails=(NotFound,),
    ),
    operation(
        "POST",
        "/users/{user_id}/enable",
        enable,
        acts.ENABLE_USER,
        "Let a user in again, be she about to be deleted",
        gives=Changed,
        fails=(NotFound,),
    ),
    operation(
        "POST",
        "/users/{user_id}/require-password",
        require_password,
        acts.REQUIRE_PASSWORD,
        "Have a user set another password before the one she has opens anything",
        gives=Required,
        fails=(NotFound,),
    ),
    operation(
        "POST",
        "/users/{user_id}/addresses/prove",
        prove,
        acts.PROVE_ADDRESS,
        "Have an address be a user's, and proved",
        takes=Proof,
        gives=Changed,
        fails=(EmailTaken, NotFound),
    ),
    operation(
        "DELETE",
        "/users/{user_id}/sessions",
        end_sessions,
        acts.END_SESSIONS,
        "End all of a user's sessions",
        gives=Ended,
        fails=(NotFound,),
    ),
    operation(
        "DELETE",
        "/users/{user_id}/identities/{provider}",
        unlink,
        acts.UNLINK_IDENTITY,
        "Remove a user's identities at a provider, never her last way in",
        fails=(NotFound, LastLoginMethod),
    ),
    operation(
        "DELETE",
        "/users/{user_id}",
        delete,
        acts.DELETE_USER,
        "Delete a user, with the time of grace or without",
        takes=Now,
        gives=Going,
        fails=(NotFound,),
    ),
)
