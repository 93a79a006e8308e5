"""Routes of every provider of the secret kind: register, confirm, sign in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from identra import errors
from identra.http.call import peer, speaking
from identra.http.models import Confirmation, Credentials, Empty, Registrant, Tokens
from identra.http.operation import Act, Operation, reply

if TYPE_CHECKING:
    from sanic.response import HTTPResponse

    from identra.app import App
    from identra.http.call import Call
    from identra.loader import Providers

_ACCEPTED = 202


def operations(providers: Providers) -> tuple[Operation, ...]:
    """`/NAME/register`, `/NAME/register/confirm` and `/NAME/login` for each secret provider."""
    return tuple(
        operation
        for provider in providers.secrets
        for operation in (_begin(provider.name), _confirm(provider.name), _login(provider.name))
    )


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
        fails=(errors.InvalidCredentials, *_REFUSALS, *_TROUBLE),
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


_REFUSALS = (errors.SignUpClosed, errors.UserDisabled, errors.Denied)
_TROUBLE = (
    errors.RateLimited,
    errors.Busy,
    errors.StoreUnavailable,
    errors.ProviderUnavailable,
)
