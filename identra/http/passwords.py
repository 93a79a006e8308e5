"""Routes of every provider of the secret kind: register, sign in, change and reset."""

from __future__ import annotations

from typing import TYPE_CHECKING

from identra import errors
from identra.http.call import bearer, peer, speaking
from identra.http.models import (
    Confirmation,
    Credentials,
    Empty,
    Mailbox,
    NewPassword,
    Registrant,
    Tokens,
)
from identra.http.operation import Act, Operation, reply

if TYPE_CHECKING:
    from sanic.response import HTTPResponse

    from identra.app import App
    from identra.http.call import Call
    from identra.loader import Providers

_ACCEPTED = 202


def operations(providers: Providers) -> tuple[Operation, ...]:
    """`/NAME/register`, `/NAME/login`, `/NAME/reset` and `/me/NAME` for each secret provider."""
    makers = (_begin, _confirm, _login, _reset, _confirm_reset, _change)
    return tuple(make(provider.name) for provider in providers.secrets for make in makers)


def _begin(name: str) -> Operation:
    return Operation(
        "POST",
        f"/{name}/register",
        _registers(name),
        "Register with an address and a secret",
        name,
        takes=Registrant,
        gives={200: Tokens, _ACCEPTED: Empty},
        fails=(errors.EmailTaken, errors.MailNotConfigured, *_REFUSALS, *_TROUBLE),
    )


def _confirm(name: str) -> Operation:
    return Operation(
        "POST",
        f"/{name}/register/confirm",
        _confirms(name),
        "Finish a registration with the mailed code",
        name,
        takes=Confirmation,
        gives={200: Tokens},
        fails=(errors.InvalidCode, errors.EmailTaken, *_REFUSALS, *_TROUBLE),
    )


def _login(name: str) -> Operation:
    return Operation(
        "POST",
        f"/{name}/login",
        _signs_in(name),
        "Sign in with an address and a secret",
        name,
        takes=Credentials,
        gives={200: Tokens},
        fails=(
            errors.InvalidCredentials,
            errors.PasswordChangeRequired,
            errors.UserDisabled,
            errors.Denied,
            *_TROUBLE,
        ),
    )


def _reset(name: str) -> Operation:
    return Operation(
        "POST",
        f"/{name}/reset",
        _mails_reset(name),
        "Mail a code to set a new secret with",
        name,
        takes=Mailbox,
        fails=(errors.MailNotConfigured, *_STORES),
    )


def _confirm_reset(name: str) -> Operation:
    return Operation(
        "POST",
        f"/{name}/reset/confirm",
        _resets(name),
        "Set a new secret with the mailed code, and sign in",
        name,
        takes=Confirmation,
        gives={200: Tokens},
        fails=(errors.InvalidCode, errors.UserDisabled, errors.Denied, *_TROUBLE),
    )


def _change(name: str) -> Operation:
    return Operation(
        "POST",
        f"/me/{name}",
        _changes(name),
        "Set the caller's secret",
        name,
        takes=NewPassword,
        fails=(
            errors.MissingToken,
            errors.InvalidToken,
            errors.ReauthenticationRequired,
            errors.InvalidCredentials,
            *_TROUBLE,
        ),
        bearer="required",
    )


def _registers(name: str) -> Act:
    async def register(app: App, call: Call, body: Registrant) -> Tokens | HTTPResponse:
        end = speaking(peer(call, app.settings), body.locale)
        pair = await app.registration.begin(name, body.email, body.password, end)
        return reply(Empty(), _ACCEPTED) if pair is None else Tokens.of(pair)

    return register


def _confirms(name: str) -> Act:
    async def confirm(app: App, call: Call, body: Confirmation) -> Tokens:
        end = peer(call, app.settings)
        pair = await app.registration.confirm(name, body.email, body.code, body.password, end)
        return Tokens.of(pair)

    return confirm


def _signs_in(name: str) -> Act:
    async def sign_in(app: App, call: Call, body: Credentials) -> Tokens:
        end = peer(call, app.settings)
        return Tokens.of(await app.login.by_secret(name, body.email, body.password, end))

    return sign_in


def _mails_reset(name: str) -> Act:
    async def mail(app: App, call: Call, body: Mailbox) -> Empty:
        end = speaking(peer(call, app.settings), body.locale)
        await app.reset.begin(name, body.email, end)
        return Empty()

    return mail


def _resets(name: str) -> Act:
    async def reset(app: App, call: Call, body: Confirmation) -> Tokens:
        end = peer(call, app.settings)
        return Tokens.of(await app.reset.confirm(name, body.email, body.code, body.password, end))

    return reset


def _changes(name: str) -> Act:
    async def change(app: App, call: Call, body: NewPassword) -> Empty:
        end, token = peer(call, app.settings), bearer(call)
        await app.passwords.change(name, token, body.password, body.current_password, end)
        return Empty()

    return change


_REFUSALS = (errors.SignUpClosed, errors.UserDisabled, errors.Denied)
_STORES = (errors.RateLimited, errors.Busy, errors.StoreUnavailable)
_TROUBLE = (*_STORES, errors.ProviderUnavailable)
