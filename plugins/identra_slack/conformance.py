"""What Slack says of a person, for Identra's rules to be run without it."""

from collections.abc import Mapping
from typing import Any

from identra.testing import OIDCConformance, Person


class SlackConformance(OIDCConformance):
    """From Slack's "openid.connect.token": a person of one workspace."""

    name = "slack"
    plugin = "identra_slack"

    def claims(self, person: Person) -> Mapping[str, Any]:
        """All there is to know: userinfo is not asked."""
        return {
            "sub": person.subject,
            "https://slack.com/team_id": "T0RR",
            "https://slack.com/user_id": "U0JM",
            "email": person.email,
            "email_verified": person.verified,
            "name": person.name,
            "picture": "https://secure.gravatar.com/avatar/7",
            "locale": "en-US",
        }

    def discovery(self) -> Mapping[str, Any]:
        """Where everything is."""
        return {
            "authorization_endpoint": "https://slack.com/openid/connect/authorize",
            "token_endpoint": "https://slack.com/api/openid.connect.token",
            "jwks_uri": "https://slack.com/openid/connect/keys",
            "userinfo_endpoint": "https://slack.com/api/openid.connect.userInfo",
        }
