"""Login by LinkedIn."""

from identra.plugin import Address, EmailTrust, OAuth2Provider, Upstream, UserInfo, hookimpl


class LinkedIn(OAuth2Provider):
    """Asked as an OAuth 2.0 place: its documentation promises no nonce in the id_token."""

    name, contract = "linkedin", 1
    email_trust = EmailTrust.claim
    authorize_url = "https://www.linkedin.com/oauth/v2/authorization"
    token_url = "https://www.linkedin.com/oauth/v2/accessToken"  # noqa: S105 - a place, no secret
    hosts = ("www.linkedin.com", "api.linkedin.com")
    scopes = ("openid", "profile", "email")

    async def userinfo(self, upstream: Upstream, token: str) -> UserInfo:
        """The member's address and its flag are left out for those who have none."""
        me = await upstream.get_json("https://api.linkedin.com/v2/userinfo", bearer=token)
        email, verified = me.get("email"), me.get("email_verified") is True
        return UserInfo(
            subject=me["sub"],
            username=me.get("name") or "",
            avatar_url=me.get("picture") or "",
            addresses=(Address(email, verified=verified, primary=True),) if email else (),
        )


@hookimpl
def providers() -> list[type[OAuth2Provider]]:
    """The one provider here."""
    return [LinkedIn]
