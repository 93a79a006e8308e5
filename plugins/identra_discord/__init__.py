"""Login by Discord."""

from identra.plugin import Address, EmailTrust, OAuth2Provider, Upstream, UserInfo, hookimpl

PICTURES = "https://cdn.discordapp.com/avatars"


class Discord(OAuth2Provider):
    """The account has one address or none, with a flag whether it is verified."""

    name, contract = "discord", 1
    email_trust = EmailTrust.per_address
    authorize_url = "https://discord.com/oauth2/authorize"
    token_url = "https://discord.com/api/oauth2/token"  # noqa: S105 - a place, no secret
    hosts = ("discord.com",)
    scopes = ("identify", "email")

    async def userinfo(self, upstream: Upstream, token: str) -> UserInfo:
        """The account's number is the subject; it comes as a string."""
        me = await upstream.get_json("https://discord.com/api/v10/users/@me", bearer=token)
        email, picture = me.get("email"), me.get("avatar")
        verified = me.get("verified") is True
        return UserInfo(
            subject=me["id"],
            username=me["username"],
            avatar_url=f"{PICTURES}/{me['id']}/{picture}.png" if picture else "",
            addresses=(Address(email, verified=verified, primary=True),) if email else (),
        )


@hookimpl
def providers() -> list[type[OAuth2Provider]]:
    """The one provider here."""
    return [Discord]
