"""Login by Apple, whose client secret is minted anew for every sign-in."""

from typing import Any

from pydantic import SecretStr

from identra.plugin import (
    EmailTrust,
    OAuth2Settings,
    OIDCProvider,
    UserInfo,
    hookimpl,
    sign_es256,
)

LASTS = 300


class AppleSettings(OAuth2Settings):
    """`client_id` is the Services ID; the key is the .p8 file that Apple gave out once."""

    team_id: str = ""
    key_id: str = ""
    private_key: SecretStr = SecretStr("")


class Apple(OIDCProvider):
    """It posts the answer to the client's redirect URL, as it does whenever it is asked more."""

    name, contract = "apple", 1
    email_trust = EmailTrust.claim
    settings_model = AppleSettings
    settings: AppleSettings
    needs = ("client_id", "team_id", "key_id", "private_key", "redirect_url")
    issuer = "https://appleid.apple.com"
    scopes = ("openid", "email", "name")
    authorize_parameters = {"response_mode": "form_post"}  # noqa: RUF012 - never changed
    client_auth = "post"

    def client_secret(self, now: int) -> str:
        """A token of five minutes, signed with the team's key."""
        said = self.settings
        claims = {
            "iss": said.team_id,
            "iat": now,
            "exp": now + LASTS,
            "aud": self.issuer,
            "sub": said.client_id,
        }
        return sign_es256(said.private_key.get_secret_value(), said.key_id, claims)

    def read(self, claims: dict[str, Any]) -> UserInfo:
        """Apple writes `email_verified` as a boolean or as a string."""
        said = claims.get("email_verified")
        return super().read({**claims, "email_verified": said is True or said == "true"})


@hookimpl
def providers() -> list[type[OIDCProvider]]:
    """The one provider here."""
    return [Apple]
