"""Login by X, which was Twitter; a provider's name has two letters or more."""

from identra.plugin import EmailTrust, OAuth2Provider, Upstream, UserInfo, hookimpl


class Twitter(OAuth2Provider):
    """It is asked for no address: that takes a permission of its own."""

    name, contract = "twitter", 1
    email_trust = EmailTrust.never
    authorize_url = "https://x.com/i/oauth2/authorize"
    token_url = "https://api.x.com/2/oauth2/token"  # noqa: S105 - a place, no secret
    hosts = ("api.x.com",)
    scopes = ("users.read", "tweet.read")
    client_auth = "basic"

    async def userinfo(self, upstream: Upstream, token: str) -> UserInfo:
        """The account's number is the subject; it comes as a string."""
        asked = {"user.fields": "profile_image_url"}
        answer = await upstream.get_json("https://api.x.com/2/users/me", bearer=token, params=asked)
        me = answer["data"]
        return UserInfo(
            subject=me["id"],
            username=me["username"],
            avatar_url=me.get("profile_image_url") or "",
        )


@hookimpl
def providers() -> list[type[OAuth2Provider]]:
    """The one provider here."""
    return [Twitter]
