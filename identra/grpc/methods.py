"""What each method does: parse, call the hall as REST does, render."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from identra.errors import NotFound
from identra.grpc.identra.v1 import identra_pb2 as v1
from identra.grpc.messages import said
from identra.roundtrip import Departure, Return

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from google.protobuf.message import Message

    from identra import values
    from identra.app import App
    from identra.grpc.call import Call
    from identra.loader import Providers

Act: TypeAlias = "Callable[[App, Call, Any], Awaitable[Message]]"
"""What a method does: the hall, the call, its message; the answer's message."""

EMAIL, PASSWORD = "email", "password"
"""The providers that the methods of the same name are of."""


async def get_jwks(app: App, call: Call, _: v1.GetJWKSRequest) -> v1.GetJWKSResponse:
    """The keys that verify access tokens; how long they may be kept goes beside them."""
    published = app.keys.published()
    call.headers["etag"] = published.etag
    call.headers["cache-control"] = f"public, max-age={app.settings.keys.jwks_max_age}"
    keys = json.loads(published.body)["keys"]
    return v1.GetJWKSResponse(keys=[v1.JSONWebKey(**key) for key in keys])


async def get_oauth_authorization_url(
    app: App, call: Call, request: v1.GetOAuthAuthorizationURLRequest
) -> v1.GetOAuthAuthorizationURLResponse:
    """Where to send the person, and the state to keep."""
    departure = Departure(
        request.provider,
        said(request, "redirect_url"),
        said(request, "code_challenge"),
        said(request, "code_challenge_method"),
    )
    prompt = await app.login.begin_oauth(departure, call.peer(), bearer=call.bearer())
    return v1.GetOAuthAuthorizationURLResponse(url=prompt.url, state=prompt.state)


async def login_by_oauth(
    app: App, call: Call, request: v1.LoginByOAuthRequest
) -> v1.LoginByOAuthResponse:
    """Sign in with what the provider's redirect brought."""
    welcome = await app.login.complete_oauth(_return(request), call.peer())
    return v1.LoginByOAuthResponse(
        token=pair_of(welcome.token),
        username=welcome.username,
        avatar_url=welcome.avatar_url,
        email=welcome.email,
    )


async def bind_user_by_oauth(
    app: App, call: Call, request: v1.BindUserByOAuthRequest
) -> v1.BindUserByOAuthResponse:
    """Bind what the provider's redirect brought to the caller's account."""
    token = call.bearer(request.access_token)
    bound = await app.binding.bind(token, _return(request), call.peer())
    return v1.BindUserByOAuthResponse(
        token=pair_of(bound.token), username=bound.username, avatar_url=bound.avatar_url
    )


async def send_login_email_code(
    app: App, call: Call, request: v1.SendLoginEmailCodeRequest
) -> v1.SendLoginEmailCodeResponse:
    """Mail a code."""
    await app.login.begin_code(EMAIL, request.email, call.peer(), use_html=request.use_html)
    return v1.SendLoginEmailCodeResponse()


async def login_by_email_code(
    app: App, call: Call, request: v1.LoginByEmailCodeRequest
) -> v1.LoginByEmailCodeResponse:
    """Sign in with a mailed code."""
    pair = await app.login.complete_code(
        EMAIL, request.email, request.code, call.peer(), bearer=call.bearer()
    )
    return v1.LoginByEmailCodeResponse(token=pair_of(pair))


async def register_by_password(
    app: App, call: Call, request: v1.RegisterByPasswordRequest
) -> v1.RegisterByPasswordResponse:
    """Begin a registration; the token is unset where a mailed code has to come back first."""
    pair = await app.registration.begin(PASSWORD, request.email, request.password, call.peer())
    return v1.RegisterByPasswordResponse(token=None if pair is None else pair_of(pair))


async def confirm_password_registration(
    app: App, call: Call, request: v1.ConfirmPasswordRegistrationRequest
) -> v1.ConfirmPasswordRegistrationResponse:
    """Finish a registration with the mailed code."""
    pair = await app.registration.confirm(
        PASSWORD, request.email, request.code, request.password, call.peer()
    )
    return v1.ConfirmPasswordRegistrationResponse(token=pair_of(pair))


async def login_by_password(
    app: App, call: Call, request: v1.LoginByPasswordRequest
) -> v1.LoginByPasswordResponse:
    """Sign in with an address and a password."""
    pair = await app.login.by_secret(PASSWORD, request.email, request.password, call.peer())
    return v1.LoginByPasswordResponse(token=pair_of(pair))


async def refresh_token(
    app: App, call: Call, request: v1.RefreshTokenRequest
) -> v1.RefreshTokenResponse:
    """Exchange a refresh token for its successor."""
    key = call.said("idempotency-key")
    pair = await app.refresh.exchange(request.refresh_token, idempotency_key=key)
    return v1.RefreshTokenResponse(token=pair_of(pair))


async def revoke_refresh_token(
    app: App, _: Call, request: v1.RevokeRefreshTokenRequest
) -> v1.RevokeRefreshTokenResponse:
    """End the session of a refresh token; an unknown one is no error (RFC 7009, 2.2)."""
    await app.refresh.revoke(request.refresh_token)
    return v1.RevokeRefreshTokenResponse()


async def list_oauth_providers(
    app: App, _: Call, _request: v1.ListOAuthProvidersRequest
) -> v1.ListOAuthProvidersResponse:
    """Which providers can be used, and why another can't."""
    statuses = [
        v1.OAuthProviderStatus(name=s.name, enabled=s.enabled, reason=s.reason)
        for s in app.providers.statuses()
    ]
    return v1.ListOAuthProvidersResponse(providers=statuses)


async def get_current_user_login_info(
    app: App, call: Call, request: v1.GetCurrentUserLoginInfoRequest
) -> v1.GetCurrentUserLoginInfoResponse:
    """The ways into the caller's account."""
    info = await app.account.login_info(call.bearer(request.access_token))
    return v1.GetCurrentUserLoginInfoResponse(
        user_id=info.user_id,
        email=info.email,
        github_id=info.github_id,
        password_enabled=info.password_enabled,
        oauth_connections=[
            v1.OAuthConnection(provider=c.provider, provider_user_id=c.provider_user_id)
            for c in info.connections
        ],
        email_verified=info.email_verified,
    )


def pair_of(pair: values.TokenPair) -> v1.TokenPair:
    """A pair of tokens as a message."""
    access, refresh = pair.access_token, pair.refresh_token
    return v1.TokenPair(
        access_token=v1.Token(token=access.token, expires_at=access.expires_at),
        refresh_token=v1.Token(token=refresh.token, expires_at=refresh.expires_at),
        token_type=pair.token_type,
    )


def _return(request: v1.LoginByOAuthRequest | v1.BindUserByOAuthRequest) -> Return:
    return Return(request.code, request.state, said(request, "code_verifier"), said(request, "iss"))


METHODS: Final[Mapping[str, Act]] = {
    "GetJWKS": get_jwks,
    "GetOAuthAuthorizationURL": get_oauth_authorization_url,
    "LoginByOAuth": login_by_oauth,
    "BindUserByOAuth": bind_user_by_oauth,
    "SendLoginEmailCode": send_login_email_code,
    "LoginByEmailCode": login_by_email_code,
    "RegisterByPassword": register_by_password,
    "LoginByPassword": login_by_password,
    "RefreshToken": refresh_token,
    "RevokeRefreshToken": revoke_refresh_token,
    "ListOAuthProviders": list_oauth_providers,
    "GetCurrentUserLoginInfo": get_current_user_login_info,
    "ConfirmPasswordRegistration": confirm_password_registration,
}
"""Every method of `IdentraService` by its name in the .proto."""

_OF_A_PROVIDER: Final = {
    "SendLoginEmailCode": EMAIL,
    "LoginByEmailCode": EMAIL,
    "RegisterByPassword": PASSWORD,
    "LoginByPassword": PASSWORD,
    "ConfirmPasswordRegistration": PASSWORD,
}


def served(providers: Providers) -> dict[str, Act]:
    """Every method; where its provider is off it answers as REST does, that nothing is there."""
    return {name: act if _is_on(name, providers) else _nothing for name, act in METHODS.items()}


def _is_on(method: str, providers: Providers) -> bool:
    provider = _OF_A_PROVIDER.get(method)
    return provider is None or provider in providers.on


async def _nothing(_app: App, _call: Call, _request: Message) -> Message:
    raise NotFound("the provider is off")
