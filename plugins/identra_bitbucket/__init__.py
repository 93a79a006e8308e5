"""Login by Bitbucket Cloud."""

from identra.plugin import Address, EmailTrust, OAuth2Provider, Upstream, UserInfo, hookimpl

API = "https://api.bitbucket.org/2.0"


class Bitbucket(OAuth2Provider):
    """Addresses come from `/user/emails`, each with Bitbucket's own flags."""

    name, contract = "bitbucket", 1
    email_trust = EmailTrust.per_address
    authorize_url = "https://bitbucket.org/site/oauth2/authorize"
    token_url = "https://bitbucket.org/site/oauth2/access_token"  # noqa: S105 - a place, no secret
    hosts = ("bitbucket.org", "api.bitbucket.org")
    scopes = ("account", "email")
    client_auth = "basic"

    async def userinfo(self, upstream: Upstream, token: str) -> UserInfo:
        """The account's UUID is the subject."""
        user = await upstream.get_json(f"{API}/user", bearer=token)
        emails = await upstream.get_json(f"{API}/user/emails", bearer=token)
        return UserInfo(
            subject=user["uuid"],
            username=user.get("display_name") or "",
            avatar_url=user["links"]["avatar"].get("href") or "",
            addresses=tuple(
                Address(
                    one["email"],
                    verified=one["is_confirmed"] is True,
                    primary=one["is_primary"] is True,
                )
                for one in emails["values"]
            ),
        )


@hookimpl
def providers() -> list[type[OAuth2Provider]]:
    """The one provider here."""
    return [Bitbucket]
