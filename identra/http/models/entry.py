"""What ways in take and give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field

from identra.http.models.view import View

if TYPE_CHECKING:
    from identra import values

AccessToken = Annotated[
    str | None,
    Field(description="The access token, for callers that can't send the Authorization header."),
]
Issuer = Annotated[
    str | None, Field(description="The `iss` of the provider's redirect (RFC 9207), if it had one.")
]
Language = Annotated[
    str | None,
    Field(description="The mail's language, such as de or zh-Hans; else Accept-Language says it."),
]
Verifier = Annotated[
    str | None, Field(description="The verifier of the code_challenge given to /oauth/url.")
]


class EmailTo(View):
    """Whom to mail a code."""

    email: str
    use_html: bool = Field(default=False, description="Add an HTML part to the mail.")
    locale: Language = None


class ChannelTo(View):
    """Where to send a code."""

    to: str


class EmailCode(View):
    """The code that came by mail."""

    email: str
    code: str


class ChannelCode(View):
    """The code that came over a channel."""

    to: str
    code: str


class Credentials(View):
    """An address and the password that goes with it."""

    email: str
    password: str = Field(json_schema_extra={"format": "password"})


class Registrant(Credentials):
    """Who registers, and in which language she is written to."""

    locale: Language = None


class Confirmation(View):
    """The mailed code, and the password to set: the one of this call counts."""

    email: str
    code: str
    password: str = Field(json_schema_extra={"format": "password"})


class EmailAlone(View):
    """An address."""

    email: str


class Mailbox(EmailAlone):
    """An address, and in which language it is written to."""

    locale: Language = None


class NewPassword(View):
    """The password to set, and the one that it was."""

    password: str = Field(json_schema_extra={"format": "password"})
    current_password: str | None = Field(
        default=None,
        description="Without it the sign-in must be of the last ten minutes.",
        json_schema_extra={"format": "password"},
    )


class UrlArguments(View):
    """How a sign-in with a provider begins."""

    provider: str
    redirect_url: str | None = Field(
        default=None, description="One of the provider's allowed ones; without it the configured."
    )
    code_challenge: str | None = Field(
        default=None,
        description="Binds the state to its asker: login and bind then demand the code_verifier.",
    )
    code_challenge_method: str | None = Field(default=None, description="S256.")


class OauthAnswer(View):
    """What the provider's redirect brought back."""

    code: str
    state: str
    code_verifier: Verifier = None
    iss: Issuer = None


class BindAnswer(OauthAnswer):
    """What the provider's redirect brought back, and whose account it is for."""

    access_token: AccessToken = None


class Bearer(View):
    """An access token in the body."""

    access_token: AccessToken = None


class RefreshToken(View):
    """A refresh token."""

    refresh_token: str


class Token(View):
    """A token and its end in Unix seconds."""

    token: str
    expires_at: int


class TokenPair(View):
    """An access token for services, a refresh token for Identra alone."""

    access_token: Token
    refresh_token: Token
    token_type: Literal["Bearer"]


class Tokens(View):
    """A pair of tokens."""

    token: TokenPair

    @classmethod
    def of(cls, pair: values.TokenPair) -> Self:
        """The view of a pair."""
        return cls(token=_pair(pair))


class Bound(Tokens):
    """A pair of tokens, and the person as the provider names her."""

    username: str
    avatar_url: str


class Welcome(Bound):
    """A pair of tokens, and the person as the provider knows her."""

    email: str = Field(description='The vouched primary address, or "".')


class Prompt(View):
    """Where to send the person, and the state to keep and compare."""

    url: str
    state: str


class ProviderStatus(View):
    """Whether a provider can be used, and why not."""

    name: str
    enabled: bool
    reason: str | None = Field(default=None, examples=["missing_client_id", "sample_credentials"])


class ProviderList(View):
    """The OAuth and OpenID Connect providers that are configured."""

    providers: list[ProviderStatus]


def _pair(pair: values.TokenPair) -> TokenPair:
    access, refresh = pair.access_token, pair.refresh_token
    return TokenPair(
        access_token=Token(token=access.token, expires_at=access.expires_at),
        refresh_token=Token(token=refresh.token, expires_at=refresh.expires_at),
        token_type="Bearer",  # noqa: S106 - the scheme's name (RFC 6750), no secret
    )
