"""Methods by which operators find, make, mend, shut out and let in."""

from __future__ import annotations

import asyncio
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from identra import clearance
from identra.dossier import written
from identra.errors import InvalidArgument, NotFound
from identra.grpc.admin.asked import Errand, limit_of, seconds
from identra.grpc.identra.admin.v1 import admin_pb2 as v1
from identra.grpc.messages import said
from identra.locales import spoken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from identra.app import App
    from identra.users import User


async def list_users(app: App, _by: str, request: v1.ListUsersRequest) -> v1.ListUsersResponse:
    """A page of users."""
    page = await app.office.list(
        limit=limit_of(request),
        after=request.after,
        email=said(request, "email"),
        prefix=said(request, "prefix"),
    )
    users = [v1.User(**_short(user)) for user in page.users]
    return v1.ListUsersResponse(users=users, next=page.next or None)


async def get_user(app: App, _by: str, request: v1.GetUserRequest) -> v1.GetUserResponse:
    """One user."""
    office = app.office
    user = await office.show(_named(request))
    return _whole(user, await office.leaves_at(user.user_id))


async def export_user(app: App, by: str, request: v1.ExportUserRequest) -> v1.ExportUserResponse:
    """All that is held about a user."""
    document = await app.office.export(_named(request), by=by)
    return v1.ExportUserResponse(document=await asyncio.to_thread(written, document))


async def create_user(app: App, by: str, request: v1.CreateUserRequest) -> v1.CreateUserResponse:
    """A new user."""
    made = await app.office.create(
        request.email, said(request, "password"), proved=request.proved, by=by
    )
    return v1.CreateUserResponse(user_id=made)


async def invite_user(app: App, by: str, request: v1.InviteUserRequest) -> v1.InviteUserResponse:
    """A new user, who is written to."""
    locale = spoken(request.locale)
    made = await app.office.invite(request.email, by=by, locale=locale)
    return v1.InviteUserResponse(user_id=made)


async def disable_user(app: App, by: str, request: v1.DisableUserRequest) -> v1.DisableUserResponse:
    """Shut a user out."""
    changed = await app.office.disable(_named(request), request.reason, by=by)
    return v1.DisableUserResponse(changed=changed)


async def enable_user(app: App, by: str, request: v1.EnableUserRequest) -> v1.EnableUserResponse:
    """Let a user in again."""
    return v1.EnableUserResponse(changed=await app.office.enable(_named(request), by=by))


async def end_sessions(app: App, by: str, request: v1.EndSessionsRequest) -> v1.EndSessionsResponse:
    """End a user's sessions."""
    ended = await app.office.revoke_sessions(_named(request), by=by)
    return v1.EndSessionsResponse(ended=ended)


async def require_password(
    app: App, by: str, request: v1.RequirePasswordRequest
) -> v1.RequirePasswordResponse:
    """Ask for another password."""
    required = await app.office.require_password(_named(request), by=by)
    return v1.RequirePasswordResponse(required=required)


async def prove_address(
    app: App, by: str, request: v1.ProveAddressRequest
) -> v1.ProveAddressResponse:
    """Prove an address by hand."""
    office = app.office
    proof = await office.prove(_named(request), request.email, by=by, keep=request.keep)
    return v1.ProveAddressResponse(changed=proof is not None)


async def unlink_identity(
    app: App, by: str, request: v1.UnlinkIdentityRequest
) -> v1.UnlinkIdentityResponse:
    """Remove a user's identities at a provider."""
    await app.office.unlink(_named(request), request.provider, by=by)
    return v1.UnlinkIdentityResponse()


async def delete_user(app: App, by: str, request: v1.DeleteUserRequest) -> v1.DeleteUserResponse:
    """Delete a user."""
    grace = said(request, "grace")
    if grace not in {None, "none"}:
        raise InvalidArgument.of("grace", "is not none")
    leaves_at = await app.office.delete(_named(request), now=grace == "none", by=by)
    return v1.DeleteUserResponse(leaves_at=seconds(leaves_at))


def _proving(request: v1.CreateUserRequest) -> clearance.Act | None:
    """To say that the address is hers takes what proving it does."""
    return clearance.PROVE_ADDRESS if request.proved else None


def _named(request: Any) -> str:
    """The user's id; an address in its place would be on no record."""
    named: str = request.user_id
    if not clearance.USER_ID.fullmatch(named):
        raise NotFound("no user has such an id")
    return named


def _short(user: User) -> dict[str, Any]:
    address = user.address
    return {
        "user_id": user.user_id,
        "email": address.email if address else "",
        "email_verified": bool(address and address.proved_at is not None),
        "disabled": user.disabled,
        "created_at": seconds(user.created_at),
        "last_login_at": seconds(user.last_login_at),
    }


def _whole(user: User, leaves_at: int | None) -> v1.GetUserResponse:
    primary = user.address
    return v1.GetUserResponse(
        **_short(user),
        disabled_at=seconds(user.disabled_at),
        disabled_reason=user.disabled_reason,
        leaves_at=seconds(leaves_at),
        locale=user.locale,
        addresses=[
            v1.Address(email=a.email, verified=a.proved_at is not None, primary=a is primary)
            for a in user.addresses
        ],
        identities=[
            v1.Identity(
                provider=i.provider,
                provider_user_id=i.subject,
                username=i.username,
                linked_at=seconds(i.linked_at),
            )
            for i in user.identities
        ],
        secrets=user.secrets,
    )


ERRANDS: Final[Mapping[str, Errand]] = MappingProxyType(
    {
        "ListUsers": Errand(clearance.LIST_USERS, list_users),
        "GetUser": Errand(clearance.SHOW_USER, get_user),
        "ExportUser": Errand(clearance.EXPORT_USER, export_user),
        "CreateUser": Errand(clearance.CREATE_USER, create_user, _proving),
        "InviteUser": Errand(clearance.INVITE_USER, invite_user),
        "DisableUser": Errand(clearance.DISABLE_USER, disable_user),
        "EnableUser": Errand(clearance.ENABLE_USER, enable_user),
        "EndSessions": Errand(clearance.END_SESSIONS, end_sessions),
        "RequirePassword": Errand(clearance.REQUIRE_PASSWORD, require_password),
        "ProveAddress": Errand(clearance.PROVE_ADDRESS, prove_address),
        "UnlinkIdentity": Errand(clearance.UNLINK_IDENTITY, unlink_identity),
        "DeleteUser": Errand(clearance.DELETE_USER, delete_user),
    }
)
"""The methods about users, by their names in the .proto."""
