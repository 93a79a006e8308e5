"""Routes that every OAuth 2.0 and OpenID Connect provider shares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from identra import errors
from identra.http.call import bearer, peer
from identra.http.models import (
    BindAnswer,
    Bound,
    Empty,
    OauthAnswer,
    Prompt,
    ProviderList,
    ProviderStatus,
    Tokens,
    UrlArguments,
    Welcome,
)
from identra.http.operation import CACHE_FOR_FIVE_MINUTES, Operation
from identra.roundtrip import Departure, Return

if TYPE_CHECKING:
    from identra.app import App
    from identra.http.call import Call


async def providers(app: App, _call: Call, _query: Empty) -> ProviderList:
    """Which providers can be used, and why another can't."""
    statuses = app.providers.statuses()
    return ProviderList(
        providers=[
            ProviderStatus(name=s.name, enabled=s.enabled, reason=s.reason) for s in statuses
        ]
    )


async def url(app: App, call: Call, query: UrlArguments) -> Prompt:
    """Where to send the person, and the state to keep."""
    departure = Departure(
        query.provider, query.redirect_url, query.code_challenge, query.code_challenge_method
    )
    end = peer(call, app.settings)
    prompt = await app.login.begin_oauth(departure, end, bearer=bearer(call))
    return Prompt(url=prompt.url, state=prompt.state)


async def login(app: App, call: Call, body: OauthAnswer) -> Welcome:
    """Sign in with what the provider's redirect brought."""
    welcome = await app.login.complete_oauth(_return(body), peer(call, app.settings))
    return Welcome(
        token=Tokens.of(welcome.token).token,
        username=welcome.username,
        avatar_url=welcome.avatar_url,
        email=welcome.email,
    )


async def bind(app: App, call: Call, body: BindAnswer) -> Bound:
    """Bind what the provider's redirect brought to the caller's account."""
    token = bearer(call, body.access_token)
    bound = await app.binding.bind(token, _return(body), peer(call, app.settings))
    return Bound(
        token=Tokens.of(bound.token).token, username=bound.username, avatar_url=bound.avatar_url
    )


def _return(body: OauthAnswer) -> Return:
    return Return(body.code, body.state, body.code_verifier, body.iss)


_TROUBLE = (errors.RateLimited, errors.StoreUnavailable)
_ANSWERS = (
    errors.InvalidState,
    errors.ProviderNotConfigured,
    errors.ProviderRefused,
    errors.ProviderUnavailable,
    errors.UserDisabled,
    errors.Denied,
    *_TROUBLE,
)

OPERATIONS = (
    Operation(
        "GET",
        "/oauth/providers",
        providers,
        "List the providers to sign in with",
        "oauth",
        gives={200: ProviderList},
        fails=(errors.RateLimited,),
        caching=CACHE_FOR_FIVE_MINUTES,
    ),
    Operation(
        "GET",
        "/oauth/url",
        url,
        "Begin a sign-in with a provider",
        "oauth",
        takes=UrlArguments,
        gives={200: Prompt},
        fails=(
            errors.UnknownProvider,
            errors.ProviderNotConfigured,
            errors.RedirectNotAllowed,
            errors.ProviderUnavailable,
            errors.InvalidToken,
            errors.ReauthenticationRequired,
            *_TROUBLE,
        ),
        bearer="optional",
    ),
    Operation(
        "POST",
        "/oauth/login",
        login,
        "Sign in with a provider; the user is made on first use",
        "oauth",
        takes=OauthAnswer,
        gives={200: Welcome},
        fails=(errors.SignUpClosed, *_ANSWERS),
    ),
    Operation(
        "POST",
        "/oauth/bind",
        bind,
        "Bind a provider's identity to the caller's account",
        "oauth",
        takes=BindAnswer,
        gives={200: Bound},
        fails=(
            errors.MissingToken,
            errors.InvalidToken,
            errors.ReauthenticationRequired,
            errors.IdentityTaken,
            *_ANSWERS,
        ),
        bearer="required",
    ),
)
