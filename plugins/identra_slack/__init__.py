"""Login by Slack."""

from identra.plugin import EmailTrust, OIDCProvider, hookimpl


class Slack(OIDCProvider):
    """A workspace's administrators change its members' addresses, so none is trusted."""

    name, contract = "slack", 1
    email_trust = EmailTrust.never
    issuer = "https://slack.com"
    asks_userinfo = False


@hookimpl
def providers() -> list[type[OIDCProvider]]:
    """The one provider here."""
    return [Slack]
