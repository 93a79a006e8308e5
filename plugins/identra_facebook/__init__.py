"""Login by Facebook."""

from identra.plugin import EmailTrust, OAuth2Provider, OAuth2Settings, Upstream, UserInfo, hookimpl

FIELDS = "id,name,picture"


class FacebookSettings(OAuth2Settings):
    """Which version of the Graph API is asked; Facebook ends each some two years on."""

    version: str = "v23.0"


class Facebook(OAuth2Provider):
    """Facebook says of no address whether it is verified, so none is asked for."""

    name, contract = "facebook", 1
    email_trust = EmailTrust.never
    settings_model = FacebookSettings
    hosts = ("graph.facebook.com",)
    scopes = ("public_profile",)

    def __init__(self, settings: FacebookSettings) -> None:
        super().__init__(settings)
        self._graph = f"https://graph.facebook.com/{settings.version}"
        self.authorize_url = f"https://www.facebook.com/{settings.version}/dialog/oauth"
        self.token_url = f"{self._graph}/oauth/access_token"

    async def userinfo(self, upstream: Upstream, token: str) -> UserInfo:
        """The number is the person's within this application alone."""
        asked = {"fields": FIELDS}
        me = await upstream.get_json(f"{self._graph}/me", bearer=token, params=asked)
        picture = me.get("picture", {}).get("data", {}).get("url")
        return UserInfo(me["id"], username=me.get("name") or "", avatar_url=picture or "")


@hookimpl
def providers() -> list[type[OAuth2Provider]]:
    """The one provider here."""
    return [Facebook]
