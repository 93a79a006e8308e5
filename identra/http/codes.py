"""Routes of every provider of the code kind: ask for a code, answer it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from identra import errors
from identra.http import links
from identra.http.call import bearer, peer, speaking
from identra.http.models import ChannelCode, ChannelTo, EmailCode, EmailTo, Empty, Tokens
from identra.http.operation import Act, Operation

if TYPE_CHECKING:
    from identra.app import App
    from identra.http.call import Call
    from identra.loader import Providers
    from identra.providers.code import CodeProvider

_BY_MAIL = "email"


def operations(providers: Providers) -> tuple[Operation, ...]:
    """`/NAME/code` and `/NAME/login` for each code provider.

    And `/NAME/link` where the links that it mails lead to no page of the application's.
    """
    return tuple(
        operation
        for provider in providers.codes
        for operation in (
            _begin(provider),
            _end(provider.name, provider.field),
            *([links.operation(provider.name)] if _shows_page(provider) else ()),
        )
    )


def _shows_page(provider: CodeProvider) -> bool:
    return provider.with_link and not provider.page


def _begin(provider: CodeProvider) -> Operation:
    name, by_mail = provider.name, provider.field == _BY_MAIL
    mails = "Mail a code, and a link that brings it" if provider.with_link else "Mail a code"
    return Operation(
        "POST",
        f"/{name}/code",
        _sends(name, provider.field),
        mails if by_mail else f"Send a code through {name}",
        name,
        takes=EmailTo if by_mail else ChannelTo,
        fails=(errors.MailNotConfigured if by_mail else errors.ProviderNotConfigured, *_TROUBLE),
    )


def _end(name: str, field: str) -> Operation:
    return Operation(
        "POST",
        f"/{name}/login",
        _answers(name, field),
        "Sign in with a code; the user is made on first use",
        name,
        takes=EmailCode if field == _BY_MAIL else ChannelCode,
        gives={200: Tokens},
        fails=(errors.InvalidCode, errors.InvalidToken, *_REFUSALS, *_TROUBLE),
        bearer="optional",
    )


def _sends(name: str, field: str) -> Act:
    async def send(app: App, call: Call, body: Any) -> Empty:
        html = getattr(body, "use_html", False)
        end = speaking(peer(call, app.settings), getattr(body, "locale", None))
        await app.login.begin_code(name, getattr(body, field), end, use_html=html)
        return Empty()

    return send


def _answers(name: str, field: str) -> Act:
    async def answer(app: App, call: Call, body: Any) -> Tokens:
        pair = await app.login.complete_code(
            name, getattr(body, field), body.code, peer(call, app.settings), bearer=bearer(call)
        )
        return Tokens.of(pair)

    return answer


_REFUSALS = (errors.SignUpClosed, errors.UserDisabled, errors.Denied)
_TROUBLE = (
    errors.RateLimited,
    errors.Busy,
    errors.StoreUnavailable,
    errors.ProviderUnavailable,
)
