"""Login by Google."""

from identra.plugin import EmailTrust, OIDCProvider, hookimpl


class Google(OIDCProvider):
    """Its id_token says all there is to know; the discovery spreads over four hosts."""

    name, contract = "google", 1
    email_trust = EmailTrust.claim
    issuer = "https://accounts.google.com"
    hosts = ("oauth2.googleapis.com", "www.googleapis.com", "openidconnect.googleapis.com")
    asks_userinfo = False


@hookimpl
def providers() -> list[type[OIDCProvider]]:
    """The one provider here."""
    return [Google]
